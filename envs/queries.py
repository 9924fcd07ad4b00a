"""What environments of knowledge graphs have for a pool: one graph, and queries about it.

Letters: N entities, R relations, E facts, P queries.
"""

from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Int

from lepton_rl.data import KnowledgeGraph, TripleSplits, load, read_knowledge
from lepton_rl.data.knowledge.graph import contained
from lepton_rl.data.sets import find
from lepton_rl.data.splits import split_triples
from lepton_rl.metrics import facts_of, queries_of
from lepton_rl.objectives.base import Objective, deterministic
from lepton_rl.registry import near_match
from lepton_rl.triple_graph import TripleGraph, from_triples, on_base

__all__ = [
    "NO_OBJECTIVE", "Queries", "Task", "load_knowledge", "load_task", "make_queries", "make_task", "read_splits_of",
]  # fmt: skip

_PARTS = ("train", "valid", "test")
NO_OBJECTIVE: Objective = deterministic(lambda graph: jnp.float32(0))
"""What such an environment has for an objective: its rewards are of its own."""


class Task(NamedTuple):
    """A knowledge graph and what is asked about it, on the host.

    Attributes:
        facts: int[E, 3], the graph. ``queries``: int[P, 3] entity, relation in [0, 2R), answer.
        known: int[m, 3], all facts that count as true: answers are masked and rewarded by them.
        num_entities: N. ``num_relations``: R.
    """

    facts: np.ndarray
    queries: np.ndarray
    known: np.ndarray
    num_entities: int
    num_relations: int


@struct.dataclass
class Queries:
    """P queries about one knowledge graph, which is never batched: observations leave its facts out.

    Attributes:
        graphs: the graph. ``asked``: i32[P, 3] entity, relation in [0, 2R), answer.
    """

    graphs: TripleGraph
    asked: Int[Array, "P 3"]

    @property
    def size(self) -> int:
        """Number of queries P (static)."""
        return self.asked.shape[0]

    @property
    def capacity(self) -> int:
        """Number of entities N (static)."""
        return self.graphs.capacity

    def __getitem__(self, index: Any) -> TripleGraph:
        """The graph that query ``index`` is about: the same for all."""
        return self.graphs

    def whole(self, graph: TripleGraph) -> TripleGraph:
        """The graph of an observation with the facts that all share."""
        return on_base(self.graphs, graph)


def make_task(
    facts: np.ndarray, num_entities: int, num_relations: int, *, queries: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> Task:  # fmt: skip
    """A task of facts int[E, 3], checked.

    Args:
        queries: int[P, 3] entity, relation in [0, 2R), answer; by default every fact's, from both of its ends.
        known: int[m, 3] facts that count as true beside ``facts``, those of the queries among them.

    Raises:
        ValueError: no fact, no query, or a number out of range.
    """
    N, R = num_entities, num_relations
    facts = np.asarray(facts, np.int64).reshape(-1, 3)
    more = np.zeros((0, 3), np.int64) if known is None else np.asarray(known, np.int64).reshape(-1, 3)
    asked = queries_of(facts, R, "both") if queries is None else np.asarray(queries, np.int64).reshape(-1, 3)
    for what, rows, relations in (("fact", facts, R), ("query", asked, 2 * R), ("known fact", more, R)):
        if not len(rows) and what != "known fact":
            raise ValueError(f"a knowledge graph to learn on needs at least one {what}; got none.")
        if (rows < 0).any() or (rows >= (N, relations, N)).any():
            raise ValueError(f"{what}: entities must lie in [0, {N}), relations in [0, {relations}).")
    return Task(facts, asked, np.unique(np.concatenate([facts, more, facts_of(asked, R)]), axis=0), N, R)


def make_queries(task: Task, max_edits: int = 0) -> Queries:
    """The pool of a task, with room for ``max_edits`` facts that an episode may set."""
    graph = from_triples(task.facts, task.num_entities, task.num_relations, max_edits=max_edits)
    return Queries(graph, jnp.asarray(task.queries, jnp.int32))


def load_task(data: str = "world", part: str = "train", side: str = "both", split_seed: int = 0) -> Task:
    """The task of a data set: its training facts as the graph, queries from one of its parts.

    Training knows no fact of the other parts, validation none of the test's.

    Args:
        data: a name of a knowledge graph (see :data:`lepton_rl.data.NAMED`), a folder with train, valid and test files,
            or one file of facts; what is not split yet is, by ``split_seed``. ``part``: "train", "valid" or "test".
        side: queries for the "tail", the "head" or "both".

    Raises:
        ValueError: no such data, part or side; data that is no knowledge graph or cannot be read; an empty part, or
            one that shares facts with train.
    """
    for what, given, allowed in (("part", part, _PARTS), ("side", side, ("both", "tail", "head"))):
        if given not in allowed:
            raise ValueError(f"unknown {what} '{given}'.{near_match(given, allowed)} Allowed: {', '.join(allowed)}.")
    splits = read_splits_of(data, split_seed)
    _refuse_overlap(splits, part)
    parts = [splits.parts[name].triples for name in _PARTS[: _PARTS.index(part) + 1]]
    if not len(parts[-1]):
        raise ValueError(f"{data}: the part '{part}' has no facts, so nothing can be asked: give another part.")
    N, R = splits.train.num_entities, splits.train.num_relations
    return make_task(parts[0], N, R, queries=queries_of(parts[-1], R, side), known=np.concatenate(parts))


def _refuse_overlap(splits: TripleSplits, part: str) -> None:
    train, asked = splits.train, splits.parts[part]
    if part == "train":
        return
    again = np.flatnonzero(contained(asked.triples, train.triples, train.num_entities, train.num_relations))
    if len(again):
        first = " ".join(asked.facts(again[:1])[0])
        raise ValueError(
            f"{len(again)} {part} fact(s) are also in train, the first: {first}. An answer that the graph gives away "
            "measures nothing: remove them from one of the parts."
        )


def read_splits_of(data: str, seed: int = 0) -> TripleSplits:
    """A knowledge graph in parts: as it comes, or split by ``seed``.

    Raises:
        ValueError: see :func:`load_task`.
    """
    loaded = load_knowledge(data)
    return split_triples(loaded, seed=seed) if isinstance(loaded, KnowledgeGraph) else loaded


def load_knowledge(data: str) -> KnowledgeGraph | TripleSplits:
    """A knowledge graph by name, from a folder of parts or from one file of facts.

    Raises:
        ValueError: no such data, one that is no knowledge graph, or files that cannot be read.
    """
    file = Path(data).expanduser()
    loaded = read_knowledge(file) if find(data) is None and file.is_file() else load(data)
    if not isinstance(loaded, KnowledgeGraph | TripleSplits):
        raise ValueError(f"{data} is a graph without relations: give facts of head, relation and tail.")
    return loaded
