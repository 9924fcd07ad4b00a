"""What the command line takes: plain frozen records, importable without jax."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from agents.config import DQNConfig, dqn_from_json
from experiments.judging import (
    Completing,
    CompletingOptions,
    Judging,
    JudgingOptions,
    Refining,
    RefiningOptions,
    refining_from_json,
)
from experiments.reading import Reading, ReadingOptions, reading_from_json

__all__ = [
    "Apply", "Command", "Doctor", "Eval", "List", "Solve", "Train", "refuse_others", "train_from_json", "train_to_json",
]  # fmt: skip

Quick = Annotated[DQNConfig, tyro.conf.arg(name="")]  # its fields become options without a prefix


def quick_dqn() -> DQNConfig:
    """The learner's settings for a first answer in about a minute; scoreboards train longer."""
    return DQNConfig(iterations=50, chunks=10, episodes=32, updates=4, batch_size=64, replay_capacity=4096, width=32)


@dataclass(frozen=True)
class Train:
    """Train an agent, compare it with every classical baseline on held-out graphs, and edit real networks with it.

    Without --graph it trains on generated graphs and then edits four networks that networkx carries. With --graph it
    trains on shuffles of your graph (edges swapped, every degree kept), your graph itself held out, and then edits it;
    or on a part of your graphs, if there are several.

    With --env KGRefinement it trains a policy that finds the wrong facts of a knowledge graph (--graph is one: a name,
    a file or a folder of facts; default: world), judges it beside detectors on noise that it has not seen, and keeps
    it for `solve --facts --run`.
    """

    graph: str | None = None
    """A graph file, a named data set (see `list`), or several graphs: a folder, or a pattern such as 'nets/*.csv'."""
    reading: ReadingOptions = field(default_factory=Reading)
    pool: Literal["shuffles", "split"] | None = None
    """Train on shuffles of the graphs and then edit every one; or split them: train on some, choose the policy by
    others, test on and edit the rest. Default: a single graph is shuffled, several are split."""
    env: str = "lepton/EdgeAddition-v0"
    """The rule of edits (see `list environments`)."""
    objective: str = ""
    """What is to grow (see `list objectives`), or a sum such as 'efficiency - 0.5*diameter'; --objective=-NAME lowers
    one. Default: the rule's own."""
    budget: int = 5
    """Edits an episode."""
    cost: str = ""
    """What edits cost (see `list costs`), where the budget is counted in cost too: length reads the nodes' columns x
    and y, price their column price."""
    cost_budget: float | None = None
    """What the edits of an episode may cost together."""
    weights: Literal["auto", "read", "ignore"] = "auto"
    """Weights of the edges, where the objective or the cost depends on them: read where the graphs have some, or every
    edge weighs 1."""
    new_weight: float | None = None
    """What an edge that is added weighs, where weights are read; default: the median of the graph's."""
    reward: Literal["end", "edit"] = "edit"
    """Reward after every edit (learns faster), or at the end of an episode; both sum to the same."""
    generator: str = ""
    """Family of the generated training graphs (see `list generators`); default: the rule's own."""
    num_nodes: int = 20
    """Nodes of a generated graph."""
    num_graphs: int = 500
    """Training graphs. Others are held out: --held-out for validation, as many for the test."""
    held_out: int = 50
    """Graphs for validation, and for the test."""
    seeds: int = 3
    """Independent training runs, all in one program."""
    seed: int = 0
    """The first of the seeds."""
    search_nodes: int = 50
    """Greedy and annealing evaluate the objective thousands of times: left out above so many nodes."""
    name: str | None = None
    """Name of the run; default: made from the options, never an existing one."""
    runs_dir: Path = Path("runs")
    """Where runs are kept."""
    resume: Path | None = None
    """Go on with an interrupted run, by its folder; every other option is taken from that run."""
    teacher: Literal["labels", "rewards", "both"] = "labels"
    """KGRefinement, KGCompletion: learn from labels; by rewards (DQN, minutes); or from labels and then by rewards,
    which is kept where it is better on what is held out to choose by."""
    refining: RefiningOptions = field(default_factory=Refining)
    completing: CompletingOptions = field(default_factory=Completing)
    dqn: Quick = field(default_factory=quick_dqn)

    def __post_init__(self) -> None:
        least = {"budget": 1, "num_nodes": 2, "num_graphs": 1, "held_out": 1, "seeds": 1, "seed": 0, "search_nodes": 0}
        check_least(self, least)
        if self.name is not None and (not self.name or Path(self.name).name != self.name):
            raise ValueError(f"--name '{self.name}' is no folder name: leave out slashes, or give --runs-dir.")


