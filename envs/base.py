"""Episodes of graph edits: the types every environment speaks, and the drivers that step a batch in lock-step.

Un-batched everywhere; a batch is ``jax.vmap`` over a named axis (``lepton_rl.batching``), which lets environments run
dear scores only when they are due. Letters: N node slots, A actions, M marks, T horizon.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray

from envs.noisy import NoisyFacts
from envs.pools import Pool
from envs.queries import Queries
from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.objectives.base import Objective

__all__ = [
    "GraphEnv", "Observation", "Policy", "TimeStep", "Trajectory", "noise_key", "reset_batch", "rollout", "step_batch",
    "step_keys", "whole",
]  # fmt: skip

_NOISE = np.uint32(2**32 - 1)  # no step of an episode has this number


@struct.dataclass
class Observation:
    """What an agent sees.

    Attributes:
        graph: the graph as edited so far; without the facts that all share, see :func:`whole`, if it is a knowledge
            graph or a large one.
        marks: f32[N, M] per-node marks: [:, 0] the selected node (one-hot), [:, 1] the share of the budget left (of
            edits or of cost, whichever is scarcer).
        legal: bool[A], True = legal; all False once the episode is over.
        context: i32[C] a query, C = 0 where there is none.
        pairs: f32[P, N, N] what adding each edge would bring by the objective's first-order account, P = 0 where the
            environment gives none.
        candidates: i32[A, 4] (operation, head, relation, tail) where actions are not nodes, else None; i32[A, 5] where
            an operation may put another number in one of their places.
        evidence: f32[W, F] what is known of each of W candidates or facts that actions are about, else None.
    """

    graph: Any
    marks: Float[Array, "*B N M"]
    legal: Bool[Array, "*B A"]
    context: Int[Array, "*B C"]
    pairs: Float[Array, "*B P N N"]
    candidates: Int[Array, "*B A K"] | None = None
    evidence: Float[Array, "*B W F"] | None = None


@struct.dataclass
class TimeStep:
    """One step's outcome; ``observation`` is always the successor's, also at the end of an episode.

    Attributes:
        observation: the successor's observation.
        reward: f32[].
        terminated: bool[], the episode ended by its own rules (the budget belongs to them).
        truncated: bool[], it was cut off from outside.
    """

    observation: Observation
    reward: Float[Array, "*B"]
    terminated: Bool[Array, "*B"]
    truncated: Bool[Array, "*B"]


@runtime_checkable
class GraphEnv(Protocol):
    """A graph-editing environment: a pytree whose arrays are leaves and whose switches are static.

    Attributes:
        num_actions: A. ``horizon``: T, steps an episode. ``steps_per_edit``: the graph changes only at the last of
            every so many steps, so an encoding of the graph may be kept in between. ``operations``: what an edit does,
            by places in its picks. ``rule``: its name in ``envs.ENVIRONMENTS``.
            ``pool``: the start graphs. ``objective``: what is to grow.
    """

    @property
    def pool(self) -> Pool | Queries | NoisyFacts: ...  # noqa: D102
    @property
    def objective(self) -> Objective: ...  # noqa: D102
    @property
    def num_actions(self) -> int: ...  # noqa: D102
    @property
    def horizon(self) -> int: ...  # noqa: D102
    @property
    def steps_per_edit(self) -> int: ...  # noqa: D102
    @property
    def rule(self) -> str: ...  # noqa: D102
    @property
    def operations(self) -> tuple[tuple[str, int, int | None], ...]: ...  # noqa: D102

    def reset(self, start: Int[Array, ""], key: PRNGKeyArray) -> tuple[Any, Observation]:
        """Begin an episode on graph ``start`` of the pool; all its noise derives from ``noise_key(key)``."""

    def step(self, state: Any, action: Int[Array, ""], key: PRNGKeyArray) -> tuple[Any, TimeStep]:
        """Apply one action. An illegal one changes nothing, costs its step and gives 0."""

    def rebuild(self, start: Int[Array, ""], key: PRNGKeyArray, actions: Int[Array, "T"], t: Int[Array, ""]) -> Any:
        """The state after the first ``t`` of ``actions``, bit-equal to stepping: what a replay stores."""

    def observe(self, state: Any) -> Observation:
        """What an agent sees in ``state``."""

    def graph(self, state: Any) -> Any:
        """The graph in ``state``."""

    def value(self, state: Any) -> Float[Array, ""]:
        """The objective of the graph in ``state`` under the episode's own noise, f32[]; computed when asked."""


