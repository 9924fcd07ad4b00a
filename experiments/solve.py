"""``solve``: which edits, on the user's graph?"""

import dataclasses
from pathlib import Path

from rich.console import Console

from agents.training import make_runs, network_for
from experiments import report
from experiments.configs import Solve, Train
from experiments.problems import environment, named_graph
from experiments.runs import create_folder, open_run, write_json
from experiments.train import compare_with_progress
from experiments.train import run as run_train

__all__ = ["run"]


def run(command: Solve) -> int:
    """The command ``solve``: with a run's policy, or after training on shuffles of the graph."""
    name = Path(command.graph).name.partition(".")[0]
    folder = command.output or Path("runs") / f"solve-{name}"
    if command.run is None:
        return run_train(Train(
            graph=command.graph, objective=command.objective, budget=command.budget or 5, seeds=command.seeds,
            name=folder.name, runs_dir=folder.parent, overwrite=command.overwrite,
        ))  # fmt: skip
    console, trained = Console(), open_run(command.run)
    config = dataclasses.replace(trained.config, budget=command.budget or trained.config.budget)
    graph = named_graph(command.graph, config.objective)
    pool = report.pool_of([graph], graph.num_nodes)
    try:
        env = environment(config.env, pool, config.objective, config.budget, config.reward)
    except ValueError as error:
        raise ValueError(f"{graph.name}: {error}") from None
    create_folder(folder, command.overwrite)
    runs = make_runs(network_for(env, config.dqn), config.dqn, config.seeds)
    params = trained.policy(env, runs)
    comparison = compare_with_progress(env, runs, params, config.seed, console, graph.name)
    result = report.solution(graph, comparison, config.objective, folder, console)
    write_json(folder / "result.json", result)
    console.print(f"written: {folder}/edits.csv, result.json, before_after.png")
    return 0
