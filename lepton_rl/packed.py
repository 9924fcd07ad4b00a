"""Rows of neighbours for walks on a knowledge graph, cut to a cap by PageRank, and fast sets of answers.

Letters: N entities, R relations, A arcs, K the cap, Q queries, D different pairs (entity, relation) among them.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int, UInt32

from lepton_rl.storage import Slot

__all__ = ["AnswerSets", "Dropped", "PackedRows", "answer_sets", "arcs_of", "holds", "pack_rows", "pagerank"]

_NOBODY = np.uint32(2**32 - 1)  # no entity has this number


@struct.dataclass
class PackedRows:
    """The arcs that leave each entity, one entity after the other, best targets first, at most K - 1 of each.

    Attributes:
        starts: i32[N], the first arc of an entity; counts: i32[N], how many it has.
        arcs: i32[A + K, 2] (relation in [0, 2R), target); K rows of zeros at the end, so that K may always be read.
    """

    starts: Int[Array, "N"]
    counts: Int[Array, "N"]
    arcs: Int[Array, "A 2"]


class Dropped(NamedTuple):
    """What a cap took away.

    Attributes:
        arcs: arcs dropped, of ``of_arcs``. ``entities``: entities that lost some. ``facts``: facts that no arc is left
            of, of ``of_facts``.
    """

    arcs: int
    of_arcs: int
    entities: int
    facts: int
    of_facts: int

    def __str__(self) -> str:
        if not self.arcs:
            return "no neighbour dropped"
        return (
            f"{self.arcs:,} of {self.of_arcs:,} arcs ({self.arcs / self.of_arcs:.1%}) dropped at {self.entities} "
            f"entities, {self.facts} of {self.of_facts:,} facts in both directions"
        )


def arcs_of(facts: np.ndarray, num_relations: int) -> np.ndarray:
    """Both directions of facts int[m, 3], i64[2m, 3]: (h, r, t), then (t, r + R, h)."""
    h, r, t = np.asarray(facts, np.int64).reshape(-1, 3).T
    return np.concatenate([np.stack([h, r, t], 1), np.stack([t, r + num_relations, h], 1)])


def pagerank(arcs: np.ndarray, num_entities: int, damping: float = 0.85, tolerance: float = 1e-8) -> np.ndarray:
    """PageRank f64[N] of arcs int[m, 3] by power iteration (Page, Brin, Motwani & Winograd 1999)."""
    sources, targets = arcs[:, 0], arcs[:, 2]
    leaving = np.bincount(sources, minlength=num_entities)
    share, rank = 1 / np.maximum(leaving, 1), np.full(num_entities, 1 / num_entities)
    for _ in range(200):
        sent = np.bincount(targets, (rank * share)[sources], minlength=num_entities)
        new = (1 - damping) / num_entities + damping * (sent + rank[leaving == 0].sum() / num_entities)
        if np.abs(new - rank).sum() < tolerance:
            break
        rank = new
    return new


def pack_rows(facts: np.ndarray, num_entities: int, num_relations: int, cap: int) -> tuple[PackedRows, Dropped]:
    """Rows of facts int[m, 3], and what the cap dropped: of each entity the ``cap - 1`` best targets by PageRank stay.

    One slot is left for staying where one is, as in MINERVA (Das et al., ICLR 2018).

    Raises:
        ValueError: a cap below 2.
    """
    if cap < 2:
        raise ValueError(f"a cap of {cap} leaves no neighbour: give at least 2 (one slot is for staying).")
    arcs = arcs_of(facts, num_relations)
    m, rank = len(arcs) // 2, pagerank(arcs, num_entities)
    order = np.lexsort((arcs[:, 2], arcs[:, 1], -rank[arcs[:, 2]], arcs[:, 0]))
    counts = np.bincount(arcs[:, 0], minlength=num_entities)
    place = np.arange(len(arcs)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = order[place < cap - 1]
    left = np.minimum(counts, cap - 1)
    rows = np.concatenate([arcs[kept][:, 1:], np.zeros((cap, 2), np.int64)])
    lost = m - len(np.unique(kept % max(m, 1)))
    dropped = Dropped(len(arcs) - len(kept), len(arcs), int((counts > left).sum()), lost, m)
    columns = (np.cumsum(left) - left, left, rows)
    return PackedRows(*(jnp.asarray(column, jnp.int32) for column in columns)), dropped


@struct.dataclass
class AnswerSets:
    """The true answers of D pairs (entity, relation), each looked up in one word.

    A pair has a bitmap over all entities, or, where that is smaller, a table of answers that its own hash sends to
    different places: quadratic in its answers, as the first level of Fredman, Komlós & Szemerédi (J. ACM 31, 1984).

    Attributes:
        words: u32[m], the bitmaps and tables one after the other. ``offsets``: i32[D], where a pair's begins.
        factors: u32[D], ``shifts``: u32[D]: entity t has its word at ``offset + (t * factor >> shift)``.
        mapped: bool[D], a bitmap.
    """

    words: UInt32[Array, "m"]
    offsets: Int[Array, "D"]
    factors: UInt32[Array, "D"]
    shifts: UInt32[Array, "D"]
    mapped: Bool[Array, "D"]


def answer_sets(
    queries: np.ndarray, facts: np.ndarray, num_entities: int, num_relations: int
) -> tuple[AnswerSets, np.ndarray]:
    """The sets of the pairs that queries int[Q, >= 2] ask for, by facts int[m, 3]; and each query's pair, i32[Q]."""
    arcs, R2 = arcs_of(facts, num_relations), 2 * num_relations
    pairs, own = np.unique(queries[:, 0].astype(np.int64) * R2 + queries[:, 1], return_inverse=True)
    codes = arcs[:, 0] * R2 + arcs[:, 1]
    wanted = np.isin(codes, pairs)
    at, targets = np.searchsorted(pairs, codes[wanted]), arcs[wanted, 2]
    counts, width = np.bincount(at, minlength=len(pairs)), -(-num_entities // 32)
    bits = np.ceil(np.log2(np.maximum(2 * counts.astype(float) ** 2, 2))).astype(np.int64)
    factors, hashed = _factors(at, targets, bits, 2.0**bits < width)
    sizes = np.where(hashed, 1 << np.where(hashed, bits, 0), width)
    offsets, shifts = np.cumsum(sizes) - sizes, np.where(hashed, 32 - bits, 5)
    words = np.where(np.repeat(hashed, sizes), _NOBODY, np.uint32(0))
    place = offsets[at] + _slots(targets, factors[at], shifts[at])
    listed = hashed[at]
    words[place[listed]] = targets[listed]
    bit = np.uint32(1) << (targets[~listed] % 32).astype(np.uint32)
    np.bitwise_or.at(words, place[~listed], bit)
    columns = words, offsets.astype(np.int32), factors, shifts.astype(np.uint32), ~hashed
    return AnswerSets(*map(jnp.asarray, columns)), own.astype(np.int32)


def _slots(targets: np.ndarray, factors: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    product = targets.astype(np.uint32) * factors  # modulo 2^32
    return (product >> shifts.astype(np.uint32)).astype(np.int64)


def _factors(
    at: np.ndarray, targets: np.ndarray, bits: np.ndarray, wished: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Factors u32[D] whose hash of that many ``bits`` keeps a pair's answers apart, and for which pairs one was found.

    Half of all odd factors do in a table of twice the square; pairs without luck in thirty draws get a bitmap.
    """
    rng, factors, left = np.random.default_rng(0), np.ones(len(bits), np.uint32), wished.copy()
    for _ in range(30):
        trial = rng.integers(2**31, size=len(bits), dtype=np.uint32) * np.uint32(2) + np.uint32(1)
        open_ = left[at]
        slots = _slots(targets[open_], trial[at[open_]], 32 - bits[at[open_]])
        codes, counts = np.unique(at[open_] * (1 << 32) + slots, return_counts=True)
        lost = np.zeros(len(bits), bool)
        lost[codes[counts > 1] >> 32] = True
        factors, left = np.where(left & ~lost, trial, factors), left & lost
    return factors, wished & ~left


def holds(sets: AnswerSets, pair: Slot, targets: Int[Array, "*K"]) -> Bool[Array, "*K"]:
    """Whether each of ``targets`` answers the pair of that number."""
    entities = targets.astype(jnp.uint32)
    place = entities * sets.factors[pair] >> sets.shifts[pair]
    word = sets.words[sets.offsets[pair] + place.astype(jnp.int32)]
    return jnp.where(sets.mapped[pair], (word >> (entities & 31)) & 1 > 0, word == entities)
