"""What all storages of graphs share: their common fields, and the checks of what they are built and edited with."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

__all__ = ["G", "Graph", "Slot", "checked_pairs", "padded", "valid_pair"]

Slot = Int[Array, ""] | int


class Graph:
    """Any storage of a graph: :class:`~lepton_rl.graph.BitGraph` or :class:`~lepton_rl.edge_graph.EdgeGraph`.

    The functions of :mod:`lepton_rl.graph` that take a ``Graph`` take both; each storage registers its own ways
    (``functools.singledispatch``). The fields are described at BitGraph.
    """

    node_mask: Array
    node_features: Array
    labels: Array | None
    directed: bool
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def capacity(self) -> int:
        """Number of node slots N (static)."""
        return self.node_mask.shape[-1]


G = TypeVar("G", bound=Graph)


def valid_pair(graph: Graph, u: Slot, v: Slot) -> tuple[Array, Array, Array]:
    """Clip two slots into range and say whether they name two different present nodes."""
    N = graph.capacity
    u, v = jnp.asarray(u, jnp.int32), jnp.asarray(v, jnp.int32)
    cu, cv = jnp.clip(u, 0, N - 1), jnp.clip(v, 0, N - 1)
    valid = (u == cu) & (v == cv) & (u != v) & graph.node_mask[cu] & graph.node_mask[cv]
    return cu, cv, valid


def padded(name: str, values: np.ndarray, present: tuple[int, ...], N: int) -> Array:
    """Check features of the nodes (or pairs) present and pad them with zeros to N slots.

    Raises:
        ValueError: another shape.
    """
    values = np.asarray(values, np.float32)
    if values.ndim != len(present) + 1 or values.shape[:-1] != present:
        raise ValueError(f"{name} must be f32[{', '.join(map(str, present))}, F]; got shape {values.shape}.")
    return jnp.asarray(np.pad(values, [(0, N - size) for size in present] + [(0, 0)]))


def checked_pairs(edges: Sequence[tuple[int, int]] | np.ndarray, num_nodes: int, N: int) -> np.ndarray:
    """The edges as int64[m, 2].

    Raises:
        ValueError: not pairs, a slot out of range, a self-loop, or fewer than ``num_nodes`` slots.
    """
    if num_nodes < 1 or num_nodes > N:
        raise ValueError(f"{num_nodes} nodes do not fit {N} slots: give at least one node and capacity >= num_nodes.")
    pairs = np.asarray(edges, dtype=np.int64)
    if pairs.size and (pairs.ndim != 2 or pairs.shape[1] != 2):
        raise ValueError(f"edges must be pairs of slots, int[m, 2]; got shape {pairs.shape}.")
    pairs = pairs.reshape(-1, 2)
    if pairs.size and (pairs.min() < 0 or pairs.max() >= num_nodes):
        raise ValueError(f"edge slots must lie in [0, {num_nodes}); got {pairs.min()} … {pairs.max()}.")
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise ValueError("self-loops are not edges here: drop them first (the readers in lepton_rl.data do).")
    return pairs
