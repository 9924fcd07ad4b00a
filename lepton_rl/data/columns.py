"""One column of an Arrow table: what it holds, what is fitted to it, and the features it becomes.

Letters: W features of a column.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float32, Float64, Int

from lepton_rl.data.fitted import Column, Kind, Policies
from lepton_rl.data.source import DataError
from lepton_rl.registry import near_match

__all__ = ["encode_column", "fit_column", "kind_of"]

LARGEST = float(np.finfo(np.float32).max)
TEXT_LENGTH = 32  # characters; text is longer on average, and seldom says the same twice


class Strings(NamedTuple):
    """The categories or labels of a column.

    Attributes:
        distinct: every value, in any order; a value that only missing rows had may be among them.
        codes: int[values], positions in ``distinct``. ``rows``: int[values], where each stands.
    """

    distinct: list[str]
    codes: Int[np.ndarray, "values"]
    rows: Int[np.ndarray, "values"]


def _is_string(dtype: pa.DataType) -> bool:
    value = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return pa.types.is_string(value) or pa.types.is_large_string(value)


def kind_of(dtype: pa.DataType) -> Kind | None:
    """What a column of this Arrow type is read as; None for types that are not read."""
    types = pa.types
    if types.is_boolean(dtype):
        return "boolean"
    if types.is_integer(dtype) or types.is_floating(dtype) or types.is_decimal(dtype):
        return "numeric"
    if types.is_list(dtype) or types.is_large_list(dtype) or types.is_fixed_size_list(dtype):
        # Nothing but empty lists: Arrow infers lists of null.
        return "multi_valued" if _is_string(dtype.value_type) or types.is_null(dtype.value_type) else None
    return "categorical" if _is_string(dtype) else None


def _refuse_missing(name: str, kind: Kind, missing: Bool[np.ndarray, "rows"], policies: Policies) -> None:
    if missing.any() and getattr(policies, kind) == "refuse":
        raise DataError(
            f"column {name!r} has {missing.sum()} missing value(s), the first in row {missing.argmax()} (from 0): fill "
            f"them in, or choose Policies({kind}='impute') or Policies({kind}='indicator')."
        )


def _numbers(name: str, kind: Kind, data: pa.ChunkedArray, policies: Policies) -> Float64[np.ndarray, "rows"]:
    """Numbers, or booleans as 0 and 1; NaN where missing."""
    known = data.cast(pa.bool_()) if kind == "boolean" else data
    values = known.cast(pa.float64(), safe=False).to_numpy()
    missing = data.is_null().to_numpy()
    wild = ~missing & ~(np.abs(values) <= LARGEST)
    if wild.any() and policies.non_finite == "refuse":
        row = int(wild.argmax())
        raise DataError(
            f"column {name!r} has {wild.sum()} value(s) that are no finite float32, the first in row {row} (from 0): "
            f"{values[row]}. Mend them, or choose Policies(non_finite='missing')."
        )
    _refuse_missing(name, kind, missing | wild, policies)
    return np.where(missing | wild, np.nan, values)


def _strings(
    name: str, kind: Kind, data: pa.ChunkedArray, policies: Policies
) -> tuple[Strings, Bool[np.ndarray, "rows"]]:
    """Values and missing rows; a list with an unknown element is missing as a whole."""
    text = pa.large_string()
    if kind == "categorical":
        array = data.cast(text).combine_chunks()
        missing, rows = array.is_null().to_numpy(zero_copy_only=False), np.arange(len(array))
    else:
        lists = data.cast(pa.large_list(text)).combine_chunks()
        missing = lists.is_null().to_numpy(zero_copy_only=False).copy()
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        array, rows = pc.list_flatten(lists), np.repeat(np.arange(len(lists)), lengths)
        missing[rows[array.is_null().to_numpy(zero_copy_only=False)]] = True
    _refuse_missing(name, kind, missing, policies)
    encoded = array.dictionary_encode()
    codes = pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    known = ~missing[rows]
    return Strings(encoded.dictionary.to_pylist(), codes[known], rows[known]), missing


def _check_categories(name: str, data: pa.ChunkedArray, values: Sequence[str], count: int, policies: Policies) -> None:
    """Refuse free text, and columns that name their rows."""
    lengths = [len(value) for value in values]
    declared = pa.types.is_dictionary(data.type)
    if not declared and 2 < len(lengths) > count / 2 and sum(lengths) > TEXT_LENGTH * len(lengths):
        raise DataError(
            f"column {name!r} looks like free text ({len(lengths)} distinct among {count} values of "
            f"{sum(lengths) / len(lengths):.0f} characters): text is left to the user: give a numeric column (or an "
            "Arrow dictionary column, if these are categories)."
        )
    if len(lengths) > policies.max_categories:
        raise DataError(
            f"column {name!r} has {len(lengths)} different values, the limit is {policies.max_categories}: leave it "
            "out if it names the rows, merge rare values, or raise Policies(max_categories=…)."
        )


def fit_column(name: str, data: pa.ChunkedArray, policies: Policies) -> Column:
    """Fit one column on training rows.

    Raises:
        DataError: a type that is not read, no value at all, free text, too many categories, or what a policy refuses.
    """
    kind = kind_of(data.type)
    if data.null_count == len(data):
        raise DataError(f"column {name!r} has no value in any row: leave it out.")
    if kind is None:
        raise DataError(
            f"column {name!r} is {data.type}: numbers, booleans, strings and lists of strings are read; cast it to one "
            "of these (a date to a number of days, say), or leave it out."
        )
    if kind in ("numeric", "boolean"):
        numbers = _numbers(name, kind, data, policies)
        numbers = numbers[~np.isnan(numbers)]
        if not numbers.size:
            raise DataError(f"column {name!r} has no finite value in any row: leave it out.")
        if kind == "boolean":
            return Column(name, kind, usual=(0,) if numbers.mean() > 0.5 else ())
        varies = numbers.min() < numbers.max()  # rounding leaves a deviation also where all are equal
        return Column(name, kind, mean=float(numbers.mean()), std=float(numbers.std()) if varies else 0.0)
    strings, missing = _strings(name, kind, data, policies)
    values = sorted({strings.distinct[code] for code in np.unique(strings.codes)})
    if not values:
        raise DataError(f"column {name!r} has no value in any row: leave it out.")
    _check_categories(name, data, values, len(strings.codes), policies)
    share = _hot(strings, values, len(data), len(values))[~missing].mean(0)
    usual = [share.argmax()] if kind == "categorical" else np.flatnonzero(share > 0.5)
    return Column(name, kind, values=tuple(values), usual=tuple(int(i) for i in usual))


def _hot(strings: Strings, values: Sequence[str], rows: int, width: int) -> Float32[np.ndarray, "rows width"]:
    """1 where a row has a value; values that are not among ``values`` share the feature after theirs."""
    position = {value: i for i, value in enumerate(values)}
    targets = np.array([position.get(value, len(position)) for value in strings.distinct], np.int64)
    hot = np.zeros((rows, width), np.float32)
    hot[strings.rows, targets[strings.codes]] = 1
    return hot


def encode_column(column: Column, data: pa.ChunkedArray, policies: Policies) -> Float32[np.ndarray, "rows W"]:
    """The features of one column, finite.

    Raises:
        DataError: what a policy refuses, or a number too far from the training rows for a float32.
    """
    if column.kind in ("categorical", "multi_valued"):
        strings, missing = _strings(column.name, column.kind, data, policies)
        if policies.unseen == "refuse":
            _refuse_unseen(column, strings)
        encoded = _hot(strings, column.values, len(data), len(column.values) + (policies.unseen == "other"))
    else:
        numbers = _numbers(column.name, column.kind, data, policies)
        missing = np.isnan(numbers)
        if column.kind == "numeric":
            numbers = _standardised(column, numbers)
        encoded = np.where(missing, 0.0, numbers).astype(np.float32)[:, None]
    policy = getattr(policies, column.kind)
    if policy == "impute":
        encoded[np.ix_(missing, np.array(column.usual, np.int64))] = 1
    return np.column_stack([encoded, missing.astype(np.float32)]) if policy == "indicator" else encoded


def _standardised(column: Column, numbers: Float64[np.ndarray, "rows"]) -> Float64[np.ndarray, "rows"]:
    if not column.std:
        return np.zeros_like(numbers)
    with np.errstate(over="ignore"):
        scaled = (numbers - column.mean) / column.std
    far = np.abs(scaled) > LARGEST
    if far.any():
        row = int(far.argmax())
        raise DataError(
            f"column {column.name!r}, row {row} (from 0): {numbers[row]} is too far from the training rows (mean "
            f"{column.mean}, standard deviation {column.std}) for a float32: mend it, or fit on rows like it."
        )
    return scaled


def _refuse_unseen(column: Column, strings: Strings) -> None:
    known = set(column.values)
    new = np.array([value not in known for value in strings.distinct], bool)[strings.codes]
    if new.any():
        first = int(new.argmax())
        value = strings.distinct[strings.codes[first]]
        raise DataError(
            f"column {column.name!r}, row {strings.rows[first]} (from 0): no training row has {value!r}."
            f"{near_match(value, column.values)} Mend it, or fit with Policies(unseen='other')."
        )
