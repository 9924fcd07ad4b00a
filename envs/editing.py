"""What all rules of edits share: episodes of picks, a budget, rewards that are scored only when they are due.

A rule is a subclass that says which slots may be picked and what a finished edit does (:meth:`Editing.allowed`,
:meth:`Editing.apply`); a builder beside it checks the start graphs. Letters: N node slots, A actions, K picks an
edit, J = K - 1, L edits an episode, T = K·L steps.
"""

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt32

from envs.base import Observation, TimeStep, noise_key
from envs.costs import get_cost
from envs.pools import Pool
from lepton_rl.batching import anywhere
from lepton_rl.graph import absent_rows, unpack_bits
from lepton_rl.objectives.base import Edit, Objective

__all__ = ["EditState", "Editing"]


@struct.dataclass
class EditState:
    """The state of an episode.

    Attributes:
        graph: what the episode owns of the graph as edited so far. ``t``: i32[] steps taken. ``stopped``: bool[], STOP
            was chosen.
        picks: i32[K - 1] earlier picks of the edit under way, -1 = not yet.
        noise: the objective's noise of this episode. ``carry``: the objective's carry, up to date only with a
            reward per edit; with the reward at the end it holds the start graph's.
        look: noise of the sensitivities that are observed, independent of the rewards'.
        spent: f32[], what the edits cost so far; () where they cost nothing.
    """

    graph: Any
    t: Int[Array, "*B"]
    stopped: Bool[Array, "*B"]
    picks: Int[Array, "*B J"]
    noise: Any
    carry: Any
    look: Any
    spent: Any = ()


