"""Repair a knowledge graph around some entities: add, delete and replace facts, correct types, and stop in time."""

from dataclasses import replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from envs.base import Observation, TimeStep
from envs.queries import NO_OBJECTIVE, Task, load_knowledge, make_task
from envs.repairs import Repairs, Truth, make_repairs
from lepton_rl.damage import Damage, Damaged, damage
from lepton_rl.data import KnowledgeGraph
from lepton_rl.data.knowledge.types import types_of
from lepton_rl.delta import Delta
from lepton_rl.evidence import gather
from lepton_rl.facts import fact_number
from lepton_rl.objectives.base import Objective
from lepton_rl.proposals import NONE, RELABEL, STOP
from lepton_rl.registry import near_match
from lepton_rl.triple_graph import TripleGraph, without_base

__all__ = ["KGRepair", "RepairState", "build_kg_repair", "make_kg_repair"]

QUICK = ("frequency", "types", "rules")
"""Evidence that is counted, not trained."""
_PARTS = ("train", "valid", "test")


@struct.dataclass
class RepairState:
    """The state of an episode.

    Attributes:
        start: i32[], the episode's number in the pool. ``t``: i32[], steps taken. ``stopped``: bool[].
        held: bool[M], which of the facts that candidates change are there. ``types``: i32[S], types of the focus.
        gained: f32[], rewards.
    """

    start: Int[Array, "*B"]
    t: Int[Array, "*B"]
    stopped: Bool[Array, "*B"]
    held: Bool[Array, "*B M"]
    types: Int[Array, "*B S"]
    gained: Float[Array, "*B"]


