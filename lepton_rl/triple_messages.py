"""Messages along the arcs of a knowledge graph, weighted by relation; the only file that knows their layouts.

- *dense*: the weights of a graph's arcs as one N × N matrix a feature, and a batch of queries as one product with them.
  Matrices are made once for all queries that share a graph: where there are a few hundred entities, gathers cost more.
- *arcs*: a sum over all arcs, for any N (:mod:`lepton_rl.arc_sum`).

Letters: N entities, R relations, E facts, D width.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lepton_rl.arc_sum import arc_sum
from lepton_rl.facts import both_ways
from lepton_rl.triple_graph import TripleGraph, base_holds, messages, present_facts

__all__ = ["DENSE", "arc_counts", "relation_sum"]

DENSE = 512  # entities to which matrices are used where the caller does not say


def relation_sum(
    h: Float[Array, "N D"], weights: Float[Array, "R2 D"], graph: TripleGraph, dense: bool | None = None
) -> Float[Array, "N D"]:
    """Σ h_s ∘ w_r over the arcs (s, r, t) into every entity t, inverse relations too, as the graph stands.

    Args:
        weights: a row for each of 2R relations. ``dense``: the layout; by default by the number of entities.

    >>> from lepton_rl.triple_graph import from_triples
    >>> graph = from_triples([(0, 0, 1)], num_entities=2, num_relations=1)
    >>> relation_sum(jnp.array([[1.0], [10.0]]), jnp.array([[2.0], [3.0]]), graph).tolist()
    [[30.0], [2.0]]
    """
    if graph.capacity <= DENSE if dense is None else dense:
        total = jnp.einsum("dts,ds->dt", _matrices(weights, graph), h.T).T
        counted = graph.delta.present.astype(h.dtype) - base_holds(graph)  # put right where the delta says otherwise
    else:  # the base's arcs alone, which queries of different episodes share
        arcs = both_ways(graph.base.triples, graph.num_relations)
        total = arc_sum(h, weights, jnp.tile(present_facts(graph), 2), arcs)
        counted = graph.delta.present.astype(h.dtype)
    return _with_delta(total, h, weights, graph, counted) if graph.max_edits else total


def _matrices(weights: Float[Array, "R2 D"], graph: TripleGraph) -> Float[Array, "D N N"]:
    """``[d, t, s]``: the summed weights of the base's arcs from s to t that are not hidden."""
    N, (h, r, t) = graph.capacity, graph.base.triples.T
    values = weights[jnp.concatenate([r, r + graph.num_relations])]
    if graph.shown is not None:
        values *= jnp.tile(graph.shown, 2)[:, None]
    cells = jnp.concatenate([t * N + h, h * N + t])
    rows = jnp.zeros((N * N, weights.shape[1]), weights.dtype).at[cells].add(values)
    return rows.T.reshape(-1, N, N)


def _with_delta(
    total: Array, h: Array, weights: Array, graph: TripleGraph, times: Float[Array, "L"]
) -> Float[Array, "N D"]:
    """A sum over the base, and so many times each fact of the delta."""
    u, r, v = jnp.maximum(graph.delta.edges, 0).T
    total = total.at[v].add(times[:, None] * h[u] * weights[r])
    return total.at[u].add(times[:, None] * h[v] * weights[r + graph.num_relations])


def arc_counts(graph: TripleGraph) -> Int[Array, "N"]:
    """How many arcs lead into every entity, i32[N]."""
    arcs = messages(graph)
    return jnp.zeros(graph.capacity, jnp.int32).at[arcs.targets].add(arcs.present)
