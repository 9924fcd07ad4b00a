"""What the environment of refinement has for a pool: one knowledge graph with wrong facts put in, several times.

Letters: N entities, R relations, P instances, E facts of an instance (those of the largest), B facts of the base,
k wrong ones, F columns of evidence, W facts under review, A actions.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from envs.queries import read_splits_of
from lepton_rl.data import read_knowledge
from lepton_rl.noise import Noisy, facts_in
from lepton_rl.storage import Slot
from lepton_rl.triple_graph import TripleGraph, from_triples, on_base

__all__ = ["NoisyFacts", "make_noisy", "restricted", "verified_wrong"]


@struct.dataclass
class NoisyFacts:
    """P instances of noise in one graph. Their facts together are one base, which is never batched.

    Attributes:
        graphs: the graph of all right facts and of every instance's wrong ones, in an order that tells nothing.
        numbers: i32[P, E], the facts of each instance by their number in the base, in that order; B after the last.
        counts: i32[P], how many they are. ``wrong``: bool[P, E].
        evidence: f32[P, E, F], what the other facts of the instance say of each (:mod:`lepton_rl.evidence`).
    """

    graphs: TripleGraph
    numbers: Int[Array, "P E"]
    counts: Int[Array, "P"]
    wrong: Bool[Array, "P E"]
    evidence: Float[Array, "P E F"]

    @property
    def size(self) -> int:
        """Number of instances P (static)."""
        return self.numbers.shape[0]

    @property
    def capacity(self) -> int:
        """Number of entities N (static)."""
        return self.graphs.capacity

    def shown(self, index: Slot) -> Bool[Array, "B"]:
        """The facts of the base that an instance has, bool[B]."""
        return jnp.zeros(self.graphs.num_facts, bool).at[self.numbers[index]].set(True, mode="drop")

    def __getitem__(self, index: Any) -> TripleGraph:
        """The graph of instance ``index``."""
        return replace(self.graphs, shown=self.shown(index))

    def whole(self, graph: TripleGraph) -> TripleGraph:
        """The graph of an observation with the facts that all share."""
        return on_base(self.graphs, graph)

    def place(self, context: Int[Array, "2"], fact: Array, window: int) -> Array:
        """Where a fact under review stands in its instance: from the first on, round and round.

        Args:
            context: the instance, and the first of its facts under review. ``fact``: i32[…] in [0, W).
            window: W; if it is E, all are under review as they stand.
        """
        return fact if window == self.numbers.shape[1] else (context[1] + fact) % self.counts[context[0]]

    def reviewed(self, column: Array, context: Int[Array, "2"], window: int) -> Array:
        """What [P, E, …] says of the W = ``window`` facts under review, [W, …]."""
        if window == column.shape[1]:
            return column[context[0]]
        return column[context[0], self.place(context, jnp.arange(window), window)]

    def described(self, observation: Any) -> Any:
        """An observation with what it leaves out because the pool has it: the candidates, and the evidence on them.

        Its own column of evidence, where it has one, comes last.
        """
        told = observation.evidence
        numbers, evidence = (
            self.reviewed(column, observation.context, told.shape[0]) for column in (self.numbers, self.evidence)
        )
        facts = self.graphs.base.triples.at[numbers].get(mode="fill", fill_value=0)
        deletions = jnp.pad(facts, ((0, 1), (1, 0)))  # and STOP, a row of zeros
        deletions = deletions.at[:-1, 0].set(1)
        asks = jnp.pad(facts, ((0, 0), (1, 0)), constant_values=2)[: observation.legal.shape[0] - len(deletions)]
        return replace(
            observation, candidates=jnp.concatenate([deletions, asks]),
            evidence=jnp.concatenate([evidence, told], axis=1),
        )  # fmt: skip


def make_noisy(
    instances: Sequence[Noisy], evidence: Sequence[np.ndarray], num_entities: int, num_relations: int, seed: int = 0
) -> NoisyFacts:
    """The pool of P instances of one graph.

    Args:
        instances: of :func:`lepton_rl.noise.corrupt`. ``evidence``: f[E, F] on the facts of each, as they come there.
        seed: of the order of facts.

    Raises:
        ValueError: no instance, or evidence of another shape or not finite.
    """
    if not instances or len(instances) != len(evidence):
        raise ValueError(f"give at least one instance and evidence on each; got {len(instances)} and {len(evidence)}.")
    for noisy, columns in zip(instances, evidence, strict=True):
        if columns.ndim != 2 or len(columns) != len(noisy.facts) or not np.isfinite(columns).all():
            raise ValueError(f"evidence must be finite, f[{len(noisy.facts)}, F]; got shape {columns.shape}.")
    rows = np.unique(np.concatenate([noisy.facts for noisy in instances]), axis=0)
    rows = np.random.default_rng(seed).permutation(rows)
    E = max(len(noisy.facts) for noisy in instances)
    rows_of = []
    for noisy, seen in zip(instances, evidence, strict=True):
        numbers = facts_in(noisy.facts, rows, num_entities, num_relations)
        place, more = np.argsort(numbers), E - len(numbers)
        rows_of.append((
            np.pad(numbers[place], (0, more), constant_values=len(rows)), len(numbers),
            np.pad(noisy.wrong[place], (0, more)), np.pad(seen[place], ((0, more), (0, 0))),
        ))  # fmt: skip
    numbers, counts, wrong, told = (np.array(column) for column in zip(*rows_of, strict=True))
    return NoisyFacts(
        from_triples(rows, num_entities, num_relations), jnp.asarray(numbers, jnp.int32),
        jnp.asarray(counts, jnp.int32), jnp.asarray(wrong), jnp.asarray(told, jnp.float32),
    )  # fmt: skip


def restricted(pool: NoisyFacts, kept: np.ndarray) -> NoisyFacts:
    """The pool with fewer facts to judge, those of the base that are ``kept`` bool[B]; their evidence stays.

    There is room for as many as before, so that pools restricted otherwise share their programs.
    """
    columns = [np.asarray(column) for column in (pool.numbers, pool.wrong, pool.evidence)]
    stays = np.append(kept, False)[columns[0]]
    counts = stays.sum(1)
    order = np.argsort(~stays, axis=1, kind="stable")
    rows = np.arange(len(order))[:, None]
    numbers, wrong, evidence = (column[rows, order] for column in columns)
    there = np.arange(stays.shape[1]) < counts[:, None]
    numbers = np.where(there, numbers, len(kept))
    return replace(
        pool, numbers=jnp.asarray(numbers, jnp.int32), counts=jnp.asarray(counts, jnp.int32),
        wrong=jnp.asarray(wrong & there), evidence=jnp.asarray(evidence * there[..., None], jnp.float32),
    )  # fmt: skip


def verified_wrong(data: str, part: str, split_seed: int = 0) -> np.ndarray:
    """Facts that people found to be wrong, int[n, 3], in the slots of the data set: CoDEx's (Safavi & Koutra 2020).

    Args:
        data: a folder with ``valid_negatives.tsv`` and ``test_negatives.tsv`` beside its parts.
        part: the test's for "test", else the validation's.

    Raises:
        ValueError: no such file.
    """
    file = Path(data).expanduser() / f"{'test' if part == 'test' else 'valid'}_negatives.tsv"
    if not file.is_file():
        raise ValueError(f"{data} has no file of facts verified to be wrong ({file.name}): take another kind of noise.")
    train, named = read_splits_of(data, split_seed).train, read_knowledge(file)
    slots = [{name: slot for slot, name in enumerate(names)} for names in (train.entities, train.relations)]
    entities = np.array([slots[0].get(name, -1) for name in named.entities])
    relations = np.array([slots[1].get(name, -1) for name in named.relations])
    h, r, t = named.triples.T
    rows = np.stack([entities[h], relations[r], entities[t]], axis=1)
    return rows[(rows >= 0).all(1)]
