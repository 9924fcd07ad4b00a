"""``train``: one program for all seeds, in chunks; then the comparison, the pictures and real networks."""

import dataclasses
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.dqn import TrainState
from agents.training import Runs, make_runs, network_for
from envs.base import GraphEnv
from experiments import report
from experiments.compare import Comparison, compare
from experiments.configs import Train
from experiments.problems import Problem, environment, generated_problem, named_graph, shuffled_problem
from experiments.runs import Run, open_run, write_json
from lepton_rl.data import NAMED, NamedGraph

__all__ = ["compare_with_progress", "problem_of", "run", "train"]

REAL = tuple(NAMED)


class Stopped(Exception):
    """Ctrl-C came; everything up to the last chunk is kept."""


def problem_of(config: Train) -> tuple[Problem, NamedGraph | None]:
    """The environments of a run, and the user's graph where there is one."""
    if config.graph is None:
        settings = (config.env, config.objective, config.budget, config.reward)
        return generated_problem(*settings, config.generator, config.num_nodes, config.num_graphs), None
    named = named_graph(config.graph, config.objective)
    settings = (config.env, config.objective, config.budget, config.reward)
    return shuffled_problem(named, *settings, config.num_graphs), named


@contextmanager
def _between_chunks() -> Iterator[list[bool]]:
    """Turn the first Ctrl-C into a flag that is read between chunks; the second one interrupts at once."""
    asked: list[bool] = []

    def note(*_: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # not in the main thread: nothing to catch there
        yield asked
        return
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


def train(run: Run, problem: Problem, runs: Runs, console: Console, resume: bool = False) -> TrainState:
    """Train all seeds, saving after every chunk.

    Raises:
        Stopped: Ctrl-C; the run can be used and resumed.
    """
    seeds = range(run.config.seed, run.config.seed + run.config.seeds)
    begin, total = time.perf_counter(), run.config.dqn.chunks
    with _progress(console) as progress, _between_chunks() as asked:
        task = progress.add_task("compiling", total=total, note="")
        state = runs.init(problem.train, seeds)
        if resume:
            state = run.restore(state)
        chunk = runs.chunks_done(state)
        progress.update(task, completed=chunk)
        for state, metrics in runs.chunks(problem.train, problem.valid, state):  # noqa: B020 - donated
            chunk += 1
            row = {name: np.asarray(value).astype(float).tolist() for name, value in metrics._asdict().items()}
            run.log({"chunk": chunk, "seconds": time.perf_counter() - begin, **row})
            run.save(state, chunk)
            note = f"loss {np.mean(row['loss']):.5f}  validation {np.mean(row['validation']):+.4f}"
            progress.update(task, completed=chunk, description="training", note=note)
            if asked and chunk < total:
                raise Stopped
    return state


def compare_with_progress(env: GraphEnv, runs: Runs, params: Any, seed: int, console: Console, what: str) -> Comparison:
    """:func:`compare` under a spinner that names the method at work."""
    network = network_for(env, runs.config)
    with console.status(f"evaluating {what}") as status:
        return compare(env, network, params, seed, progress=lambda m: status.update(f"evaluating {what}: {m}"))


def _header(config: Train, console: Console) -> None:
    device = jax.devices()[0]
    what = config.graph or f"{config.num_graphs} {config.generator} graphs of {config.num_nodes} nodes"
    console.print(
        f"[bold]lepton_rl[/] {config.env} · {config.objective} · {config.budget} edits · {what} · "
        f"{config.seeds} seeds · {device.platform} ({device.device_kind})"
    )


def _real_networks(config: Train, runs: Runs, params: Any, folder: Path, console: Console) -> dict[str, Any]:
    """Edit the networks that networkx carries; all are held out from training."""
    results = {}
    graphs = [named_graph(name, config.objective) for name in REAL]
    capacity = max(graph.num_nodes for graph in graphs)
    pool = report.pool_of(graphs, capacity)
    env = environment(config.env, pool, config.objective, config.budget, config.reward)
    comparison = compare_with_progress(env, runs, params, config.seed, console, "real networks")
    for i, graph in enumerate(graphs):
        one = report.at_graph(comparison, i)
        results[graph.name] = report.solution(graph, one, config.objective, folder / graph.name, console)
    return results


def run(config: Train) -> int:
    """The command ``train``."""
    console = Console()
    if config.resume is not None:
        current = open_run(config.resume)
        config = dataclasses.replace(current.config, resume=config.resume)
    else:
        rule = config.env.removeprefix("lepton/").removesuffix("-v0")
        name = config.name or f"{rule}-{config.objective}-{config.budget}"
        current = Run(config.runs_dir / name, config)
    problem, named = problem_of(config)
    if config.resume is None:
        current.start()
    _header(config, console)
    runs = make_runs(network_for(problem.train, config.dqn), config.dqn, config.seeds)
    try:
        state = train(current, problem, runs, console, resume=config.resume is not None)
    except Stopped:
        console.print(f"stopped. The run is usable: eval or solve with {current.folder}, or train --resume it.")
        return 130
    finish(current, problem, runs, state.best_params, named, console)
    return 0


def finish(
    current: Run, problem: Problem, runs: Runs, params: Any, named: NamedGraph | None, console: Console
) -> None:
    """Compare on held-out graphs, draw, edit real networks, write the result."""
    config, folder = current.config, current.folder
    comparison = compare_with_progress(problem.test, runs, params, config.seed, console, "held-out graphs")
    result: dict[str, Any] = {"held_out": report.summary(comparison)}
    if named is None:
        report.print_comparison("gain on held-out generated graphs", comparison, console)
        result["networks"] = _real_networks(config, runs, params, folder, console)
    else:
        one = report.at_graph(comparison, 0)
        result["networks"] = {named.name: report.solution(named, one, config.objective, folder, console)}
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    report.learning_curve(metrics, folder / "learning_curve.png", config)
    write_json(folder / "result.json", result)
    report.html(current.folder, result, config)
    console.print(f"written: {folder}/report.html, result.json, pictures, policy")
