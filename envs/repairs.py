"""What KGRepair has for a pool: damaged copies of one knowledge graph, and what may be edited at some entities of them.

Letters: N entities, R relations, K damaged copies, P episodes, S entities of a focus, A actions, M facts that some
candidate of an episode changes, F numbers of evidence a candidate.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from envs.queries import Queries
from lepton_rl.damage import Damaged, most_repaired, touching
from lepton_rl.noise import fact_keys
from lepton_rl.proposals import SCORES, STOP, Proposals, count, propose
from lepton_rl.triple_graph import from_triples

__all__ = ["Evidence", "Repairs", "Truth", "make_repairs"]

Evidence = Callable[[Damaged, np.ndarray], np.ndarray]
"""``(copy, asked int[k, 3]) -> f[k, G]``, what speaks for the facts asked about."""


class Truth(NamedTuple):
    """The graph that is to be restored: facts int[E, 3], types int[N] (-1 = none), N and R."""

    facts: np.ndarray
    types: np.ndarray
    num_entities: int
    num_relations: int


@struct.dataclass
class Repairs(Queries):
    """P episodes on K damaged copies of one graph. What is shared is never batched.

    Attributes:
        graphs: all facts of all copies and of the truth. ``asked``: i32[P, S], the focus.
        copy: i32[P], the damaged copy. ``shown``: bool[K, E], its facts. ``types``: i32[K, N], its types, -1 = none.
        true_types: i32[N].
        candidates: i32[P, A, 5].
        evidence: f32[P, A, F]. The first half of the columns is about what goes, the other about what comes, in equal
            order: :data:`lepton_rl.proposals.SCORES`, then what was gathered; 0 where nothing goes or comes.
        goes, comes: i32[P, A], the number of the fact that a candidate takes away or puts in, M = none.
        facts: i32[P, M, 3], those facts. ``held``, ``true``: bool[P, M], whether they are in the copy and true.
        best: i32[P], the largest drop of the symmetric difference within the budget, over all edits at the focus.
    """

    asked: Int[Array, "P S"]
    copy: Int[Array, "P"]
    shown: Bool[Array, "K E"]
    types: Int[Array, "K N"]
    true_types: Int[Array, "N"]
    candidates: Int[Array, "P A 5"]
    evidence: Float[Array, "P A F"]
    goes: Int[Array, "P A"]
    comes: Int[Array, "P A"]
    facts: Int[Array, "P M 3"]
    held: Bool[Array, "P M"]
    true: Bool[Array, "P M"]
    best: Int[Array, "P"]


class _Copy(NamedTuple):
    """Rows of one damaged copy, as :class:`Repairs` has them."""

    candidates: np.ndarray
    evidence: np.ndarray
    goes: np.ndarray
    comes: np.ndarray
    facts: np.ndarray
    held: np.ndarray
    true: np.ndarray
    best: np.ndarray


def make_repairs(
    truth: Truth, copies: Sequence[Damaged], focuses: Sequence[np.ndarray], room: int, edits: int,
    evidence: Evidence,
) -> Repairs:  # fmt: skip
    """The pool, on the host.

    Args:
        copies: K of them. ``focuses``: of each copy int[p, S], an episode a row.
        room: candidates an episode, STOP not among them. ``edits``: the budget.
        evidence: what is told of every fact that a candidate takes away or puts in, beside the proposals' own scores.
    """
    N, R = truth.num_entities, truth.num_relations
    parts = [_copy(truth, copy, focus, room, edits, evidence) for copy, focus in zip(copies, focuses, strict=True)]
    every = np.unique(np.concatenate([truth.facts, *(copy.facts for copy in copies)]), axis=0)
    codes = fact_keys(every, N, R)
    shown = np.stack([np.isin(codes, fact_keys(copy.facts, N, R)) for copy in copies])
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _Copy._fields}
    whole: dict[str, Any] = {
        **joined, "asked": np.concatenate(focuses), "types": np.stack([copy.types for copy in copies]),
        "copy": np.repeat(np.arange(len(copies)), [len(focus) for focus in focuses]), "true_types": truth.types,
    }  # fmt: skip
    kinds = {"evidence": jnp.float32, "held": bool, "true": bool}
    arrays = {name: jnp.asarray(leaf, kinds.get(name, jnp.int32)) for name, leaf in whole.items()}
    return Repairs(graphs=from_triples(every, N, R, max_edits=2 * edits), shown=jnp.asarray(shown), **arrays)


def _copy(
    truth: Truth, copy: Damaged, focuses: np.ndarray, room: int, edits: int, evidence: Evidence
) -> _Copy:
    N, R = truth.num_entities, truth.num_relations
    counted = count(copy.facts, copy.types, N, R)
    proposed = [propose(counted, focus, room) for focus in focuses]
    true, there = fact_keys(truth.facts, N, R), fact_keys(copy.facts, N, R)
    rows = [_numbered(one, room, N, R) for one in proposed]
    candidates, goes, comes, facts = (np.stack(column) for column in zip(*rows, strict=True))
    codes = fact_keys(facts.reshape(-1, 3), N, R)
    held, right = (np.isin(codes, some).reshape(facts.shape[:2]) for some in (there, true))
    used = (facts >= 0).all(-1)
    missing, wrong = truth.facts[~np.isin(true, there)], copy.facts[~np.isin(there, true)]
    mistyped = copy.types != truth.types
    best = [
        most_repaired(
            missing[touching(missing, focus)], wrong[touching(wrong, focus)], len(np.unique(focus[mistyped[focus]])),
            edits,
        )
        for focus in focuses
    ]  # fmt: skip
    halves = [np.zeros((len(focuses), room + 1, len(SCORES))) for _ in range(2)]
    for p, one in enumerate(proposed):
        halves[0][p, : len(one.rows)], halves[1][p, : len(one.rows)] = one.gone, one.came
    told = _told(evidence, copy, facts)
    halves = [
        np.concatenate([half, np.take_along_axis(told, numbers[:, :, None], 1)], -1)
        for half, numbers in zip(halves, (goes, comes), strict=True)
    ]
    seen = np.concatenate(halves, -1)
    return _Copy(candidates, seen, goes, comes, np.maximum(facts, 0), held & used, right & used, np.array(best))


def _numbered(proposals: Proposals, room: int, N: int, R: int) -> tuple[np.ndarray, ...]:
    """Candidates int[A, 5], the numbers int[A] of the facts that go and come, and the facts int[M, 3], -1 = free."""
    m, most = len(proposals.rows), 2 * room
    both = np.concatenate([proposals.goes, proposals.comes])
    codes = np.where(both[:, 0] < 0, -1, fact_keys(both, N, R))
    kinds, first, place = np.unique(codes, return_index=True, return_inverse=True)
    none = int(len(kinds) > 0 and kinds[0] < 0)  # the least code is that of no fact
    numbers = np.where(codes < 0, most, place - none)
    candidates, goes, comes = np.zeros((room + 1, 5), int), *np.full((2, room + 1), most)
    candidates[:m], goes[:m], comes[:m] = proposals.rows, numbers[:m], numbers[m:]
    candidates[-1, 0] = STOP
    facts = np.full((most, 3), -1)
    facts[: len(kinds) - none] = both[first[none:]]
    return candidates, goes, comes, facts


def _told(evidence: Evidence, copy: Damaged, facts: np.ndarray) -> np.ndarray:
    """The evidence f[p, M + 1, G] of facts int[p, M, 3]; 0 where there is none, and last."""
    kinds, place = np.unique(facts.reshape(-1, 3), axis=0, return_inverse=True)
    asked = kinds[:, 0] >= 0
    told = evidence(copy, kinds[asked])
    table = np.zeros((len(kinds), told.shape[1]))
    table[asked] = told
    table = table[place.reshape(facts.shape[:2])]
    return np.concatenate([table, np.zeros_like(table[:, :1])], 1)

