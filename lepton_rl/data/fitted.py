"""What a user chooses before attributes are encoded, and what is fitted to a column of them."""

import math
from dataclasses import dataclass
from typing import Literal

from lepton_rl.registry import near_match

__all__ = ["Column", "Kind", "Policies"]

Kind = Literal["numeric", "boolean", "categorical", "multi_valued"]
Missing = Literal["refuse", "impute", "indicator"]

MISSING = ("refuse", "impute", "indicator")
CHOICES = {
    "numeric": MISSING, "boolean": MISSING, "categorical": MISSING, "multi_valued": MISSING,
    "non_finite": ("refuse", "missing"), "unseen": ("other", "refuse"),
}  # fmt: skip


@dataclass(frozen=True)
class Policies:
    """What to do where data leave a choice; the defaults change nothing silently but unseen categories.

    Attributes:
        numeric, boolean, categorical, multi_valued: missing values of columns of that kind. "refuse"; "impute": the
            mean, the most frequent value, the labels that more than half of the rows have; "indicator": zeros (for a
            number that is the mean) and a feature of its own that says so.
        non_finite: NaN, infinities and numbers beyond float32. "refuse", or "missing": as missing numbers.
        unseen: categories and labels that no training row has. "other": a feature that stands for all of them (0 in
            training, so nothing is learnt about it); "refuse".
        max_categories: a column of more is refused; it names rows rather than groups them.

    Raises:
        ValueError: another choice than these; the message names a near match.
    """

    numeric: Missing = "refuse"
    boolean: Missing = "refuse"
    categorical: Missing = "refuse"
    multi_valued: Missing = "refuse"
    non_finite: Literal["refuse", "missing"] = "refuse"
    unseen: Literal["other", "refuse"] = "other"
    max_categories: int = 100

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if (given := getattr(self, name)) not in allowed:
                hint = near_match(str(given), allowed)
                raise ValueError(f"{name}={given!r} is no policy.{hint} Allowed: {', '.join(allowed)}.")
        if type(self.max_categories) is not int or self.max_categories < 1:
            raise ValueError(f"max_categories={self.max_categories!r}: give a whole number of at least 1.")


@dataclass(frozen=True)
class Column:
    """What is fitted to one column.

    Attributes:
        name: the user's. ``kind``: decides what the rest means.
        mean, std: of a numeric column's training rows; std is 0 where they are all equal.
        values: the categories or labels of the training rows, sorted.
        usual: positions of the features that are 1 where a value is imputed.

    Raises:
        ValueError: what no fit gives.
    """

    name: str
    kind: Kind
    mean: float = 0.0
    std: float = 0.0
    values: tuple[str, ...] = ()
    usual: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        widths = {"numeric": 0, "boolean": 1, "categorical": len(self.values), "multi_valued": len(self.values)}
        sound = (
            isinstance(self.name, str) and self.kind in widths
            and all(type(x) is float and math.isfinite(x) for x in (self.mean, self.std)) and self.std >= 0
            and all(isinstance(value, str) for value in self.values) and list(self.values) == sorted(set(self.values))
            and all(type(i) is int and 0 <= i < widths[self.kind] for i in self.usual)
        )  # fmt: skip
        if not sound:
            raise ValueError(f"no fit gives a column like {self.name!r}")

    def features(self, policies: Policies) -> tuple[str, ...]:
        """Names of its features, in order."""
        names = [self.name]
        if self.kind in ("categorical", "multi_valued"):
            names = [f"{self.name}={value}" for value in self.values]
            names += [f"{self.name}: other"] if policies.unseen == "other" else []
        return (*names, *([f"{self.name}: missing"] if getattr(policies, self.kind) == "indicator" else []))
