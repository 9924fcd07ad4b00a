"""Rules of one or two steps, counted: r(x, y) ← a(x, y) and r(x, y) ← a(x, z), b(z, y), inverse relations among them.

Like AnyBURL (Meilicke, Chekol, Ruffinelli & Stuckenschmidt, IJCAI 2019), exhaustively (:mod:`lepton_rl.bodies`) and
with one kind of constants: r(x, y) for any x, as often as the graph has it. An answer has the confidence of the best
rule that leads to it; ties go by how many paths speak for it, weighed by confidence. Counted and applied on the host,
path by path, so that the work is that of the paths there are: hubs and hundreds of relations would fill fixed shapes
with nothing.
Letters: N entities, R relations, A arcs (each fact in both directions), P rules of two steps, B queries, n paths.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.bodies import PESSIMISM, body_sizes, body_support, steps_of
from lepton_rl.metrics import Score
from lepton_rl.packed import arcs_of
from lepton_rl.ranges import expand
from lepton_rl.ranking.base import Ranker
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.triple_graph import TripleGraph, to_triples

__all__ = ["Rules", "rules"]

_ANYONE = 0.5  # what a rule is worth that does not ask who x is (0.1 to 0.75 are as good on validation facts)
_PATHS = 1 << 21  # at a time


class Rules(NamedTuple):
    """Confidences of the relation r < 2R by the steps that lead to it.

    Attributes:
        one: f32[2R, 2R], by r and its step.
        starts: i64[(2R)² + 1]; the rules for r whose first step is a stand from ``starts[r · 2R + a]`` to before the
            next. ``second``: i32[P], their second steps. ``sure``: f32[P], their confidences, above 0.
    """

    one: np.ndarray
    starts: np.ndarray
    second: np.ndarray
    sure: np.ndarray

    def two(self, r: int, a: int, b: int) -> float:
        """The confidence of r(x, y) ← a(x, z), b(z, y)."""
        mine = slice(*self.starts[r * len(self.one) + a :][:2])
        return float(self.sure[mine][self.second[mine] == b].sum())


def _mine(key: PRNGKeyArray, graph: TripleGraph) -> Rules:
    N, R = graph.capacity, graph.num_relations
    facts, R2 = to_triples(graph).astype(np.int64), 2 * R
    arcs = steps_of(facts, R)
    support = body_support(arcs, facts, N, R).tocoo()
    sure = support.data / (body_sizes(arcs, N, R)[support.col] + PESSIMISM)
    # Said the other way round: r⁻¹(y, x) ← a⁻¹(y, x), and r⁻¹(y, x) ← b⁻¹(y, z), a⁻¹(z, x).
    relation, a, b = support.row.astype(np.int64), *np.divmod(support.col.astype(np.int64) - R2, R2)
    direct, (turned_a, turned_b) = support.col < R2, ((a + R) % R2, (b + R) % R2)
    one = np.zeros((R2, R2), np.float32)
    one[relation[direct], b[direct]] = one[relation[direct] + R, turned_b[direct]] = sure[direct]
    np.fill_diagonal(one, 0)  # a fact is no evidence of itself
    first = np.concatenate([relation * R2 + a, (relation + R) * R2 + turned_b])[np.tile(~direct, 2)]
    second, sure = np.concatenate([b, turned_a])[np.tile(~direct, 2)], np.tile(sure[~direct], 2)
    order = np.lexsort((second, first))
    starts = np.concatenate([[0], np.cumsum(np.bincount(first, minlength=R2 * R2))])
    return Rules(one, starts, second[order].astype(np.int32), sure[order].astype(np.float32))


class _Steps(NamedTuple):
    """Arcs by source, then relation: ``codes`` i64[G] = source · 2R + relation, each once, ``starts`` i64[G + 1].

    ``entities`` i64[N + 1]: where the groups of an entity begin. ``targets``: i64[A].
    """

    codes: np.ndarray
    starts: np.ndarray
    entities: np.ndarray
    targets: np.ndarray


def _steps(graph: TripleGraph) -> _Steps:
    N, R2 = graph.capacity, 2 * graph.num_relations
    source, relation, target = steps_of(to_triples(graph).astype(np.int64), graph.num_relations).T
    codes = source * R2 + relation
    order = np.argsort(codes, kind="stable")
    codes, starts = np.unique(codes[order], return_index=True)
    return _Steps(codes, np.append(starts, len(source)), np.searchsorted(codes, np.arange(N + 1) * R2), target[order])


def _usual(graph: TripleGraph) -> sp.csr_array:
    """The confidences of r(x, y) for any x, a sparse f32[2R, N]: how many of those that have r have it to y."""
    h, r, t = arcs_of(to_triples(graph), graph.num_relations).T
    shape = 2 * graph.num_relations, graph.capacity
    having = (sp.csr_array((np.ones(len(r), np.float32), (r, h)), shape=shape) > 0).sum(1)
    return sp.csr_array(((_ANYONE / (having[r] + PESSIMISM)).astype(np.float32), (r, t)), shape=shape)


def _pieces(counts: np.ndarray) -> Iterator[slice]:
    """Slices of rows whose ``counts`` int[n] sum up to no more than a few million, or of one row."""
    ends, begin = np.cumsum(counts), 0
    while begin < len(counts):
        before = ends[begin - 1] if begin else 0
        end = max(int(np.searchsorted(ends, before + _PATHS, "right")), begin + 1)
        yield slice(begin, end)
        begin = end


class _Told(NamedTuple):
    """What has been said of each of N entities as an answer to each of B queries: ``best``, ``all``: f32[B · N]."""

    best: np.ndarray
    all: np.ndarray

    def add(self, places: np.ndarray, sure: np.ndarray) -> None:
        """Count paths: the places i64[n] of their queries' answers, and their confidences f32[n]."""
        np.maximum.at(self.best, places, sure)
        np.add.at(self.all, places, sure)


