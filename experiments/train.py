"""``train``: learn, compare with every baseline on held-out graphs, edit real networks, report."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from envs import rule_of
from experiments import complete, refine
from experiments.comparison import AGENT, Comparison, Contest, compare, open_contest, rehearse
from experiments.configs import Train
from experiments.display import Display, settings
from experiments.evaluation import interval
from experiments.folder import RunFolder, free_name, make_folder, open_run, plain_name, stem
from experiments.learning import Trained, fit, kept_if_learnt, restored, started
from experiments.problem import Problem, make_problem
from experiments.report import (
    Section,
    comparison_table,
    edits_table,
    networks_table,
    page,
    solution_table,
)
from experiments.solving import Entry, Solution, enter_networks, solve_networks, write_solution
from lepton_rl.draw import draw_curves, save_figure

__all__ = ["compare_on_test", "comparison_json", "run", "show", "workers", "write_solutions"]

_KNOWLEDGE = {"KGRefinement": refine.run, "KGCompletion": complete.run}  # rules that are trained in another way


def run(command: Train) -> int:
    """Train, or go on with a run; then evaluate and report."""
    if command.resume is None and (others := _KNOWLEDGE.get(rule_of(command.env))):
        return others(command)
    begun, display = time.perf_counter(), Display()
    if command.resume is None:
        problem = make_problem(command)
        folder = RunFolder(make_folder(command.runs_dir / (command.name or _free_name(problem.config))))
        folder.write_config(problem.config)
        if problem.encoder is not None:
            folder.write_encoder(problem.encoder)
    else:
        folder, config = open_run(command.resume)
        problem = make_problem(config, folder.encoder())
    config = problem.config
    display.header("lepton_rl", settings(problem) | {"run": str(folder.path)})
    for line in problem.notes:
        display.note(line)
    with workers() as pool, kept_if_learnt(folder) if command.resume is None else nullcontext():
        contest = open_contest(problem.test, 1, config.search_nodes, pool)
        entries = enter_networks(problem, problem.networks, config.search_nodes, pool)
        start = started(problem) if command.resume is None else restored(problem, folder)
        ready = rehearse(problem.network, start.state.params, [entry.contest.env for entry in entries], pool)
        trained = fit(problem, start, folder, display)
        wait(ready)
        try:
            report(trained, contest, entries, display)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"Training was through. Evaluate it: train --resume {folder.path}.") from None
    display.say(f"\n{folder.path / 'report.html'}  ({time.perf_counter() - begun:.0f} s in all)")
    return 0


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Threads for the baselines; what has not begun is dropped when the block is left."""
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 2)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _free_name(config: Train) -> str:
    rule = config.env.removeprefix("lepton/").removesuffix("-v0")
    graphs = f"{config.generator}{config.num_nodes}" if config.graph is None else stem(config.graph)
    return free_name(config.runs_dir, f"{rule}-{plain_name(str(config.objective))}-{graphs}-{config.budget}")


def report(trained: Trained, contest: Contest, entries: Sequence[Entry], display: Display) -> None:
    """Evaluate; print and write tables, pictures, edits, ``result.json`` and ``report.html``."""
    problem, folder = trained.problem, trained.folder
    comparison = compare_on_test(problem, contest, trained.params, display)
    with display.phase("networks", sum(len(entry.contest.plans) + 1 for entry in entries)) as phase:
        solutions = solve_networks(problem, trained.params, entries, done=phase.advance)
    curve = _curve(trained, comparison)
    table = comparison_table(comparison)._replace(pictures=[curve])
    sections = [table, *write_solutions(problem, folder.path, solutions)]
    show(sections, display)
    networks = {solution.graph.name: solution.as_json() for solution in solutions}
    result = {"validation": trained.value.tolist(), "test": comparison_json(comparison), "networks": networks}
    folder.write_json("result.json", {"objective": problem.config.objective, "budget": problem.config.budget, **result})
    title = f"{problem.config.objective.replace('_', ' ')}: {problem.config.budget} edits"
    folder.write("report.html", page(title, settings(problem), sections))


def compare_on_test(problem: Problem, contest: Contest, params: Any, display: Display) -> Comparison:
    """The agent beside every baseline on a contest's graphs, with progress."""
    with display.phase("evaluate", len(contest.plans) + 1) as phase:
        return compare(contest, problem.network, params, done=phase.advance)


def write_solutions(problem: Problem, folder: Path, solutions: Sequence[Solution]) -> list[Section]:
    """Write edits and pictures of every network; what the report says about them."""
    one = len(solutions) == 1
    sections = [networks_table(solutions)] if len(solutions) > 1 else []
    for solution in solutions:
        prefix = "" if one else f"{plain_name(solution.graph.name)}_"
        picture = write_solution(folder, solution, problem.config.objective, prefix)
        sections += [solution_table(solution)] if one else []
        sections.append(edits_table(solution)._replace(pictures=[picture]))
    return sections


def _curve(trained: Trained, comparison: Comparison) -> Path:
    """The learning curve on validation graphs, with what the baselines reach on the test graphs."""
    rows, config = trained.folder.read_metrics(), trained.problem.config
    x = np.array([row["edits"] for row in rows], float)
    y = np.array([row["validation"] for row in rows]).T
    figure = draw_curves(
        {AGENT: (x, y)}, xlabel="edits played, each seed", ylabel="mean gain on validation graphs",
        title=f"{config.objective.replace('_', ' ')}, {config.budget} edits",
        references={
            f"{name} (test)": float(comparison.gains(name).mean()) for name in comparison.methods() if name != AGENT
        },
    )  # fmt: skip
    return save_figure(figure, trained.folder.path / "learning_curve.png", dpi=110)


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Everything that was measured on many graphs, in JSON values."""
    gains: dict[str, Any] = {}
    for name in comparison.methods():
        gain, lead = comparison.gain(name), comparison.lead(name)
        gains[name] = {
            "mean": gain.mean, "ci95": [gain.low, gain.high], "seeds": comparison.gains(name).mean(1).tolist(),
            "dqn_minus_this": {"mean": lead.mean, "ci95": [lead.low, lead.high]},
        }  # fmt: skip
    before = interval(comparison.before.mean(-1))
    start = {"mean": before.mean, "ci95": [before.low, before.high]}
    return {"graphs": len(comparison.before), "before": start, "gain": gains}


def show(sections: Sequence[Section], display: Display) -> None:
    """Print sections as tables; lists of edits on a line each."""
    for section in sections:
        if "target" in section.head:
            display.say(f"\n{section.title}: {_told(section.rows)}")
        else:
            display.table(section.title, section.head, section.rows, section.bold)
            display.note(section.text)


def _told(rows: Sequence[Sequence[str]]) -> str:
    """Edits in a line, those of several operations apart by semicolons; where all add edges no word says so."""
    steps: dict[str, list[str]] = {}
    bare = all(operation == "add" for _, operation, _, _ in rows)
    for step, operation, u, v in rows:
        nodes = f"{u} – {v}" if v else u
        steps.setdefault(step, []).append(nodes if bare else f"{operation} {nodes}")
    between = ", " if len(steps) == len(rows) else "; "
    return between.join(", ".join(operations) for operations in steps.values())
