"""Walk a knowledge graph to the answer of a query (MINERVA: Das et al., ICLR 2018)."""

from dataclasses import replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from envs.base import Observation, TimeStep
from envs.queries import NO_OBJECTIVE, Queries, Task, load_task, make_queries
from lepton_rl.batching import anywhere
from lepton_rl.objectives.base import Objective
from lepton_rl.packed import AnswerSets, Dropped, PackedRows, answer_sets, holds, pack_rows
from lepton_rl.registry import near_match
from lepton_rl.triple_graph import TripleGraph, add_triple, on_base, remove_triple, without_base

__all__ = ["KGWalk", "WalkState", "build_kg_walk", "make_kg_walk"]

PROTOCOLS = ("minerva", "plain")


@struct.dataclass
class WalkState:
    """The state of an episode.

    Attributes:
        query: i32[], the query's number. ``at``: i32[], where the walk is. ``t``: i32[], steps taken.
        graph: what the episode owns of the graph: the query's own fact is taken out, what is committed is there.
    """

    query: Int[Array, "*B"]
    at: Int[Array, "*B"]
    t: Int[Array, "*B"]
    graph: TripleGraph


@struct.dataclass
class KGWalk:
    """From the entity h of a query (h, r, ?), follow T = ``horizon`` arcs of the graph, inverse ones too; or stay.

    Observation: context (h, r, where the walk is); candidates (1 = follow or 0 = stay, entity, relation, target), of
    which the first is to stay (NO_OP, relation 2R) and the others are the entity's neighbours of highest PageRank;
    marks [where the walk is, share of steps left]. The graph is without the
    query's own fact, and comes without the facts that all share, see :class:`envs.queries.Queries`.
    Action: the number of a candidate. Illegal: slots without a neighbour, and the query's own edge out of h.
    Protocol "minerva": other known answers may not be entered at the last step, and the query's own answer is rewarded;
    a walk with nowhere to go stays. Protocol "plain": any may be, and any known answer is rewarded.
    Reward: 1 at the end of a walk that has arrived, else 0. An illegal action changes nothing, costs its step, and
    gives 0. Termination: after T steps.
    Reference: Das, Dhuliawala, Zaheer, Vilnis, Durugkar, Krishnamurthy, Smola & McCallum, "Go for a walk and arrive at
    the answer", ICLR 2018, §2.

    Attributes:
        pool: the graph and the queries. ``rows``: neighbours; ``dropped`` says what the cap took away.
        sets: known answers; ``pairs``: i32[P], the set of each query. ``own``: i32[P], the slot of a query's own edge
            among its entity's neighbours, -1 where there is none.
        horizon: T. ``num_actions``: A, the cap or less where nobody has so many neighbours.
        protocol: "minerva" or "plain". ``commit``: the graph gets the fact (h, r, where the walk ended).
    """

    pool: Queries
    rows: PackedRows
    sets: AnswerSets
    pairs: Int[Array, "P"]
    own: Int[Array, "P"]
    dropped_counts: Int[Array, "5"]
    horizon: int = struct.field(pytree_node=False)
    num_actions: int = struct.field(pytree_node=False)
    protocol: str = struct.field(pytree_node=False, default="minerva")
    commit: bool = struct.field(pytree_node=False, default=False)
    rule: str = struct.field(pytree_node=False, default="KGWalk")

    operations: ClassVar[tuple[tuple[str, int, int | None], ...]] = ()
    objective: ClassVar[Objective] = NO_OBJECTIVE

    @property
    def steps_per_edit(self) -> int:
        """T: the graph changes at the end of a walk, if ever."""
        return self.horizon

    @property
    def dropped(self) -> Dropped:
        """What the cap took away; ``str`` of it is for people (host)."""
        return Dropped(*np.asarray(self.dropped_counts).tolist())

    @jax.jit
    def reset(self, start: Int[Array, ""], key: PRNGKeyArray) -> tuple[WalkState, Observation]:
        """Begin at the entity of query ``start``; ``key`` is not used."""
        start = jnp.asarray(start, jnp.int32)
        graph = without_base(remove_triple(self.pool.graphs, *self.pool.asked[start]))
        state = WalkState(start, self.pool.asked[start, 0], jnp.int32(0), graph)
        return state, self.observe(state)

    @jax.jit
    def step(self, state: WalkState, action: Int[Array, ""], key: PRNGKeyArray) -> tuple[WalkState, TimeStep]:
        """Follow a candidate; ``key`` is not used."""
        successor, made = self._move(state, action)
        ends = successor.t >= self.horizon
        arrived = made & ends & self._arrived(successor)
        observation = self.observe(successor)
        return successor, TimeStep(observation, arrived.astype(jnp.float32), ends, jnp.zeros_like(ends))

    @jax.jit
    def rebuild(
        self, start: Int[Array, ""], key: PRNGKeyArray, actions: Int[Array, "T"], t: Int[Array, ""]
    ) -> WalkState:
        """The state after the first ``t`` actions."""

        def advance(i: Int[Array, ""], state: WalkState) -> WalkState:
            successor, _ = self._move(state, actions[i])
            return jax.tree.map(lambda new, old: jnp.where(i < t, new, old), successor, state)

        return jax.lax.fori_loop(0, self.horizon, advance, self.reset(start, key)[0])

    @jax.jit
    def observe(self, state: WalkState) -> Observation:
        """What an agent sees: see the class docstring."""
        head, relation = self.pool.asked[state.query, 0], self.pool.asked[state.query, 1]
        arcs, here = self._arcs(state.at), jnp.arange(self.pool.capacity) == state.at
        left = jnp.full(here.shape, jnp.maximum(self.horizon - state.t, 0) / self.horizon, jnp.float32)
        stay = jnp.stack([jnp.int32(0), state.at, jnp.int32(2 * self.pool.graphs.num_relations), state.at])
        follow = jnp.stack([jnp.ones_like(arcs[:, 0]), jnp.full_like(arcs[:, 0], state.at), *arcs.T], axis=-1)
        return Observation(
            state.graph, jnp.stack([here.astype(jnp.float32), left], axis=-1), self._legal(state),
            jnp.stack([head, relation, state.at]), jnp.zeros((0, *here.shape, *here.shape), jnp.float32),
            jnp.concatenate([stay[None], follow]),
        )  # fmt: skip

    def graph(self, state: WalkState) -> TripleGraph:
        """The graph in ``state``."""
        return self.pool.whole(state.graph)

    def value(self, state: WalkState) -> Float[Array, ""]:
        """1 where the walk is at an answer, else 0; f32[]."""
        return self._arrived(state).astype(jnp.float32)

    def _arcs(self, at: Int[Array, ""]) -> Int[Array, "A1 2"]:
        """The slots of an entity's neighbours; beyond its count they are others'."""
        return jax.lax.dynamic_slice(self.rows.arcs, (self.rows.starts[at], 0), (self.num_actions - 1, 2))

    def _arrived(self, state: WalkState) -> Bool[Array, ""]:
        if self.protocol == "plain":
            return holds(self.sets, self.pairs[state.query], state.at)
        return state.at == self.pool.asked[state.query, 2]

    def _legal(self, state: WalkState) -> Bool[Array, "A"]:
        slots = jnp.arange(self.num_actions, dtype=jnp.int32)
        legal = self._there(state, slots)
        if self.protocol == "minerva":
            last = state.t == self.horizon - 1  # lock-step: the answers are looked up at the last step only
            hidden = jax.lax.cond(anywhere(last), self._all_barred, lambda _: jnp.zeros_like(legal), state)
            legal &= ~hidden
            legal = legal.at[0].set(legal[0] | ~legal.any())
        return legal & (state.t < self.horizon)

    def _there(self, state: WalkState, slots: Int[Array, "*A"]) -> Bool[Array, "*A"]:
        """Slots that are in use, and not by the query's own edge."""
        own = jnp.where(state.at == self.pool.asked[state.query, 0], self.own[state.query], -1)
        return (slots >= 0) & (slots <= self.rows.counts[state.at]) & (slots != own)

    def _barred(self, state: WalkState, targets: Int[Array, "*A"]) -> Bool[Array, "*A"]:
        """Known answers but the query's own, at the last step."""
        others = holds(self.sets, self.pairs[state.query], targets) & (targets != self.pool.asked[state.query, 2])
        return others & (state.t == self.horizon - 1)

    def _all_barred(self, state: WalkState) -> Bool[Array, "A"]:
        return self._barred(state, jnp.append(state.at, self._arcs(state.at)[:, 1]))

    def _move(self, state: WalkState, action: Int[Array, ""]) -> tuple[WalkState, Bool[Array, ""]]:
        """The successor, and whether the action led there."""
        slot = jnp.clip(jnp.asarray(action, jnp.int32), 0, self.num_actions - 1)
        at = jnp.where(slot > 0, self.rows.arcs[self.rows.starts[state.at] + jnp.maximum(slot - 1, 0), 1], state.at)
        made = (action == slot) & (state.t < self.horizon) & self._there(state, slot)
        if self.protocol == "minerva":
            made &= ~self._barred(state, at)  # where staying is all that is left it changes nothing either
        at, graph = jnp.where(made, at, state.at), state.graph
        if self.commit:
            head, relation, _ = self.pool.asked[state.query]
            meant = jnp.where(made & (state.t == self.horizon - 1), head, -1)  # -1 is no entity: nothing changes
            graph = without_base(add_triple(on_base(self.pool.graphs, graph), meant, relation, at))
        return replace(state, at=at, t=state.t + 1, graph=graph), made


