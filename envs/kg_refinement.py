"""Refine a knowledge graph: delete wrong facts, or stop."""

from dataclasses import replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from envs.base import Observation, TimeStep, noise_key
from envs.noisy import NoisyFacts, make_noisy, verified_wrong
from envs.queries import NO_OBJECTIVE, Task, load_task
from lepton_rl.evidence import gather
from lepton_rl.noise import corrupt
from lepton_rl.objectives.base import Objective
from lepton_rl.registry import near_match
from lepton_rl.triple_graph import TripleGraph, without_base

__all__ = ["COUNTED", "KGRefinement", "RefinementState", "build_kg_refinement", "make_kg_refinement", "refinement_on"]

COUNTED = ("frequency", "types", "rules")
"""Evidence that is counted and not trained: seconds."""
_PARTS = ("train", "valid", "test")


@struct.dataclass
class RefinementState:
    """The state of an episode.

    Attributes:
        context: i32[2], the instance, and the first of its facts under review. ``t``: i32[], steps taken.
        gone: bool[W], facts deleted. ``told``: bool[W], facts whose label was bought (bool[0] where none can be).
        hits, misses, asks: i32[], wrong facts deleted, right ones, and labels bought. ``stopped``: bool[].
    """

    context: Int[Array, "*B 2"]
    t: Int[Array, "*B"]
    gone: Bool[Array, "*B W"]
    told: Bool[Array, "*B V"]
    hits: Int[Array, "*B"]
    misses: Int[Array, "*B"]
    asks: Int[Array, "*B"]
    stopped: Bool[Array, "*B"]


