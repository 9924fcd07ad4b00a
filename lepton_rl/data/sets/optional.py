"""Packages that only some data sets need."""

from importlib import import_module
from types import ModuleType

from lepton_rl.data.source import DataError

__all__ = ["optional"]


def optional(package: str, extra: str) -> ModuleType:
    """Import ``package``.

    Raises:
        DataError: it is not installed; the message names the ``extra`` that brings it.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise DataError(f"this data set needs {package}: pip install 'lepton-rl[{extra}]'.") from None
