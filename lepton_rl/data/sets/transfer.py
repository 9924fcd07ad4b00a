"""One file over HTTP: resumed where it broke off, never longer than its limit, and nothing is kept of what is refused.

Imports requests, which comes with pooch: import this module only where something is downloaded.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import urllib3

from lepton_rl.data.source import DataError

__all__ = ["Transfer"]

_TIMEOUT = (10, 60)  # seconds to connect; between two pieces
_PIECE = 1 << 16


@dataclass(frozen=True)
class Transfer:
    """A downloader for :func:`pooch.retrieve`.

    Attributes:
        part: where the bytes are until the file is whole; a download that broke off goes on from there.
        limit: bytes that the file may have.
        checked: whether a hash is known: it will tell if the two pieces of a resumed file do not fit together. Without
            one a download goes on only where the server says (ETag, Last-Modified) that the file is still the same.
    """

    part: Path
    limit: int
    checked: bool

    def __call__(self, url: str, output_file: str, pooch: object = None) -> None:
        """Download ``url`` to ``output_file``.

        Raises:
            DataError: no connection, an answer other than the file, too long, broken off, or the disk is full.
        """
        try:
            whole = self._fetch(url)
            if not whole:
                size = self.part.stat().st_size
                raise DataError(f"{url} broke off after {size:,} bytes: try again, it goes on from there.")
            os.replace(self.part, output_file)
            self._stamp.unlink(missing_ok=True)
        except requests.RequestException as error:  # an OSError too, so it comes first
            raise DataError(f"{url} cannot be reached ({_reason(error)}): check the network and the address.") from None
        except OSError as error:
            self._discard()
            raise DataError(f"{url} cannot be kept at {self.part.parent} ({error.strerror or error}).") from None

    @property
    def _stamp(self) -> Path:
        """Where the server's mark of the file's version is kept beside the part."""
        return self.part.with_name(f"{self.part.name}.stamp")

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self._stamp.unlink(missing_ok=True)

    def _going_on(self) -> tuple[int, dict[str, str]]:
        """``(bytes at hand, headers that ask for the rest)``."""
        size = self.part.stat().st_size if self.part.exists() else 0
        stamp = self._stamp.read_text(encoding="utf-8") if self._stamp.exists() else ""
        if not size or not (stamp or self.checked):
            return 0, {}
        return size, {"Range": f"bytes={size}-"} | ({"If-Range": stamp} if stamp else {})

    def _fetch(self, url: str) -> bool:
        """Write what is missing to the part; whether the file is whole."""
        start, headers = self._going_on()
        # As it lies on the server: what is compressed on the way could neither be resumed nor measured.
        headers["Accept-Encoding"] = "identity"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            status, codes = response.status_code, requests.codes
            unfit = status == codes.partial_content and not _begins_at(response, start)
            if start and (unfit or status == codes.requested_range_not_satisfiable):
                self._discard()  # the part is longer than the file, or the server counts otherwise
                return self._fetch(url)
            if not response.ok:
                raise DataError(f"{url} answers {status} {response.reason}: the file may have moved.")
            start = start if status == codes.partial_content else 0
            length = response.headers.get("Content-Length")
            total = start + int(length) if length else None
            self._stamp.write_text(_version(response), encoding="utf-8")
            return self._write(url, response.raw, start, total)

    def _write(self, url: str, stream: Any, start: int, total: int | None) -> bool:
        """Append to the first ``start`` bytes; whether ``total`` bytes are there in the end."""
        size = start
        self._bounded(url, total or size)
        with open(self.part, "ab" if start else "wb") as file:
            try:
                for piece in stream.stream(_PIECE, decode_content=False):
                    size += len(piece)
                    self._bounded(url, size)
                    file.write(piece)
            except urllib3.exceptions.HTTPError:
                return False
        return total is None or self.part.stat().st_size == total

    def _bounded(self, url: str, size: int) -> None:
        if size > self.limit:
            self._discard()
            raise DataError(
                f"{url} has {size:,} bytes or more, the limit is {self.limit:,}: it is not the file that was meant; "
                "nothing was kept."
            )


def _begins_at(response: requests.Response, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _version(response: requests.Response) -> str:
    """What ``If-Range`` takes: a strong ETag, else the date, else nothing."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _reason(error: requests.RequestException) -> str:
    """The innermost cause of what requests reports."""
    cause = getattr(error.args[0], "reason", error) if error.args else error
    return str(cause).rpartition(": ")[2] or type(error).__name__
