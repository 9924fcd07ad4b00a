"""What a configuration means: environments over disjoint pools of graphs, and the network that fits them."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from agents.config import DQNConfig
from agents.training import fitting, network_for
from envs import DEFAULTS, get_environment, rule_of
from envs.base import GraphEnv
from envs.costs import get_cost
from envs.labels import start_labels
from envs.pools import Pool, make_pool
from experiments.configs import Train
from experiments.graphs import is_connected, load_graphs, shuffled
from lepton_rl.data import NamedGraph, from_networkx, generate, load
from lepton_rl.data.encoding import Encoder, Policies, fit
from lepton_rl.data.named import WEIGHT
from lepton_rl.data.splits import split_graphs
from lepton_rl.heads import Network
from lepton_rl.objectives import get_objective

__all__ = ["SHOWCASE", "SPLITS", "Problem", "completed", "env_maker", "env_on", "make_problem", "make_split", "usable"]

SPLITS = {"train": 0, "valid": 10_000, "test": 20_000}  # first graph seed of each: the pools never meet
_HINTS = {"largest component": " (--largest-component)", "directed=False": " (leave out --directed)"}
SHOWCASE = ("karate", "les_miserables", "florentine", "davis")


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
        """A graph as the network and the cost of edits see it: with its attributes, where they read some."""
        return _priced(graph if self.encoder is None else graph.encoded(self.encoder), self.config.cost)


class Split(NamedTuple):
    """The graphs of a run: what its three pools hold, what is edited after training, which of all are the user's.

    ``encoder`` is that of the nodes' attributes, where the network is to see them.
    """

    train: list[NamedGraph]
    valid: list[NamedGraph]
    test: list[NamedGraph]
    networks: tuple[NamedGraph, ...]
    own: list[NamedGraph]
    words: str
    encoder: Encoder | None = None


def make_split(config: Train, encoder: Encoder | None = None) -> Split:
    """Generated graphs, shuffles of the user's, or the user's own in three parts.

    Args:
        config: of the run. ``encoder``: of attributes, of an earlier run; else one is fitted on the graphs that are
            trained on.

    Raises:
        ValueError: unusable graphs, too few of them to split; an unknown generator; more graphs than the distance
            between the seeds of two parts.
    """
    counts = {"train": config.num_graphs, "valid": config.held_out, "test": config.held_out}
    if max(counts.values()) > SPLITS["valid"]:
        raise ValueError(f"{max(counts.values())} graphs: give at most {SPLITS['valid']}, so that no two parts meet.")
    seeds = [range(first, first + counts[part]) for part, first in SPLITS.items()]
    held = f"{config.held_out} others for validation, {config.held_out} for the test"
    if config.graph is None:
        train, valid, test = ([from_networkx(graph, f"{config.generator}{seed}") for seed, graph in zip(
            part, generate(config.generator, config.num_nodes, part), strict=True)] for part in seeds)  # fmt: skip
        words = f"{config.num_graphs:,} {config.generator} graphs of {config.num_nodes} nodes; {held}"
        train, valid, test = ([_priced(graph, config.cost) for graph in part] for part in (train, valid, test))
        # Of the networks that come with networkx none has positions or prices.
        networks = [load(name) for name in SHOWCASE] if train[0].features is None else []
        kind = "side" if rule_of(config.env) == "LinkRecommendation" else get_objective(config.objective).labels
        if kind in ("opinion", "side"):
            train, valid, test = (_labelled(part, kind) for part in (train, valid, test))
            # Of the networks that come with networkx one has two sides, none has opinions.
            networks = [load("davis")] if kind == "side" and networks else networks
            networks = _labelled(networks, kind)
            words += {"opinion": "; opinions drawn at random", "side": "; the larger side are users"}[kind]
        return Split(train, valid, test, tuple(networks), [], words)
    sources = load_graphs(config.graph, config.reading)
    sides = rule_of(config.env) == "LinkRecommendation"
    sources = [_sided(graph) for graph in sources] if sides else sources
    if (config.pool or ("split" if len(sources) > 1 else "shuffles")) == "split":
        found = split_graphs(sources, seed=config.seed)
        sources, encoder = _encoded(sources, found.train, config, encoder)
        train, valid, test = ([sources[i] for i in part] for part in (found.train, found.valid, found.test))
        words = f"{len(train)} of {config.graph}; {len(valid)} others for validation, {len(test)} for the test"
        words = f"{words} ({'; '.join(found.report)})"
        return Split(train, valid, test, tuple(test), sources, words, encoder)
    sources, encoder = _encoded(sources, range(len(sources)), config, encoder)
    train, valid, test = ([shuffled(sources[seed % len(sources)], seed, sides) for seed in part] for part in seeds)
    name = sources[0].name if len(sources) == 1 else f"{len(sources)} graphs of {config.graph}"
    words = f"{config.num_graphs:,} shuffles of {name}; {held}"
    return Split(train, valid, test, tuple(sources), sources, words, encoder)


def _labelled(graphs: Sequence[NamedGraph], kind: str) -> list[NamedGraph]:
    """The graphs with labels that the rule or the objective reads; what is random in them goes by the graph's name."""

    def labels(graph: NamedGraph) -> np.ndarray | None:
        return start_labels(kind, graph.edges, graph.num_nodes, list(graph.name.encode()))

    return [dataclasses.replace(graph, labels=labels(graph)) for graph in graphs]


