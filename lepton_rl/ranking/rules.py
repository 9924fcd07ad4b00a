"""Rules of one or two steps, counted: r(x, y) ← a(x, y) and r(x, y) ← a(x, z), b(z, y), inverse relations among them.

Like AnyBURL (Meilicke, Chekol, Ruffinelli & Stuckenschmidt, IJCAI 2019), exhaustively and without constants: an answer
has the confidence of the best rule that leads to it; ties go by how many paths speak for it, weighed by confidence.
Letters: N entities, R relations, A arcs (each fact in both directions).
"""

from functools import cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.ranking.base import Ranker
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.triple_graph import TripleGraph, arcs_from, messages, to_triples

__all__ = ["Rules", "rules"]

PESSIMISM = 5  # pairs without the fact that every rule is charged with, so that rare ones are not sure
MOST = 200  # 2R; the confidences of two steps are a table of (2R)³


class Rules(NamedTuple):
    """Confidences of the relation r (first axis) by the steps that lead to it: ``one`` f32[2R, 2R], ``two`` a third."""

    one: Float[Array, "R2 R2"]
    two: Float[Array, "R2 R2 R2"]


def _mine(key: PRNGKeyArray, graph: TripleGraph) -> Rules:
    N, R2 = graph.capacity, 2 * graph.num_relations
    if R2 > MOST:
        raise ValueError(
            f"rules of two steps over {R2 // 2} relations are too many to count all (at most {MOST // 2}): "
            "use another ranker."
        )
    h, r, t = to_triples(graph).astype(np.int64).T
    steps = np.concatenate([h, t]), np.concatenate([r, r + R2 // 2]), np.concatenate([t, h])
    codes = steps[0] * N + steps[2]
    order = np.argsort(codes, kind="stable")
    codes, relations = codes[order], steps[1][order]
    matrices = [_matrix(steps[0][steps[1] == i], steps[2][steps[1] == i], N) for i in range(R2)]

    def confidence(body: sp.csr_array) -> np.ndarray:
        """Of every relation, given that a body leads from x to y, f64[2R]."""
        body = body.tocoo()
        pairs = np.sort(body.row.astype(np.int64) * N + body.col)
        place = np.searchsorted(pairs, codes)
        held = pairs[np.minimum(place, len(pairs) - 1)] == codes if len(pairs) else np.zeros(len(codes), bool)
        return np.bincount(relations[held], minlength=R2) / (len(pairs) + PESSIMISM)

    one = np.stack([confidence(matrix) for matrix in matrices], 1)
    np.fill_diagonal(one, 0)  # a fact is no evidence of itself
    two = np.stack([np.stack([confidence(a @ b) for b in matrices], 1) for a in matrices], 1)
    return Rules(jnp.asarray(one, jnp.float32), jnp.asarray(two, jnp.float32))


def _matrix(rows: np.ndarray, columns: np.ndarray, N: int) -> sp.csr_array:
    return sp.csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape=(N, N))


def _apply(params: Rules, graph: TripleGraph, h: Any, r: Any) -> Float[Array, "N"]:
    """Every entity by the best rule for r whose steps lead there from h."""
    N, (steps, reached, there) = graph.capacity, arcs_from(graph, h)
    direct = jnp.where(there, params.one[r][steps], 0)
    # What a second step b from z is worth: the best rule, and the sum over rules, whose first step led to z.
    worth = jnp.where(there[:, None], params.two[r][steps], 0)
    nothing, arcs = jnp.zeros((N, params.one.shape[0])), messages(graph)
    best, total = nothing.at[reached].max(worth), nothing.at[reached].add(worth)
    second, paths = (jnp.where(arcs.present, part[arcs.sources, arcs.relations], 0) for part in (best, total))
    largest = jnp.zeros(N).at[arcs.targets].max(second).at[reached].max(direct)
    spoken = jnp.zeros(N).at[arcs.targets].add(paths).at[reached].add(direct)
    return largest + 1e-3 * spoken / (1 + spoken)


@cache
def rules(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """Rules counted on the graph's facts; applied to the graph as it stands."""
    return Ranker(_mine, _apply, False)
