"""Unpacking archives that nobody vouches for."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path
from typing import IO

from lepton_rl.data.source import DataError

__all__ = ["ARCHIVES", "unpack"]

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_LIMIT = 1 << 30
_HEADER = 512  # bytes that a member counts at least, so that empty ones are not free
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError, NotImplementedError)


def unpack(archive: Path, folder: Path, limit: int = _LIMIT) -> None:
    """Write the files of a zip or tar archive below ``folder``; nothing but plain files and folders is accepted.

    Args:
        archive: known by its name (:data:`ARCHIVES`). ``folder``: must exist. ``limit``: bytes in all, unpacked.

    Raises:
        DataError: a member outside ``folder``, a link or device; more bytes than ``limit``; a damaged archive. What was
            unpacked until then is still in ``folder``.
    """
    members = _zipped if archive.name.lower().endswith(".zip") else _tarred
    left = limit
    try:
        for name, stream in members(archive):
            target = (folder / name).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise DataError(f"{archive} holds '{name}', which lies outside its folder: do not trust this archive.")
            target.parent.mkdir(parents=True, exist_ok=True)
            left -= _HEADER
            with open(target, "wb") as file:
                while left >= 0 and (piece := stream.read(1 << 16)):
                    left -= len(piece)
                    file.write(piece)
            if left < 0:
                raise DataError(f"{archive} unpacks to more than {limit:,} bytes: unpack it yourself if you trust it.")
    except _DAMAGED as error:
        reason = str(error).partition("\n")[0].rstrip(":") or type(error).__name__
        raise DataError(f"{archive} is damaged ({reason}): copy or download it again.") from None
    except OSError as error:
        raise DataError(f"{archive} cannot be unpacked ({error.strerror or error}).") from None


def _tarred(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as bundle:
        for member in bundle:  # one after the other: a list of all would unpack all
            if member.isdir():
                continue
            stream = bundle.extractfile(member) if member.isfile() else None
            if stream is None:
                raise DataError(f"{archive} holds '{member.name}', a link or device: do not trust this archive.")
            yield member.name, stream


def _zipped(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            if stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(f"{archive} holds '{member.filename}', a link or device: do not trust this archive.")
            if not member.is_dir():
                with bundle.open(member) as stream:
                    yield member.filename, stream
