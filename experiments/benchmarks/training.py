"""``python -m experiments.benchmarks training``: iterations a second on RNet-DQN's unit of work, and of our own."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
from rich.console import Console

from agents.config import DQNConfig
from agents.training import make_runs, network_for
from envs.edge_addition import EdgeAddition, make_edge_addition
from envs.pools import Pool, make_pool
from experiments.benchmarks.options import Training
from lepton_rl.data import from_networkx, generate
from lepton_rl.objectives import get_objective

__all__ = ["RNET_DQN_UNITS", "rows", "works"]

NODES, BUDGET = 20, 10
RNET_DQN_UNITS = 4.3  # a second: 50 episodes of L = 10 and one update of batch 50
POOL = 256
_MANY = 1000  # chunks: more than are ever run


def works(options: Training) -> dict[str, DQNConfig]:
    """What is timed, by name; one chunk is ``units`` iterations."""
    units, own = (2, replace(options.dqn, width=16, rounds=1)) if options.quick else (options.units, options.dqn)
    unit = replace(own, episodes=50, updates=1, batch_size=50, replay_capacity=5000)
    found = {
        "rnet-dqn": replace(unit, encoder="structure2vec", head="node", picks="all"),
        "rnet-dqn, own network": unit,
        "own": own,
    }
    if options.quick:
        found = {"rnet-dqn": replace(found["rnet-dqn"], width=8, rounds=1)}
    return {name: replace(config, iterations=units * _MANY, chunks=_MANY) for name, config in found.items()}


def _pool(first: int, count: int) -> Pool:
    graphs = generate("ba", NODES, range(first, first + count))
    return make_pool([from_networkx(graph, "ba").to_bitgraph() for graph in graphs])


def _measure(train: EdgeAddition, valid: EdgeAddition, config: DQNConfig, seconds: float) -> dict[str, Any]:
    """Fastest chunk of one run: its iterations with one validation on a single graph."""
    runs = make_runs(network_for(train, config), config, 1)
    begin = time.perf_counter()
    state = runs.init(train, [0])
    chunks = runs.chunks(train, valid, state)
    jax.block_until_ready(next(chunks)[1].loss)
    first, best, end = time.perf_counter() - begin, float("inf"), time.perf_counter() + seconds
    for turn, (_, taken) in enumerate(_timed(chunks)):
        best = min(best, taken)
        if turn >= 2 and time.perf_counter() > end:
            break
    units = config.iterations // config.chunks
    return {
        "iterations_per_second": units / best,
        "updates_per_second": units * config.updates / best,
        "env_steps_per_second": units * config.episodes * train.horizon / best,
        "compile_seconds": first - best,
    }


def _timed(chunks: Iterator[Any]) -> Iterator[tuple[Any, float]]:
    while True:
        begin = time.perf_counter()
        state, metrics = next(chunks)
        jax.block_until_ready(metrics.loss)
        yield state, time.perf_counter() - begin


def rows(options: Training, console: Console) -> Iterator[dict[str, Any]]:
    """One row a work; ``times_rnet_dqn`` where the unit is RNet-DQN's."""
    pools = _pool(0, POOL), _pool(10_000, 1)
    for name, config in works(options).items():
        pairs = config.head == "pair"
        train, valid = (
            make_edge_addition(pool, get_objective(options.objective), BUDGET, "end", sensitivity=pairs)
            for pool in pools
        )
        row = _measure(train, valid, config, 0.1 if options.quick else options.seconds)
        ratio = row["iterations_per_second"] / RNET_DQN_UNITS if name.startswith("rnet-dqn") else None
        network = f"{config.encoder}, {config.head}, width {config.width}, {config.rounds} rounds"
        yield {"work": name, "n": NODES, "batch": config.episodes, "objective": options.objective, "network": network,
               **row, "times_rnet_dqn": ratio}  # fmt: skip