@struct.dataclass
class KGRefinement:
    """Find the wrong facts of a knowledge graph and delete them, one a step, at most T = ``horizon``.

    An instance is one graph with wrong facts put in. Under review are all its facts, or in each episode W =
    ``window`` of them that begin anywhere (their order tells nothing). Which are wrong is seen in rewards alone: train
    on instances of other noise, or of other graphs, than those that are to be judged.
    Observation: context (instance, first fact under review); marks [none, share of the steps left]; ``evidence``
    f32[W, C], C = 1 where labels may be bought: 1 = bought and wrong, -1 = bought and right, 0 = not bought. The rest
    is the pool's, which is never batched, and :func:`envs.base.whole` puts it back: ``candidates`` i32[A, 4] (0 = stop,
    1 = delete, 2 = ask; head, relation, tail), and before that column F more of ``evidence``, on the graph as the
    episode found it.
    Action: a fact in [0, W) to delete, W to stop, and where labels may be bought W + 1 + i for that of fact i. Illegal:
    facts that are deleted, labels that are bought or of deleted facts.
    Reward: 1 for a wrong fact, ``-penalty`` for a right one, 0 for stopping, ``-ask`` for a label. So deleting pays
    from a probability of penalty / (1 + penalty) on. An illegal action changes nothing, costs its step, and gives 0.
    Termination: on stopping, or after T steps.

    Attributes:
        pool: the instances. ``penalty``: f32[]. ``price``: f32[], of a label.
        horizon: T. ``window``: W. ``asks``: labels may be bought.
    """

    pool: NoisyFacts
    penalty: Float[Array, ""]
    price: Float[Array, ""]
    horizon: int = struct.field(pytree_node=False)
    window: int = struct.field(pytree_node=False)
    asks: bool = struct.field(pytree_node=False, default=False)
    rule: str = struct.field(pytree_node=False, default="KGRefinement")

    steps_per_edit: ClassVar[int] = 1
    operations: ClassVar[tuple[tuple[str, int, int | None], ...]] = ()
    objective: ClassVar[Objective] = NO_OBJECTIVE

    @property
    def num_actions(self) -> int:
        """A = W + 1: the facts under review, and to stop; W more where labels may be bought."""
        return self.window + 1 + (self.window if self.asks else 0)

    @jax.jit
    def reset(self, start: Int[Array, ""], key: PRNGKeyArray) -> tuple[RefinementState, Observation]:
        """Begin on instance ``start``; where not all facts are under review, the first is drawn from the noise key."""
        first = jax.random.randint(noise_key(key), (), 0, self.pool.counts[start])
        context = jnp.stack([start, first if self.window < self.pool.numbers.shape[1] else jnp.int32(0)])
        zero, none = jnp.int32(0), jnp.zeros(self.window, bool)
        told = none[: self.window if self.asks else 0]
        state = RefinementState(context.astype(jnp.int32), zero, none, told, zero, zero, zero, jnp.zeros((), bool))
        return state, self.observe(state)

    @jax.jit
    def step(
        self, state: RefinementState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[RefinementState, TimeStep]:
        """Delete, stop or ask; ``key`` is not used."""
        action, W, instance = jnp.asarray(action, jnp.int32), self.window, state.context[0]
        fact = jnp.where(action > W, action - W - 1, action)
        inside = jnp.clip(fact, 0, W - 1)
        place = self.pool.place(state.context, inside, W)
        open_ = (state.t < self.horizon) & ~state.stopped
        free = open_ & (action >= 0) & (fact < W) & (place < self.pool.counts[instance]) & ~state.gone[inside]
        deletes, stops, asks = free & (action < W), open_ & (action == W), free & (action > W)
        asks &= ~state.told[inside] if self.asks else False
        hit = self.pool.wrong[instance, place]
        successor = replace(
            state, t=state.t + 1, gone=state.gone.at[inside].max(deletes), stopped=state.stopped | stops,
            told=state.told.at[inside].max(asks) if self.asks else state.told, hits=state.hits + (deletes & hit),
            misses=state.misses + (deletes & ~hit), asks=state.asks + asks,
        )  # fmt: skip
        reward = jnp.where(deletes, jnp.where(hit, 1.0, -self.penalty), jnp.where(asks, -self.price, 0.0))
        ends = successor.stopped | (successor.t >= self.horizon)
        return successor, TimeStep(self.observe(successor), reward, ends, jnp.zeros_like(ends))

    @jax.jit
    def rebuild(
        self, start: Int[Array, ""], key: PRNGKeyArray, actions: Int[Array, "T"], t: Int[Array, ""]
    ) -> RefinementState:
        """The state after the first ``t`` actions."""

        def advance(i: Int[Array, ""], state: RefinementState) -> RefinementState:
            return self.step(state, jnp.where(i < t, actions[i], -1), key)[0]  # -1 does nothing

        state = jax.lax.fori_loop(0, self.horizon, advance, self.reset(start, key)[0])
        return replace(state, t=jnp.asarray(t, jnp.int32))

    @jax.jit
    def observe(self, state: RefinementState) -> Observation:
        """What an agent sees: see the class docstring."""
        N, left = self.pool.capacity, jnp.maximum(self.horizon - state.t, 0) / self.horizon
        marks = jnp.stack([jnp.zeros(N), jnp.full(N, left)], axis=-1).astype(jnp.float32)
        places = self.pool.place(state.context, jnp.arange(self.window), self.window)
        open_ = (state.t < self.horizon) & ~state.stopped
        free = (places < self.pool.counts[state.context[0]]) & ~state.gone
        legal = jnp.concatenate([free, jnp.ones(1, bool), free[: len(state.told)] & ~state.told]) & open_
        wrong = self.pool.reviewed(self.pool.wrong, state.context, self.window)[: len(state.told)]
        labels = jnp.where(state.told, jnp.where(wrong, 1.0, -1.0), 0.0)
        return Observation(
            without_base(self.graph(state)), marks, legal, state.context, jnp.zeros((0, N, N), jnp.float32),
            evidence=labels.reshape(self.window, -1).astype(jnp.float32),
        )  # fmt: skip

    def graph(self, state: RefinementState) -> TripleGraph:
        """The graph in ``state``."""
        numbers = self.pool.reviewed(self.pool.numbers, state.context, self.window)
        gone = jnp.where(state.gone, numbers, self.pool.graphs.num_facts)
        shown = self.pool.shown(state.context[0]).at[gone].set(False, mode="drop")
        return replace(self.pool.graphs, shown=shown)

    def value(self, state: RefinementState) -> Float[Array, ""]:
        """The rewards so far, f32[]."""
        return state.hits - self.penalty * state.misses - self.price * state.asks


def refinement_on(
    pool: NoisyFacts, horizon: int, *, penalty: float = 1.0, window: int | None = None, ask: float | None = None
) -> KGRefinement:
    """The environment on a ready pool, checked.

    Args:
        horizon: T. ``penalty``: what deleting a right fact costs. ``window``: W, None: all facts.
        ask: the price of a label; None: none can be bought.

    Raises:
        ValueError: a horizon or a window below 1, a window of more facts than there are, a negative penalty or price.
    """
    least, most = int(pool.counts.min()), pool.numbers.shape[1]
    if horizon < 1:
        raise ValueError(f"a budget of {horizon} deletions: give at least 1.")
    if window is not None and not 1 <= window <= least:
        raise ValueError(f"a window of {window} of {least} facts: give at least 1 and not more than there are.")
    for what, number in (("penalty", penalty), ("price of a label", ask or 0.0)):
        if not 0 <= number < float("inf"):
            raise ValueError(f"a {what} of {number}: give a number from 0 on.")
    return KGRefinement(
        pool, jnp.float32(penalty), jnp.float32(ask or 0.0), horizon, most if window is None else window,
        ask is not None,
    )  # fmt: skip


def make_kg_refinement(
    task: Task, horizon: int | None = None, *, share: float = 0.05, kind: str = "uniform", missing: float = 0.0,
    draws: int = 4, seed: int = 0, part: str = "train", evidence: tuple[str, ...] = COUNTED, penalty: float = 1.0,
    window: int | None = None, ask: float | None = None, negatives: np.ndarray | None = None,
) -> KGRefinement:  # fmt: skip
    """Draw noise in a graph, judge every fact by the others, and build the environment.

    Args:
        task: the graph, and what is true beside it; its queries are not asked.
        horizon: T, by default twice the wrong facts, or for a window a quarter of it.
        share, kind, negatives: see :func:`lepton_rl.noise.corrupt`. ``missing``: share of the facts that each draw
            hides before; they are true and speak for nothing.
        draws: P, with noise of their own. ``seed``, ``part``: of all that is random; noise of the parts differs.
        evidence: families, see :data:`lepton_rl.evidence.EVIDENCE`. ``penalty``, ``window``, ``ask``: as in
            :func:`refinement_on`.

    Raises:
        ValueError: an unknown name, or a number out of range.
    """
    if part not in _PARTS:
        raise ValueError(f"unknown part '{part}'.{near_match(part, _PARTS)} Allowed: {', '.join(_PARTS)}.")
    if draws < 1 or not 0 <= missing < 1:
        raise ValueError(f"{draws} draws of noise, {missing} of the facts missing: give at least 1, a share below 1.")
    N, R, instances, told = task.num_entities, task.num_relations, [], []
    for draw in range(draws):
        rng = np.random.default_rng((seed, _PARTS.index(part), draw))
        hidden = round(missing * len(task.facts))
        shown = task.facts[rng.permutation(len(task.facts)) >= hidden] if hidden else task.facts
        instances.append(corrupt(shown, N, R, share, kind, rng, known=task.known, negatives=negatives))
        facts = instances[-1].facts
        told.append(gather(facts, facts, N, R, names=evidence, seed=int(rng.integers(1 << 31))))
    pool = make_noisy(instances, told, N, R, seed)
    budget = 2 * int(pool.wrong.sum(1).max()) if window is None else -(-window // 4)
    return refinement_on(pool, budget if horizon is None else horizon, penalty=penalty, window=window, ask=ask)


def build_kg_refinement(
    rule: str = "KGRefinement", *, data: str = "world", part: str = "train", split_seed: int = 0,
    share: float = 0.05, kind: str = "uniform", missing: float = 0.0, draws: int = 4, seed: int = 0,
    evidence: tuple[str, ...] = COUNTED, budget: int | None = None, penalty: float = 1.0, window: int | None = None,
    ask: float | None = None,
) -> KGRefinement:  # fmt: skip
    """Build the environment from JSON-able settings: noise in the training facts, none of it a fact of any part.

    Args:
        rule: its name. ``data``, ``split_seed``: see :func:`envs.queries.load_task`.
        part: whose noise, "train", "valid" or "test". ``budget``: T. The rest: as in :func:`make_kg_refinement`; facts
            verified to be wrong are the test's for "test" and the validation's else, see
            :func:`envs.noisy.verified_wrong`.

    Raises:
        ValueError: an unknown name, data that cannot be read, or a setting out of range.
    """
    task = load_task(data, "test", "tail", split_seed)
    return make_kg_refinement(
        task, budget, share=share, kind=kind, missing=missing, draws=draws, seed=seed, part=part,
        evidence=tuple(evidence), penalty=penalty, window=window, ask=ask,
        negatives=verified_wrong(data, part, split_seed) if kind == "verified" else None,
    )  # fmt: skip