@struct.dataclass
class KGRepair:
    """Edit the facts and types at S entities, the focus, of a damaged graph with at most L = ``horizon`` edits.

    The damaged copy and the focus are the pool's episode of that number; nothing else is drawn.
    Observation: context i32[S], the focus; marks [in the focus, share of the budget left, type or -1]; candidates
    i32[A, 5]: (operation, head, relation, tail, other) with the operations of
    :data:`lepton_rl.proposals.OPERATIONS`. ADD names the fact that comes; DELETE the one that goes; a replacement the
    one that goes and, as ``other``, what comes in the head's, relation's or tail's place; RELABEL the entity (twice, by
    no relation, 2R) and its new type. The last is STOP, free slots are "none". ``evidence`` f32[A, F]: what is
    known of what goes, then of what comes, as the graph was at the start, see :class:`envs.repairs.Repairs`.
    The graph comes without the base's facts, see :class:`envs.queries.Queries`.
    Action: a candidate. Illegal: none, what the graph as it stands does not allow (deleting a fact that is gone, adding
    one that is there, the type that the entity has), anything after the end.
    Reward: the drop of the symmetric difference to the true graph, facts and types together; a wrong type counts two,
    one that is there and one that is missing. So adding a true fact or deleting a wrong one gives 1, replacing a wrong
    one by a true one 2, the right type 2; what does harm costs as much. An illegal action changes nothing, costs its
    step, and gives 0, and so does STOP.
    Termination: STOP, or L steps.

    What an episode can bring at most within its budget is ``pool.best``, over all edits of facts at the focus, whether
    they are among the candidates or not: see :func:`lepton_rl.damage.most_repaired`.
    """

    pool: Repairs
    horizon: int = struct.field(pytree_node=False)
    rule: str = struct.field(pytree_node=False, default="KGRepair")

    steps_per_edit: ClassVar[int] = 1
    operations: ClassVar[tuple[tuple[str, int, int | None], ...]] = ()
    objective: ClassVar[Objective] = NO_OBJECTIVE

    @property
    def num_actions(self) -> int:
        """A."""
        return self.pool.candidates.shape[1]

    @jax.jit
    def reset(self, start: Int[Array, ""], key: PRNGKeyArray) -> tuple[RepairState, Observation]:
        """Begin the episode of that number; ``key`` is not used."""
        pool, nothing = self.pool, jnp.int32(0)
        start = jnp.asarray(start, jnp.int32)
        types = pool.types[pool.copy[start], pool.asked[start]]
        state = RepairState(start, nothing, jnp.bool_(False), pool.held[start], types, jnp.float32(0))
        return state, self.observe(state)

    @jax.jit
    def step(
        self, state: RepairState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[RepairState, TimeStep]:
        """Make an edit, or stop; ``key`` is not used."""
        successor = self._edit(state, action)
        ends = successor.stopped | (successor.t >= self.horizon)
        reward = successor.gained - state.gained
        return successor, TimeStep(self.observe(successor), reward, ends, jnp.zeros_like(ends))

    @jax.jit
    def rebuild(
        self, start: Int[Array, ""], key: PRNGKeyArray, actions: Int[Array, "T"], t: Int[Array, ""]
    ) -> RepairState:
        """The state after the first ``t`` actions."""

        def advance(i: Int[Array, ""], state: RepairState) -> RepairState:
            return self._edit(state, jnp.where(i < t, actions[i], -1))  # -1 changes nothing

        state = jax.lax.fori_loop(0, self.horizon, advance, self.reset(start, key)[0])
        return replace(state, t=jnp.asarray(t, jnp.int32))

    @jax.jit
    def observe(self, state: RepairState) -> Observation:
        """What an agent sees: see the class docstring."""
        pool, N = self.pool, self.pool.capacity
        focus, over = pool.asked[state.start], state.stopped | (state.t >= self.horizon)
        here = jnp.zeros(N).at[focus].set(1.0)
        left = jnp.full(N, jnp.maximum(self.horizon - state.t, 0) / self.horizon, jnp.float32)
        types = pool.types[pool.copy[state.start]].at[focus].set(state.types).astype(jnp.float32)
        return Observation(
            without_base(self.graph(state)), jnp.stack([here, left, types], axis=-1), self._allowed(state) & ~over,
            focus, jnp.zeros((0, N, N), jnp.float32), pool.candidates[state.start], pool.evidence[state.start],
        )  # fmt: skip

    def graph(self, state: RepairState) -> TripleGraph:
        """The graph in ``state``; what was edited is its delta."""
        pool, length = self.pool, self.pool.graphs.max_edits
        changed = state.held != pool.held[state.start]
        places = jnp.nonzero(changed, size=length, fill_value=changed.shape[0])[0]
        used = places < changed.shape[0]
        facts = jnp.where(used[:, None], pool.facts[state.start].at[places].get(mode="clip"), -1)
        numbers = jax.vmap(lambda fact: fact_number(pool.graphs.base, jnp.maximum(fact, 0)))(facts)
        present = state.held.at[places].get(mode="fill", fill_value=False)
        based = used & (numbers < pool.graphs.num_facts)
        delta = Delta(facts, based, present, changed.sum().astype(jnp.int32), jnp.int32(0))
        return replace(pool.graphs, shown=pool.shown[pool.copy[state.start]], delta=delta)

    def value(self, state: RepairState) -> Float[Array, ""]:
        """The rewards so far, f32[]: by how much the symmetric difference has dropped."""
        return state.gained

    def _allowed(self, state: RepairState) -> Bool[Array, "A"]:
        """What the graph as it stands allows."""
        pool, p = self.pool, state.start
        operation, entity, _, _, other = pool.candidates[p].T
        gone = state.held.at[pool.goes[p]].get(mode="fill", fill_value=True)
        there = state.held.at[pool.comes[p]].get(mode="fill", fill_value=False)
        has = (pool.asked[p] == entity[:, None]) & (state.types == other[:, None])
        return (operation > NONE) & gone & ~there & ((operation != RELABEL) | ~has.any(-1))

    def _edit(self, state: RepairState, action: Int[Array, ""]) -> RepairState:
        pool, p, A = self.pool, state.start, self.num_actions
        action = jnp.asarray(action, jnp.int32)
        place = jnp.clip(action, 0, A - 1)
        operation, entity, _, _, other = pool.candidates[p, place]
        made = (action == place) & self._allowed(state)[place] & ~state.stopped & (state.t < self.horizon)
        numbers = jnp.arange(state.held.shape[0])
        goes, comes = ((numbers == column[p, place]) & made for column in (pool.goes, pool.comes))
        right = jnp.where(pool.true[p], 1, -1)
        meant = (pool.asked[p] == entity) & (operation == RELABEL) & made
        true = pool.true_types[entity]
        gain = jnp.where(comes, right, 0).sum() - jnp.where(goes, right, 0).sum()
        gain += jnp.where(meant, 2 * (other == true).astype(int) - 2 * (state.types == true), 0).sum()
        return replace(
            state, t=state.t + 1, stopped=state.stopped | (made & (operation == STOP)),
            held=(state.held & ~goes) | comes, types=jnp.where(meant, other, state.types),
            gained=state.gained + gain.astype(jnp.float32),
        )  # fmt: skip


def make_kg_repair(
    task: Task, horizon: int = 8, *, types: np.ndarray | None = None, how: Damage | None = None,
    seeds: tuple[tuple[int, ...], ...] = ((0,),), entities: int = 4, focuses: int | None = None, candidates: int = 128,
    evidence: tuple[str, ...] = QUICK,
) -> KGRepair:  # fmt: skip
    """Damaged copies of the facts that a task knows to be true: a :class:`KGRepair`, checked.

    Args:
        task: its ``known`` facts are the true graph. ``types``: int[N], -1 = none; default: nobody has one.
        how: what is damaged. ``seeds``: of the copies, one each.
        entities: S; all entities are dealt out in such groups, copy by copy, and some twice where that does not add up.
            ``focuses``: episodes a copy at most, default: all groups.
        candidates: A, STOP among them. ``evidence``: names in :data:`lepton_rl.evidence.EVIDENCE`.

    Raises:
        ValueError: a number or a share out of range.
    """
    N, R = task.num_entities, task.num_relations
    how = how or Damage()
    groups = -(-N // max(entities, 1))
    if horizon < 1 or candidates < 2 or not 1 <= entities <= N or not seeds:
        raise ValueError(
            f"a budget of {horizon} edits, {candidates} candidates, {entities} entities a focus, {len(seeds)} copies: "
            f"give at least 1, 2, 1 (of {N}) and 1."
        )
    if focuses is not None and focuses < 1:
        raise ValueError(f"{focuses} focuses a copy: give at least 1, or None for all {groups} groups.")
    truth = Truth(task.known, np.full(N, -1) if types is None else np.asarray(types), N, R)
    copies, dealt = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        copies.append(damage(truth.facts, truth.types, N, R, how, rng))
        order = np.resize(rng.permutation(N), (groups, entities))
        dealt.append(np.sort(order[:focuses], axis=1))

    def told(copy: Damaged, asked: np.ndarray) -> np.ndarray:
        labels = copy.types - copy.types.min() if (copy.types >= 0).any() else None  # who has none has one of his own
        return gather(copy.facts, asked, N, R, names=evidence, types=labels)

    return KGRepair(make_repairs(truth, copies, dealt, candidates - 1, horizon, told), horizon)


def build_kg_repair(
    rule: str = "KGRepair", *, data: str = "world", part: str = "train", draws: int = 2, seed: int = 0,
    entities: int = 4, focuses: int | None = None, budget: int = 8, candidates: int = 128, removed: float = 0.05,
    injected: float = 0.05, rewired: float = 0.05, mistyped: float = 0.05, consistent: float = 0.5,
    evidence: tuple[str, ...] = QUICK,
) -> KGRepair:  # fmt: skip
    """Build the environment from JSON-able settings.

    All facts of the data are the true graph; the parts differ in the draws of damage.

    Args:
        rule: its name. ``data``: as for :func:`envs.queries.load_task`. ``part``: "train", "valid" or "test".
        draws: damaged copies. ``seed``: of the draws. ``budget``: L. ``removed`` to ``consistent``: see
            :class:`lepton_rl.damage.Damage`; the others as in :func:`make_kg_repair`.

    Raises:
        ValueError: an unknown name, data that cannot be read, or a setting out of range.
    """
    if part not in _PARTS:
        raise ValueError(f"unknown part '{part}'.{near_match(part, _PARTS)} Allowed: {', '.join(_PARTS)}.")
    loaded = load_knowledge(data)
    graphs = [loaded] if isinstance(loaded, KnowledgeGraph) else list(loaded.parts.values())
    facts = np.unique(np.concatenate([graph.triples for graph in graphs]), axis=0)
    task = make_task(facts, graphs[0].num_entities, graphs[0].num_relations)
    return make_kg_repair(
        task, budget, types=types_of(graphs[0])[0], how=Damage(removed, injected, rewired, mistyped, consistent),
        seeds=tuple((seed, _PARTS.index(part), draw) for draw in range(draws)), entities=entities, focuses=focuses,
        candidates=candidates, evidence=tuple(evidence),
    )  # fmt: skip