@dataclass(frozen=True)
class Solve:
    """Which edits, on my graph: links to add, nodes to remove, whom to seed?

    Writes edits.csv in your node names, the objective before and after, the same for every baseline, and a picture.
    """

    graph: str | None = None
    """A graph file, a named data set (see `list`), or several graphs: a folder, or a pattern such as 'nets/*.csv'. Of a
    knowledge graph a name, a file or a folder of facts; default: world."""
    reading: ReadingOptions = field(default_factory=Reading)
    facts: bool = False
    """--graph is a knowledge graph: say which facts are missing and which are suspicious. Of a table this must be said;
    data sets of facts and RDF files are taken for one anyway."""
    judging: JudgingOptions = field(default_factory=Judging)
    adds: int = 100
    """Missing facts that are proposed at most."""
    deletes: int = 100
    """Suspicious facts that are named at most."""
    least: float = 0.5
    """How sure an edit of facts must be."""
    query: str | None = None
    """A question to a knowledge graph instead (--graph is one, by name, folder or file): 'France borders ?',
    'France borders ? has_capital ?', '? borders France and ? in_region Europe'. Writes answers.csv."""
    answers: int = 10
    """Answers to a query."""
    ranker: str = "rules"
    """What guesses links that no fact states, for a query: rules, frequency; or none."""
    run: Path | None = None
    """Folder of a trained run whose policy to use; default: train first, on shuffles of the graph. Facts are judged by
    a run of `train --env KGRefinement`, or by a small network that is fitted to copies of the graph."""
    env: str = "lepton/EdgeAddition-v0"
    """The rule of edits (see `list environments`), when no run is given."""
    objective: str | None = None
    """What is to grow, or a sum such as 'efficiency - 0.5*diameter'; default: the run's, or the
    rule's own."""
    budget: int | None = None
    """Edits; default: the run's, or 5."""
    cost: str = ""
    """What edits cost (see `list costs`), where the budget is counted in cost too: length reads the nodes' columns x
    and y, price their column price."""
    cost_budget: float | None = None
    """What the edits may cost together; default: as much as the run's."""
    weights: Literal["auto", "read", "ignore"] = "auto"
    """Weights of the edges, where the objective or the cost depends on them: read where the graphs have some, or every
    edge weighs 1."""
    new_weight: float | None = None
    """What an edge that is added weighs, where weights are read; default: the median of the graph's."""
    seeds: int = 3
    """Training seeds, when no run is given."""
    search_nodes: int = 100
    """Greedy and annealing evaluate the objective thousands of times: left out above so many nodes."""
    name: str | None = None
    """Name of the results' folder; default: made from the graph's, never an existing one."""
    runs_dir: Path = Path("runs")
    """Where results are kept."""
    dqn: Quick = field(default_factory=quick_dqn)
    """Of the training, when no run is given."""

    def __post_init__(self) -> None:
        least = {"seeds": 1, "search_nodes": 0, "answers": 1, "adds": 0, "deletes": 0}
        check_least(self, least | ({} if self.budget is None else {"budget": 1}))