class Policy(NamedTuple):
    """How actions are chosen, un-batched: ``encode`` reads the graph once an edit, ``act`` picks at every step.

    Attributes:
        encode: ``Observation -> h``; must not read ``marks`` or ``legal``, which change inside an edit.
        act: ``(key, h, Observation) -> i32[]``.
    """

    encode: Callable[[Observation], Any]
    act: Callable[[PRNGKeyArray, Any, Observation], Int[Array, ""]]

    def __call__(self, key: PRNGKeyArray, observation: Observation) -> Int[Array, ""]:
        """One action, i32[], without a kept encoding."""
        return self.act(key, self.encode(observation), observation)


class Trajectory(NamedTuple):
    """A batch of whole episodes.

    Attributes:
        actions: i32[B, T]. ``rewards``: f32[B, T]. ``terminated``: bool[B, T]. ``state``: the final states.
    """

    actions: Int[Array, "B T"]
    rewards: Float[Array, "B T"]
    terminated: Bool[Array, "B T"]
    state: Any


def noise_key(key: PRNGKeyArray) -> PRNGKeyArray:
    """The key of an episode's own noise, apart from the keys of its steps.

    An episode's key is only ever folded, never consumed: ``split(key, n)[i]`` equals ``fold_in(key, i)``, so noise
    drawn from ``key`` itself could meet the randomness of step ``i``.
    """
    return jax.random.fold_in(key, _NOISE)


def whole(env: GraphEnv, observation: Observation) -> Observation:
    """An observation with what it leaves out because all of the environment share it (facts, evidence): for networks.

    Call it un-batched, inside the function that a ``vmap`` maps: shared arrays then stay shared.
    """
    seen = replace(observation, graph=env.pool.whole(observation.graph))
    return env.pool.described(seen) if isinstance(env.pool, NoisyFacts) else seen


def reset_batch(env: GraphEnv, starts: Int[Array, "B"], keys: Key[Array, "B"]) -> tuple[Any, Observation]:
    """Reset B environments."""
    return jax.vmap(env.reset, axis_name=ENVIRONMENT_AXIS)(starts, keys)


def step_batch(env: GraphEnv, state: Any, actions: Int[Array, "B"], keys: Key[Array, "B"]) -> tuple[Any, TimeStep]:
    """Step B environments."""
    return jax.vmap(env.step, axis_name=ENVIRONMENT_AXIS)(state, actions, keys)


def step_keys(keys: Key[Array, "B"], t: Int[Array, ""] | int) -> Key[Array, "B"]:
    """The keys of step ``t`` of B episodes: ``fold_in`` of each episode's key."""
    return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, t)


def rollout(
    env: GraphEnv, policy: Policy, starts: Int[Array, "B"], keys: Key[Array, "B"], act_keys: Key[Array, "B"]
) -> Trajectory:
    """Play B whole episodes in lock-step, encoding each graph once an edit.

    Every ``steps_per_edit`` steps the graphs are encoded anew. A policy that picks an illegal action falls out of that
    rhythm (its step is spent, its edit comes later) and then acts on the encoding of the graph as it was; a policy that
    keeps to ``legal`` never does.

    Args:
        env: the environment.
        policy: how actions are chosen; un-batched, vmapped here.
        starts: i32[B] pool indices.
        keys: [B] episode keys (the environment's noise; what a replay stores).
        act_keys: [B] keys of the policy's own randomness, apart from the environment's.
    """
    state, _ = reset_batch(env, starts, keys)
    observe = jax.vmap(env.observe, axis_name=ENVIRONMENT_AXIS)

    def act(key: PRNGKeyArray, h: Any, seen: Observation) -> Int[Array, ""]:
        return policy.act(key, h, whole(env, seen))

    def edit(state: Any, first: Array) -> tuple[Any, tuple[Array, ...]]:
        before = observe(state)
        h = jax.vmap(lambda seen: policy.encode(whole(env, seen)), axis_name=ENVIRONMENT_AXIS)(before)

        def pick(state: Any, t: Array) -> tuple[Any, tuple[Array, ...]]:
            # Read once an edit, like the encoding: what is not used of an observation is not computed.
            observation = replace(observe(state), pairs=before.pairs)
            actions = jax.vmap(act, axis_name=ENVIRONMENT_AXIS)(step_keys(act_keys, t), h, observation)
            state, step = step_batch(env, state, actions, step_keys(keys, t))
            return state, (actions, step.reward, step.terminated)

        return jax.lax.scan(pick, state, first + jnp.arange(env.steps_per_edit, dtype=jnp.int32))

    firsts = jnp.arange(0, env.horizon, env.steps_per_edit, dtype=jnp.int32)
    state, stacked = jax.lax.scan(edit, state, firsts)
    actions, rewards, terminated = (x.reshape(env.horizon, -1).T for x in stacked)
    return Trajectory(actions, rewards, terminated, state)
