"""The facts a knowledge graph starts from, laid out so that one search finds a fact and one row an entity's arcs.

Letters: N entities, R relations, E facts, A = 2E arcs (each fact from both of its ends).
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Int

__all__ = ["Facts", "both_ways", "fact_number", "first_arc", "make_facts"]


@struct.dataclass
class Facts:
    """The facts of a base, shared and never batched: as they were given, and as arcs by the entity they leave.

    Attributes:
        triples: i32[E, 3], in the order given; a fact's number is its row.
        starts: i32[N + 1]. Arcs ``starts[u]`` to before ``starts[u + 1]`` leave u, by relation, then by target.
        relations: i32[A] in [0, 2R). ``targets``: i32[A]. ``numbers``: i32[A] in [0, E), the fact that an arc is of.
        widest: most arcs of an entity, static. ``most``: most arcs of an entity and a relation, static.
    """

    triples: Int[Array, "E 3"]
    starts: Int[Array, "N1"]
    relations: Int[Array, "A"]
    targets: Int[Array, "A"]
    numbers: Int[Array, "A"]
    widest: int = struct.field(pytree_node=False)
    most: int = struct.field(pytree_node=False)


def make_facts(rows: np.ndarray, N: int, R: int) -> Facts:
    """The base of facts int[E, 3] in range.

    Raises:
        ValueError: a fact is given twice.
    """
    h, r, t = rows.T
    sources, relations, targets = np.concatenate([h, t]), np.concatenate([r, r + R]), np.concatenate([t, h])
    numbers = np.tile(np.arange(len(rows)), 2)
    order = np.lexsort((targets, relations, sources))
    sources, relations, targets, numbers = (x[order] for x in (sources, relations, targets, numbers))
    fresh = (np.diff(sources) != 0) | (np.diff(relations) != 0)
    if ((np.diff(targets) == 0) & ~fresh).any():
        raise ValueError("a fact is given twice: keep each once (the readers in lepton_rl.data do).")
    ends = np.flatnonzero(np.concatenate([[True], fresh, [True]])) if len(sources) else np.zeros(1, int)
    degrees = np.bincount(sources, minlength=N)
    starts = np.concatenate([[0], np.cumsum(degrees)])
    whole = {"triples": rows, "starts": starts, "relations": relations, "targets": targets, "numbers": numbers}
    columns = {name: jnp.asarray(column, jnp.int32) for name, column in whole.items()}
    return Facts(**columns, widest=int(degrees.max()), most=int(np.diff(ends).max(initial=0)))


def both_ways(triples: Int[Array, "M 3"], num_relations: int) -> tuple[Array, Array, Array]:
    """Sources, relations in [0, 2R) and targets, each i32[2M]: all facts from head to tail, then all against it."""
    h, r, t = triples.T
    return jnp.concatenate([h, t]), jnp.concatenate([r, r + num_relations]), jnp.concatenate([t, h])


def first_arc(base: Facts, u: Array, r: Array, v: Array) -> Int[Array, ""]:
    """The first arc of entity u that is not below (r, v), or the end of u's arcs, by halving."""

    def halve(_: Int[Array, ""], span: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = span
        middle = (low + high) // 2
        relation, target = base.relations[middle], base.targets[middle]
        below = ((relation < r) | ((relation == r) & (target < v))) & (middle < high)
        return jnp.where(below, middle + 1, low), jnp.where(below, high, middle)

    return jax.lax.fori_loop(0, base.widest.bit_length(), halve, (base.starts[u], base.starts[u + 1]))[0]


def fact_number(base: Facts, triple: Int[Array, "3"]) -> Int[Array, ""]:
    """The number of the fact in the base, E where it has none."""
    E = base.triples.shape[0]
    if not E:
        return jnp.int32(0)
    h, r, t = triple
    place = first_arc(base, h, r, t)
    found = (place < base.starts[h + 1]) & (base.relations[place] == r) & (base.targets[place] == t)
    return jnp.where(found, base.numbers[place], E)
