"""What the scoreboards of knowledge graphs take, and what was published: importable without jax."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from experiments.scoreboards.options import chosen
from lepton_rl.metrics import Protocol
from lepton_rl.ranking import RANKERS, RankerConfig, default_config
from lepton_rl.registry import near_match

__all__ = [
    "AGENTS", "COUNTRIES_PUBLISHED", "INDUCTIVE", "INDUCTIVE_PUBLISHED", "KG", "OTHERS", "PUBLISHED", "WORLD",
    "Countries", "Inductive", "Published", "Shared", "check_sets", "config_for", "place_of", "sets_asked",
]  # fmt: skip

WORLD = "world"


class Published(NamedTuple):
    """A published mean reciprocal rank, filtered, on the same split; what its protocol says of the rest."""

    system: str
    mrr: float
    side: str
    ties: str
    candidates: str


_BEAM = ("tails only", "beam order", "reached entities, unreached = 0")
PUBLISHED = {
    "umls": (
        Published("MINERVA (Das et al. 2018)", 0.825, *_BEAM),
        Published("MultiHopKG, ConvE (Lin et al. 2018)", 0.940, *_BEAM),
    ),
    "kinship": (
        Published("MINERVA (Das et al. 2018)", 0.720, *_BEAM),
        Published("MultiHopKG, ConvE (Lin et al. 2018)", 0.865, *_BEAM),
    ),
}
_MINERVA = "MINERVA (Das et al. 2018)"
COUNTRIES_PUBLISHED = {
    "countries_S1": {_MINERVA: 1.0}, "countries_S2": {_MINERVA: 0.924}, "countries_S3": {_MINERVA: 0.951},
}  # fmt: skip
_NBFNET = "NBFNet-PyG (Zhu et al. 2021)"
INDUCTIVE_PUBLISHED = {"grail_fb237_v1": {_NBFNET: 0.821}, "grail_WN18RR_v1": {_NBFNET: 0.954}}

AGENTS = {
    "dqn": "DQN, TD only",
    "dqn-pretrained": "DQN from the trained nbfnet",
    "dqn-near": "DQN, TD only, on neighbourhoods",
    "walk": "DQN on walks, a beam",
}
"""Agents by name, and what tables call them: learned from rewards of their own actions, never mixed with rankers."""
OTHERS = {"pykeen-rotate": "RotatE (PyKEEN)", "pykeen-complex": "ComplEx (PyKEEN)"}
"""Rankers of other libraries, where those are installed; ranked by the evaluator of all."""
INDUCTIVE = ("rules", "rgcn", "compgcn", "nbfnet", "nbfnet-near")
"""Rankers that know relations and no entity."""

# Chosen on validation facts, one seed each; of countries on those of S3, three seeds. Where an epoch takes minutes,
# small batches learn more in it.
_COUNTRIES = RankerConfig(epochs=40, weight_decay=0.1, drop=0.2, sides="tail")
_CHOSEN = {
    **{("nbfnet", name): _COUNTRIES for name in COUNTRIES_PUBLISHED},
    **{
        ("nbfnet", name): RankerConfig(epochs=4, batch_size=8, weight_decay=0.1, drop=0.2)
        for name in INDUCTIVE_PUBLISHED
    },
    ("nbfnet", "kinship"): RankerConfig(rounds=2, epochs=8, batch_size=64, weight_decay=0.3, drop=0.3),
}


def config_for(method: str, name: str) -> RankerConfig:
    """The settings of a ranker on a data set."""
    return _CHOSEN.get((method, name), default_config(method))


def sets_asked(
    given: Iterable[str], data: Path | None, usual: tuple[str, ...] = ("umls", "kinship")
) -> tuple[str, ...]:
    """The data sets asked for: those ``given``, else the ``usual`` folders of ``data``, or "world" without it."""
    return tuple(dict.fromkeys(given or ((WORLD,) if data is None else usual)))


def place_of(name: str, data: Path | None) -> str:
    """What :func:`envs.queries.load_task` calls a data set: "world", or a folder of ``data``."""
    return name if name == WORLD or data is None else str(data / name)


def check_sets(names: Iterable[str], data: Path | None) -> None:
    """Check that there are data sets of these names, "world" or folders of ``data``.

    Raises:
        ValueError: a missing folder or an unknown name; the message names a near match.
    """
    there = [WORLD]
    if data is not None:
        if not data.is_dir():
            raise ValueError(f"--data: no folder {data}.")
        there += sorted(entry.name for entry in data.iterdir() if entry.is_dir())
    for name in names:
        if name not in there:
            raise ValueError(
                f"no data set '{name}'.{near_match(name, there)} There: {', '.join(there)}"
                f"{' (give --data DIR for more)' if data is None else ''}."
            )


@dataclass(frozen=True)
class Shared:
    """What the three tables share."""

    data: Path | None = None
    """Folder with a folder a data set: train, valid and test files of facts."""
    seeds: int = 5
    """Training seeds of each trained method."""
    split: Literal["valid", "test"] = "valid"
    """Facts to report on. Validation facts also choose the parameters that are kept: report final numbers on test."""
    json: Path | None = None
    """Write results here after every row; rows of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for the table as Markdown and the figure."""
    epochs: int | None = None
    """Epochs of every trained ranker instead of the chosen ones: for a quick look."""

    def check_shared(self, sets: Sequence[str], methods: Sequence[str], allowed: Sequence[str]) -> None:
        """Check names and numbers.

        Raises:
            ValueError: an unknown method or data set, or numbers out of range.
        """
        chosen(methods, dict.fromkeys(allowed, ""), "method")
        if self.seeds < 1 or (self.epochs is not None and self.epochs < 1):
            raise ValueError("--seeds and --epochs must be at least 1.")
        check_sets(sets, self.data)


@dataclass(frozen=True)
class KG(Shared):
    """Answers to held-out facts of knowledge graphs, ranked: every row says its side, ties, candidates and split.

    The parameters of what is trained are those that are best on validation facts. Ranks are filtered by the facts of
    all parts.
    """

    sets: tuple[str, ...] = ()
    """Folders of --data; default: umls and kinship there, or "world", which is installed with a package, without."""
    methods: tuple[str, ...] = (*(name for name in RANKERS if name != "nbfnet-near"), "dqn", "dqn-pretrained")
    """Which rankers and agents; nbfnet-near and dqn-near too, which are for large graphs, walk, which takes more
    minutes than dqn and reaches less, and pykeen-rotate and pykeen-complex, where PyKEEN is installed. Of
    complex+nbfnet the first ranker proposes candidates, and the second ranks them; so with any two."""
    proposed: int = 100
    """Candidates a query of such pairs; others come behind in the first ranker's order."""
    side: Literal["tail", "head", "both"] = "tail"
    """Ask for tails, heads or both."""
    ties: Literal["realistic", "optimistic", "pessimistic"] = "realistic"
    """Where an answer among equals comes."""
    candidates: Literal["all", "negatives"] = "all"
    """Rank answers among all entities, or among 50 wrong ones. A walk's beam has its own (MINERVA's)."""

    @property
    def protocol(self) -> Protocol:
        """How answers are ranked."""
        return Protocol(self.side, self.ties, self.candidates)

    @property
    def chosen_sets(self) -> tuple[str, ...]:
        """The data sets asked for."""
        return sets_asked(self.sets, self.data)

    def check(self) -> None:
        """Raises ValueError: an unknown method or data set, or numbers out of range."""
        pairs = [method for method in self.methods if "+" in method]
        for method in pairs:
            if method.count("+") > 1:
                raise ValueError(f"{method}: one ranker proposes and one ranks, so give two.")
            chosen(method.split("+"), dict.fromkeys(RANKERS, ""), "ranker")
        single = [method for method in self.methods if method not in pairs]
        self.check_shared(self.chosen_sets, single, (*RANKERS, *AGENTS, *OTHERS))
        if self.proposed < 1:
            raise ValueError("--proposed must be at least 1.")


