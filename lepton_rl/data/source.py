"""A file as the user gave it: found, unpacked, decoded, or one message that says what is wrong and how to mend it."""

import gzip
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lepton_rl.registry import near_match

__all__ = ["DataError", "Source", "Written", "named_format", "open_source", "plain_path", "read_bytes"]

_GZIP = b"\x1f\x8b"
_LARGE = 256 * 10**6  # bytes that gzip may unpack to whatever its own size,
_RATIO = 200  # and how many times that else; graphs come to 50 at most


class DataError(ValueError):
    """Data that cannot be used; the message is one line: what, where (``file:line``), how to mend it."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))  # names that it quotes may hold line ends


@dataclass(frozen=True)
class Source:
    """The content of one file, unpacked.

    Attributes:
        path: the file, as the user wrote it; messages name it.
        data: its bytes, after gunzip.
    """

    path: Path
    data: bytes

    def at(self, line: int) -> str:
        """``file:line``, for messages (lines count from 1)."""
        return f"{self.path}:{line}"

    def checked(self) -> bytes:
        """The content as UTF-8 text, without the byte-order mark that spreadsheets write.

        Raises:
            DataError: not text, or not in UTF-8.
        """
        data = self.data
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(f"{self.path} is UTF-16 text: save it as UTF-8.")
        zero = data.find(b"\0")
        if zero >= 0:
            raise DataError(f"{self.path} is not a text file (byte 0 at offset {zero}): give a text file in UTF-8.")
        if not data.isascii():
            try:
                data.decode("utf-8")
            except UnicodeDecodeError as error:
                line = data.count(b"\n", 0, error.start) + 1
                found = data[error.start]
                raise DataError(f"{self.at(line)}: byte 0x{found:02x} is not UTF-8: save the file as UTF-8.") from None
        data = data.removeprefix(b"\xef\xbb\xbf")
        return data if b"\n" in data else data.replace(b"\r", b"\n")  # as old Macs end their lines


class Written(NamedTuple):
    """The bytes of a file, and of the table of nodes beside it in formats that keep one."""

    graph: bytes
    nodes: bytes | None = None


def read_bytes(path: Path) -> bytes:
    """The raw bytes of a file.

    Raises:
        DataError: missing (names a near match in its folder), a folder, unreadable, or empty.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"no file {path}.{_neighbour(path)}") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder: give one file.") from None
    except PermissionError:
        raise DataError(f"{path} may not be read: check its permissions.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from None
    if not data:
        raise DataError(f"{path} is empty: give a file with at least one edge.")
    return data


def _neighbour(path: Path) -> str:
    if not path.parent.is_dir():
        return f" Its folder {path.parent} does not exist either."
    return near_match(path.name, (entry.name for entry in path.parent.iterdir())) or " Check the name."


def plain_path(path: Path) -> Path:
    """The path without ``.gz``."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def named_format(path: Path, format: str | None, suffixes: Mapping[str, str]) -> str:
    """The name of a file's format: ``format``, else by its suffix in ``suffixes``, suffix -> name.

    Raises:
        DataError: an unknown format or suffix; near match named.
    """
    formats = dict.fromkeys(suffixes.values())
    if format is not None:
        if format not in formats:
            raise DataError(f"unknown format '{format}'.{near_match(format, formats)} Allowed: {', '.join(formats)}.")
        return format
    suffix = plain_path(path).suffix.lower()
    if suffix not in suffixes:
        raise DataError(
            f"{path}: unknown suffix '{suffix}'.{near_match(suffix, suffixes)} Known: {', '.join(suffixes)}, each also "
            f"with .gz; or say the format ({', '.join(formats)})."
        )
    return suffixes[suffix]


def open_source(path: Path) -> Source:
    """Read a file, unpacking gzip (recognised by its first bytes, whatever the name).

    Raises:
        DataError: see :func:`read_bytes`; named ``.gz`` but no gzip; truncated or damaged gzip; gzip that unpacks to
            far more than graphs do.
    """
    data = read_bytes(path)
    if data.startswith(_GZIP):
        try:
            data = _unpacked(path, data)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{path} is damaged gzip ({error}): copy or download it again.") from None
        if data.startswith(_GZIP):
            raise DataError(f"{path} is gzip within gzip: unpack it once.")
        if not data:
            raise DataError(f"{path} unpacks to nothing: give a file with at least one edge.")
    elif path.suffix.lower() == ".gz":
        raise DataError(f"{path} is not gzip, though its name says so: rename it without .gz.")
    return Source(path, data)


def _unpacked(path: Path, data: bytes) -> bytes:
    limit, unpacked = max(_LARGE, _RATIO * len(data)), io.BytesIO()
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        while block := stream.read(1 << 20):
            if unpacked.write(block) and unpacked.tell() > limit:
                raise DataError(
                    f"{path} unpacks to more than {limit // 10**6:,} MB, {limit // len(data)} times its size, as only "
                    "archives made to fill memory do: unpack it yourself if you trust it."
                )
    return unpacked.getvalue()
