"""What the benchmarks take: plain frozen records, importable without jax."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agents.config import DQNConfig

__all__ = ["KG", "Data", "Envs", "Generators", "Large", "Objectives", "Propagation", "Rules", "Training"]

Objective = Literal["critical_fraction_random", "critical_fraction_targeted"]


@dataclass(frozen=True)
class Data:
    """Seconds and memory of reading a file into a graph, cleaning and its report included, beside networkx and pandas.

    Edges are random, between a tenth as many nodes. Each reading has a process of its own, whose peak memory counts
    everything in it; imports are not timed. The others read the same, smaller file as ours once more: networkx makes a
    graph of it, pandas only a table.
    """

    edges: int = 10_000_000
    """Edges of a file."""
    compared: int = 1_000_000
    """Edges of the files that the others read too."""
    formats: tuple[str, ...] = ()
    """Names of rows ("CSV, words"); default: all that can be read."""
    facts: int = 93_003
    """Facts of the knowledge graph, by default as many as WN18RR has."""
    folder: Path | None = None
    """Where the files are made, up to 300 MB at a time; default: where temporary files go."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: 20,000 edges, few formats."""


@dataclass(frozen=True)
class Envs:
    """Edits a second of EdgeAddition on Barabási–Albert graphs, beside its objective alone and a networkx environment.

    An episode is 10 edges. The environment plays random legal picks with the ordinary rollout driver, every member
    with noise of its own. The kernel's rate counts the same episodes: one draw of noise and the objective of the
    start graph, then of the final graph (reward "end") or of every graph on the way (reward "edit"), no environment.
    Both run in parts that fit the cache. Everything is the fastest of several runs, taken in turns.
    """

    nodes: tuple[int, ...] = (20, 100, 500)
    """Nodes of a graph."""
    batches: tuple[int, ...] = (1, 64, 4096)
    """Environments stepped together."""
    objectives: tuple[Objective, ...] = ("critical_fraction_random", "critical_fraction_targeted")
    """What is to grow."""
    rewards: tuple[Literal["end", "edit"], ...] = ("end", "edit")
    """Reward at the end of an episode, or after every edge."""
    memory_mb: float = 4000.0
    """Leave out what would need more."""
    limit_seconds: float = 20.0
    """Leave out what would take longer, once through."""
    seconds: float = 2.0
    """Time spent on each measurement."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: n = 20, batch 16, one objective."""


@dataclass(frozen=True)
class Generators:
    """Random graphs a second from streams, family by family, beside networkx with the same parameters.

    Ours come many at once as arrays of edges, and again made into a pool of start graphs; networkx makes its graphs one
    by one, drawing disconnected ones again as ours does. It has no Gabriel graphs and none of users and items. All on
    the host; everything is the fastest of several runs, taken in turns.
    """

    nodes: tuple[int, ...] = (20, 100)
    """Nodes of a graph."""
    graphs: int = 1024
    """Graphs of ours in a run. Up to n = 128 they are drawn in blocks of 1024, whole ones."""
    networkx_graphs: int = 50
    """Graphs of networkx in a run."""
    seconds: float = 1.0
    """Time spent on each family."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: n = 20, few runs."""


@dataclass(frozen=True)
class KG:
    """Steps a second of the environments of knowledge graphs, whole episodes of random legal actions.

    Masks, observations and rewards are in it, no network is. "× MINERVA's way": random walks beside a numpy
    environment written in the manner of MINERVA's own (a batch of paths over arrays [N, A, 2], masks path by path), on
    the same neighbours in the same run. Everything is the fastest of several runs, taken in turns.
    """

    sets: tuple[str, ...] = ("world",)
    """Names of knowledge graphs, or of folders in --data."""
    data: Path | None = None
    """A folder of data sets, each a folder with train, valid and test files."""
    batch: int = 4096
    """Walks at a time."""
    numpy_batch: int = 2560
    """Walks of the numpy environment at a time: MINERVA's 128 queries of 20 rollouts."""
    completion_batch: int = 256
    """Environments of KGCompletion and KGRefinement at a time."""
    steps: int = 3
    """Of a walk."""
    cap: int = 200
    """Slots of an entity; what this drops is said."""
    budget: int = 16
    """Queries of an episode of KGCompletion."""
    deletions: int = 256
    """Facts to delete in an episode of KGRefinement."""
    repair_batch: int = 256
    """Environments of KGRepair at a time."""
    edits: int = 8
    """Edits of an episode of KGRepair, with 128 candidates."""
    seconds: float = 5.0
    """Time spent on each measurement."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: one small graph, few walks."""