@struct.dataclass
class Editing:
    """Episodes of at most ``budget`` edits; each is K picks of a node, so an episode has at most K·budget steps.

    Where edits have a cost, only those are legal whose cost fits into what is left of ``cost_budget``.

    Observation: the graph; marks [the last pick, share of the budget left (of edits or of cost, whichever is scarcer),
    earlier picks where K > 2]; legal picks.
    Action: i32 in [0, A), A = N, or N + 1 with STOP (action N, legal between edits).
    Reward: value after - value before, at each edit (``reward="edit"``) or once at the end (``"end"``).
    Termination: when nothing is legal any more: after T steps, after STOP, or when no edit is left. An illegal pick
    changes nothing, costs its step and gives 0.

    Attributes:
        pool: the start graphs. ``objective``: what is to grow. ``budget``: L edits. ``reward``: "end" or "edit".
        sensitivity: show the objective's first-order account of every pair (``Observation.pairs``), under noise of
            its own.
        stop: offer STOP.
        cost: a name in ``envs.costs.COSTS``, for K of 1 or 2; "" = edits cost nothing. ``cost_budget``: what all edits
            of an episode may cost together.
        rule: the name in ``envs.ENVIRONMENTS``. Static, for a reason beside the name: jax 0.10 takes structures of
            dataclasses for equal whose fields are, whatever their classes, and would run one rule's program on another.
    """

    pool: Pool
    objective: Objective = struct.field(pytree_node=False)
    budget: int = struct.field(pytree_node=False)
    reward: Literal["end", "edit"] = struct.field(pytree_node=False, default="end")
    sensitivity: bool = struct.field(pytree_node=False, default=False)
    stop: bool = struct.field(pytree_node=False, default=False)
    cost: str = struct.field(pytree_node=False, default="")
    cost_budget: float = struct.field(pytree_node=False, default=math.inf)
    rule: str = struct.field(pytree_node=False, default="")

    steps_per_edit: ClassVar[int] = 1
    operations: ClassVar[tuple[tuple[str, int, int | None], ...]] = ()  # what an edit does, by places in its picks

    @staticmethod
    def pairs(graph: Any) -> UInt32[Array, "N W"]:
        """Bitset rows of the pairs that the two picks of an edit may name, uint32[N, W]; read where K = 2."""
        return absent_rows(graph)

    def begin(self, graph: Any) -> Any:
        """The start graph as episodes begin with it."""
        return graph

    def allowed(self, graph: Any, picks: Int[Array, "J"]) -> Bool[Array, "N"]:
        """Which slots may be picked next, bool[N], given the picks of the edit so far; each leads to a whole edit."""
        raise NotImplementedError

    def apply(self, graph: Any, picks: Int[Array, "K"]) -> tuple[Any, Edit]:
        """The graph after the edit that K ``picks`` name, and what it was; picks of -1 change nothing."""
        raise NotImplementedError

    def prices(self, graph: Any) -> Float[Array, "..."]:
        """What every edit costs in ``graph``: f32[N] of nodes (K = 1) or f32[N, N] of pairs (K = 2)."""
        return get_cost(self.cost).of(graph)

    def legal(self, graph: Any, picks: Int[Array, "J"], spent: Any = 0.0) -> Bool[Array, "N"]:
        """Which present slots may be picked next, bool[N]: those allowed that lead to an edit that can be paid."""
        legal = graph.node_mask & self.allowed(graph, picks)
        if not self.cost:
            return legal
        paid = spent + self.prices(graph) <= self.cost_budget
        if self.steps_per_edit == 2:
            N, u = graph.capacity, picks[0]
            paid &= unpack_bits(self.pairs(graph), N) & graph.node_mask & ~jnp.eye(N, dtype=bool)
            paid = jnp.where(u >= 0, paid[jnp.maximum(u, 0)], paid.any(1))
        return legal & paid

    def pay(self, graph: Any, picks: Int[Array, "K"], spent: Any = 0.0) -> Any:
        """What is spent once the edit that ``picks`` name is made in ``graph``, f32[]; picks of -1 cost nothing."""
        if not self.cost:
            return spent
        price = self.prices(graph)[tuple(jnp.maximum(picks, 0))]
        return spent + jnp.where((picks >= 0).all(), price, 0.0)

    @property
    def nothing_spent(self) -> Any:
        """What an episode begins with as ``spent``."""
        return jnp.zeros(()) if self.cost else ()

    @property
    def num_actions(self) -> int:
        """A = N, the node slots, and one more with STOP."""
        return self.pool.capacity + self.stop

    @property
    def horizon(self) -> int:
        """T = K·budget."""
        return self.steps_per_edit * self.budget

    @jax.jit
    def reset(self, start: Int[Array, ""], key: PRNGKeyArray) -> tuple[EditState, Observation]:
        """Begin an episode on graph ``start`` of the pool."""
        graph = self.begin(self.pool[start])
        noise_of_reward, noise_of_look = jax.random.split(noise_key(key))
        noise = self.objective.draw(graph, noise_of_reward)
        look = self.objective.draw(graph, noise_of_look) if self.sensitivity else ()
        picks = jnp.full((self.steps_per_edit - 1,), -1, jnp.int32)
        carry = self.objective.init(graph, noise)
        t, stopped = jnp.zeros((), jnp.int32), jnp.zeros((), bool)
        state = EditState(self.pool.owned(graph), t, stopped, picks, noise, carry, look, self.nothing_spent)
        return state, self.observe(state)

    @jax.jit
    def step(self, state: EditState, action: Int[Array, ""], key: PRNGKeyArray) -> tuple[EditState, TimeStep]:
        """Pick a node; ``key`` is not used (the dynamics are deterministic)."""
        successor, edit, over = self._pick(state, action)
        observation = self.observe(successor)
        ends = ~observation.legal.any()
        carry, reward = self._rewarded(state, successor, edit, ends & ~over)
        successor = replace(successor, carry=carry)
        return successor, TimeStep(observation, reward, ends, jnp.zeros_like(ends))

    @jax.jit
    def rebuild(
        self, start: Int[Array, ""], key: PRNGKeyArray, actions: Int[Array, "T"], t: Int[Array, ""]
    ) -> EditState:
        """The state after the first ``t`` actions; what is not read of it (noise, carry) costs nothing under jit."""
        state, _ = self.reset(start, key)

        def advance(i: Int[Array, ""], state: EditState) -> EditState:
            successor, edit, _ = self._pick(state, actions[i])
            if self.reward == "edit":
                carry, _ = self._rewarded(state, successor, edit, jnp.zeros((), bool))
                successor = replace(successor, carry=carry)
            return jax.tree.map(lambda new, old: jnp.where(i < t, new, old), successor, state)

        return jax.lax.fori_loop(0, self.horizon, advance, state)

    @jax.jit
    def observe(self, state: EditState) -> Observation:
        """What an agent sees: see the class docstring."""
        slots = jnp.arange(self.pool.capacity, dtype=jnp.int32)
        made = self._made(state)
        last = state.picks[jnp.maximum(made - 1, 0)] if self.steps_per_edit > 1 else jnp.int32(-1)
        selected = (slots == last) & (made > 0)
        left = 1 - (jnp.minimum(state.t, self.horizon) // self.steps_per_edit) / self.budget
        if self.cost:
            left = jnp.minimum(left, 1 - state.spent / self.cost_budget)
        marks = [selected.astype(jnp.float32), jnp.full(slots.shape, left, jnp.float32)]
        if self.steps_per_edit > 2:
            earlier = (slots[:, None] == state.picks[None, :]).any(-1) & ~selected
            marks.append(earlier.astype(jnp.float32))
        nothing = jnp.zeros((0,), jnp.int32)
        return Observation(
            state.graph, jnp.stack(marks, axis=-1), self._legal(state, made), nothing, self._pairs(state)
        )

    def graph(self, state: EditState) -> Any:
        """The graph in ``state``."""
        return self.pool.whole(state.graph)

    def value(self, state: EditState) -> Float[Array, ""]:
        """The objective of ``state.graph`` under the episode's noise, f32[]; computed when asked."""
        return self.objective.init(self.graph(state), state.noise).value

    def _made(self, state: EditState) -> Int[Array, ""]:
        """How many picks of the edit under way are made, i32[]."""
        return (state.picks >= 0).sum(dtype=jnp.int32)

    def _legal(self, state: EditState, made: Int[Array, ""]) -> Bool[Array, "A"]:
        on = (state.t < self.horizon) & ~state.stopped
        legal = self.legal(self.graph(state), state.picks, state.spent) & on
        return jnp.append(legal, on & (made == 0) & legal.any()) if self.stop else legal

    def _pick(self, state: EditState, action: Int[Array, ""]) -> tuple[EditState, Edit, Bool[Array, ""]]:
        """Apply a pick without any scoring; also whether the episode was over before."""
        action = jnp.asarray(action, jnp.int32)
        made = self._made(state)
        masks = self._legal(state, made)
        inside = (action >= 0) & (action < self.num_actions)
        legal = inside & masks[jnp.clip(action, 0, self.num_actions - 1)]
        stopped = legal & (action == self.pool.capacity) if self.stop else jnp.zeros((), bool)
        legal, last = legal & ~stopped, made == self.steps_per_edit - 1
        done = legal & last
        # Slots of -1 make an edit that changes nothing: edits are total.
        whole = jnp.where(done, jnp.append(state.picks, action), -1)
        before = self.graph(state)
        graph, edit = self.apply(before, whole)
        edit = edit._replace(operation=jnp.where(done, edit.operation, 0).astype(jnp.int32))
        under_way = jnp.where(jnp.arange(self.steps_per_edit - 1) == made, action, state.picks)
        picks = jnp.where(legal, jnp.where(last, -1, under_way), state.picks)
        successor = replace(
            state, graph=self.pool.owned(graph), t=state.t + 1, stopped=state.stopped | stopped, picks=picks,
            spent=self.pay(before, whole, state.spent),
        )  # fmt: skip
        return successor, edit, ~masks.any()

    def _pairs(self, state: EditState) -> Float[Array, "P N N"]:
        N = self.pool.capacity
        if not self.sensitivity or self.objective.sensitivity is None:
            return jnp.zeros((0, N, N), jnp.float32)
        return jnp.where(state.t < self.horizon, self.objective.sensitivity(self.graph(state), state.look), 0.0)

    def _rewarded(
        self, state: EditState, successor: EditState, edit: Edit, ends: Bool[Array, ""]
    ) -> tuple[Any, Float[Array, ""]]:
        """The successor's carry and the reward; scoring runs only when it is due somewhere in the batch."""
        objective, graph = self.objective, self.graph(successor)
        due = edit.operation > 0 if self.reward == "edit" else ends

        def scored() -> tuple[Any, Array]:
            if self.reward == "edit":
                carry = objective.update(state.carry, edit, graph, state.noise)
                value = carry.value
            else:
                carry, value = state.carry, objective.init(graph, state.noise).value
            kept = jax.tree.map(lambda new, old: jnp.where(due, new, old), carry, state.carry)
            return kept, jnp.where(due, value - state.carry.value, 0.0)

        def unscored() -> tuple[Any, Array]:
            return state.carry, jnp.zeros_like(state.carry.value)

        return jax.lax.cond(anywhere(due), scored, unscored)
