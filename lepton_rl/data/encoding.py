"""Attribute tables as numbers: fitted on training rows, saved with the model, strict about what comes later.

Free text is left to the user, and so are dates: an Arrow cast makes numbers of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32

from lepton_rl.data.columns import encode_column, fit_column, kind_of
from lepton_rl.data.fitted import Column, Policies
from lepton_rl.data.source import DataError
from lepton_rl.registry import near_match

__all__ = ["Column", "Encoder", "Policies", "fit"]


@dataclass(frozen=True)
class Encoder:
    """What turns a table of node or edge attributes into features; made by :func:`fit`.

    Numbers are standardised (0 where all training rows are equal), booleans are 0 or 1, strings become one feature a
    category, lists of strings one feature a label.

    Attributes:
        fitted: one record a column, in the order of the features.
        policies: what was chosen for missing, non-finite and unseen values.
    """

    fitted: tuple[Column, ...]
    policies: Policies

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the F features: ``age``, ``colour=red``, ``colour: other``, ``age: missing``."""
        return tuple(name for column in self.fitted for name in column.features(self.policies))

    def transform(self, table: pa.Table) -> Float32[np.ndarray, "rows F"]:
        """Features of every row, f32[rows, F], all finite; columns are found by name, in any order.

        Raises:
            DataError: a column missing, unknown or of another kind than at fit (one message names all of them), or
                values that a policy refuses.
        """
        self._check(table)
        parts = [encode_column(column, table.column(column.name), self.policies) for column in self.fitted]
        return np.concatenate([np.zeros((table.num_rows, 0), np.float32), *parts], axis=1)

    def _check(self, table: pa.Table) -> None:
        wanted = {column.name: column.kind for column in self.fitted}
        extra = [name for name in table.column_names if name not in wanted]
        problems = _repeated(table)
        for name, kind in wanted.items():
            if name not in table.column_names:
                problems.append(f"{name!r} is missing.{near_match(name, extra)}".rstrip("."))
            elif (dtype := table.schema.types[table.column_names.index(name)]) != pa.null() and kind_of(dtype) != kind:
                problems.append(f"{name!r} is {dtype}, at fit it was {kind}")
        problems += [f"{name!r} was not there at fit" for name in extra]
        if problems:
            raise DataError(
                f"the table does not fit the encoder: {'; '.join(problems)}. Give the columns it was fitted on: "
                f"{', '.join(map(repr, wanted))}."
            )

    def to_json(self) -> dict[str, Any]:
        """The encoder as JSON values, for the configuration of a checkpoint."""
        columns = [asdict(column) for column in self.fitted]
        return {
            "columns": [{**column, "values": list(column["values"]), "usual": list(column["usual"])}
                        for column in columns],
            "policies": asdict(self.policies),
        }  # fmt: skip

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Encoder:
        """The encoder that :meth:`to_json` wrote, equal to it.

        Raises:
            DataError: something else.
        """
        try:
            columns = tuple(
                Column(**{**column, "values": tuple(column["values"]), "usual": tuple(column["usual"])})
                for column in saved["columns"]
            )
            return cls(columns, Policies(**saved["policies"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is no encoder as to_json writes it ({error!r}): fit one again.") from None


def fit(table: pa.Table, policies: Policies | None = None) -> Encoder:
    """Fit an encoder on the attributes of training rows (leave out held-out rows, names and targets).

    Args:
        table: one row a node (or edge). ``policies``: default ``Policies()``, which refuses missing values.

    Raises:
        DataError: no row; two columns or features of one name; a column that is not read: another type, free text, too
            many categories, no value, or what a policy refuses.

    >>> table = pa.table({"age": [20, 40], "town": ["Ulm", "Bonn"]})
    >>> encoder = fit(table)
    >>> encoder.columns
    ('age', 'town=Bonn', 'town=Ulm', 'town: other')
    >>> encoder.transform(table).tolist()
    [[-1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
    """
    if not table.num_rows:
        raise DataError("the table has no row: give the attributes of at least one training node or edge.")
    if problems := _repeated(table):
        raise DataError(f"{'; '.join(problems)}: rename the columns.")
    chosen = Policies() if policies is None else policies
    fitted = (fit_column(name, table.column(name), chosen) for name in table.column_names)
    encoder = Encoder(tuple(fitted), chosen)
    twice = [name for name, count in Counter(encoder.columns).items() if count > 1]
    if twice:
        raise DataError(f"several features would be called {', '.join(map(repr, twice))}: rename a column.")
    return encoder


def _repeated(table: pa.Table) -> list[str]:
    return [f"{name!r} is there {count} times" for name, count in Counter(table.column_names).items() if count > 1]
