"""The facts around an entity as a graph of their own: what a query reads where the whole graph is too large for it.

GraIL (Teru, Denis & Hamilton, ICML 2020) reads the facts that enclose a pair of entities; here they lie around the
query's entity alone, so that one pass scores all tails among them. What lies outside is told apart by none.
Letters: N entities, R relations, M facts of the base and of its changes, S facts of a neighbourhood, n = S + 2 slots.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from lepton_rl.batching import in_full_batches
from lepton_rl.delta import empty
from lepton_rl.facts import Facts, both_ways
from lepton_rl.storage import Slot
from lepton_rl.triple_graph import TripleGraph, standing
from lepton_rl.triple_messages import relation_sum

__all__ = ["Neighbourhood", "neighbourhood", "recall", "steps_from"]

_BATCH = 32


class Neighbourhood(NamedTuple):
    """Facts around an entity.

    Attributes:
        graph: of n slots and S facts, those that do not count hidden; shapes do not depend on what is there.
        entities: i32[n], whose slots they are, ascending; N = no entity's, as the last always is.
        center: i32[], the slot of the entity itself.
    """

    graph: TripleGraph
    entities: Int[Array, "n"]
    center: Int[Array, ""]


def steps_from(graph: TripleGraph, entity: Slot, most: int) -> Int[Array, "N"]:
    """Steps along facts in either direction from an entity to all, i32[N]; ``most`` + 1 = farther."""
    far, alike = most + 1, jnp.ones((2 * graph.num_relations, 1))
    steps = jnp.where(jnp.arange(graph.capacity) == entity, 0, far)
    for step in range(1, far):
        before = (steps < far).astype(jnp.float32)[:, None]
        met = relation_sum(before, alike, graph, dense=False)[:, 0] > 0
        steps = jnp.where(met & (steps == far), step, steps)
    return steps


def neighbourhood(graph: TripleGraph, entity: Slot, hops: int, most: int = 512) -> Neighbourhood:
    """The facts on paths of at most ``hops`` steps from an entity: the nearest S, in the graph's order where alike.

    Args:
        hops: at least 1. ``most``: S, or all facts where there are fewer.
    """
    facts, present = standing(graph)
    (h, r, t), M = facts.T, len(facts)
    steps = steps_from(graph, entity, hops - 1)
    near = jnp.where(present, jnp.minimum(steps[h], steps[t]), hops)
    S = min(most, M)
    # Exact in float32 up to 2^24, and its top_k is the quick one on a CPU.
    order = -(near * M + jnp.arange(M)).astype(jnp.float32)
    numbers = jax.lax.top_k(order, S)[1]
    used = near[numbers] < hops
    ends = jnp.where(used, jnp.stack([h[numbers], t[numbers]]), graph.capacity)
    entity = jnp.asarray(entity, jnp.int32)
    # Facts hang together and nearer ones come first, so that S of them have at most S + 1 entities.
    entities = jnp.unique(jnp.append(ends.reshape(-1), entity), size=S + 2, fill_value=graph.capacity)
    last = S + 1
    heads, tails = jnp.where(used, jnp.searchsorted(entities, ends), last)
    triples = jnp.stack([heads, jnp.where(used, r[numbers], 0), tails], axis=1).astype(jnp.int32)
    local = TripleGraph(
        _laid_out(triples, S + 2, graph.num_relations), entities < graph.capacity,
        graph.node_features.at[entities].get(mode="fill", fill_value=0.0), empty(0, 3), used, graph.num_relations,
    )  # fmt: skip
    return Neighbourhood(local, entities, jnp.searchsorted(entities, entity).astype(jnp.int32))


@partial(jax.jit, static_argnums=(3, 4))
def _has(graph: TripleGraph, entities: Int[Array, "B"], answers: Int[Array, "B"], hops: int, most: int) -> Array:
    near = jax.vmap(lambda entity: neighbourhood(graph, entity, hops, most).entities)(entities)
    return (near == answers[:, None]).any(1)


def recall(graph: TripleGraph, queries: np.ndarray, hops: int, most: int = 512) -> float:
    """The share of queries int[Q, 3] (entity, relation, answer) whose answer their neighbourhood has; on the host."""

    def within(some: np.ndarray) -> Array:
        return _has(graph, some[:, 0], some[:, 2], hops, most)

    return float(in_full_batches(within, np.asarray(queries, np.int32), _BATCH).mean())


def _laid_out(triples: Int[Array, "S 3"], n: int, R: int) -> Facts:
    """As :func:`lepton_rl.facts.make_facts`, under jit; facts that are hidden may be there more than once."""
    sources, relations, targets = both_ways(triples, R)
    order = jnp.lexsort((targets, relations, sources))
    starts = jnp.searchsorted(sources[order], jnp.arange(n + 1)).astype(jnp.int32)
    numbers = jnp.tile(jnp.arange(len(triples), dtype=jnp.int32), 2)[order]
    return Facts(triples, starts, relations[order], targets[order], numbers, widest=2 * len(triples), most=len(triples))
