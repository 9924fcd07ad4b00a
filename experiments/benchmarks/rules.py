"""``python -m experiments.benchmarks rules``: steps a second of every rule of edits, a reward after every edit."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from rich.console import Console

from envs import ENVIRONMENTS
from envs.base import GraphEnv
from envs.episodes import build_env
from experiments.benchmarks import jumanji_env
from experiments.benchmarks.envs import play
from experiments.benchmarks.options import Rules
from experiments.benchmarks.timing import compile_program, fastest
from lepton_rl.registry import resolve

__all__ = ["rows"]

POOL = 64  # start graphs
# Steps a second of FINDER's environment in C++ (Fan et al. 2020), by nodes; two cores like those this was written on.
FINDER = {20: 463_000, 100: 109_000}


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
        env = build_env(
            rule, objective=objective, budget=options.budget, reward=options.reward, num_nodes=n, num_graphs=POOL
        )
        row = _measure(env, options)
        dismantling = rule == "NodeRemoval" and objective == "-largest_component" and n in FINDER
        times = row["steps_per_second"] / FINDER[n] if dismantling else None
        yield {"rule": rule, "name": objective, "n": n, "batch": options.batch, **row, "times_finder": times}
