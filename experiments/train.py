"""``train``: learn, compare with every baseline on held-out graphs, edit real networks, report."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from agents.training import Runs, make_runs
from experiments.comparison import AGENT, Comparison, compare, methods
from experiments.configs import Train
from experiments.display import Display, settings
from experiments.evaluation import interval
from experiments.folder import RunFolder, free_name, make_folder, open_run
from experiments.problem import Problem, make_problem
from experiments.report import Section, comparison_table, edits_table, networks_table, page, solution_table
from experiments.solving import Solution, count_methods, solve_networks, write_solution
from lepton_rl.draw import draw_curves, save_figure

__all__ = ["Trained", "fit", "run", "train"]


class Trained(NamedTuple):
    """A run that is through with training.

    Attributes:
        problem: what it was trained on. ``folder``: where it is kept.
        params: the best parameters of S seeds. ``value``: f32[S], their mean returns on the validation graphs.
    """

    problem: Problem
    folder: RunFolder
    params: Any
    value: np.ndarray


def run(command: Train) -> int:
    """Train, or go on with a run; then evaluate and report."""
    display, begun = Display(), time.perf_counter()
    if command.resume is not None:
        folder, config = open_run(command.resume)
        problem = make_problem(config)
        begin = partial(restart, problem, folder)
    else:
        problem = make_problem(command)
        folder = new_run(command)
        begin = partial(start, problem, folder)
    finish(problem, folder, begin, display)
    display.say(f"\n{folder.path / 'report.html'}  ({time.perf_counter() - begun:.0f} s in all)")
    return 0


def train(config: Train, display: Display) -> Trained:
    """Check everything, make the folder, then train.

    Raises:
        ValueError: settings that cannot be used; a folder that exists or cannot be written.
    """
    problem = make_problem(config)
    name = config.name or free_name(config.runs_dir, default_name(config))
    folder = RunFolder(make_folder(config.runs_dir / name))
    folder.write_config(config)
    runs = make_runs(problem.network, problem.dqn, config.seeds)
    display.header("lepton_rl", settings(problem) | {"run": str(folder.path)})
    try:
        state = runs.init(problem.train, range(config.seed, config.seed + config.seeds))
        return fit(problem, runs, state, folder, [], display)
    except KeyboardInterrupt:
        if not folder.read_metrics():
            folder.discard()
            raise KeyboardInterrupt("Nothing was learnt yet, so nothing is kept.") from None
        raise


def resume(path: Path, display: Display) -> Trained:
    """Go on where the newest sound checkpoint stopped; the result is bit-equal to an uninterrupted run.

    Raises:
        ValueError: no such run, or one without a checkpoint.
    """
    folder, config = open_run(path)
    problem = make_problem(config)
    runs = make_runs(problem.network, problem.dqn, config.seeds)
    seeds = range(config.seed, config.seed + config.seeds)
    like = jax.eval_shape(lambda env: runs.init(env, seeds), problem.train)
    state = folder.restore(like)
    done = int(np.asarray(state.iteration).reshape(-1)[0])
    rows = [row for row in folder.read_metrics() if row["iteration"] <= done]
    display.header("lepton_rl", settings(problem) | {"run": f"{folder.path}, from iteration {done}"})
    return fit(problem, runs, state, folder, rows, display)


def default_name(config: Train) -> str:
    """Rule, objective, graphs and budget."""
    rule = config.env.removeprefix("lepton/").removesuffix("-v0")
    graphs = f"{config.generator}{config.num_nodes}" if config.graph is None else Path(config.graph).stem
    return f"{rule}-{config.objective}-{graphs}-{config.budget}"


def fit(
    problem: Problem, runs: Runs, state: Any, folder: RunFolder, rows: list[dict[str, Any]], display: Display
) -> Trained:
    """Train chunk by chunk; after each the whole state is on disk, so that a stop costs one chunk at most."""
    begun = time.perf_counter()
    try:
        with display.phase("train", runs.config.chunks) as phase:
            for _ in rows:
                phase.advance()
            phase.note("compiling (the first chunk takes longest)")
            for state, metrics in runs.chunks(problem.train, problem.valid, state):
                row = {
                    "iteration": int(np.asarray(state.iteration).reshape(-1)[0]),
                    "edits": int(np.asarray(state.iteration).reshape(-1)[0]) * runs.config.episodes * problem.config.budget,
                    **{name: np.asarray(leaf).tolist() for name, leaf in metrics._asdict().items()},
                    "seconds": round(time.perf_counter() - begun, 2),
                }
                rows.append(row)
                folder.save(state, rows)
                phase.advance(
                    f"loss {np.mean(row['loss']):.2e}  return {np.mean(row['episode_return']):+.4f}  "
                    f"validation {np.mean(row['validation']):+.4f}"
                )
    except KeyboardInterrupt:
        if not rows:
            raise
        raise KeyboardInterrupt(
            f"Kept: {folder.path}, after {rows[-1]['iteration']} of {runs.config.iterations} iterations (best "
            f"validation {np.max([row['validation'] for row in rows]):+.4f}). Go on: train --resume {folder.path}. "
            f"Use it as it is: solve --run {folder.path} --graph …, or eval --run {folder.path}."
        ) from None
    params, value = folder.policies(problem)
    return Trained(problem, folder, params, value)


def evaluate(trained: Trained, display: Display) -> tuple[Comparison, list[Solution]]:
    """The agent beside every baseline: on the test graphs, then on real networks."""
    problem, config = trained.problem, trained.problem.config
    nodes = problem.test.pool.capacity
    names = methods(nodes, config.search_nodes)
    with display.phase("test", len(names)) as phase:
        phase.note(f"{names[0]} …")
        comparison = compare(problem.network, problem.test, trained.params, names, done=phase.advance)
    with display.phase("networks", count_methods(problem.networks, config.search_nodes)) as phase:
        solutions = solve_networks(
            problem, trained.params, problem.networks, config.search_nodes, done=phase.advance
        )
    return comparison, solutions


def curve_figure(trained: Trained, comparison: Comparison) -> Path:
    """The learning curve on validation graphs, with what the baselines reach on the test graphs."""
    rows = trained.folder.read_metrics()
    x = np.array([row["edits"] for row in rows], float)
    y = np.array([row["validation"] for row in rows]).T
    references = {name: float(comparison.gains(name).mean()) for name in comparison.after if name != AGENT}
    figure = draw_curves(
        {AGENT: (x, y)}, xlabel="edits played, each seed", ylabel="mean gain on validation graphs",
        title=f"{trained.problem.config.objective.replace('_', ' ')}, {trained.problem.config.budget} edges added",
        references=references,
    )  # fmt: skip
    return save_figure(figure, trained.folder.path / "learning_curve.png", dpi=110)


def result_json(trained: Trained, comparison: Comparison, solutions: list[Solution]) -> dict[str, Any]:
    """Everything that was measured, in JSON values."""
    before = interval(comparison.before.mean(-1))
    test: dict[str, Any] = {}
    for name in comparison.after:
        gain, lead = comparison.gain(name), comparison.lead(name)
        test[name] = {
            "mean": gain.mean, "ci95": [gain.low, gain.high], "seeds": comparison.gains(name).mean(1).tolist(),
            "dqn_minus_this": [lead.mean, lead.low, lead.high],
        }  # fmt: skip
    return {
        "objective": trained.problem.config.objective,
        "budget": trained.problem.config.budget,
        "validation": trained.value.tolist(),
        "test": {"graphs": len(comparison.before), "before": before._asdict(), "gain": test},
        "networks": {solution.graph.name: solution.as_json() for solution in solutions},
    }


def report(trained: Trained, display: Display) -> None:
    """Evaluate; print and write tables, pictures, edits, ``result.json`` and ``report.html``."""
    folder, config = trained.folder, trained.problem.config
    try:
        comparison, solutions = evaluate(trained, display)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Training was through; evaluate again with train --resume {folder.path}."
        ) from None
    sections = [comparison_table(comparison)._replace(pictures=[curve_figure(trained, comparison)])]
    one = len(solutions) == 1
    sections += [] if one else [networks_table(solutions)]
    for solution in solutions:
        prefix = "" if one else f"{solution.graph.name}_"
        picture = write_solution(folder.path, solution, config.objective, prefix)
        sections += [solution_table(solution)] if one else []
        sections.append(edits_table(solution)._replace(pictures=[picture]))
    show(sections, display)
    folder.write_json("result.json", result_json(trained, comparison, solutions))
    title = f"{config.objective.replace('_', ' ')}: {config.budget} edges added"
    folder.write("report.html", page(title, settings(trained.problem), sections))


def show(sections: list[Section], display: Display) -> None:
    """Print sections as tables; lists of edits on one line each."""
    for section in sections:
        if "target" in section.head:
            edits = ", ".join(f"{row[2]} – {row[3]}" for row in section.rows)
            display.say(f"\n[bold]{section.title}[/]: {edits}")
            continue
        display.table(section.title, section.head, section.rows, section.bold)
        display.say(f"[dim]{section.text}[/]")