def make_kg_walk(
    task: Task, horizon: int = 3, *, cap: int = 200, protocol: str = "minerva", commit: bool = False
) -> KGWalk:
    """Walks of ``horizon`` steps: a :class:`KGWalk`, checked.

    Args:
        task: the graph and the queries. ``cap``: slots of an entity, one of them to stay.
        protocol: "minerva" or "plain". ``commit``: insert the fact that a walk has found.

    Raises:
        ValueError: a horizon below 1, a cap below 2, an unknown protocol.
    """
    if horizon < 1:
        raise ValueError(f"a walk of {horizon} steps: give at least 1.")
    if protocol not in PROTOCOLS:
        near = near_match(protocol, PROTOCOLS)
        raise ValueError(f"unknown protocol '{protocol}'.{near} Allowed: {', '.join(PROTOCOLS)}.")
    rows, dropped = pack_rows(task.facts, task.num_entities, task.num_relations, cap)
    sets, pairs = answer_sets(task.queries, task.known, task.num_entities, task.num_relations)
    widest = int(np.asarray(rows.counts).max(initial=0))
    return KGWalk(
        make_queries(task, 1 + commit), rows, sets, jnp.asarray(pairs), jnp.asarray(_own_slots(task, rows), jnp.int32),
        jnp.asarray(dropped, jnp.int32), horizon, max(widest, 1) + 1, protocol=protocol, commit=commit,
    )  # fmt: skip


