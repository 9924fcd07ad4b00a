"""Rows of two rankers: the first proposes candidates, which may be quick, and the second ranks them."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import cycle, islice
from typing import Any

from experiments.completing import Note, Task
from experiments.scoreboards.knowledge_fits import Trained, config_of, fits
from experiments.scoreboards.knowledge_options import KG
from lepton_rl.metrics import Ranking, evaluate
from lepton_rl.ranking.candidates import propose, reranked

__all__ = ["proposed_rankings"]


def proposed_rankings(
    method: str, name: str, task: Task, options: KG, note: Note
) -> Iterator[tuple[Ranking, float, dict[str, Any]]]:
    """Of every seed: the ranks of the held-out answers, the seconds of training both, and the settings as JSON.

    Args:
        method: the names of both rankers, with a ``+`` between.
    """
    names = method.split("+")
    configs = [config_of(one, name, options) for one in names]
    held_out, train = getattr(task.splits, options.split).triples, task.splits.train.triples

    def every(which: int) -> Iterator[Trained]:
        said = lambda line: note(f"{names[which]}, {line}")  # noqa: E731
        return cycle(fits(names[which], configs[which], task, range(options.seeds), said))  # what is counted: once

    for proposer, ranker in islice(zip(every(0), every(1), strict=False), options.seeds):
        quick = proposer.on(task.graph)
        score = reranked(ranker.on(task.graph), quick, options.proposed, task.stated)
        ranking = evaluate(score, held_out, task.known, options.protocol, train=train)
        found = propose(quick, ranking.queries, options.proposed, task.stated) == ranking.queries[:, 2:]
        settings = {"proposer": asdict(configs[0]), "ranker": asdict(configs[1]), "found": float(found.any(1).mean())}
        yield ranking, proposer.seconds + ranker.seconds, settings
        if not (proposer.ranker.trained or ranker.ranker.trained):
            return  # counted twice it would be the same
