"""``python -m experiments.benchmarks envs``: the environment beside its objective alone and beside networkx."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray
from rich.console import Console

from envs.base import Observation, Policy, Trajectory, noise_key, rollout
from envs.edge_addition import EdgeAddition, make_edge_addition
from envs.pools import make_pool
from experiments.benchmarks.networkx_env import NetworkxEdgeAddition
from experiments.benchmarks.options import Envs
from experiments.benchmarks.timing import Program, compile_program, fastest
from lepton_rl.batching import ENVIRONMENT_AXIS, in_parts
from lepton_rl.data import from_networkx, generate
from lepton_rl.graph import BitGraph, add_edge
from lepton_rl.objectives import get_objective
from lepton_rl.objectives.base import Edit

__all__ = ["BUDGET", "RNET_DQN", "kernel_values", "networkx_rate", "part_size", "play", "random_policy", "rows"]

BUDGET = 10
RNET_DQN = {20: 7000.0, 100: 750.0}  # edits a second of its C++ environment
POOL = 64
PART_BYTES = 2**19  # of removal times a part; a few such arrays fit a core's share of the cache


def random_policy() -> Policy:
    """A random legal pick without drawing anything: the first legal node from a random place on.

    Not uniform, and cheap: a uniform pick draws N words, which would be timed as the environment's.
    """

    def act(key: PRNGKeyArray, h: Any, observation: Observation) -> Int[Array, ""]:
        N = observation.legal.shape[0]
        # A step's key is a hash already: one of its words serves, and nothing more is timed.
        place = (jax.random.key_data(key)[0] >> 1).astype(jnp.int32) % N
        distance = jnp.arange(N, dtype=jnp.int32) - place
        distance = jnp.where(distance < 0, distance + N, distance)
        pick = jnp.where(observation.legal, distance, N - 1).min() + place
        return jnp.where(pick >= N, pick - N, pick)

    return Policy(lambda observation: (), act)


POLICY = random_policy()


def part_size(num_nodes: int, batch: int) -> int:
    """Members a part: a power of two whose removal times take PART_BYTES; everybody at once off the CPU."""
    if jax.default_backend() != "cpu":
        return batch
    orders = -(-2 * num_nodes // 32) * 32  # as the kernel pads them; bytes, or two from n = 255
    fits = max(PART_BYTES // (num_nodes * orders * (1 if num_nodes < 255 else 2)), 1)
    return min(2 ** (fits.bit_length() - 1), batch & -batch)


def play(part: int, env: EdgeAddition, starts: Int[Array, "B"], keys: Key[Array, "B"]) -> Trajectory:
    """Whole episodes of random legal picks; of the last states only the graph is kept."""

    def one_part(starts: Array, keys: Array) -> Trajectory:
        episodes = rollout(env, POLICY, starts, keys, keys)
        return episodes._replace(state=env.graph(episodes.state))

    return in_parts(one_part, part, starts, keys)


def kernel_values(
    part: int, env: EdgeAddition, starts: Int[Array, "B"], keys: Key[Array, "B"], actions: Int[Array, "B T"]
) -> Float[Array, "B V"]:
    """The objective's values that the same episodes need (V = 2, or L + 1), and nothing else."""
    objective = env.objective

    def one(start: Array, key: PRNGKeyArray, actions: Array) -> Array:
        graph = env.pool[start]
        noise = objective.draw(graph, jax.random.split(noise_key(key))[0])  # the episode's own, as the rewards show
        carry = objective.init(graph, noise)

        def extend(state: tuple[BitGraph, Any], edge: Array) -> tuple[tuple[BitGraph, Any], Array]:
            graph, carry = state
            graph = add_edge(graph, edge[0], edge[1])
            if env.reward == "edit":
                carry = objective.update(carry, Edit(jnp.int32(1), edge[0], edge[1]), graph, noise)
            return (graph, carry), carry.value

        (graph, _), after = jax.lax.scan(extend, (graph, carry), actions.reshape(-1, 2))
        after = after if env.reward == "edit" else objective.init(graph, noise).value[None]
        return jnp.append(carry.value, after)

    return in_parts(jax.vmap(one, axis_name=ENVIRONMENT_AXIS), part, starts, keys, actions)