@dataclass(frozen=True)
class Apply:
    """Apply a curator's edits to a file of facts, or take them back; every row fits, or nothing is written.

    Refuses edits that were made for another version of the file. Edits taken back leave the file as it was, byte for
    byte.
    """

    graph: Path
    """The file of facts that the edits are for: TSV, CSV or N-Triples, also gzipped."""
    edits: Path
    """The table of edits, as `solve` writes it; rows removed or marked "reject" in its first column are left out."""
    reverse: bool = False
    """Take the edits back: --graph is the edited file."""
    output: Path | None = None
    """Where the result goes, packed where its name ends with .gz; default: a new file beside --graph."""


@dataclass(frozen=True)
class Eval:
    """Evaluate a trained run again: on its held-out test graphs, on more of them, or on graphs of yours."""

    run: Path
    """The run's folder."""
    graphs: str | None = None
    """As --graph of `train`; default: the test graphs of the run."""
    reading: ReadingOptions = field(default_factory=Reading)
    num_graphs: int | None = None
    """Test graphs to generate when --graphs isn't given; default: as many as the run tested on."""
    search_nodes: int = 100
    """Greedy and annealing evaluate the objective thousands of times: left out above so many nodes."""

    def __post_init__(self) -> None:
        check_least(self, {"search_nodes": 0} | ({} if self.num_graphs is None else {"num_graphs": 1}))


@dataclass(frozen=True)
class List:
    """What there is: environments, objectives, costs, encoders, heads, baselines, data sets, generators, formats."""

    what: Annotated[str | None, tyro.conf.Positional] = None
    """One table only."""


@dataclass(frozen=True)
class Doctor:
    """Check the installation: versions, devices, threads, shadowed packages, writable folders, a compile."""


Command = (
    Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Solve, tyro.conf.subcommand("solve")]
    | Annotated[Apply, tyro.conf.subcommand("apply")]
    | Annotated[Eval, tyro.conf.subcommand("eval")]
    | Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
)


def check_least(record: Any, least: dict[str, int]) -> None:
    """Refuse whole numbers below their least value."""
    for name, bound in least.items():
        if getattr(record, name) < bound:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} {getattr(record, name)} is too small: give at least {bound}.")


def train_to_json(config: Train) -> str:
    """The configuration as JSON text; ``resume`` and the folder are not part of what a run is."""
    plain = dataclasses.asdict(config)
    for name in ("resume", "name", "runs_dir"):
        del plain[name]
    return json.dumps(plain, indent=2, default=str) + "\n"


def refuse_others(command: Train, given: Sequence[str]) -> None:
    """Refuse options that say how rules of edits are trained, where they would do nothing.

    Args:
        given: fields that do something.

    Raises:
        ValueError: another is not at its default.
    """
    odd = [field.name for field in dataclasses.fields(command)
           if field.name not in given and getattr(command, field.name) != getattr(Train(), field.name)]  # fmt: skip
    if odd:
        parts = {
            "dqn": "the learner's (--iterations …)", "refining": "those of wrong facts",
            "completing": "--ranker, --epochs",
        }  # fmt: skip
        names = ", ".join(parts.get(name, f"--{name.replace('_', '-')}") for name in odd)
        rule = command.env.removeprefix("lepton/").removesuffix("-v0")
        raise ValueError(f"{names}: not for {rule}, which learns from a knowledge graph: leave it out.")


def train_from_json(text: str, folder: Path) -> Train:
    """The configuration of the run in ``folder``.

    Raises:
        ValueError: not written by :func:`train_to_json` of this version.
    """
    try:
        plain = json.loads(text)
        nested = {"dqn": dqn_from_json(plain["dqn"]), "reading": reading_from_json(plain["reading"])}
        nested["refining"] = refining_from_json(plain.get("refining", dataclasses.asdict(Refining())))
        nested["completing"] = Completing(**plain.get("completing", {}))
        return Train(**plain | nested | {"name": folder.name, "runs_dir": folder.parent})
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder / 'config.json'} is damaged or of another version ({error}): train anew.") from None
