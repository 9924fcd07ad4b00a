"""Downloaded files: where they lie, and that they are what they were."""

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from lepton_rl.data.sets.catalogue import DataSet, RemoteFile
from lepton_rl.data.sets.optional import optional
from lepton_rl.data.source import DataError
from lepton_rl.files import atomic_write

__all__ = ["cache_folder", "fetch"]


def cache_folder() -> Path:
    """Where downloads are kept: ``$LEPTON_RL_DATA``, else the user's cache folder.

    Raises:
        DataError: neither the variable is set nor pooch installed.
    """
    given = os.environ.get("LEPTON_RL_DATA")
    return Path(given).expanduser() if given else Path(optional("pooch", "data").os_cache("lepton_rl"))


def fetch(entry: DataSet) -> Path:
    """The folder with the files of a data set; those that are missing or damaged are downloaded.

    Licence and citation are shown before a download. ``$LEPTON_RL_MIRROR`` (``http://host/path``) takes the place of
    the addresses: files are then asked for under ``<mirror>/<name of the set>/<name of the file>``.

    Raises:
        DataError: pooch is not installed; a download fails, is too long or has another hash than the recorded one.
    """
    folder = cache_folder() / entry.name
    try:
        recorded = _Record(folder.with_name(f"{entry.name}.sha256.json"))
        if not all((folder / file.name).exists() for file in entry.files):
            _announce(entry)
        for file in entry.files:
            known = file.sha256 or recorded.hashes.get(file.name)
            _retrieve(entry, file, folder, known)
            if known is None:
                recorded.add(file.name, folder / file.name)
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"{folder} cannot be used ({why}): make room, or set LEPTON_RL_DATA to a folder.") from None
    finally:
        with suppress(OSError):
            folder.rmdir()  # as long as it is empty
    return folder


def _announce(entry: DataSet) -> None:
    trust = "checked by SHA-256" if entry.trust == "verified" else "unverified (its SHA-256 is recorded now)"
    print(f"Downloading {entry.name}: {entry.what}\n  from     {entry.source}, {trust}\n"
          f"  licence  {entry.licence}\n  cite     {entry.citation}", file=sys.stderr)  # fmt: skip


def _address(entry: DataSet, file: RemoteFile) -> str:
    mirror = os.environ.get("LEPTON_RL_MIRROR")
    return f"{mirror.rstrip('/')}/{entry.name}/{file.name}" if mirror else file.url


def _retrieve(entry: DataSet, file: RemoteFile, folder: Path, known: str | None) -> None:
    """Have ``folder / file.name`` with the hash ``known``."""
    pooch = optional("pooch", "data")
    from lepton_rl.data.sets.transfer import Transfer  # noqa: PLC0415 - needs requests, which comes with pooch

    pooch.get_logger().setLevel("WARNING")  # it advises to note hashes, which is done here
    transfer = Transfer(folder / f"{file.name}.part", entry.limit, known is not None)
    url = _address(entry, file)
    try:
        pooch.retrieve(url, known and f"sha256:{known}", file.name, folder, downloader=transfer)
    except DataError:
        raise
    except ValueError:  # how pooch says that the hash differs; it has removed the file
        since = "this version of lepton_rl was made" if file.sha256 else "it was first downloaded"
        raise DataError(
            f"{url} is another file than when {since} (SHA-256 {known[:12] if known else ''}… expected): nothing was "
            f"kept; to use a file of your own put it into a folder and load(that folder)."
        ) from None


class _Record:
    """The hashes of the files of one set at their first download."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hashes: dict[str, str] = self._read()

    def _read(self) -> dict[str, str]:
        try:
            hashes = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            raise DataError(f"{self.path} is damaged: remove it; the files are then taken as they are.") from None
        return dict(hashes)

    def add(self, name: str, file: Path) -> None:
        """Record the hash of ``file``."""
        with open(file, "rb") as stream:
            self.hashes[name] = hashlib.file_digest(stream, "sha256").hexdigest()
        with atomic_write(self.path) as stream:
            json.dump(self.hashes, stream, indent=1)