def networkx_rate(graph: nx.Graph, objective: str, reward: Any, seconds: float) -> float:
    """Edits a second of the networkx environment on one core: whole episodes (or, paid by the edge, whole edges)."""
    env = NetworkxEdgeAddition(graph, BUDGET, targeted=objective.endswith("targeted"), reward=reward)
    rng, edits, begin = np.random.default_rng(0), 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        observation, _ = env.reset(seed=edits)
        for _ in range(BUDGET):
            for _ in range(2):
                observation, *_ = env.step(int(rng.choice(np.flatnonzero(observation["action_mask"]))))
            edits += 1
            if reward == "edit" and time.perf_counter() - begin > seconds:
                break
    return edits / (time.perf_counter() - begin)


def _environment(num_nodes: int, objective: str, reward: str) -> EdgeAddition:
    graphs = generate("ba", num_nodes, range(POOL))
    pool = make_pool([from_networkx(graph, "ba").to_bitgraph() for graph in graphs])
    return make_edge_addition(pool, get_objective(objective), BUDGET, reward)


class _TooDearError(Exception):
    """A measurement that would not fit; the message says what it would need."""


def _measure(env: EdgeAddition, batch: int, options: Envs, seconds_an_episode: float) -> dict[str, Any]:
    """One row, networkx apart.

    Raises:
        _TooDearError: memory or time would go over the options' limits.
    """
    expected = batch * seconds_an_episode
    if expected > options.limit_seconds:
        raise _TooDearError(f"about {expected:.0f} s once through")
    part = part_size(env.num_actions, batch)
    starts, keys = jnp.arange(batch, dtype=jnp.int32) % POOL, jax.random.split(jax.random.key(0), batch)
    program = compile_program(partial(play, part), env, starts, keys)
    if program.peak_mb > options.memory_mb:
        raise _TooDearError(f"{program.peak_mb:.0f} MB")
    actions = program.call(env, starts, keys).actions
    kernel: Program = compile_program(partial(kernel_values, part), env, starts, keys, actions)
    calls: list[Callable[[], Any]] = [
        lambda: program.call(env, starts, keys).rewards, lambda: kernel.call(env, starts, keys, actions),
    ]  # fmt: skip
    ours, bare = fastest(calls, options.seconds)
    return {
        "part": part, "edits_per_second": batch * BUDGET / ours, "kernel_edits_per_second": batch * BUDGET / bare,
        "kernel_ratio": bare / ours, "compile_seconds": program.compile_seconds, "peak_mb": program.peak_mb,
    }  # fmt: skip


def rows(options: Envs, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one; what is left out is said on ``console``."""
    if options.quick:
        options = replace(
            options, nodes=(20,), batches=(16,), objectives=options.objectives[:1], rewards=("end",), seconds=0.1
        )
    for n, objective, reward in product(options.nodes, options.objectives, options.rewards):
        env, episode = _environment(n, objective, reward), 0.0
        peer = networkx_rate(generate("ba", n, [0])[0], objective, reward, options.seconds)
        for batch in options.batches:
            head = {"n": n, "batch": batch, "objective": objective, "reward": reward}
            try:
                row = _measure(env, batch, options, episode)
            except _TooDearError as reason:
                console.print(f"left out: n = {n}, batch {batch}, {objective}, reward at the {reward}: {reason}")
                continue
            episode = BUDGET / row["edits_per_second"]
            ratios = {
                "networkx_edits_per_second": peer, "times_networkx": row["edits_per_second"] / peer,
                "times_rnet_dqn": row["edits_per_second"] / RNET_DQN[n] if n in RNET_DQN else None,
            }  # fmt: skip
            yield {**head, **row, **ratios}
