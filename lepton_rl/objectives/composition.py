"""Objectives made of others: weighted sums, and penalties for what falls short of a bound."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.objectives.base import Edit, Noise, Objective, Weighted
from lepton_rl.storage import Graph

__all__ = ["parse_sum", "shortfall", "weighted_sum"]

WEIGHTS: tuple[Weighted, ...] = ("", "any", "positive")  # what a sum reads is the strictest of its terms
_TERM = re.compile(r"\s*(?P<sign>[+-])?\s*(?:(?P<weight>\d+\.?\d*|\.\d+)\s*\*\s*)?(?P<name>[A-Za-z_]\w*)\s*")


@struct.dataclass
class Parts:
    """``value`` f32[]; ``parts``: the carries of the objectives that it is made of."""

    value: Float[Array, "*B"]
    parts: tuple[Any, ...]


@cache
def weighted_sum(*terms: tuple[float, Objective]) -> Objective:
    """``Σ weight · objective``; a weight below 0 makes an objective something to lower. Equal terms, equal objects.

    Raises:
        ValueError: no term, or objectives that read the graph's labels in different ways.
    """
    weights, members = [weight for weight, _ in terms], [objective for _, objective in terms]
    labels = {objective.labels for objective in members} - {""}
    if not terms or len(labels) > 1:
        raise ValueError(f"a sum needs objectives that read one kind of labels; got {', '.join(labels) or 'none'}.")

    def carry(parts: list[Any]) -> Parts:
        value = sum((weight * part.value for weight, part in zip(weights, parts, strict=True)), jnp.float32(0))
        return Parts(value=value, parts=tuple(parts))

    def draw(graph: Graph, key: PRNGKeyArray) -> tuple[Noise, ...]:
        return tuple(objective.draw(graph, jax.random.fold_in(key, i)) for i, objective in enumerate(members))

    def init(graph: Graph, noise: tuple[Noise, ...]) -> Parts:
        return carry([objective.init(graph, part) for objective, part in zip(members, noise, strict=True)])

    def update(state: Parts, edit: Edit, graph_after: Graph, noise: tuple[Noise, ...]) -> Parts:
        each = zip(members, state.parts, noise, strict=True)
        return carry([objective.update(part, edit, graph_after, drawn) for objective, part, drawn in each])

    def sensitivity(graph: Graph, noise: tuple[Noise, ...]) -> Float[Array, "P N N"]:
        each = zip(weights, members, noise, strict=True)
        found = [w * o.sensitivity(graph, drawn) for w, o, drawn in each if o.sensitivity is not None]
        return jnp.concatenate(found)

    return Objective(
        draw, init, update,
        needs_connected=any(objective.needs_connected for objective in members),
        sensitivity=sensitivity if any(objective.sensitivity for objective in members) else None,
        labels=labels.pop() if labels else "", directed=all(objective.directed for objective in members),
        weighted=max((objective.weighted for objective in members), key=WEIGHTS.index),
    )  # fmt: skip


@cache
def shortfall(objective: Objective, bound: float) -> Objective:
    """``min(objective - bound, 0)``: nothing where the objective reaches ``bound``, else what it falls short by.

    A constraint is a sum with it, under a weight that no gain outbids:
    ``weighted_sum((1.0, gain), (100.0, shortfall(kept, 0.5)))``.
    """

    def carry(part: Any) -> Parts:
        return Parts(value=jnp.minimum(part.value - bound, 0.0), parts=(part,))

    def init(graph: Graph, noise: Noise) -> Parts:
        return carry(objective.init(graph, noise))

    def update(state: Parts, edit: Edit, graph_after: Graph, noise: Noise) -> Parts:
        return carry(objective.update(state.parts[0], edit, graph_after, noise))

    return objective._replace(init=init, update=update, sensitivity=None)


def parse_sum(text: str, find: Callable[[str], Objective]) -> Objective:
    """The objective that ``text`` spells: a name, or names with signs and weights (``-diameter``, ``a + 0.5*b``).

    Args:
        text: terms ``[+-] [number *] name``. ``find``: name -> objective; raises on names it does not know.

    Raises:
        ValueError: text of another form.
    """
    terms: list[tuple[float, Objective]] = []
    place = 0
    while place < len(text):
        term = _TERM.match(text, place)
        if term is None or (terms and term["sign"] is None):
            raise ValueError(
                f"objective '{text}': expected a name, or a sum such as 'efficiency - 0.5*diameter', at "
                f"'{text[place:].strip()}'."
            )
        weight = float(term["weight"] or 1) * (-1 if term["sign"] == "-" else 1)
        terms.append((weight, find(term["name"])))
        place = term.end()
    if len(terms) == 1 and terms[0][0] == 1:
        return terms[0][1]
    return weighted_sum(*terms)
