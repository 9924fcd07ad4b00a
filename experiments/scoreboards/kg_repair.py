"""``python -m experiments.scoreboards kg-repair``: repairs of damaged knowledge graphs, beside the best there are."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import jax
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from agents.repair import by_rank, oracle
from agents.repair_editors import Editor, best_editor, by_all, by_column, played, random_episodes
from agents.training import make_runs, play
from envs.kg_repair import KGRepair, build_kg_repair
from experiments.evaluation import Interval
from experiments.scoreboards.knowledge_options import place_of
from experiments.scoreboards.repair_options import KGRepair as Options
from experiments.scoreboards.results import Note, Results, commit, entry, markdown, origin, plain, steps, told
from lepton_rl.candidate_heads import candidate_network
from lepton_rl.draw import SERIES
from lepton_rl.evidence import columns
from lepton_rl.proposals import SCORES, STOP

__all__ = ["Played", "measure", "run", "score", "table"]

_HEAD = ["data set", "method", "score [95 %]", "above the better greedy [95 %]", "repaired an episode", "edits",
         "of them right"]  # fmt: skip
GREEDY, ALL, AGENT, ORACLE = "greedy", "greedy, all evidence", "DQN", "best of the candidates"


class Played(NamedTuple):
    """What S seeds brought on P episodes: ``drops``, ``edits`` and those of them that gained, i[S, P]."""

    drops: np.ndarray
    edits: np.ndarray
    right: np.ndarray


def score(drops: np.ndarray, best: np.ndarray, resamples: int = 4000) -> Interval:
    """The sum of ``drops`` f[S, P] over that of the largest drops i[P], with a 95 % percentile bootstrap.

    Seeds and episodes are both resampled, an episode with its own optimum. Episodes that have nothing to repair count
    by what is broken there.
    """
    rng, (S, P) = np.random.default_rng(0), drops.shape
    by_seed = rng.multinomial(S, np.full(S, 1 / S), size=resamples) / S
    by_episode = rng.multinomial(P, np.full(P, 1 / P), size=resamples)
    found = np.einsum("rs,sp,rp->r", by_seed, drops, by_episode, optimize=True) / np.maximum(by_episode @ best, 1)
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(float(drops.mean(0).sum() / max(best.sum(), 1)), float(low), float(high))


def _played(env: KGRepair, actions: np.ndarray, rewards: np.ndarray, terminated: np.ndarray) -> Played:
    """Of actions and their outcomes, leaves [S, P, T]."""
    before = np.cumsum(terminated, -1) - terminated == 0
    operation = np.asarray(env.pool.candidates)[np.arange(env.pool.size)[:, None], actions, 0]
    edits = before & (operation != STOP)
    return Played(rewards.sum(-1), edits.sum(-1), (edits & (rewards > 0)).sum(-1))


def _environments(name: str, options: Options) -> dict[str, KGRepair]:
    data = place_of(name, options.data)
    parts = {"train": options.draws, "valid": options.held_out}
    parts |= {options.split: options.held_out}
    return {
        part: build_kg_repair(
            data=data, part=part, draws=draws, entities=options.entities_of(name), focuses=options.focuses,
            budget=options.budget, candidates=options.candidates, evidence=options.chosen_evidence,
            **asdict(options.damage),
        )
        for part, draws in parts.items()
    }  # fmt: skip


def _learned(envs: Mapping[str, KGRepair], options: Options, note: Note) -> Played:
    ranked = {part: by_rank(env, envs["train"]) for part, env in envs.items()}
    train, held_out = ranked["train"], ranked[options.split]
    network = candidate_network(train.pool.evidence.shape[-1], train.pool.graphs.num_relations, options.width)
    runs = make_runs(network, options.dqn, options.seeds)
    note("compile")
    state = runs.init(train, range(options.seeds))
    for done, (state, metrics) in enumerate(runs.chunks(train, ranked["valid"], state), 1):  # noqa: B007, B020
        note(f"train {done}/{options.dqn.chunks}, validation {float(np.mean(metrics.validation)):+.3f}")
    episodes = play(network, held_out, state.best_params, jax.random.key(1))
    return _played(held_out, *(np.asarray(leaf) for leaf in episodes[:3]))


def measure(name: str, options: Options, note: Note) -> dict[str, Any]:
    """All methods on a data set: the JSON of its rows."""
    begin = time.perf_counter()
    note("damage and evidence")
    envs = _environments(name, options)
    train, valid, held_out = envs["train"], envs["valid"], envs[options.split]
    ready = time.perf_counter() - begin
    note("greedy")
    told_by = [*SCORES, *columns(options.chosen_evidence)]
    one = [Editor(word, by_column(train, i)) for i, word in enumerate(told_by) if word != "type"]
    chosen = {GREEDY: best_editor(one, valid), ALL: best_editor([Editor("all columns", by_all(train))], valid)}
    rows = {"random": _of(held_out, random_episodes(held_out))}
    rows |= {method: _of(held_out, played(held_out, editor)) for method, editor in chosen.items()}
    rows[AGENT] = _learned(envs, options, note)
    note("best of the candidates")
    best = oracle(held_out)
    made = (best.actions < held_out.num_actions - 1).sum(-1)
    rows[ORACLE] = Played(best.drops[None], made[None], made[None])
    largest = np.asarray(held_out.pool.best)
    rival = max((GREEDY, ALL), key=lambda method: rows[method].drops.sum())  # on these very episodes
    return {
        "methods": {method: _row(one, rows[rival], largest) for method, one in rows.items()}, "rival": rival,
        "chosen": {method: f"{editor.name} > {editor.threshold:g}" for method, editor in chosen.items()},
        "episodes": held_out.pool.size, "entities": options.entities_of(name), "best": float(largest.mean()),
        "clean": float((largest == 0).mean()), "evidence": list(options.chosen_evidence), "ready_seconds": ready,
        "seconds": time.perf_counter() - begin, "commit": commit(),
    }  # fmt: skip


def _of(env: KGRepair, episodes: Any) -> Played:
    return _played(env, *(np.asarray(leaf)[None] for leaf in episodes[:3]))


def _row(one: Played, greedy: Played, best: np.ndarray) -> dict[str, Any]:
    return {
        "score": entry(score(one.drops, best)), "above_greedy": entry(score(one.drops - greedy.drops, best)),
        "drop": float(one.drops.mean()), "edits": float(one.edits.mean()),
        "right": float(one.right.sum() / max(one.edits.sum(), 1)),
        "seeds": (one.drops.sum(1) / max(best.sum(), 1)).tolist(),
    }  # fmt: skip


def _interval(told: Mapping[str, Any], sign: str = "") -> str:
    low, high = told["ci95"]
    return f"{told['mean']:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def table(content: Mapping[str, Any]) -> str:
    """The settings in words and a Markdown table."""
    lines = []
    for name, found in content["sets"].items():
        for method, row in found["methods"].items():
            many = f", {len(row['seeds'])} seeds" if len(row["seeds"]) > 1 else ""
            said = f"{method} ({found['chosen'][method]})" if method in found["chosen"] else method + many
            above = "–" if method == found["rival"] else _interval(row["above_greedy"], "+")
            of = f"{row['drop']:.2f} of {found['best']:.2f}"
            lines.append([name, said, _interval(row["score"]), above, of, f"{row['edits']:.2f}", f"{row['right']:.2f}"])
    settings = {key: value for key, value in content.items() if key not in ("sets", "config")}
    return f"{told(settings)}\n\n{markdown(_HEAD, lines)}"


def figure(sets: Mapping[str, Any]) -> Figure:
    """A panel a data set: the score and its interval of every method."""
    picture = Figure(figsize=(4.5 * len(sets), 2.6), layout="constrained")
    panels = picture.subplots(1, len(sets), squeeze=False)[0]
    for axes, (name, found) in zip(panels, sets.items(), strict=True):
        rows = found["methods"]
        y = np.arange(len(rows))[::-1]
        axes.hlines(y, *zip(*(row["score"]["ci95"] for row in rows.values()), strict=True), color=SERIES[0], lw=2)
        axes.scatter([row["score"]["mean"] for row in rows.values()], y, color=SERIES[0], zorder=3)
        said = [m if r["score"]["mean"] > -0.05 else f"{m} ({r['score']['mean']:.2f})" for m, r in rows.items()]
        axes.set_yticks(y, said)
        axes.set_xlim(min(-0.05, min(r["score"]["ci95"][0] for m, r in rows.items() if m != "random") - 0.05), 1.02)
        axes.set(title=name, xlabel="share of the best repair")
        axes.spines[["top", "right"]].set_visible(False)
    return picture


def run(options: Options, console: Console) -> int:
    """Measure the data sets asked for, writing each as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, files that cannot be read, or a path that cannot be written.
    """
    names = ("split", "seeds", "budget", "candidates", "focuses", "draws", "held_out", "entities", "width")
    settings = {name: getattr(options, name) for name in names} | {"damage": plain(options.damage)}
    settings |= {"config": plain(options.dqn), "evidence": list(options.chosen_evidence)}
    settings |= {"data": "installed" if options.data is None else origin(options.data)}
    results = Results(
        "kg-repair", options, settings, ("sets",), table, lambda content: {"kg-repair": figure(content["sets"])}
    )
    left = [name for name in options.chosen_sets if name not in results.content["sets"]]
    with steps(console, len(left)) as (begins, note, ended):
        for name in left:
            begins(name)
            results.add("sets", name, measure(name, options, note))
            ended()
    results.finish(console)
    return 0
