"""``eval``: a trained run on its held-out test graphs again, on more of them, or on the user's graphs."""

import dataclasses
import time
from itertools import groupby

from envs.pools import bucket
from experiments import train
from experiments.comparison import open_contest
from experiments.configs import Eval
from experiments.display import Display, settings
from experiments.folder import open_run
from experiments.graphs import load_graphs
from experiments.problem import env_on, make_problem
from experiments.report import comparison_table

__all__ = ["run"]


def run(command: Eval) -> int:
    """Print the table and write ``eval.json`` beside the run's results."""
    begun, display = time.perf_counter(), Display()
    folder, config = open_run(command.run)
    count = command.num_graphs or config.held_out
    problem = make_problem(dataclasses.replace(config, num_graphs=1, held_out=count), folder.encoder())
    params, _ = folder.policies(problem)
    envs, words = [problem.test], f"{problem.test.pool.size} test graphs"
    if command.graphs is not None:
        graphs = [problem.seen(graph) for graph in load_graphs(command.graphs, command.reading)]
        graphs.sort(key=lambda graph: bucket(graph.num_nodes))
        groups = groupby(graphs, key=lambda graph: bucket(graph.num_nodes))  # graphs of about one size share a program
        envs = [env_on(problem.make_env, list(group)) for _, group in groups]
        words = f"{len(graphs)} of {command.graphs}"
    display.header("lepton_rl", settings(problem) | {"graphs": words, "run": str(folder.path)})
    tables = []
    with train.workers() as pool:
        for env in envs:
            contest = open_contest(env, 1, command.search_nodes, pool)
            comparison = train.compare_on_test(problem, contest, params, display)
            train.show([comparison_table(comparison)], display)
            tables.append({"capacity": env.pool.capacity, **train.comparison_json(comparison)})
    folder.write_json("eval.json", {"graphs": words, "tables": tables})
    display.say(f"\n{folder.path / 'eval.json'}  ({time.perf_counter() - begun:.0f} s in all)")
    return 0
