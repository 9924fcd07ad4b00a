"""What a configuration means: environments over disjoint pools of graphs, and the network that fits them."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agents.config import DQNConfig
from agents.training import fitting, network_for
from envs import DEFAULTS, KNOWLEDGE, get_environment, rule_of
from envs.base import GraphEnv
from envs.pools import Pool, make_pool
from experiments.configs import Train
from experiments.splits import make_split, priced, weighed
from lepton_rl.data import NamedGraph
from lepton_rl.data.encoding import Encoder
from lepton_rl.heads import Network
from lepton_rl.objectives import get_objective

__all__ = ["Problem", "completed", "env_maker", "env_on", "make_problem", "usable"]

_HINTS = {
    "largest component": " (--largest-component)", "directed=False": " (leave out --directed)",
    "of weight": " (--negative-weights absolute, --weights ignore)",
}  # fmt: skip
_KNOWLEDGE = {
    "KGRefinement": "`python -m experiments.run train --env KGRefinement` and judge facts by it with "
    "`python -m experiments.run solve --facts --run`",
    "KGCompletion": "`python -m experiments.run train --env KGCompletion` and ask it by "
    "`python -m experiments.run solve --query QUESTION --run`",
    "KGRepair": "`python -m experiments.scoreboards kg-repair`",
}  # fmt: skip


class Problem(NamedTuple):
    """Everything that training and evaluation share.

    Attributes:
        config: as given. ``dqn``: the learner's settings, made to fit the head.
        make_env: ``Pool -> GraphEnv`` with the run's objective, budget and reward.
        train, valid, test: environments over disjoint pools of one capacity.
        network: scores actions; its parameters fit graphs of every size.
        networks: real networks to edit after training, held out of it.
        graphs: what the pools hold, in words. ``notes``: what reading the user's graphs ignored or dropped.
        encoder: of the nodes' attributes, where the network sees them.
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
    encoder: Encoder | None = None

    def seen(self, graph: NamedGraph) -> NamedGraph:
        """A graph as the network and the cost of edits see it: with attributes and weights, where they read some."""
        seen = graph if self.encoder is None else graph.encoded(self.encoder)
        return weighed(priced(seen, self.config.cost), self.config, self.config.weights)


def completed(config: Train) -> Train:
    """The configuration with the rule's own objective and graphs where none are given.

    Raises:
        ValueError: an unknown environment, or one of knowledge graphs.
    """
    get_environment(config.env)
    if rule_of(config.env) in KNOWLEDGE:
        how = _KNOWLEDGE.get(rule_of(config.env), "`python -m experiments.scoreboards kg`")
        raise ValueError(
            f"{config.env} is no rule of edits for an objective to grow by: train it on a knowledge graph with {how}."
        )
    default = DEFAULTS[rule_of(config.env)]
    # Lengths need graphs that lie somewhere.
    graphs = "gabriel" if config.cost == "length" else default.graphs
    objective, generator = config.objective or default.objective, config.generator or graphs
    return dataclasses.replace(config, objective=objective, generator=generator)


def env_maker(config: Train) -> Callable[[Pool], GraphEnv]:
    """The environment of a configuration, over any pool; names are checked here.

    Raises:
        ValueError: an unknown environment or objective.
    """
    build, objective = get_environment(config.env), get_objective(config.objective)
    # Only pair scores read the objective's first-order account of every pair.
    sensitivity = objective.sensitivity is not None and config.dqn.head == "pair"

    limit = math.inf if config.cost_budget is None else config.cost_budget

    def make_env(pool: Pool) -> GraphEnv:
        return build(
            pool, objective, config.budget, config.reward, sensitivity=sensitivity, cost=config.cost or None,
            cost_budget=limit,
        )  # fmt: skip

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
            hint = next((hint for words, hint in _HINTS.items() if words in str(error)), "")
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


def make_problem(config: Train, encoder: Encoder | None = None) -> Problem:
    """Build everything of ``config`` that needs no training; nothing is compiled.

    Raises:
        ValueError: an unknown name, an unusable graph file, settings that the environment refuses.
    """
    config = completed(config)
    make_env, split = env_maker(config), make_split(config, encoder)
    networks = split.networks
    if split.own:
        env_on(make_env, split.own)
    else:
        networks = usable(make_env, networks)
    train, valid, test = (env_on(make_env, part, named=False) for part in (split.train, split.valid, split.test))
    notes = tuple(f"{graph.name}: {line}" for graph in split.own for line in graph.report)
    config = dataclasses.replace(config, weights=split.weights)
    dqn = fitting(train, config.dqn)
    network = network_for(train, dqn)
    return Problem(config, dqn, make_env, train, valid, test, network, networks, split.words, notes, split.encoder)
