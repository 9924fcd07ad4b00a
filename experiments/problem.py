"""What a configuration means: environments over disjoint pools of graphs, and the network that fits them."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agents.config import DQNConfig
from agents.training import network_for
from envs import get_environment
from envs.base import GraphEnv
from envs.pools import Pool, make_pool
from experiments.configs import Train
from experiments.graphs import load_graph, shuffled
from lepton_rl.data import NamedGraph, from_networkx, generate
from lepton_rl.heads import Network
from lepton_rl.objectives import get_objective

__all__ = ["SHOWCASE", "SPLITS", "Problem", "env_maker", "env_on", "make_graphs", "make_problem", "usable"]

SPLITS = {"train": 0, "valid": 10_000, "test": 20_000}  # first graph seed of each: the pools never meet
SHOWCASE = ("karate", "les_miserables", "florentine", "davis")


class Problem(NamedTuple):
    """Everything that training and evaluation share.

    Attributes:
        config: as given. ``dqn``: the learner's settings, made to fit the head.
        make_env: ``Pool -> GraphEnv`` with the run's objective, budget and reward.
        train, valid, test: environments over disjoint pools of one capacity.
        network: scores actions; its parameters fit graphs of every size.
        networks: real networks to edit after training, held out of it.
        graphs: what the pools hold, in words. ``notes``: what reading the user's graph ignored or dropped.
    """

    config: Train
    dqn: DQNConfig
    make_env: Callable[[Pool], GraphEnv]
    train: GraphEnv
    valid: GraphEnv
    test: GraphEnv
    network: Network
    networks: tuple[NamedGraph, ...]
    graphs: str
    notes: tuple[str, ...]


def make_graphs(config: Train, source: NamedGraph | None, split: str, count: int) -> list[NamedGraph]:
    """``count`` graphs of a split: generated, or shuffles of ``source``.

    Raises:
        ValueError: more graphs than the distance between the seeds of two splits; an unknown generator.
    """
    if count > SPLITS["valid"]:
        raise ValueError(f"{count} graphs: give at most {SPLITS['valid']}, so that the splits stay disjoint.")
    seeds = range(SPLITS[split], SPLITS[split] + count)
    if source is not None:
        return [shuffled(source, seed) for seed in seeds]
    made = generate(config.generator, config.num_nodes, seeds)
    return [from_networkx(graph, f"{config.generator}{seed}") for seed, graph in zip(seeds, made, strict=True)]


def env_maker(config: Train) -> Callable[[Pool], GraphEnv]:
    """The environment of a configuration, over any pool; names are checked here.

    Raises:
        ValueError: an unknown environment or objective.
    """
    build, objective = get_environment(config.env), get_objective(config.objective)
    # Only pair scores read the objective's first-order account of every pair.
    sensitivity = objective.sensitivity is not None and config.dqn.head == "pair"

    def make_env(pool: Pool) -> GraphEnv:
        return build(pool, objective, config.budget, config.reward, sensitivity=sensitivity)

    return make_env


def env_on(make_env: Callable[[Pool], GraphEnv], graphs: Sequence[NamedGraph], named: bool = True) -> GraphEnv:
    """The environment over ``graphs``, in messages called by name; pools of unequal graphs get a bucket's capacity.

    Raises:
        ValueError: a graph that the rule refuses, named; the message says how to mend it.
    """
    for graph in graphs if named else ():
        try:
            make_env(make_pool([graph.to_bitgraph()]))
        except ValueError as error:
            hint = " (--largest-component)" if "largest component" in str(error) else ""
            raise ValueError(f"{graph.name}: {str(error).replace('graph 0', 'the graph')}{hint}") from None
    return make_env(make_pool([graph.to_bitgraph() for graph in graphs]))


def usable(make_env: Callable[[Pool], GraphEnv], graphs: Sequence[NamedGraph]) -> tuple[NamedGraph, ...]:
    """Those of ``graphs`` that the rule accepts: a small network may lack fewer edges than the budget."""

    def accepted(graph: NamedGraph) -> bool:
        try:
            env_on(make_env, [graph])
        except ValueError:
            return False
        return True

    return tuple(graph for graph in graphs if accepted(graph))


def make_problem(config: Train) -> Problem:
    """Build everything of ``config`` that needs no training; nothing is compiled.

    Raises:
        ValueError: an unknown name, an unusable graph file, settings that the environment refuses.
    """
    make_env = env_maker(config)
    source = None if config.graph is None else load_graph(config.graph, config.largest_component)
    if source is not None:
        env_on(make_env, [source])
    counts = {"train": config.num_graphs, "valid": config.held_out, "test": config.held_out}
    train, valid, test = (
        env_on(make_env, make_graphs(config, source, split, count), named=False) for split, count in counts.items()
    )
    # A head of single nodes has to learn the first pick too.
    dqn = config.dqn if config.dqn.head == "pair" else dataclasses.replace(config.dqn, picks="all")
    kind = f"{config.generator} graphs of {config.num_nodes} nodes" if source is None else f"shuffles of {source.name}"
    words = f"{config.num_graphs:,} {kind}; {config.held_out} others for validation, {config.held_out} for the test"
    networks = (source,) if source is not None else usable(make_env, [load_graph(name) for name in SHOWCASE])
    notes = tuple(f"{source.name}: {line}" for line in source.report) if source is not None else ()
    return Problem(config, dqn, make_env, train, valid, test, network_for(train, dqn), networks, words, notes)
