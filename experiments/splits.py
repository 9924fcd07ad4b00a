"""The graphs of a run: its three pools, and what is edited after training."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from envs import rule_of
from envs.costs import get_cost, reads_weights
from envs.labels import start_labels
from experiments.configs import Train
from experiments.graphs import is_connected, load_graphs, shuffled
from lepton_rl.data import NamedGraph, from_networkx, generate, load
from lepton_rl.data.encoding import Encoder, Policies, fit
from lepton_rl.data.splits import split_graphs
from lepton_rl.objectives import get_objective

__all__ = ["SHOWCASE", "SPLITS", "Split", "make_split", "priced", "weighed"]

SPLITS = {"train": 0, "valid": 10_000, "test": 20_000}  # first graph seed of each: the pools never meet
_WEIGHTS_BYTES = 2**28  # at most, of all graphs of a part
SHOWCASE = ("karate", "les_miserables", "florentine", "davis")


class Split(NamedTuple):
    """The graphs of a run: what its three pools hold, what is edited after training, which of all are the user's.

    ``encoder`` is that of the nodes' attributes, where the network is to see them. ``weights``: "read" where the
    graphs' edges have theirs, else "ignore": the choice that "auto" left open.
    """

    train: list[NamedGraph]
    valid: list[NamedGraph]
    test: list[NamedGraph]
    networks: tuple[NamedGraph, ...]
    own: list[NamedGraph]
    words: str
    weights: Literal["read", "ignore"]
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
    if (count := max(config.num_graphs, config.held_out)) > SPLITS["valid"]:
        raise ValueError(f"{count} graphs: give at most {SPLITS['valid']}, so that no two parts meet.")
    return _generated(config) if config.graph is None else _loaded(config, config.graph, encoder)


def _seeds(config: Train, limit: int | None = None) -> list[range]:
    """The seeds of the three parts; of a part at most ``limit``."""
    counts = {"train": config.num_graphs, "valid": config.held_out, "test": config.held_out}
    return [range(first, first + min(counts[part], limit or counts[part])) for part, first in SPLITS.items()]


def _held(seeds: Sequence[range]) -> str:
    return f"{len(seeds[1])} others for validation, {len(seeds[2])} for the test"


def _generated(config: Train) -> Split:
    reads = _weights_read(config, ())
    seeds = _seeds(config)
    parts = [
        [from_networkx(graph, f"{config.generator}{seed}") for seed, graph in zip(
            part, generate(config.generator, config.num_nodes, part), strict=True)] for part in seeds
    ]  # fmt: skip
    words = f"{config.num_graphs:,} {config.generator} graphs of {config.num_nodes} nodes; {_held(seeds)}"
    parts = [[priced(graph, config.cost) for graph in part] for part in parts]
    # Of the networks that come with networkx none has positions or prices.
    networks = [load(name) for name in SHOWCASE] if parts[0][0].features is None else []
    kind = "side" if rule_of(config.env) == "LinkRecommendation" else get_objective(config.objective).labels
    if kind in ("opinion", "side"):
        parts = [_labelled(part, kind) for part in parts]
        # Of the networks that come with networkx one has two sides, none has opinions.
        networks = [load("davis")] if kind == "side" and networks else networks
        networks = _labelled(networks, kind)
        words += {"opinion": "; opinions drawn at random", "side": "; the larger side are users"}[kind]
    train, valid, test, shown = ([weighed(graph, config, reads) for graph in part] for part in (*parts, networks))
    return Split(train, valid, test, tuple(shown), [], words, reads)


def _loaded(config: Train, name: str, encoder: Encoder | None) -> Split:
    sources = load_graphs(name, config.reading)
    reads = _weights_read(config, sources)
    sources = [weighed(graph, config, reads) for graph in sources]
    sides = rule_of(config.env) == "LinkRecommendation"
    sources = [_sided(graph) for graph in sources] if sides else sources
    if (config.pool or ("split" if len(sources) > 1 else "shuffles")) == "split":
        found = split_graphs(sources, seed=config.seed)
        sources, encoder = _encoded(sources, found.train, config, encoder)
        train, valid, test = ([sources[i] for i in part] for part in (found.train, found.valid, found.test))
        words = f"{len(train)} of {name}; {len(valid)} others for validation, {len(test)} for the test"
        words = f"{words} ({'; '.join(found.report)})"
        return Split(train, valid, test, tuple(test), sources, words, reads, encoder)
    sources, encoder = _encoded(sources, range(len(sources)), config, encoder)
    # Weights are kept by pair: a thousand nodes' take 4 MB a graph.
    largest = max(graph.num_nodes for graph in sources)
    seeds = _seeds(config, max(_WEIGHTS_BYTES // (4 * largest**2), 1) if reads == "read" else None)
    train, valid, test = ([shuffled(sources[seed % len(sources)], seed, sides) for seed in part] for part in seeds)
    title = sources[0].name if len(sources) == 1 else f"{len(sources)} graphs of {name}"
    words = f"{len(seeds[0]):,} shuffles of {title}; {_held(seeds)}"
    return Split(train, valid, test, tuple(sources), sources, words, reads, encoder)


def _weights_read(config: Train, graphs: Sequence[NamedGraph]) -> Literal["read", "ignore"]:
    """What ``config.weights`` means for ``graphs``.

    Raises:
        ValueError: weights are to be read, and nothing reads them.
    """
    if config.weights == "read" and not reads_weights(get_objective(config.objective), config.cost):
        raise ValueError(
            f"--weights read: neither {config.objective} nor the cost of edits depends on weights: leave it out."
        )
    if config.weights != "auto":
        return config.weights
    some = rule_of(config.env) == "EdgeReweighting" or any(graph.weights is not None for graph in graphs)
    return "read" if some and reads_weights(get_objective(config.objective), config.cost) else "ignore"


def weighed(graph: NamedGraph, config: Train, weights: str) -> NamedGraph:
    """The graph with its weights where ``weights`` is "read"; what is done with them is reported where they matter."""
    if weights == "read":
        found = graph.weighing(config.new_weight)
        rest = f"an edge that is added weighs {found.pair_weight:g}" + " (the median)" * (config.new_weight is None)
        return found if graph.weights is None else found.reported(f"its weights are read; {rest}")
    if graph.weights is None or not reads_weights(get_objective(config.objective), config.cost):
        return graph
    return graph.reported("its weights are not read: every edge weighs 1")


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
    return [priced(graph, config.cost) for graph in seen], encoder


def priced(graph: NamedGraph, cost: str) -> NamedGraph:
    """The graph with the attributes that ``cost`` reads as its first features."""
    reads = get_cost(cost).reads if cost else ()
    return graph.featured(reads, "costs") if reads else graph
