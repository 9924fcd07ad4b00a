"""``python -m experiments.scoreboards kg``: rankers beside published numbers, with the protocol of every row."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from experiments.completing import Task, task_of
from experiments.evaluation import interval
from experiments.scoreboards.knowledge_agents import agent_rankings
from experiments.scoreboards.knowledge_fits import config_of, fits, splits_of
from experiments.scoreboards.knowledge_options import AGENTS, KG, OTHERS, PUBLISHED
from experiments.scoreboards.knowledge_tables import Rows, fill, panels
from experiments.scoreboards.proposed import proposed_rankings
from experiments.scoreboards.pykeen_rankers import check_pykeen, pykeen_rankings
from experiments.scoreboards.results import Results, commit, markdown
from lepton_rl.metrics import Protocol, Ranking, evaluate
from lepton_rl.neighbourhoods import recall

__all__ = ["figure", "measure", "run", "table"]

_SETTINGS = ("split", "seeds", "side", "ties", "candidates", "proposed", "epochs", "data")
_HEAD = ["data set", "method", "MRR as measured [95 %]", "MRR as published", "Hits@1", "Hits@10", "side", "ties",
         "candidates", "split", "queries (unseen)", "s a seed"]  # fmt: skip


def _rankings(
    name: str, method: str, task: Task, options: KG, note: Callable[[str], None]
) -> Iterator[tuple[Ranking, float, dict[str, Any]]]:
    """Of every seed: the ranks of the held-out answers, the seconds of training, and the settings as JSON."""
    if method in AGENTS:
        yield from agent_rankings(method, name, task, options, note)
        return
    if "+" in method:
        yield from proposed_rankings(method, name, task, options, note)
        return
    if method in OTHERS:
        yield from pykeen_rankings(method, task, options, note)
        return
    config, train = config_of(method, name, options), task.splits.train.triples
    protocol = Protocol(options.side, options.ties)
    for trained in fits(method, config, task, range(options.seeds), note, protocol):
        held_out = getattr(task.splits, options.split).triples
        ranking = evaluate(trained.on(task.graph), held_out, task.known, options.protocol, train=train)
        yield ranking, trained.seconds, asdict(config)


def measure(name: str, method: str, task: Task, options: KG, note: Callable[[str], None]) -> dict[str, Any]:
    """Train a method with every seed (what is counted: once) and rank the held-out facts: the JSON of one row."""
    rankings, seconds, configs = zip(*_rankings(name, method, task, options, note), strict=True)
    metrics = [ranking.metrics() for ranking in rankings]
    mean, low, high = interval(np.stack([1 / ranking.ranks() for ranking in rankings]))
    own, queries = configs[0].get("ranker", configs[0]), rankings[0].queries  # agents and pairs have one inside
    # The share of queries whose answer is in the neighbourhood that is read, or among the candidates proposed.
    seen = {"recall": recall(task.graph, queries, own["hops"], own["facts"])} if own.get("hops") else {}
    if "found" in configs[0]:
        seen["proposed"] = float(np.mean([config["found"] for config in configs]))
    return {
        **{key: float(np.mean([one[key] for one in metrics])) for key in metrics[0]},
        "mrr": mean, "ci95": [low, high], "seeds": [one["mrr"] for one in metrics],
        "train_seconds": float(np.mean(seconds)), "protocol": str(rankings[0].protocol),
        "split": options.split, "config": configs[0], "commit": commit(), **seen,
    }  # fmt: skip


def _cells(name: str, method: str, row: Mapping[str, Any], options: KG) -> list[str]:
    low, high = row["ci95"]
    many = f", {len(row['seeds'])} seeds" if len(row["seeds"]) > 1 else ""
    words = row["protocol"].split(", ")  # side, filtered, ties …, against …
    seen = [f"{word} {row[key]:.1%}" for key, word in (("proposed", "proposes"), ("recall", "sees")) if key in row]
    title = {**AGENTS, **OTHERS}.get(method, method) + (f" ({', '.join(seen)})" if seen else "")
    return [
        name, title, f"{row['mrr']:.4f} [{low:.4f}, {high:.4f}]{many}", "–", f"{row['hits@1']:.3f}",
        f"{row['hits@10']:.3f}", words[0], words[2].removeprefix("ties "), words[3].removeprefix("against "),
        options.split, f"{row['queries']:.0f} ({row['unseen']:.0f})", f"{row['train_seconds']:.0f}",
    ]  # fmt: skip


def table(results: Mapping[str, Rows], options: KG) -> str:
    """A Markdown table: what was measured here, then what was published of the same data set, never in one row."""
    lines: list[list[str]] = []
    for name, rows in results.items():
        lines += [_cells(name, method, row, options) for method, row in rows.items()]
        for told in PUBLISHED.get(name, ()):
            rest = ["–", "–", told.side, told.ties, told.candidates, "test", "–", "–"]
            lines.append([name, told.system, "–", f"{told.mrr:.3f}", *rest])
    return markdown(_HEAD, lines)


def figure(results: Mapping[str, Rows], protocol: Protocol) -> Figure:
    """A panel a data set: mean reciprocal rank and interval of every method; published values as open marks."""
    alike = protocol.side == "tail" and protocol.candidates == "all"
    told = {name: [(one.system, one.mrr) for one in systems] for name, systems in PUBLISHED.items() if alike}
    picture = panels(results, told, "mean reciprocal rank", key="mrr", size=(5.5, 3.4))
    for axes in picture.axes:
        axes.spines[["top", "right"]].set_visible(False)
    picture.suptitle(f"{protocol}\nfilled: as measured, open: as published (a beam's)", fontsize=8)
    return picture


def run(options: KG, console: Console) -> int:
    """Measure the data sets and methods asked for, writing each row as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, files that cannot be read, or a path that cannot be written.
    """
    given = asdict(options)
    settings = {name: given[name] for name in _SETTINGS} | {"data": options.data.name if options.data else None}
    results = Results(
        "kg", options, settings, ("sets",), lambda content: table(content["sets"], options),
        lambda content: {"kg": figure(content["sets"], options.protocol)},
    )  # fmt: skip
    data = {name: task_of(splits_of(name, options)) for name in options.chosen_sets}  # before hours of training
    check_pykeen(options.methods)
    return fill(
        results, data, options.methods, console,
        lambda name, method, note: measure(name, method, data[name], options, note),
        lambda row: f"MRR {row['mrr']:.4f}",
    )  # fmt: skip
