"""Facts into training, validation and test."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lepton_rl.data.knowledge.graph import KnowledgeGraph, TripleSplits
from lepton_rl.data.source import DataError
from lepton_rl.data.splits.shares import sizes

__all__ = ["split_triples"]


def split_triples(
    graph: KnowledgeGraph, shares: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0, transductive: bool = True
) -> TripleSplits:
    """Split the facts of a graph at random.

    Where the split is transductive, facts that together mention every entity and every relation are held in train
    before the rest is drawn (as PyKEEN's coverage method does), so no other part mentions anything new and parts keep
    their sizes unless that cover alone is larger than train. Inverse and symmetric facts are not kept together:
    :func:`~lepton_rl.data.splits.check_splits` counts them.

    Args:
        graph: the facts. ``shares``: of train, valid and test; they sum to 1.
        seed: equal seeds give equal splits. ``transductive``: as above; else parts are plain random.

    Raises:
        DataError: no such shares, or a part would be empty.
    """
    triples, total = graph.triples, len(graph.triples)
    wanted = sizes(total, shares)
    order = np.random.default_rng(seed).permutation(total)
    lines = [f"split {tuple(shares)} with seed {seed}{', transductive' if transductive else ''}"]
    if transductive:
        held = _cover(triples[order])
        order = np.concatenate([order[held], order[~held]])
        free = int((~held).sum())
        lines.append(f"{total - free} of {total} facts held in train, so that it mentions every entity and relation")
        wanted, line = _shrunk(wanted, free, graph)
        lines += line
    rows = np.split(order, np.cumsum(wanted)[:2])
    train, valid, test = (_part(graph, np.sort(kept), name) for kept, name in zip(rows, _NAMES, strict=True))
    splits = TripleSplits(train, valid, test, tuple(lines), seed)
    unseen = sum(int(splits.unseen(part).sum()) for part in (valid, test))
    return replace(splits, report=(*lines, f"{unseen} fact(s) of valid and test mention something unseen in train"))


_NAMES = ("train", "valid", "test")


def _part(graph: KnowledgeGraph, rows: np.ndarray, name: str) -> KnowledgeGraph:
    return replace(graph, name=f"{graph.name} ({name})", triples=graph.triples[rows])


def _cover(triples: np.ndarray) -> np.ndarray:
    """Facts that together mention each entity and each relation, bool[m]: greedy, the earlier fact first."""
    held = np.zeros(len(triples), bool)
    held[np.unique(triples[:, 1], return_index=True)[1]] = True
    for column in (0, 2):
        fresh = np.flatnonzero(~np.isin(triples[:, column], triples[held][:, ::2]))
        held[fresh[np.unique(triples[fresh, column], return_index=True)[1]]] = True
    return held


def _shrunk(wanted: np.ndarray, free: int, graph: KnowledgeGraph) -> tuple[np.ndarray, list[str]]:
    """Sizes when only ``free`` facts may leave train: the other parts shrink alike."""
    away = int(wanted[1:].sum())
    if free >= away:
        return wanted, []
    valid = round(free * wanted[1] / away)
    found = np.array([wanted.sum() - free, valid, free - valid])
    if (found[1:] < np.minimum(wanted[1:], 1)).any():
        raise DataError(
            f"{graph.name}: only {free} fact(s) may leave train without taking an entity or relation with them, too "
            "few for valid and test: give more facts, or transductive=False."
        )
    moved = away - free
    return found, [f"{moved} fact(s) moved to train from valid and test, which alone mention something"]