@dataclass(frozen=True)
class Countries(Shared):
    """Countries S1 to S3: the region of held-out countries, as the area under the precision–recall curve."""

    sets: tuple[str, ...] = ("countries_S1", "countries_S2", "countries_S3")
    """Folders of --data, each with a file regions.list beside its parts."""
    methods: tuple[str, ...] = ("rules", "complex", "nbfnet")
    """Which rankers."""

    def check(self) -> None:
        """Raises ValueError: an unknown ranker or data set, or numbers out of range."""
        self.check_shared(self.sets, self.methods, tuple(RANKERS))


@dataclass(frozen=True)
class Inductive(Shared):
    """Train on one graph, answer on another of other entities (Teru, Denis & Hamilton, ICML 2020): Hits@10 of 50.

    The facts of the other graph's train part are given, those of its other parts are asked for, from both sides.
    """

    sets: tuple[str, ...] = ("grail_fb237_v1", "grail_WN18RR_v1")
    """Folders of --data; the graph to answer on is in the folder of that name and "_ind"."""
    methods: tuple[str, ...] = ("nbfnet",)
    """Which rankers, of those that know no entity."""
    draws: int = 5
    """Draws of the 50 wrong answers of each query."""

    other: ClassVar[str] = "_ind"

    def check(self) -> None:
        """Raises ValueError: an unknown ranker or data set, or numbers out of range."""
        self.check_shared([*self.sets, *(f"{name}{self.other}" for name in self.sets)], self.methods, INDUCTIVE)
        if self.draws < 1:
            raise ValueError("--draws must be at least 1.")