def _own_slots(task: Task, rows: PackedRows) -> np.ndarray:
    """The slot of each query's own edge among its entity's neighbours, -1 where the graph or the cap leave it out."""
    N, R2 = task.num_entities, 2 * task.num_relations
    starts, counts, arcs = (np.asarray(x, np.int64) for x in (rows.starts, rows.counts, rows.arcs))
    sources = np.repeat(np.arange(N), counts)
    codes = (sources * R2 + arcs[: len(sources), 0]) * N + arcs[: len(sources), 1]
    order = np.argsort(codes)
    wanted = (task.queries[:, 0] * R2 + task.queries[:, 1]) * N + task.queries[:, 2]
    place = np.searchsorted(codes[order], wanted)
    inside = np.minimum(place, max(len(codes) - 1, 0))
    if not len(codes):
        return np.full(len(wanted), -1)
    found = codes[order][inside] == wanted
    return np.where(found, order[inside] - starts[task.queries[:, 0]] + 1, -1)


def build_kg_walk(
    rule: str = "KGWalk", *, data: str = "world", part: str = "train", side: str = "tail", split_seed: int = 0,
    steps: int = 3, cap: int = 200, protocol: str = "minerva", commit: bool = False,
) -> KGWalk:  # fmt: skip
    """Build the environment from JSON-able settings.

    Args:
        rule: its name. ``data``, ``part``, ``side``, ``split_seed``: see :func:`envs.queries.load_task`.
        steps: of a walk. ``cap``, ``protocol``, ``commit``: as in :func:`make_kg_walk`.

    Raises:
        ValueError: an unknown name, data that cannot be read, or a setting out of range.
    """
    return make_kg_walk(load_task(data, part, side, split_seed), steps, cap=cap, protocol=protocol, commit=commit)
