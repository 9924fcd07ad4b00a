"""Search for a cut: flip labels to and fro, paid for every new best of the episode (ECO-DQN: Barrett et al., 2020)."""

from dataclasses import replace

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from envs.base import Observation
from envs.checks import check_graphs, check_labels
from envs.editing import EditState
from envs.node_flip import NodeFlip
from envs.pools import Pool
from lepton_rl.graph import BitGraph
from lepton_rl.objectives.base import Edit, Objective
from lepton_rl.objectives.cuts import crossing_weights, cut

__all__ = ["MEMORY", "CutSearch", "gains_of_flips", "make_cut_search"]

MEMORY = 5  # columns that an episode shows of what it remembers


@struct.dataclass
class Memory:
    """What an episode remembers.

    Attributes:
        value: f32[], the best cut so far. ``now``: the carry of the cut as it is. ``best``: f32[N], labels of the best
            cut. ``rest``: f32[N], flips since each node's own; N more where there was none.
    """

    value: Float[Array, "*B"]
    now: object
    best: Float[Array, "*B N"]
    rest: Float[Array, "*B N"]


def gains_of_flips(graph: BitGraph) -> Float[Array, "N"]:
    """By how much flipping each label raises the cut, f32[N]."""
    sides = jnp.asarray(graph.labels)
    return sides * jnp.matmul(crossing_weights(graph), sides, precision="highest")


def _begin(graph: BitGraph, noise: tuple[()]) -> Memory:
    now, labels = cut.init(graph, noise), jnp.asarray(graph.labels)
    return Memory(now.value, now, labels, jnp.full_like(labels, graph.capacity))


def _follow(memory: Memory, edit: Edit, graph: BitGraph, noise: tuple[()]) -> Memory:
    now = cut.update(memory.now, edit, graph, noise)
    better = now.value > memory.value
    return Memory(
        jnp.maximum(now.value, memory.value), now, jnp.where(better, jnp.asarray(graph.labels), memory.best),
        (memory.rest + 1).at[edit.u].set(0.0),
    )  # fmt: skip


_BEST_SO_FAR = Objective(cut.draw, _begin, _follow, labels="spin", directed=True, weighted="any")


@struct.dataclass
class CutSearch(NodeFlip):
    """Flip the label of a node ``budget`` times, to and fro; what counts is the best cut on the way.

    Observation: as of :class:`envs.editing.Editing`; the graph has MEMORY more node features, of which none depends
    on the number of nodes or the scale of weights: what a flip gains, over the mean size of the nodes' weights; flips
    since the node's own, over n (at most 1), and 1 / (1 + flips since); whether its label is not that of the best cut;
    how far the cut is below the best, over the root of n mean sizes.
    Action: i32 in [0, N). Reward: the rise of the best cut of the episode. Termination: after ``budget`` flips.
    Reference: Barrett, Clements, Foerster & Lvovsky, "Exploratory combinatorial optimization with reinforcement
    learning", AAAI 2020.
    """

    rule: str = struct.field(pytree_node=False, default="CutSearch")

    @jax.jit
    def observe(self, state: EditState) -> Observation:
        """What an agent sees: see the class docstring."""
        seen, memory = super().observe(state), state.carry
        graph, n = state.graph, jnp.maximum(state.graph.node_mask.sum(), 1).astype(jnp.float32)
        size = jnp.maximum(jnp.abs(crossing_weights(graph)).sum() / n, 1e-6)
        below = (memory.value - memory.now.value) / (size * jnp.sqrt(n))
        columns = [
            gains_of_flips(graph) / size, jnp.minimum(memory.rest / n, 1.0), 1 / (1 + memory.rest),
            (graph.labels != memory.best).astype(jnp.float32), jnp.full_like(memory.rest, below),
        ]  # fmt: skip
        known = jnp.where(graph.node_mask[:, None], jnp.stack(columns, -1), 0.0)
        features = jnp.concatenate([graph.node_features, known], -1)
        return replace(seen, graph=replace(graph, node_features=features))


def make_cut_search(pool: Pool, budget: int) -> CutSearch:
    """Flip labels to and fro for the best cut on the way: a :class:`CutSearch`, checked.

    Raises:
        ValueError: a budget below 1; graphs or labels that do not fit.
    """
    check_graphs(pool, cut, "CutSearch", budget, directed=True)
    check_labels(pool, cut, "CutSearch", written="spin")
    return CutSearch(pool, _BEST_SO_FAR, budget, "edit")
