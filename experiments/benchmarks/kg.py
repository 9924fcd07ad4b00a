"""``python -m experiments.benchmarks kg``: environments of knowledge graphs, walks beside a numpy environment."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, UInt32
from rich.console import Console

from agents.replay import empty_replay
from envs.base import GraphEnv, Observation, Policy, rollout
from envs.kg_completion import make_kg_completion
from envs.kg_refinement import make_kg_refinement
from envs.kg_repair import make_kg_repair
from envs.kg_walk import KGWalk, make_kg_walk
from envs.queries import Task, load_task
from experiments.benchmarks.minerva_env import PAD, NumpyWalk
from experiments.benchmarks.options import KG
from experiments.benchmarks.timing import compile_program, fastest

__all__ = ["CANDIDATES", "legal_of_rank", "legal_of_tries", "rows"]

CANDIDATES = 64
_WORD, _TRIES = 32, 8


def legal_of_rank(word: UInt32[Array, ""], legal: Bool[Array, "A"]) -> Int[Array, ""]:
    """A uniformly random legal action from one random word: the one of that rank, by sums over words of 32 actions.

    XLA CPU runs a cumulative sum over all actions as a chain of passes; over words there are few.
    """
    A = legal.shape[0]
    bits = jnp.pad(legal, (0, -A % _WORD)).reshape(-1, _WORD).astype(jnp.uint32)
    words = (bits << jnp.arange(_WORD, dtype=jnp.uint32)).sum(-1, dtype=jnp.uint32)
    counts = jax.lax.population_count(words).astype(jnp.int32)
    rank = ((word >> 8).astype(jnp.float32) * (counts.sum() / (1 << 24))).astype(jnp.int32)
    before = jnp.cumsum(counts) - counts
    place = jnp.maximum((before <= rank).sum() - 1, 0)
    left, rank, bit = words[place], rank - before[place], jnp.int32(0)
    for width in (16, 8, 4, 2, 1):  # halve the word in which it is
        low = left & jnp.uint32((1 << width) - 1)
        inside = jax.lax.population_count(low).astype(jnp.int32)
        above = rank >= inside
        rank, bit = jnp.where(above, rank - inside, rank), bit + jnp.where(above, width, 0)
        left = jnp.where(above, left >> width, low)
    return place.astype(jnp.int32) * _WORD + bit


def legal_of_tries(words: UInt32[Array, "K"], legal: Bool[Array, "A"]) -> Int[Array, ""]:
    """The first of K uniformly random actions that is legal, where nearly all are; the last action if none is.

    Among thousands of facts, of which few are gone, no rank is needed. The mask is read whole all the same, so that it
    is computed.
    """
    tries = (words % legal.shape[0]).astype(jnp.int32)
    good = legal[tries] & legal.any()
    return jnp.where(good.any(), tries[jnp.argmax(good)], legal.shape[0] - 1).astype(jnp.int32)


def _act(key: Any, h: Any, observation: Observation) -> Int[Array, ""]:
    return legal_of_rank(jax.random.key_data(key)[0], observation.legal)


POLICY = Policy(lambda observation: (), _act)
EDITOR = Policy(
    lambda observation: (),
    lambda key, h, observation: legal_of_tries(jax.random.bits(key, (_TRIES,), jnp.uint32), observation.legal),
)


def _play(env: GraphEnv, starts: Int[Array, "B"], keys: Key[Array, "B"]) -> Float[Array, "B T"]:
    return rollout(env, EDITOR if env.rule == "KGRefinement" else POLICY, starts, keys, keys).rewards


def _numpy_walks(env: NumpyWalk, numbers: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rewards f32[B] of uniformly random legal walks."""
    rng, actions = np.random.default_rng(seed), env.reset(numbers)
    rewards = np.zeros(len(numbers), np.float32)
    for _ in range(env.horizon):
        legal = actions[..., 0] != PAD
        rank = (rng.random(len(numbers)) * legal.sum(1)).astype(int)
        picks = (legal.cumsum(1) <= rank[:, None]).sum(1)
        actions, rewards = env.step(np.minimum(picks, legal.shape[1] - 1))
    return rewards


def _transition(env: GraphEnv) -> float:
    """Bytes of a replay a transition."""
    replay = empty_replay(1024, env.horizon, env.num_actions)
    return sum(leaf.nbytes for leaf in jax.tree.leaves(replay)) / (1024 * env.horizon)


def _measure(env: GraphEnv, batch: int, seconds: float, peer: Callable[[], Any] | None) -> dict[str, Any]:
    starts = jnp.asarray(np.random.default_rng(0).integers(env.pool.size, size=batch), jnp.int32)
    keys = jax.random.split(jax.random.key(0), batch)
    program = compile_program(_play, env, starts, keys)
    times = fastest([lambda: program.call(env, starts, keys), *([peer] if peer else [])], seconds)
    row = {"batch": batch, "steps_per_second": batch * env.horizon / times[0]}
    row |= {"compile_seconds": program.compile_seconds, "bytes_a_transition": _transition(env)}
    return row | ({"numpy_seconds": times[1]} if peer else {})


def _walks(env: KGWalk, task: Task, options: KG) -> dict[str, Any]:
    plain = NumpyWalk(env, task)
    numbers = np.random.default_rng(1).integers(len(task.queries), size=options.numpy_batch)
    row = _measure(env, options.batch, options.seconds, lambda: _numpy_walks(plain, numbers))
    rate = options.numpy_batch * env.horizon / row.pop("numpy_seconds")
    times = row["steps_per_second"] / rate
    return row | {"numpy_steps_per_second": rate, "times_minerva": times, "dropped": str(env.dropped)}


def rows(options: KG, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one."""
    if options.quick:
        options = replace(options, sets=("world",), batch=16, numpy_batch=8, completion_batch=4, repair_batch=4,
                          seconds=0.1)  # fmt: skip
    for name in options.sets:
        task = load_task(name if options.data is None else str(options.data / name), side="tail")
        head = {"set": Path(name).name, "n": task.num_entities, "facts": len(task.facts)}
        walk = make_kg_walk(task, options.steps, cap=options.cap)
        yield {**head, "rule": "KGWalk", **_walks(walk, task, options)}
        row = _measure(make_kg_completion(task, options.budget), options.completion_batch, options.seconds, None)
        yield {**head, "rule": "KGCompletion", **row}
        proposed = np.random.default_rng(0).integers(task.num_entities, size=(len(task.queries), CANDIDATES))
        few = make_kg_completion(task, options.budget, proposed=proposed)
        row = _measure(few, options.completion_batch, options.seconds, None)
        yield {**head, "rule": f"KGCompletion, {CANDIDATES} candidates", **row}
        editor = make_kg_refinement(task, options.deletions, evidence=("frequency",))
        row = _measure(editor, options.completion_batch, options.seconds, None)
        yield {**head, "rule": "KGRefinement", **row}
        repair = make_kg_repair(task, options.edits)
        yield {**head, "rule": "KGRepair", **_measure(repair, options.repair_batch, options.seconds, None)}
