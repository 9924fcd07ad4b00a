"""Add L edges to a graph, two node picks an edge (RNet-DQN: Darvariu, Hailes & Musolesi, Proc. R. Soc. A, 2021)."""

from dataclasses import replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray
from scipy.sparse.csgraph import connected_components

from envs.base import Observation, TimeStep, noise_key
from envs.pools import Pool
from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, add_edge, num_nodes, unpack_bits
from lepton_rl.objectives.base import Edit, Objective
from lepton_rl.registry import near_match

__all__ = ["EdgeAddition", "EdgeAdditionState", "absent_edges", "make_edge_addition"]


@struct.dataclass
class EdgeAdditionState:
    """The state of an episode.

    Attributes:
        graph: the graph as edited so far. ``t``: i32[] steps taken.
        selected: i32[] first end of the edge being picked, -1 = none.
        noise: the objective's noise of this episode. ``carry``: the objective's carry, up to date only with a
            reward per edge; with the reward at the end it holds the start graph's.
        look: noise of the sensitivities that are observed, independent of the rewards'.
    """

    graph: BitGraph
    t: Int[Array, "*B"]
    selected: Int[Array, "*B"]
    noise: Any
    carry: Any
    look: Any


@struct.dataclass
class EdgeAddition:
    """Add ``budget`` edges; each is two picks of a node (A = N actions), so an episode has 2·budget steps.

    Observation: the graph; marks [selected node, share of the budget left]; legal picks.
    Action: i32 in [0, N). First pick: a present node that lacks at least one edge. Second: a node not yet joined to it.
    Reward: value after - value before, at each edge (``reward="edge"``) or once at the end (``"end"``).
    Termination: after 2·budget steps. An illegal pick changes nothing, costs its step and gives 0.
    Reference: Darvariu, Hailes & Musolesi, "Goal-directed graph construction using reinforcement learning", 2021, §3.

    Attributes:
        pool: the start graphs. ``objective``: what is to grow. ``budget``: L edges. ``reward``: "end" or "edge".
        sensitivity: show the objective's first-order account of every pair (``Observation.pairs``), under noise of
            its own.
    """

    pool: Pool
    objective: Objective = struct.field(pytree_node=False)
    budget: int = struct.field(pytree_node=False)
    reward: Literal["end", "edge"] = struct.field(pytree_node=False, default="end")
    sensitivity: bool = struct.field(pytree_node=False, default=False)

    steps_per_edit = 2

    @property
    def num_actions(self) -> int:
        """A = N, the node slots."""
        return self.pool.capacity

    @property
    def horizon(self) -> int:
        """T = 2·budget."""
        return 2 * self.budget

    @jax.jit
    def reset(self, start: Int[Array, ""], key: PRNGKeyArray) -> tuple[EdgeAdditionState, Observation]:
        """Begin an episode on graph ``start`` of the pool."""
        graph = self.pool[start]
        noise_of_reward, noise_of_look = jax.random.split(noise_key(key))
        noise = self.objective.draw(graph, noise_of_reward)
        look = self.objective.draw(graph, noise_of_look) if self.sensitivity else ()
        zero = jnp.zeros((), jnp.int32)
        carry = self.objective.init(graph, noise)
        state = EdgeAdditionState(graph, zero, zero - 1, noise, carry, look)
        return state, self.observe(state)

    @jax.jit
    def step(
        self, state: EdgeAdditionState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[EdgeAdditionState, TimeStep]:
        """Pick a node; ``key`` is not used (the dynamics are deterministic)."""
        successor, edit = self._pick(state, action)
        carry, reward = self._rewarded(state, successor, edit)
        over = successor.t >= self.horizon
        successor = replace(successor, carry=carry)
        return successor, TimeStep(self.observe(successor), reward, over, jnp.zeros_like(over))

    @jax.jit
    def rebuild(
        self, start: Int[Array, ""], key: PRNGKeyArray, actions: Int[Array, "T"], t: Int[Array, ""]
    ) -> EdgeAdditionState:
        """The state after the first ``t`` actions; what is not read of it (noise, carry) costs nothing under jit."""
        state, _ = self.reset(start, key)

        def advance(i: Int[Array, ""], state: EdgeAdditionState) -> EdgeAdditionState:
            successor, edit = self._pick(state, actions[i])
            if self.reward == "edge":
                carry, _ = self._rewarded(state, successor, edit)
                successor = replace(successor, carry=carry)
            return jax.tree.map(lambda new, old: jnp.where(i < t, new, old), successor, state)

        return jax.lax.fori_loop(0, self.horizon, advance, state)

    @jax.jit
    def observe(self, state: EdgeAdditionState) -> Observation:
        """What an agent sees: see the class docstring."""
        N = self.num_actions
        selected = jnp.arange(N, dtype=jnp.int32) == state.selected
        left = 1 - (jnp.minimum(state.t, self.horizon) // 2) / self.budget
        marks = jnp.stack([selected.astype(jnp.float32), jnp.full(N, left, jnp.float32)], axis=-1)
        return Observation(state.graph, marks, self._legal(state), jnp.zeros((0,), jnp.int32), self._pairs(state))

    def graph(self, state: EdgeAdditionState) -> BitGraph:
        """The graph in ``state``."""
        return state.graph

    def value(self, state: EdgeAdditionState) -> Float[Array, ""]:
        """The objective of ``state.graph`` under the episode's noise, f32[]; computed when asked."""
        return self.objective.init(state.graph, state.noise).value

    def _legal(self, state: EdgeAdditionState) -> Bool[Array, "N"]:
        graph, N = state.graph, self.num_actions
        present = num_nodes(graph)
        # No popcount detour: a node lacks a partner when its degree is one less than the nodes present.
        lacking = jax.lax.population_count(graph.rows).sum(-1).astype(jnp.int32) < present - 1
        u = jnp.maximum(state.selected, 0)
        second = ~unpack_bits(graph.rows[u], N) & (jnp.arange(N) != u)
        legal = graph.node_mask & jnp.where(state.selected >= 0, second, lacking)
        return legal & (state.t < self.horizon)

    def _pick(self, state: EdgeAdditionState, action: Int[Array, ""]) -> tuple[EdgeAdditionState, Edit]:
        """Apply a pick without any scoring."""
        N = self.num_actions
        action = jnp.asarray(action, jnp.int32)
        inside = (action >= 0) & (action < N)
        legal = inside & self._legal(state)[jnp.clip(action, 0, N - 1)]
        second = state.selected >= 0
        added = legal & second
        # An edit with an out-of-range slot is a no-op by the totality of add_edge.
        graph = add_edge(state.graph, jnp.where(added, state.selected, -1), action)
        selected = jnp.where(legal, jnp.where(second, -1, action), state.selected)
        edit = Edit(added.astype(jnp.int32), state.selected, action)
        return replace(state, graph=graph, t=state.t + 1, selected=selected), edit

    def _pairs(self, state: EdgeAdditionState) -> Float[Array, "P N N"]:
        if not self.sensitivity or self.objective.sensitivity is None:
            return jnp.zeros((0, self.num_actions, self.num_actions), jnp.float32)
        return jnp.where(state.t < self.horizon, self.objective.sensitivity(state.graph, state.look), 0.0)

    def _rewarded(self, state: EdgeAdditionState, successor: EdgeAdditionState, edit: Edit) -> tuple[Any, Array]:
        """The successor's carry and the reward; scoring runs only when it is due somewhere in the batch."""
        objective = self.objective
        due = edit.operation > 0 if self.reward == "edge" else successor.t == self.horizon

        def scored() -> tuple[Any, Array]:
            if self.reward == "edge":
                carry = objective.update(state.carry, edit, successor.graph, state.noise)
                value = carry.value
            else:
                carry, value = state.carry, objective.init(successor.graph, state.noise).value
            kept = jax.tree.map(lambda new, old: jnp.where(due, new, old), carry, state.carry)
            return kept, jnp.where(due, value - state.carry.value, 0.0)

        def unscored() -> tuple[Any, Array]:
            return state.carry, jnp.zeros_like(state.carry.value)

        return jax.lax.cond(anywhere(due), scored, unscored)


def absent_edges(graph: BitGraph) -> int:
    """Number of edges an undirected ``graph`` lacks (host side)."""
    return _absent_edges(np.asarray(graph.rows), np.asarray(graph.node_mask))


def _absent_edges(rows: np.ndarray, node_mask: np.ndarray) -> int:
    nodes = int(node_mask.sum())
    return nodes * (nodes - 1) // 2 - int(np.bitwise_count(rows).sum()) // 2


def is_connected(graph: BitGraph) -> bool:
    """Whether the present nodes form one component (host side)."""
    return _is_connected(np.asarray(graph.rows), np.asarray(graph.node_mask))


def _is_connected(rows: np.ndarray, node_mask: np.ndarray) -> bool:
    bits = np.unpackbits(rows.astype("<u4").view(np.uint8), axis=-1, bitorder="little")
    dense = bits[node_mask, : len(node_mask)][:, node_mask]
    return int(connected_components(dense, directed=False, return_labels=False)) == 1


def make_edge_addition(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False
) -> EdgeAddition:
    """Add edges, each by two picks of a node, until the budget is spent: an :class:`EdgeAddition`, checked.

    Raises:
        ValueError: a budget below 1 or above the edges a start graph lacks; directed graphs; a start graph in several
            parts where the objective needs a connected one; an unknown ``reward``.
    """
    if budget < 1:
        raise ValueError(f"the budget is the number of edges to add: give at least 1; got {budget}.")
    if reward not in ("end", "edge"):
        raise ValueError(f"unknown reward '{reward}'.{near_match(reward, ('end', 'edge'))} Allowed: end, edge.")
    if pool.graphs.directed:
        raise ValueError("EdgeAddition edits undirected graphs: build the pool from graphs with directed=False.")
    members = zip(np.asarray(pool.graphs.rows), np.asarray(pool.graphs.node_mask), strict=True)
    for i, (rows, node_mask) in enumerate(members):
        lacking = _absent_edges(rows, node_mask)
        if budget > lacking:
            raise ValueError(f"graph {i} lacks {lacking} edges, fewer than the budget of {budget}: lower the budget.")
        if objective.needs_connected and not _is_connected(rows, node_mask):
            raise ValueError(
                f"graph {i} is not connected, and the objective is about staying connected: use its largest component."
            )
    return EdgeAddition(pool, objective, budget, "edge" if reward == "edge" else "end", sensitivity)
