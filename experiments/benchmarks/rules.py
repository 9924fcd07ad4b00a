"""``python -m experiments.benchmarks rules``: steps a second of every rule of edits, a reward after every edit."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from envs import DEFAULTS, ENVIRONMENTS, get_environment
from envs.base import GraphEnv
from envs.labels import start_labels
from envs.pools import make_pool
from experiments.benchmarks import jumanji_env
from experiments.benchmarks.envs import play
from experiments.benchmarks.options import Rules
from experiments.benchmarks.timing import compile_program, fastest
from lepton_rl.data import generate
from lepton_rl.graph import BitGraph, from_edges
from lepton_rl.objectives import get_objective
from lepton_rl.registry import resolve

__all__ = ["rows"]

POOL = 64  # start graphs
# Steps a second of FINDER's environment in C++ (Fan et al. 2020), by nodes; two cores like those this was written on.
FINDER = {20: 463_000, 100: 109_000}


def _environment(rule: str, objective: str, num_nodes: int, options: Rules) -> GraphEnv:
    family, kind = DEFAULTS[rule].graphs, "side" if rule == "LinkRecommendation" else get_objective(objective).labels

    def graph(seed: int) -> BitGraph:
        edges = np.array(generate(family, num_nodes, [seed])[0].edges)
        return from_edges(edges, num_nodes, labels=start_labels(kind, edges, num_nodes, seed))

    pool = make_pool([graph(seed) for seed in range(POOL)])
    env: GraphEnv = get_environment(rule)(pool, get_objective(objective), options.budget, options.reward)
    return env


def _measure(env: GraphEnv, options: Rules) -> dict[str, Any]:
    batch, part = options.batch, min(options.part, options.batch)
    starts, keys = jnp.arange(batch, dtype=jnp.int32) % POOL, jax.random.split(jax.random.key(0), batch)
    program = compile_program(partial(play, part), env, starts, keys)
    calls: list[Callable[[], Any]] = [lambda: program.call(env, starts, keys).rewards]
    if jumanji_env.installed():
        peer = compile_program(jumanji_env.graph_coloring(env.pool.capacity), keys)
        calls.append(lambda: peer.call(keys))
    seconds = fastest(calls, options.seconds)
    rates = [batch * steps / s for steps, s in zip((env.horizon, env.pool.capacity), seconds, strict=False)]
    return {
        "steps_per_second": rates[0], "times_jumanji": rates[0] / rates[1] if len(rates) > 1 else None,
        "compile_seconds": program.compile_seconds,
    }  # fmt: skip


def rows(options: Rules, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one."""
    if options.quick:
        options = replace(options, nodes=(20,), batch=16, rules=options.rules[:2], seconds=0.1)
    for n, rule in product(options.nodes, options.rules):
        resolve(ENVIRONMENTS, rule, "environment")
        objective = options.objective or options.cheap(rule)
        row = _measure(_environment(rule, objective, n, options), options)
        dismantling = rule == "NodeRemoval" and objective == "-largest_component" and n in FINDER
        times = row["steps_per_second"] / FINDER[n] if dismantling else None
        yield {"rule": rule, "name": objective, "n": n, "batch": options.batch, **row, "times_finder": times}
