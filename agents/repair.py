"""Editors to measure a repairing agent by: the best plan there is, thresholds on evidence, and a network that learns.

Letters: P episodes, A actions, L edits, S entities of a focus, M facts, F numbers of evidence.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, vstack

from envs.kg_repair import KGRepair
from lepton_rl.proposals import RELABEL, SCORES

__all__ = ["Plans", "by_rank", "gains", "oracle", "told"]


class Plans(NamedTuple):
    """Actions i32[P, L] of an episode each, STOP at their ends, and what they bring, i64[P]."""

    actions: np.ndarray
    drops: np.ndarray


def gains(env: KGRepair) -> np.ndarray:
    """What each candidate would bring as the first edit, int[P, A]; allowed or not."""
    pool = env.pool
    worth = np.pad(np.where(np.asarray(pool.true), 1, -1), ((0, 0), (0, 1)))
    gone, came = (np.take_along_axis(worth, np.asarray(numbers), 1) for numbers in (pool.goes, pool.comes))
    operation, entity, _, _, other = np.moveaxis(np.asarray(pool.candidates), -1, 0)
    now = np.asarray(pool.types)[np.asarray(pool.copy)[:, None], entity]
    true = np.asarray(pool.true_types)[entity]
    return came - gone + np.where(operation == RELABEL, 2 * (other == true) - 2 * (now == true), 0)


def oracle(env: KGRepair) -> Plans:
    """The best plan of each episode among its candidates, in an order in which all of it is allowed.

    An integer program: each candidate once or not, each fact there at most once and gone at most once, one type an
    entity, at most L edits; what a plan brings is the sum of what each of its edits would bring alone.
    """
    worth, stop = gains(env), env.num_actions - 1
    best = [_best(env, p, worth[p]) for p in range(env.pool.size)]
    actions = np.full((len(best), env.horizon), stop, np.int32)
    for row, chosen in zip(actions, best, strict=True):
        row[: len(chosen)] = chosen
    return Plans(actions, np.array([worth[p, chosen].sum() for p, chosen in enumerate(best)], np.int64))


def _best(env: KGRepair, p: int, worth: np.ndarray) -> list[int]:
    pool, (A, M) = env.pool, (env.num_actions, env.pool.facts.shape[1])
    goes, comes, held = (np.asarray(leaf[p]) for leaf in (pool.goes, pool.comes, pool.held))
    operation, entity = np.asarray(pool.candidates[p])[:, :2].T
    useful = (goes < M) | (comes < M) | (operation == RELABEL)
    if not (useful & (worth > 0)).any():
        return []
    every = np.arange(A)
    into, out = (coo_array((np.ones(A), (numbers, every)), shape=(M + 1, A)) for numbers in (comes, goes))
    retyped = coo_array(((operation == RELABEL).astype(float), (entity, every)), shape=(pool.capacity, A))
    rows = vstack([(into - out).tocsr()[:M], retyped, np.ones((1, A))]).tocsr()
    upper = np.concatenate([1.0 - held, np.ones(pool.capacity), [env.horizon]])
    lower = np.concatenate([-1.0 * held, np.zeros(pool.capacity), [0]])
    used = np.diff(rows.indptr) > 0
    # A thousandth an edit, so that nothing is edited in vain.
    found = milp(-worth + 1e-3, integrality=np.ones(A), bounds=Bounds(0, useful.astype(float)),
                 constraints=LinearConstraint(rows[used], lower[used], upper[used]))  # fmt: skip
    return _ordered(np.flatnonzero(found.x > 0.5).tolist(), goes, comes, np.append(held, False))


def _ordered(chosen: list[int], goes: np.ndarray, comes: np.ndarray, held: np.ndarray) -> list[int]:
    """The candidates in an order that is allowed: what comes must be gone before, what goes must be there."""
    M, left, plan = len(held) - 1, list(chosen), []
    while left:
        ready = [a for a in left if (goes[a] == M or held[goes[a]]) and (comes[a] == M or not held[comes[a]])]
        first = ready[0]
        held[[goes[first], comes[first]]] = False, True
        held[M] = False
        plan.append(first)
        left.remove(first)
    return plan


def told(env: KGRepair, evidence: Any) -> KGRepair:
    """The environment with other evidence f[P, A, F]."""
    return replace(env, pool=replace(env.pool, evidence=jnp.asarray(evidence, jnp.float32)))


def by_rank(env: KGRepair, like: KGRepair, knots: int = 64) -> KGRepair:
    """The environment with its evidence as ranks in [-1, 1] among that of ``like``, column by column.

    Evidence of any scale is then good for a network. 0 where there is nothing to tell of.
    """
    seen, given = (np.array(one.pool.evidence) for one in (env, like))
    half = seen.shape[-1] // 2
    types = list(SCORES).index("type")
    for column in range(2 * half):
        about, known = (_told_of(one, column >= half, column % half == types) for one in (env, like))
        values = given[..., column][known]
        points = np.unique(np.quantile(values, np.linspace(0, 1, knots))) if len(values) else np.zeros(1)
        ranks = np.interp(seen[..., column], points, np.linspace(-1, 1, len(points)))
        seen[..., column] = np.where(about, ranks, 0)
    return told(env, seen)


def _told_of(env: KGRepair, comes: bool, of_type: bool) -> np.ndarray:
    """Which candidates a column of evidence says something about, bool[P, A]."""
    if of_type:
        return np.asarray(env.pool.candidates)[..., 0] == RELABEL
    return np.asarray(env.pool.comes if comes else env.pool.goes) < env.pool.facts.shape[1]
