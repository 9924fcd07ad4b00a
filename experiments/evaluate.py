"""``eval``: a trained run on its held-out test graphs again."""

import dataclasses

from rich.console import Console

from agents.training import make_runs, network_for
from experiments import report
from experiments.configs import Eval
from experiments.problems import TEST_SEED, environment, generated_pool
from experiments.runs import open_run
from experiments.train import compare_with_progress, problem_of

__all__ = ["run"]


def run(command: Eval) -> int:
    """The command ``eval``."""
    console, trained = Console(), open_run(command.run)
    config = trained.config
    if config.graph is None:
        seeds = range(TEST_SEED, TEST_SEED + command.num_graphs)
        pool = generated_pool(config.generator, config.num_nodes, seeds)
        env = environment(config.env, pool, config.objective, config.budget, config.reward)
    else:
        env = problem_of(dataclasses.replace(config, num_graphs=1))[0].test
    runs = make_runs(network_for(env, config.dqn), config.dqn, config.seeds)
    comparison = compare_with_progress(env, runs, trained.policy(env, runs), config.seed, console, str(command.run))
    report.print_comparison(f"{command.run}: gain on held-out graphs", comparison, console)
    return 0