def _sided(graph: NamedGraph) -> NamedGraph:
    """The graph with the sides that its edges tell, where no label says them and there is one way to see them."""
    if graph.labels is not None or graph.directed or not is_connected(graph.edges, graph.num_nodes):
        return graph
    try:
        (found,) = _labelled([graph], "side")
    except ValueError:  # an odd cycle: the rule says what it needs
        return graph
    items = int(np.asarray(found.labels).sum())
    return found.reported(f"sides by its edges: {graph.num_nodes - items} users, {items} items (else --label COLUMN)")


def _encoded(
    graphs: list[NamedGraph], trained: Iterable[int], config: Train, encoder: Encoder | None
) -> tuple[list[NamedGraph], Encoder | None]:
    """The graphs with their attributes as features, by ``encoder`` or one fitted on those that are ``trained`` on.

    Before them come, as they are, those that the cost of edits reads.
    """
    reading = config.reading
    if encoder is None and reading.attributes:
        for graph in graphs:
            if graph.node_data is None:
                raise ValueError(f"{graph.name} has no node attributes: give --nodes, or leave out --attributes.")
        missing = reading.missing_attributes
        policies = Policies(numeric=missing, boolean=missing, categorical=missing, multi_valued=missing)
        encoder = fit(pa.concat_tables([graphs[i].node_data for i in trained], promote_options="default"), policies)
    seen = graphs if encoder is None else [graph.encoded(encoder) for graph in graphs]
    return [_priced(graph, config.cost) for graph in seen], encoder


def _priced(graph: NamedGraph, cost: str) -> NamedGraph:
    """The graph with the attributes that ``cost`` reads as its first features."""
    reads = get_cost(cost).reads if cost else ()
    return graph.featured(reads, "costs") if reads else graph


def completed(config: Train) -> Train:
    """The configuration with the rule's own objective and graphs where none are given.

    Raises:
        ValueError: an unknown environment.
    """
    get_environment(config.env)
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


def _unread(graph: NamedGraph, env: GraphEnv) -> tuple[str, ...]:
    """What is said of weights that the objective would read, were they passed on."""
    weighted = graph.edge_data is not None and WEIGHT in graph.edge_data.column_names
    if not (weighted and env.objective.weighted):
        return ()
    return ("its weights are not passed on: every edge begins with weight 1 (in Python: from_edges(edge_features=…))",)


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
    notes = tuple(f"{graph.name}: {line}" for graph in split.own for line in (*graph.report, *_unread(graph, train)))
    dqn = fitting(train, config.dqn)
    network = network_for(train, dqn)
    return Problem(config, dqn, make_env, train, valid, test, network, networks, split.words, notes, split.encoder)