def _on(params: Rules, graph: TripleGraph) -> Score:
    """The scores of all entities for a batch of queries, on the facts that the graph has now.

    Confidences are those that were counted where rules were made; what is usual is counted here.
    """
    N, R2, steps, usual = graph.capacity, 2 * graph.num_relations, _steps(graph), _usual(graph)

    def score(h: np.ndarray, r: np.ndarray) -> np.ndarray:
        told = _Told(*np.repeat(usual[r].toarray().reshape(1, -1), 2, axis=0))
        query, group = expand(steps.entities[h], steps.entities[h + 1] - steps.entities[h])
        a = steps.codes[group] % R2
        row, place = expand(steps.starts[group], steps.starts[group + 1] - steps.starts[group])
        query, a, z = query[row], a[row], steps.targets[place]
        told.add(query * N + z, params.one[r[query], a])
        key = r[query] * R2 + a
        counts = params.starts[key + 1] - params.starts[key]
        for rows in _pieces(counts):
            row, rule = expand(params.starts[key[rows]], counts[rows])
            _second(told, steps, (query[rows][row], z[rows][row] * R2 + params.second[rule], params.sure[rule]), N)
        return (told.best + 1e-3 * told.all / (1 + told.all)).reshape(len(h), N)

    return score


def _second(told: _Told, steps: _Steps, halves: tuple[np.ndarray, ...], N: int) -> None:
    """Go on along the second step: ``halves`` are paths' queries, codes of the middle and the step, confidences."""
    group = np.searchsorted(steps.codes, halves[1])
    there = steps.codes[np.minimum(group, len(steps.codes) - 1)] == halves[1]
    query, sure, group = halves[0][there], halves[2][there], group[there]
    counts = steps.starts[group + 1] - steps.starts[group]
    for rows in _pieces(counts):
        row, place = expand(steps.starts[group[rows]], counts[rows])
        told.add(query[rows][row] * N + steps.targets[place], sure[rows][row])


def _alone(params: Rules, graph: TripleGraph, h: Any, r: Any) -> Float[Array, "N"]:
    return jnp.asarray(_on(params, graph)(np.array([h]), np.array([r]))[0])


@cache
def rules(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """Rules counted on the graph's facts; applied to the graph as it stands, on the host (never under jit)."""
    return Ranker(_mine, _alone, False, _on)
