"""Edits worth a look around some entities of a knowledge graph, by what similar entities and rules of one step say.

Similar entities are those that share arcs (rare ones count more); a fact is likely where the entities most similar to
one of its ends have it (neighbourhood methods: Sarwar, Karypis, Konstan & Riedl, WWW 2001), or where another relation
between its ends often comes with it. Types are guessed from an entity's relations (naive Bayes).
Letters: N entities, R relations, C types, S entities of a focus, m proposals, G scores a fact.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from lepton_rl.bodies import PESSIMISM
from lepton_rl.packed import arcs_of

__all__ = [
    "ADD", "DELETE", "NONE", "OPERATIONS", "RELABEL", "REPLACE", "SCORES", "STOP", "Counted", "Proposals", "count",
    "propose",
]  # fmt: skip

OPERATIONS = ("none", "add", "delete", "replace head", "replace relation", "replace tail", "relabel", "stop")
"""What the first number of a candidate stands for."""
NONE, ADD, DELETE, _HEAD, _RELATION, _TAIL, RELABEL, STOP = range(len(OPERATIONS))
REPLACE = (_HEAD, _RELATION, _TAIL)
SCORES = ("together", "similar heads", "similar tails", "rules", "type")
"""The scores of a fact, and last the probability of a type."""
_NEAREST = 20  # similar entities that are asked
_BETTER = 3  # other ends that a fact may be given
_NOWHERE = -9.0


class Counted(NamedTuple):
    """What is counted on a graph before anything is asked about it.

    Attributes:
        arcs: [N, 2R N], 1 where (entity, relation, target) is an arc. ``near``: [N, N], rows of similar entities that
            sum to 1. ``rules``: f64[2R, 2R], how often the second relation comes with the first.
        often: f64[2R, N], the share of the relation's arcs that lead there. ``types``: int[N], -1 = none.
        likely: f64[N, C], the probability of each type by which relations an entity has, its own type left out.
    """

    arcs: csr_array
    near: csr_array
    rules: np.ndarray
    often: np.ndarray
    types: np.ndarray
    likely: np.ndarray


class Proposals(NamedTuple):
    """Edits, one a row.

    Attributes:
        rows: int[m, 5] operation, head, relation, tail, and what comes in the place that is replaced.
        goes, comes: int[m, 3], the facts that go and come, -1 = none.
        gone, came: f64[m, G], their scores, 0 where there is none.
    """

    rows: np.ndarray
    goes: np.ndarray
    comes: np.ndarray
    gone: np.ndarray
    came: np.ndarray


def count(facts: np.ndarray, types: np.ndarray, num_entities: int, num_relations: int) -> Counted:
    """Count on facts int[E, 3] and types int[N]."""
    N, R2 = num_entities, 2 * num_relations
    h, r, t = arcs_of(facts, num_relations).T
    arcs = csr_array((np.ones(len(h)), (h, r * N + t)), shape=(N, R2 * N))
    common = np.bincount(arcs.indices, minlength=R2 * N)
    weighed = arcs.copy()
    weighed.data = np.sqrt(1 / np.log1p(common[arcs.indices]))
    rows = np.repeat(np.arange(N), np.diff(arcs.indptr))
    weighed.data /= np.sqrt(np.bincount(rows, weighed.data**2, minlength=N))[rows]
    often = common.reshape(R2, N)
    has = np.zeros((N, R2), bool)
    has[rows, arcs.indices // N] = True
    near, rules = _nearest(csr_array(weighed @ weighed.T)), _rules(h * N + t, r, R2)
    share = often / np.maximum(often.sum(1, keepdims=True), 1)
    return Counted(arcs, near, rules, share, types, _type_scores(has, types))


def _nearest(alike: csr_array) -> csr_array:
    """The most similar entities of each row, itself not among them; rows sum to 1."""
    rows = np.repeat(np.arange(alike.shape[0]), np.diff(alike.indptr))
    values = np.where(rows == alike.indices, 0, alike.data)
    order = np.lexsort((-values, rows))
    kept = order[(np.arange(len(order)) - alike.indptr[rows] < _NEAREST) & (values[order] > 0)]
    total = np.bincount(rows[kept], values[kept], minlength=alike.shape[0])
    return csr_array((values[kept] / total[rows[kept]], (rows[kept], alike.indices[kept])), shape=alike.shape)


def _rules(pairs: np.ndarray, relations: np.ndarray, R2: int) -> np.ndarray:
    ends, place = np.unique(pairs, return_inverse=True)
    joined = csr_array((np.ones(len(relations)), (place, relations)), shape=(len(ends), R2))
    together = (joined.T @ joined).toarray()
    shares = together / (together.diagonal()[:, None] + PESSIMISM)
    np.fill_diagonal(shares, 0)  # a fact is no evidence of itself
    return shares


def _type_scores(has: np.ndarray, types: np.ndarray) -> np.ndarray:
    C, typed = int(types.max(initial=-1)) + 1, np.flatnonzero(types >= 0)
    if not C:
        return np.zeros((len(types), 0))
    own, mine = types[typed], has[typed]
    many, with_ = np.bincount(own, minlength=C).astype(float), np.zeros((C, has.shape[1]))
    np.add.at(with_, own, mine)

    def logits(mine: np.ndarray, many: np.ndarray, with_: np.ndarray) -> np.ndarray:
        share = (with_ + 0.5) / (many[..., None] + 1)
        return np.log(many + 0.5) + np.log1p(-share).sum(-1) + (mine * (np.log(share) - np.log1p(-share))).sum(-1)

    share = (with_ + 0.5) / (many[:, None] + 1)
    all_ = np.log(many + 0.5) + np.log1p(-share).sum(1) + has @ (np.log(share) - np.log1p(-share)).T
    all_[typed, own] = logits(mine, many[own] - 1, with_[own] - mine)
    likely = np.exp(all_ - all_.max(1, keepdims=True))
    return likely / likely.sum(1, keepdims=True)


def fact_scores(counted: Counted, focus: np.ndarray) -> np.ndarray:
    """Scores f64[G, S, 2R, N] of all arcs that some entities int[S] might have, see :data:`SCORES`; 0 for a type."""
    (R2, N), S = counted.often.shape, len(focus)
    mine = counted.arcs[focus]
    heads = (counted.near[focus] @ counted.arcs).toarray().reshape(S, R2, N)
    places, targets = np.repeat(np.arange(S), np.diff(mine.indptr)), mine.indices % N
    relations = mine.indices // N
    own = csr_array((np.ones(len(targets)), (places * R2 + relations, targets)), shape=(S * R2, N))
    tails = (own @ counted.near.T).toarray().reshape(S, R2, N)
    rules = np.zeros((S, N, R2))
    np.maximum.at(rules, (places, targets), counted.rules[relations])
    rules = rules.swapaxes(1, 2)
    # Where all three say nothing, what is common comes first.
    together = 1 - (1 - heads) * (1 - tails) * (1 - rules) * (1 - 1e-3 * counted.often)
    return np.stack([together, heads, tails, rules, np.zeros_like(rules)])


def propose(counted: Counted, focus: np.ndarray, room: int) -> Proposals:
    """At most ``room`` edits of the facts and types at ``focus`` int[S].

    The likeliest facts that are not there; the unlikeliest that are; of these, the replacements in one place that gain
    most; and of each entity with a type the two likeliest other ones. Four, three and three in ten of the room go to
    the first kinds; what a kind has not enough of stays free.
    """
    R2, N = counted.often.shape
    relabels = _relabels(counted, focus)
    room -= len(relabels.rows)
    scores = fact_scores(counted, focus)
    there = counted.arcs[focus].toarray().reshape(len(focus), R2, N) > 0
    once = np.ones_like(there)
    once[:, R2 // 2 :, focus] = False  # a fact between two of them is an arc of both
    adds = _top(np.where(there | ~once, _NOWHERE, scores[0]), round(0.4 * room))
    deletes = _top(np.where(there & once, -scores[0], _NOWHERE), round(0.3 * room))
    old, new = _replacements(scores[0], there, room - round(0.4 * room) - round(0.3 * room))
    pairs = ((adds[:0], adds), (deletes, deletes[:0]), (old, new))
    parts = [*(_edits(focus, scores, R2 // 2, *pair) for pair in pairs), relabels]
    return Proposals(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _top(values: np.ndarray, most: int) -> np.ndarray:
    """Places int[<= most, axes] of the largest values, the largest first."""
    flat, most = values.reshape(-1), min(most, values.size)
    best = np.argpartition(-flat, most - 1)[:most] if most else np.zeros(0, int)
    best = best[flat[best] > _NOWHERE]
    return np.stack(np.unravel_index(best[np.lexsort((best, -flat[best]))], values.shape), 1)


def _replacements(values: np.ndarray, there: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Arcs int[m, 3] (place in the focus, relation, target) that are there, and others for them, alike in two places.

    Of the unlikeliest arcs, other targets and another relation in the same direction, those that gain most.
    """
    R2, weak = values.shape[1], _top(np.where(there, -values, _NOWHERE), most)
    absent = np.where(there, _NOWHERE, values)
    s, q, t = weak.T
    better = min(_BETTER, values.shape[2])
    targets = np.argsort(-absent[s, q], axis=1, kind="stable")[:, :better]
    other_way = (np.arange(R2) < R2 // 2) != (q < R2 // 2)[:, None]
    relations = np.where(other_way, _NOWHERE, absent[s, :, t]).argmax(1)
    old = np.repeat(weak, better + 1, axis=0)
    changed = old.reshape(-1, better + 1, 3).copy()
    changed[:, :better, 2], changed[:, better, 1] = targets, relations
    new = changed.reshape(-1, 3)
    gain = np.where(there[tuple(new.T)], _NOWHERE, values[tuple(new.T)] - values[tuple(old.T)])
    best = _top(gain, most)[:, 0]
    return old[best], new[best]


def _edits(focus: np.ndarray, scores: np.ndarray, R: int, old: np.ndarray, new: np.ndarray) -> Proposals:
    """Proposals that take arcs ``old`` away and put arcs ``new`` in; where there is none of the ones, the others."""
    m = max(len(old), len(new))
    goes, comes = (_facts(focus, arcs, R) if len(arcs) else np.full((m, 3), -1) for arcs in (old, new))
    gone, came = (scores[(slice(None), *arcs.T)].T if len(arcs) else np.zeros((m, len(scores))) for arcs in (old, new))
    place = (goes != comes).argmax(1)
    both = (goes[:, 0] >= 0) & (comes[:, 0] >= 0)
    operation = np.where(both, _HEAD + place, np.where(goes[:, 0] < 0, ADD, DELETE))
    instead = np.where(both, np.take_along_axis(comes, place[:, None], 1)[:, 0], 0)
    return Proposals(np.column_stack([operation, np.maximum(goes, np.where(both[:, None], -1, comes)), instead]),
                     goes, comes, gone, came)  # fmt: skip


def _facts(focus: np.ndarray, arcs: np.ndarray, R: int) -> np.ndarray:
    s, q, t = arcs.T
    return np.where((q < R)[:, None], np.stack([focus[s], q, t], 1), np.stack([t, q - R, focus[s]], 1))


def _relabels(counted: Counted, focus: np.ndarray) -> Proposals:
    """Proposals of the two likeliest other types of each entity that has one."""
    typed = focus[counted.types[focus] >= 0]
    C, R2 = counted.likely.shape[1], len(counted.often)
    most, own = min(2, max(C - 1, 0)), counted.types[typed]
    likely = counted.likely[typed]
    likely[np.arange(len(typed)), own] = -1
    types = np.argsort(-likely, axis=1, kind="stable")[:, :most].reshape(-1)
    entities, own = np.repeat(typed, most), np.repeat(own, most)
    nothing, scores = np.full((len(types), 3), -1), np.zeros((2, len(types), len(SCORES)))
    scores[:, :, -1] = counted.likely[entities, own], counted.likely[entities, types]
    operation, no_relation = np.full(len(types), RELABEL), np.full(len(types), R2)
    return Proposals(np.stack([operation, entities, no_relation, entities, types], 1), nothing, nothing, *scores)
