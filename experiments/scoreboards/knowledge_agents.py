"""Agents in the table of knowledge graphs: they learn from the rewards of their own actions, then rank like a ranker.

Parameters are kept by validation facts. A completion agent ranks as :mod:`experiments.completing` says; what a walk
says is the beam of :func:`agents.beams.beam_ranking` under MINERVA's protocol.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import jax

from agents.beams import beam_ranking
from agents.knowledge import network_on
from agents.training import make_runs
from envs.kg_walk import make_kg_walk
from experiments.completing import Note, Task, by_rewards, queries_on, trained_ranker
from experiments.completion_settings import AgentConfig
from experiments.scoreboards.knowledge_agent_options import agent_config
from experiments.scoreboards.knowledge_fits import config_of, fits
from experiments.scoreboards.knowledge_options import KG
from lepton_rl.metrics import MINERVA, Ranking, evaluate
from lepton_rl.ranking.base import scorer

__all__ = ["agent_rankings", "settings_of"]


def settings_of(method: str, name: str, options: KG) -> AgentConfig:
    """The settings of an agent on a data set, with the iterations that were asked for."""
    config = agent_config(method, name)
    if options.epochs is None:
        return config
    return replace(config, dqn=replace(config.dqn, iterations=options.epochs, chunks=1))


def agent_rankings(
    method: str, name: str, task: Task, options: KG, note: Note
) -> Iterator[tuple[Ranking, float, dict[str, Any]]]:
    """Of every seed: the ranks of the held-out answers, the seconds of training, and the settings as JSON."""
    config = settings_of(method, name, options)
    learnt = _walked if method == "walk" else _completed
    for seed in range(options.seeds):
        begin = time.perf_counter()

        def said(line: str, seed: int = seed) -> None:
            note(f"seed {seed}: {line}")

        rank = learnt(config, name, task, options, method, seed, said)
        seconds = time.perf_counter() - begin
        yield rank(), seconds, asdict(config)


def _completed(
    config: AgentConfig, name: str, task: Task, options: KG, method: str, seed: int, note: Note
) -> Any:  # fmt: skip
    """Train a completion agent; how to rank with the parameters of the chunk that is best on validation facts."""
    start = None
    if method == "dqn-pretrained":
        start = next(fits("nbfnet", config_of("nbfnet", name, options), task, [seed], note)).params
    params, _ = by_rewards(config, task, seed, replace(options.protocol, candidates="all"), note, start)
    ranker = trained_ranker(config, task)
    held_out, train = getattr(task.splits, options.split).triples, task.splits.train.triples
    return lambda: evaluate(scorer(ranker, params, task.graph), held_out, task.known, options.protocol, train=train)


def _walked(config: AgentConfig, name: str, task: Task, options: KG, method: str, seed: int, note: Note) -> Any:
    """Train a walk; how to rank with the parameters of the chunk whose walks arrive most on validation facts."""
    if options.side == "both":
        raise ValueError("walk: a beam ranks tails or heads, so give --side tail or head, or leave the method out.")
    env = make_kg_walk(queries_on(task, "train", "both"), config.steps)
    valid = make_kg_walk(queries_on(task, "valid", options.side), config.steps)
    network = network_on(env, config.ranker, bounded=True)
    runs = make_runs(network, config.dqn, 1)
    state: Any = runs.init(env, [seed])
    for done, (state, metrics) in enumerate(runs.chunks(env, valid, state), 1):  # noqa: B007, B020 - donated
        note(f"{done}/{config.dqn.chunks}, walks that arrive {float(metrics.validation[0]):.3f}")
    best = jax.tree.map(lambda leaf: leaf[0], state.best_params)
    asked = make_kg_walk(queries_on(task, options.split, options.side), config.steps)
    return lambda: beam_ranking(network, asked, best, task.known, replace(MINERVA, side=options.side))
