"""Agents in the table of knowledge graphs: they learn from the rewards of their own actions, then rank like a ranker.

Their queries are facts of the training part; parameters are kept by validation facts. What a completion agent thinks of
all tails of a query on the untouched graph is its ranking (its ranker's scores, which its values rise with); a walk's
is the beam of :func:`agents.beams.beam_ranking` under MINERVA's protocol.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import jax
import numpy as np

from agents.beams import beam_ranking
from agents.knowledge import network_on, started_from
from agents.training import make_runs
from envs.kg_completion import make_kg_completion
from envs.kg_walk import make_kg_walk
from envs.queries import make_task
from experiments.scoreboards.knowledge_agent_options import AgentConfig, agent_config
from experiments.scoreboards.knowledge_fits import Note, Task, config_of, fits
from experiments.scoreboards.knowledge_options import KG
from lepton_rl.metrics import MINERVA, Ranking, evaluate, queries_of
from lepton_rl.ranking import get_ranker
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


def _asked(task: Task, part: str, side: str) -> Any:
    """Queries of a part about the training graph; in training no fact of another part is true, in ranking all are."""
    train, R = task.splits.train.triples, task.graph.num_relations
    facts = task.splits.parts[part].triples
    known = train if part == "train" else np.concatenate([one.triples for one in task.splits.parts.values()])
    return make_task(train, task.graph.capacity, R, queries=queries_of(facts, R, side), known=known)


def _completed(
    config: AgentConfig, name: str, task: Task, options: KG, method: str, seed: int, note: Note
) -> Any:  # fmt: skip
    """Train a completion agent; how to rank with the parameters of the chunk that is best on validation facts."""
    env = make_kg_completion(_asked(task, "train", "both"), config.queries, answers=config.answers, penalty=0.0)
    valid = make_kg_completion(_asked(task, "valid", "tail"), 1, penalty=0.0, hide=None)
    runs = make_runs(network_on(env, config.ranker, bounded=True), config.dqn, 1)
    state: Any = runs.init(env, [seed])
    ranker = get_ranker("nbfnet", config.ranker, task.graph.capacity, task.graph.num_relations)
    best: tuple[float, Any] = (-1.0, None)

    def score(params: Any) -> Any:
        return scorer(ranker, params, task.graph)

    def keep(best: tuple[float, Any], params: Any, line: str) -> tuple[float, Any]:
        protocol = replace(options.protocol, candidates="all")
        mrr = evaluate(score(params), task.splits.valid.triples, task.known, protocol).metrics()["mrr"]
        note(f"{line}, validation {mrr:.4f}")
        return max(best, (mrr, jax.tree.map(np.asarray, params)), key=lambda one: one[0])

    if method == "dqn-pretrained":
        trained = next(fits("nbfnet", config_of("nbfnet", name, options), task, [seed], note))
        state = started_from(state, trained.params)
        best = keep(best, trained.params, "pretrained")
    for done, (state, metrics) in enumerate(runs.chunks(env, valid, state), 1):  # noqa: B020 - donated
        params = jax.tree.map(lambda leaf: leaf[0], state.params)["ranker"]
        best = keep(best, params, f"{done}/{config.dqn.chunks}, first answers right {float(metrics.validation[0]):.3f}")
    held_out = getattr(task.splits, options.split).triples
    return lambda: evaluate(score(best[1]), held_out, task.known, options.protocol, train=task.splits.train.triples)


def _walked(config: AgentConfig, name: str, task: Task, options: KG, method: str, seed: int, note: Note) -> Any:
    """Train a walk; how to rank with the parameters of the chunk whose walks arrive most on validation facts."""
    if options.side == "both":
        raise ValueError("walk: a beam ranks tails or heads, so give --side tail or head, or leave the method out.")
    env = make_kg_walk(_asked(task, "train", "both"), config.steps)
    valid = make_kg_walk(_asked(task, "valid", options.side), config.steps)
    network = network_on(env, config.ranker)
    runs = make_runs(network, config.dqn, 1)
    state: Any = runs.init(env, [seed])
    for done, (state, metrics) in enumerate(runs.chunks(env, valid, state), 1):  # noqa: B007, B020 - donated
        note(f"{done}/{config.dqn.chunks}, walks that arrive {float(metrics.validation[0]):.3f}")
    best = jax.tree.map(lambda leaf: leaf[0], state.best_params)
    asked = make_kg_walk(_asked(task, options.split, options.side), config.steps)
    return lambda: beam_ranking(network, asked, best, task.known, replace(MINERVA, side=options.side))
