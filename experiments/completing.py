"""What completes a knowledge graph: rankers trained by labels, agents trained by the rewards of their own answers.

An agent's queries are facts of the training part; what it thinks of all tails of a query on the untouched graph is its
ranking (its ranker's scores, which its values rise with), so that both are a ranker with parameters.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from agents.knowledge import network_on, started_from
from agents.training import make_runs
from envs.kg_completion import KGCompletion, make_kg_completion
from envs.queries import Task as Queries
from envs.queries import make_task
from experiments.completion_settings import AgentConfig
from lepton_rl.data import TripleSplits
from lepton_rl.metrics import Known, Protocol, evaluate, queries_of
from lepton_rl.ranking import get_ranker
from lepton_rl.ranking.base import Ranker, scorer
from lepton_rl.ranking.candidates import propose
from lepton_rl.ranking.counts import counted
from lepton_rl.triple_graph import TripleGraph

__all__ = ["Note", "Task", "by_rewards", "queries_on", "task_of", "trained_ranker"]

Note = Callable[[str], None]


class Task(NamedTuple):
    """A data set to train on: its parts, its training facts as a graph, what is known to be true, and of that what the
    graph states."""

    splits: TripleSplits
    graph: TripleGraph
    known: Known
    stated: Known


def task_of(splits: TripleSplits) -> Task:
    """What training on a data set needs."""
    graph = splits.train.to_triple_graph()
    facts = np.concatenate([part.triples for part in splits.parts.values()])
    known, stated = (Known(rows, graph.capacity, graph.num_relations) for rows in (facts, splits.train.triples))
    return Task(splits, graph, known, stated)


def queries_on(task: Task, part: str, side: str) -> Queries:
    """Queries of a part about the training graph; in training no fact of another part is true, in ranking all are."""
    train, R = task.splits.train.triples, task.graph.num_relations
    facts = task.splits.parts[part].triples
    known = train if part == "train" else np.concatenate([one.triples for one in task.splits.parts.values()])
    return make_task(train, task.graph.capacity, R, queries=queries_of(facts, R, side), known=known)


def trained_ranker(config: AgentConfig, task: Task) -> Ranker:
    """The ranker inside of an agent: an "nbfnet", on neighbourhoods where its settings say so."""
    return get_ranker("nbfnet", config.ranker, task.graph.capacity, task.graph.num_relations)


def _environments(config: AgentConfig, task: Task, seed: int) -> tuple[KGCompletion, KGCompletion]:
    """What an agent trains on, and the validation part's tails."""
    asked, valid = queries_on(task, "train", "both"), queries_on(task, "valid", "tail")
    if config.asked:
        drawn = np.random.default_rng(seed).permutation(len(asked.queries))[: config.asked]
        asked = asked._replace(queries=asked.queries[drawn])
    candidates: list[np.ndarray | None] = [None, None]
    if config.proposer:  # in training what the graph states may be hidden, so that it is proposed too
        score = counted(config.proposer, task.graph)
        parts = ((asked, None), (valid, task.stated))
        candidates = [propose(score, part.queries, config.proposed, stated) for part, stated in parts]
    return (
        make_kg_completion(asked, config.queries, answers=config.answers, penalty=0.0, proposed=candidates[0]),
        make_kg_completion(valid, 1, penalty=0.0, hide=None, proposed=candidates[1]),
    )


def by_rewards(
    config: AgentConfig, task: Task, seed: int, protocol: Protocol, note: Note, start: Any = None
) -> tuple[Any, list[float]]:
    """Train an agent of KGCompletion, whose ranker is an "nbfnet".

    Args:
        protocol: of validation, whose MRR chooses the chunk. ``start``: parameters of a trained ranker to go on from.

    Returns:
        The ranker's parameters at their best, and the validation MRR of every chunk (first that of ``start``).
    """
    env, valid = _environments(config, task, seed)
    runs = make_runs(network_on(env, config.ranker, bounded=True), config.dqn, 1)
    state: Any = runs.init(env, [seed])
    ranker = trained_ranker(config, task)
    validation, best = list[float](), start

    def look(params: Any, line: str) -> bool:
        facts = task.splits.valid.triples
        validation.append(evaluate(scorer(ranker, params, task.graph), facts, task.known, protocol).metrics()["mrr"])
        note(f"{line}, validation {validation[-1]:.4f}")
        return validation[-1] == max(validation)

    if start is not None:
        state = started_from(state, start)
        look(start, "as it was trained")
    for done, (state, metrics) in enumerate(runs.chunks(env, valid, state), 1):  # noqa: B020 - donated
        params = jax.tree.map(lambda leaf: leaf[0], state.params)["ranker"]
        if look(params, f"{done}/{config.dqn.chunks}, first answers right {float(metrics.validation[0]):.3f}"):
            best = jax.tree.map(np.asarray, params)
    return best, validation
