"""The knowledge graph: a frozen base of facts (head, relation, tail) and what an episode has changed of it.

A third storage beside :class:`~lepton_rl.graph.BitGraph` and :class:`~lepton_rl.edge_graph.EdgeGraph`, with triples
where those have edges: several relations may join two entities, and an entity to itself. Every relation r < R has an
inverse r + R, which is another name and no further fact: (h, r, t) and (t, r + R, h) are the same everywhere here.
Edits are total; those that outgrow the list of L changed facts are refused and counted.
Letters: N entities, R relations, E facts of the base, A = 2E arcs (each fact from both of its ends), L changed facts.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int

from lepton_rl.delta import Delta, empty, look, write
from lepton_rl.facts import both_ways, fact_number, first_arc, make_facts
from lepton_rl.storage import Graph, Slot

__all__ = [
    "Messages", "TripleGraph", "add_triple", "add_triples", "answers", "arcs_from", "base_holds", "from_triples",
    "has_triple", "hide", "messages", "on_base", "present_facts", "refused", "remove_triple", "standing",
    "to_triples", "toggle_triple", "without_base",
]  # fmt: skip


@struct.dataclass
class TripleGraph(Graph):
    """A knowledge graph as an episode sees it. Names of entities and relations stay with the data it was made of.

    Attributes:
        base: the facts to start from (:class:`~lepton_rl.facts.Facts`). ``node_mask``: bool[N]. ``node_features``:
            f32[N, F] (F may be 0). These three are shared, see :func:`without_base`.
        shown: bool[E], False = the fact is hidden (:func:`hide`); None where all are there.
        delta: triples that were set since, r < R.
        num_relations: R, static.
    """

    base: Any
    node_mask: Any
    node_features: Any
    delta: Delta
    shown: Bool[Array, "*B E"] | None = None
    num_relations: int = struct.field(pytree_node=False, default=1)

    labels = None
    directed = True

    @property
    def max_edits(self) -> int:
        """L (static)."""
        return self.delta.edges.shape[-2]

    @property
    def num_facts(self) -> int:
        """E (static)."""
        return self.base.triples.shape[0]


class Messages(NamedTuple):
    """All arcs of a graph as it stands, in arrays of fixed shape [2 (E + L)]: ``sources`` -> ``targets``.

    First the base's facts and the changed ones from head to tail, then all of them against it (``relations`` + R).
    What ``present`` denies has slots in range and must not count.
    """

    sources: Int[Array, "M"]
    relations: Int[Array, "M"]
    targets: Int[Array, "M"]
    present: Bool[Array, "M"]


def from_triples(
    triples: Sequence[tuple[int, int, int]] | np.ndarray, num_entities: int, num_relations: int, *, max_edits: int = 0,
    node_features: np.ndarray | None = None,
) -> TripleGraph:  # fmt: skip
    """Build a graph on the host from int[E, 3] slots of head, relation and tail.

    Args:
        max_edits: L, facts that an episode may set. ``node_features``: f32[N, F].

    Raises:
        ValueError: not triples, a slot out of range, a fact given twice.

    >>> graph = from_triples([(0, 0, 1), (1, 0, 2)], num_entities=3, num_relations=1, max_edits=2)
    >>> bool(has_triple(graph, 1, 1, 0)), bool(has_triple(remove_triple(graph, 0, 0, 1), 1, 1, 0))
    (True, False)
    """
    N, R = num_entities, num_relations
    rows = np.asarray(triples, np.int64).reshape((-1, 3) if np.size(triples) == 0 else np.shape(triples))
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ValueError(f"facts must be triples of slots, int[E, 3]; got shape {rows.shape}.")
    if min(N, R) < 1 or (rows < 0).any() or (rows >= (N, R, N)).any():
        raise ValueError(f"heads and tails must lie in [0, {N}), relations in [0, {R}); at least one of each.")
    facts = make_facts(rows, N, R)
    features = np.zeros((N, 0)) if node_features is None else np.asarray(node_features)
    if features.ndim != 2 or len(features) != N:
        raise ValueError(f"node_features must be f32[{N}, F]; got shape {features.shape}.")
    return TripleGraph(
        facts, jnp.ones(N, bool), jnp.asarray(features, jnp.float32), empty(max_edits, 3), num_relations=R
    )


def without_base(graph: TripleGraph) -> TripleGraph:
    """What an episode owns of a graph; only :func:`on_base` can use it."""
    return replace(graph, base=None, node_mask=None, node_features=None)


def on_base(graph: TripleGraph, state: TripleGraph) -> TripleGraph:
    """``state`` (of :func:`without_base`) on the base of ``graph``."""
    return replace(state, base=graph.base, node_mask=graph.node_mask, node_features=graph.node_features)


def refused(graph: TripleGraph) -> Int[Array, ""]:
    """How many edits were not made because the list of L facts was full, i32[]; check it is 0."""
    return graph.delta.refused


def hide(graph: TripleGraph, numbers: Int[Array, "..."]) -> TripleGraph:
    """Return ``graph`` without the facts of the base of those numbers (out of range: none); triples set since stay."""
    shown = jnp.ones(graph.num_facts, bool) if graph.shown is None else graph.shown
    numbers = jnp.asarray(numbers, jnp.int32)
    return replace(graph, shown=shown.at[jnp.where(numbers < 0, graph.num_facts, numbers)].set(False, mode="drop"))


def _checked(graph: TripleGraph, h: Slot, r: Slot, t: Slot) -> tuple[Int[Array, "3"], Bool[Array, ""]]:
    """The triple with a relation below R, clipped into range, and whether it was one."""
    N, R = graph.capacity, graph.num_relations
    triple = jnp.stack([jnp.asarray(x, jnp.int32) for x in (h, r, t)])
    clipped = jnp.clip(triple, 0, jnp.array([N, 2 * R, N]) - 1)
    there = graph.node_mask[clipped[0]] & graph.node_mask[clipped[2]]
    turned = jnp.stack([clipped[2], clipped[1] - R, clipped[0]])
    return jnp.where(clipped[1] < R, clipped, turned), (triple == clipped).all() & there


def _stands(graph: TripleGraph, triple: Int[Array, "3"]) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
    """Whether a fact is there, and whether the base has it."""
    number = fact_number(graph.base, triple)
    based = number < graph.num_facts
    shown = based if graph.shown is None else graph.shown.at[number].get(mode="fill", fill_value=False)
    known, present, _ = look(graph.delta, triple)
    return jnp.where(known, present, shown), based


def has_triple(graph: TripleGraph, h: Slot, r: Slot, t: Slot) -> Bool[Array, ""]:
    """Whether the fact is there, in O(log widest + L); r in [0, 2R). False for slots that name no triple."""
    triple, valid = _checked(graph, h, r, t)
    return valid & _stands(graph, triple)[0]


def _edit(graph: TripleGraph, h: Slot, r: Slot, t: Slot, operation: str) -> TripleGraph:
    triple, valid = _checked(graph, h, r, t)
    now, based = _stands(graph, triple)
    want = {"add": jnp.bool_(True), "remove": jnp.bool_(False), "toggle": ~now}[operation]
    return replace(graph, delta=write(graph.delta, triple, based, want, valid & (want != now))[0])


def add_triple(graph: TripleGraph, h: Slot, r: Slot, t: Slot) -> TripleGraph:
    """Return ``graph`` with the fact; no change where the slots name none, see :func:`refused` for a full list."""
    return _edit(graph, h, r, t, "add")


def add_triples(
    graph: TripleGraph, h: Int[Array, "T"], r: Int[Array, "T"], t: Int[Array, "T"]
) -> tuple[TripleGraph, Int[Array, "T"]]:
    """``graph`` after T :func:`add_triple`, one after the other, and the entries in use after each, i32[T].

    All at once: a fact is new where the graph does not have it and none before it is the same.
    """
    triples, valid = jax.vmap(partial(_checked, graph))(h, r, t)
    now, based = jax.vmap(partial(_stands, graph))(triples)
    listed, _, place = jax.vmap(partial(look, graph.delta))(triples)
    delta, length, wished = graph.delta, graph.max_edits, valid & ~now
    same = (triples[:, None] == triples).all(-1)
    first = wished & ~(jnp.tril(same, -1) & wished).any(1)
    new = first & ~listed
    place = jnp.where(listed, place, delta.count + jnp.cumsum(new) - 1)
    made = first & (place < length)  # the list takes what comes first
    place = jnp.where(made, place, length)
    longer = Delta(
        delta.edges.at[place].set(triples, mode="drop"), delta.based.at[place].set(based, mode="drop"),
        delta.present.at[place].set(True, mode="drop"), delta.count + (made & new).sum(),
        delta.refused + (wished & ~(same & made).any(1)).sum(),
    )  # fmt: skip
    return replace(graph, delta=longer), delta.count + jnp.cumsum(made & new)


def remove_triple(graph: TripleGraph, h: Slot, r: Slot, t: Slot) -> TripleGraph:
    """Return ``graph`` without the fact; total like :func:`add_triple`."""
    return _edit(graph, h, r, t, "remove")


def toggle_triple(graph: TripleGraph, h: Slot, r: Slot, t: Slot) -> TripleGraph:
    """Return ``graph`` with the fact flipped; total like :func:`add_triple`."""
    return _edit(graph, h, r, t, "toggle")


def answers(graph: TripleGraph, h: Slot, r: Slot) -> Bool[Array, "N"]:
    """The tails t of which (h, r, t) is a fact as the graph stands, bool[N]; r in [0, 2R), both clipped into range."""
    N, R, base = graph.capacity, graph.num_relations, graph.base
    h = jnp.clip(jnp.asarray(h, jnp.int32), 0, N - 1)
    r = jnp.clip(jnp.asarray(r, jnp.int32), 0, 2 * R - 1)
    mask = jnp.zeros(N, bool)
    if base.most:
        places = first_arc(base, h, r, jnp.int32(0)) + jnp.arange(base.most)
        inside = jnp.minimum(places, base.targets.shape[0] - 1)
        there = (places < base.starts[h + 1]) & (base.relations[inside] == r)
        if graph.shown is not None:
            there &= graph.shown[base.numbers[inside]]
        mask = mask.at[jnp.where(there, base.targets[inside], N)].set(True, mode="drop")
    heads, relations, tails = graph.delta.edges.T
    own, other = jnp.where(r < R, heads, tails), jnp.where(r < R, tails, heads)
    meant = (own == h) & (relations == r % R)
    return mask.at[jnp.where(meant, other, N)].set(graph.delta.present, mode="drop")


def arcs_from(graph: TripleGraph, u: Slot) -> tuple[Int[Array, "K"], Int[Array, "K"], Bool[Array, "K"]]:
    """The arcs that leave entity u (clipped into range) as the graph stands: ``(relations, targets, present)``.

    Of fixed shape [widest + 2 L]: the base's by relation and target, then the delta's. What ``present`` denies is in
    range and must not count.
    """
    N, R, base = graph.capacity, graph.num_relations, graph.base
    u = jnp.clip(jnp.asarray(u, jnp.int32), 0, N - 1)
    heads, changed, tails = graph.delta.edges.T
    relations, targets = jnp.concatenate([changed, changed + R]), jnp.concatenate([tails, heads])
    mine = jnp.concatenate([heads, tails]) == u
    arcs = jnp.maximum(relations, 0), jnp.maximum(targets, 0), mine & jnp.tile(graph.delta.present, 2)
    if not base.widest:
        return arcs
    places = base.starts[u] + jnp.arange(base.widest)
    inside = jnp.minimum(places, base.targets.shape[0] - 1)
    same = (base.relations[inside][:, None] == relations) & (base.targets[inside][:, None] == targets) & mine
    there = (places < base.starts[u + 1]) & ~same.any(1)
    if graph.shown is not None:
        there &= graph.shown[base.numbers[inside]]
    row = base.relations[inside], base.targets[inside], there
    return tuple(jnp.concatenate(pair) for pair in zip(row, arcs, strict=True))  # type: ignore[return-value]


def present_facts(graph: TripleGraph) -> Bool[Array, "E"]:
    """The facts of the base that are neither hidden nor set by the delta, bool[E]."""
    shown = jnp.ones(graph.num_facts, bool) if graph.shown is None else graph.shown
    if not graph.max_edits or not graph.num_facts:
        return shown
    numbers = jax.vmap(lambda triple: fact_number(graph.base, jnp.maximum(triple, 0)))(graph.delta.edges)
    used = graph.delta.edges[:, 0] >= 0
    return shown.at[jnp.where(used, numbers, graph.num_facts)].set(False, mode="drop")


def base_holds(graph: TripleGraph) -> Bool[Array, "L"]:
    """Whether each entry of the delta is a fact of the base that is not hidden, bool[L]."""
    if graph.shown is None:
        return graph.delta.based
    numbers = jax.vmap(lambda triple: fact_number(graph.base, jnp.maximum(triple, 0)))(graph.delta.edges)
    return graph.delta.based & graph.shown.at[numbers].get(mode="fill", fill_value=False)


def standing(graph: TripleGraph) -> tuple[Int[Array, "M 3"], Bool[Array, "M"]]:
    """The base's facts and the changed ones, i32[E + L, 3], and which of them the graph has.

    What it has not has slots in range and must not count.
    """
    triples = jnp.concatenate([graph.base.triples, jnp.maximum(graph.delta.edges, 0)])
    return triples, jnp.concatenate([present_facts(graph), graph.delta.present])


def messages(graph: TripleGraph) -> Messages:
    """All arcs as the graph stands, for encoders; see :class:`Messages`."""
    triples, present = standing(graph)
    return Messages(*both_ways(triples, graph.num_relations), jnp.tile(present, 2))


def to_triples(graph: TripleGraph) -> np.ndarray:
    """The facts as they stand, int32[m, 3] (host): those of the base in their order, then what was added."""
    kept, edges = np.asarray(present_facts(graph)), np.asarray(graph.delta.edges)
    return np.concatenate([np.asarray(graph.base.triples)[kept], edges[np.asarray(graph.delta.present)]])