@dataclass(frozen=True)
class Large:
    """Seconds and memory of plans in rounds on preferential-attachment graphs up to a million nodes.

    A plan edits a share of the nodes in rounds that score all of them anew: it removes them, or for the degree discount
    seeds them. "network" is a GIN with a head of node scores and arbitrary parameters. "components" finds the
    components of the whole graph once, beside scipy and the libraries that are installed. Each row has a process of
    its own, whose peak memory counts everything in it; building the graph and compiling are timed apart.
    """

    sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    """Nodes."""
    edges_per_node: int = 5
    """Edges that each node brings."""
    scores: tuple[str, ...] = ()
    """Which scores; default: all."""
    rounds: int = 100
    """Scorings of all nodes in a plan."""
    share: float = 0.01
    """The part of the nodes that a plan edits, in equal rounds of at least one node."""
    width: int = 32
    """Of the network."""
    layers: int = 3
    """Rounds of message passing."""
    figure: Path | None = None
    """Write a log-log figure here."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: hundreds of nodes, two scores."""


@dataclass(frozen=True)
class Objectives:
    """Evaluations a second of the structural objectives on Barabási–Albert graphs, beside libraries of graphs.

    Ours evaluates a batch as one program, in parts. The libraries (networkx, scipy with numpy, igraph, rustworkx,
    networkit: those that are installed) take one graph after the other, each in its own form already: conversions are
    not timed. "strongest" is the quickest of them. Everything is the fastest of several runs, taken in turns.
    """

    nodes: tuple[int, ...] = (20, 100)
    """Nodes of a graph."""
    batch: int = 1024
    """Graphs that ours evaluates together."""
    part_mb: float = 4.0
    """It takes as many at a time as have so many MB of dense matrices in float32, and are a power of two."""
    names: tuple[str, ...] = ()
    """Objectives; default: all that a library has too."""
    library_graphs: int = 8
    """Graphs that each library evaluates in a run."""
    seconds: float = 1.0
    """Time spent on each objective."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: n = 20, batch 16, two objectives."""


@dataclass(frozen=True)
class Training:
    """Training speed at n = 20, L = 10.

    "rnet-dqn" is RNet-DQN's unit of work, 50 episodes and one update of batch 50, with its architecture (structure2vec,
    node scores, width 64, 3 rounds, both picks trained); "rnet-dqn, own network" the same with the configured network;
    "own" the configured learner as it is.
    """

    dqn: DQNConfig = field(default_factory=DQNConfig)
    objective: Objective = "critical_fraction_random"
    """What is to grow."""
    units: int = 20
    """Iterations in a timed program."""
    seconds: float = 5.0
    """Time spent on each measurement."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: one small network, two iterations."""


_CHEAP = {
    "EdgeAddition": "transitivity", "EdgeRemoval": "-transitivity", "EdgeToggle": "-polarisation",
    "Rewiring": "assortativity", "EdgeMove": "assortativity", "NodeRemoval": "-largest_component",
    "NodeSelection": "independent_set", "NodeFlip": "cut", "LinkRecommendation": "diversity",
    "EdgeReweighting": "-effective_resistance",
}  # fmt: skip


@dataclass(frozen=True)
class Propagation:
    """Seconds of one round's messages along the arcs of a knowledge graph that a batch of queries shares.

    Beside a gather and a segment sum in the same run, which is the same sum; alone and with its gradient by embeddings
    and weights. The defaults are of the size of the inductive data set fb237_v1.
    """

    entities: int = 1594
    """Entities of a random graph."""
    facts: int = 4245
    """Facts; each is two arcs."""
    relations: int = 180
    """Relations."""
    width: int = 32
    """Width of the embeddings."""
    batches: tuple[int, ...] = (16, 64)
    """Queries at once."""
    seconds: float = 4.0
    """Time spent on each measurement."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: two queries."""


@dataclass(frozen=True)
class Rules:
    """Steps a second of the rules of edits with cheap objectives, whole episodes of random legal picks.

    Resets, masks, observations of the marks and rewards are in it, no network is. "× FINDER": beside the figure of
    FINDER's C++ environment, measured on two cores. "× GraphColoring": beside Jumanji's environment of that name, of as
    many nodes and environments, in the same run, where Jumanji is installed.
    """

    rules: tuple[str, ...] = tuple(_CHEAP)
    """Which rules (see `experiments.run list environments`)."""
    objective: str = ""
    """One objective for all of them; default: a cheap one that fits each."""
    nodes: tuple[int, ...] = (20, 100)
    """Nodes of a graph."""
    batch: int = 1024
    """Environments stepped together."""
    part: int = 128
    """So many at a time."""
    budget: int = 10
    """Edits an episode."""
    reward: Literal["end", "edit"] = "edit"
    """Reward at the end of an episode, or after every edit."""
    seconds: float = 2.0
    """Time spent on each measurement."""
    json: Path | None = None
    """Write the rows here."""
    quick: bool = False
    """A smoke test: n = 20, batch 16, two rules."""

    def cheap(self, rule: str) -> str:
        """A cheap objective that fits a rule."""
        return _CHEAP[rule]
