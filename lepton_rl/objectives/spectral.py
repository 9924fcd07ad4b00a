"""Objectives read off the spectrum of the adjacency matrix and of the graph Laplacian."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, num_nodes
from lepton_rl.linear import inverse
from lepton_rl.objectives.base import EDGE_REMOVED, REBUILT, Edit, Objective, deterministic, no_noise, weight_change
from lepton_rl.objectives.critical_fraction import edge_masks, fold
from lepton_rl.weights import unit, weights

__all__ = [
    "algebraic_connectivity", "effective_resistance", "is_connected", "laplacian", "natural_connectivity",
    "resistances", "resistances_after", "spectral_radius", "together",
]  # fmt: skip

MOVES = 10_000  # at most, of a vector until it rests
TINY = 1e-30  # in place of a divisor 0


@struct.dataclass
class Resistances:
    """``value`` f32[]; ``resistances`` f32[N, N], inf between parts without a path."""

    value: Float[Array, "*B"]
    resistances: Float[Array, "*B N N"]


def laplacian(graph: BitGraph) -> Float[Array, "N N"]:
    """Degree matrix minus (weighted) adjacency matrix, f32[N, N]; zero rows and columns at absent nodes."""
    dense = weights(graph)
    return jnp.diag(dense.sum(1)) - dense


def is_connected(graph: BitGraph) -> Bool[Array, ""]:
    """Whether every present node can be reached from the first one, bool[]; exact, by flooding."""
    edges = adjacency(graph)

    def flood(state: tuple[Array, Array]) -> tuple[Array, Array]:
        reached, _ = state
        new = reached | (edges & reached[:, None]).any(0)
        return new, anywhere((new != reached).any())

    first = jnp.arange(graph.capacity) == jnp.argmax(graph.node_mask)
    reached, _ = jax.lax.while_loop(lambda state: state[1], flood, (first, jnp.bool_(True)))
    return (reached | ~graph.node_mask).all()


def _product(a: Float[Array, "N N"], b: Float[Array, "N N"]) -> Float[Array, "N N"]:
    return jnp.matmul(a, b, precision="highest")


def _rested(
    power: Float[Array, "N N"], start: Float[Array, "N"], scaled: Callable[[Array], Array], rest: float
) -> Float[Array, "N"]:
    """``scaled(power · x)`` again and again from ``start``, until no entry moves by more than ``rest``."""

    def move(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        x, moves, _ = state
        new = scaled((power * x).sum(-1))
        return new, moves + 1, anywhere((jnp.abs(new - x).max() > rest) & (moves < MOVES))

    return jax.lax.while_loop(lambda state: state[2], move, (scaled(start), jnp.int32(0), jnp.bool_(True)))[0]


def _second_eigenvalue(graph: BitGraph) -> Float[Array, ""]:
    """The second smallest eigenvalue of the Laplacian L; 0 when disconnected and for a single node.

    By steps with the 2^10th power of cI - L, c above all eigenvalues, none of which exceeds twice the largest degree:
    products of matrices, where LAPACK takes one member at a time. The constant vector is taken out after each, lest
    rounding lets it grow. The power's column with the largest diagonal entry leans on the vector that is wanted; the
    value is that vector's Σ w_uv (x_u - x_v)² over its Σ x_u², in which nothing cancels.
    """
    present = graph.node_mask.astype(jnp.float32)
    n, dense = num_nodes(graph).astype(jnp.float32), weights(graph) / unit(graph)
    strengths = dense.sum(1)
    most = jnp.maximum(2.25 * strengths.max(), TINY)

    def deflated(matrix: Float[Array, "N N"]) -> Float[Array, "N N"]:
        means = matrix.sum(1) / n
        rest = matrix - means[:, None] - means[None, :] + means.sum() / n
        return jnp.outer(present, present) * rest / jnp.maximum(jnp.abs(rest).max(), TINY)

    def scaled(x: Float[Array, "N"]) -> Float[Array, "N"]:
        x = present * (x - x.sum() / n)
        return x / jnp.maximum(jnp.abs(x).max(), TINY)

    power = deflated(jnp.diag(present - strengths / most) + dense / most)
    power = jax.lax.fori_loop(0, 10, lambda _, matrix: deflated(_product(matrix, matrix)), power)
    x = _rested(power, power[jnp.argmax(jnp.diagonal(power))], scaled, rest=1e-4)
    apart = (dense * (x[:, None] - x[None, :]) ** 2).sum() / 2
    found = unit(graph) * apart / jnp.maximum((x * x).sum(), TINY)
    return jnp.where((n > 1) & is_connected(graph), found, 0.0)


def _largest_eigenvalue(graph: BitGraph) -> Float[Array, ""]:
    """By steps with a power of A + I: products of matrices, where LAPACK takes one member at a time.

    No entry is negative, so nothing cancels. Of the vector x that is left, xᵀAx / xᵀx errs by the square of what x
    errs by. Where x mixes in w of an eigenvector whose eigenvalue is a share g smaller, a step of power p moves x by
    about w·g·p and the quotient errs by at most w²·g: once x rests, to w / p times as much as it may still move.
    Weights are measured by the largest of them, lest I outweigh A or vanish beside it.
    """
    dense = weights(graph) / unit(graph)

    def square(_: Array, matrix: Array) -> Array:
        matrix = _product(matrix, matrix)
        return matrix / matrix.max()

    power = jax.lax.fori_loop(0, 5, square, dense + jnp.diag(graph.node_mask.astype(jnp.float32)))
    x = _rested(power, power.sum(-1), lambda x: x / x.max(), rest=1e-5)  # rounding moves it by 1e-6
    return unit(graph) * (x * (dense * x).sum(-1)).sum() / (x * x).sum()


def _mean_exponential(graph: BitGraph) -> Float[Array, ""]:
    """By products of matrices: the trace of exp(A) is the sum of the squares of the entries of exp(A / 2).

    A / 2 is halved until no row sums to more than 1 / 4, six terms of the series are summed up, and squaring takes the
    halvings back (Moler & Van Loan, "Nineteen dubious ways to compute the exponential of a matrix", SIAM Review 45,
    2003, §3). The first two squares are of exp - I, which the identity's 1 would round; no entry is negative, so
    nothing cancels. Powers of the largest entry are kept as logarithms.
    """
    half = weights(graph) / 2
    halvings = jnp.maximum(jnp.ceil(jnp.log2(jnp.maximum(half.sum(1).max(), TINY))), 0.0)
    one = half / jnp.exp2(halvings + 2)
    two = _product(one, one)
    three = _product(two, one)
    rest = one + two / 2 + three / 6 + _product(three, one / 24 + two / 120 + three / 720)
    for _ in range(2):
        rest = 2 * rest + _product(rest, rest)

    def square(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        matrix, size, left = state
        new = _product(matrix, matrix)
        largest = new.max()
        matrix = jnp.where(left > 0, new / largest, matrix)
        return matrix, jnp.where(left > 0, 2 * size + jnp.log(largest), size), left - 1

    begin = rest + jnp.eye(graph.capacity), jnp.float32(0), halvings
    matrix, size, _ = jax.lax.while_loop(lambda state: anywhere(state[2] > 0), square, begin)
    largest = matrix.max()
    there = graph.node_mask[:, None] & graph.node_mask[None, :]
    total = jnp.where(there, (matrix / largest) ** 2, 0.0).sum() / jnp.maximum(num_nodes(graph), 1)
    return jnp.log(total) + 2 * (size + jnp.log(largest))


def together(graph: BitGraph) -> Bool[Array, "N N"]:
    """Whether a path joins two slots, each slot to itself, bool[N, N]; the largest number of a part spreads in it."""
    masks = edge_masks(graph, np.dtype(np.uint16))

    def spread(state: tuple[Array, Array]) -> tuple[Array, Array]:
        labels, _ = state
        new = fold(lambda acc, mask, label: jnp.maximum(acc, mask & label), labels, masks, labels)
        return new, anywhere((new != labels).any())

    start = jnp.arange(graph.capacity, dtype=jnp.uint16), jnp.bool_(True)
    labels = jax.lax.while_loop(lambda state: state[1], spread, start)[0]
    return labels[:, None] == labels[None, :]


def resistances(graph: BitGraph) -> Float[Array, "N N"]:
    """Effective resistance of every pair of slots, f32[N, N]; inf between parts without a path.

    From the inverse of the Laplacian with the constant vector of each part lifted to eigenvalue 1 (the largest weight),
    which differs from the pseudo-inverse by terms that cancel in R_uv = M_uu + M_vv - 2 M_uv. An absent slot is a part
    of its own. Weights are conductances.
    """
    joined = together(graph)
    lifted = inverse(laplacian(graph) + joined / joined.sum(-1, keepdims=True) * unit(graph))
    diagonal = jnp.diagonal(lifted)
    return jnp.where(joined, diagonal[:, None] + diagonal[None, :] - lifted - lifted.T, jnp.inf)


def resistances_after(
    resistance: Float[Array, "N N"], u: Int[Array, ""], v: Int[Array, ""], change: Float[Array, ""] | float = 1.0
) -> Float[Array, "N N"]:
    """Effective resistances once the conductance between u and v has grown by ``change`` c, in O(N^2).

    Inside a part this is the rank-one (Sherman–Morrison) update of the pseudo-inverse written in resistances,
    R'_xy = R_xy - (R_xu - R_xv - R_yu + R_yv)^2 / (4 (1/c + R_uv)); across two parts that the edge joins, resistances
    add up in series, R'_xy = R_xu + 1/c + R_vy.
    """
    to_u, to_v, between = resistance[u], resistance[v], resistance[u, v]
    # Where u and v are in one part, a node reaches both or neither; inf - inf of the other parts is selected away.
    potential = jnp.where(jnp.isfinite(to_u) & jnp.isfinite(to_v), to_u - to_v, 0.0)
    parallel = resistance - (potential[:, None] - potential[None, :]) ** 2 / (4 * (1 / change + between))
    series = to_u[:, None] + 1 / change + to_v[None, :]
    joined = jnp.minimum(resistance, jnp.minimum(series, series.T))
    return jnp.where(jnp.isfinite(between), parallel, joined)


def _measured(graph: BitGraph, resistance: Float[Array, "N N"]) -> Resistances:
    n = num_nodes(graph).astype(jnp.float32)
    there = graph.node_mask[:, None] & graph.node_mask[None, :] & ~jnp.eye(graph.capacity, dtype=bool)
    shares = jnp.where(there, jnp.minimum(resistance / n, 1.0), 0.0)
    return Resistances(value=shares.sum() / jnp.maximum(n * (n - 1), 1), resistances=resistance)


def _resistance_init(graph: BitGraph, noise: tuple[()]) -> Resistances:
    return _measured(graph, resistances(graph))


def _resistance_update(carry: Resistances, edit: Edit, graph_after: BitGraph, noise: tuple[()]) -> Resistances:
    """An edge added or reweighted: rank one. Anything else that moves edges: invert again."""

    def followed() -> Resistances:
        change = weight_change(edit, graph_after)
        # Nothing changed where ``change`` is 0: what the formula then makes of 1 / 0 is selected away.
        after = resistances_after(carry.resistances, edit.u, edit.v, change)
        return _measured(graph_after, jnp.where(change != 0, after, carry.resistances))

    again = (edit.operation == EDGE_REMOVED) | (edit.operation == REBUILT)
    return jax.lax.cond(anywhere(again), lambda: _resistance_init(graph_after, ()), followed)


algebraic_connectivity = deterministic(_second_eigenvalue, weighted="positive")
"""Algebraic connectivity, larger = harder to cut.

Reference: Fiedler, "Algebraic connectivity of graphs", Czechoslovak Mathematical Journal 23, 1973.
"""
spectral_radius = deterministic(_largest_eigenvalue, weighted="positive")
"""The largest eigenvalue of the adjacency matrix; an epidemic spreads where it is above cure / infection rate.

Reference: Wang, Chakrabarti, Wang & Faloutsos, "Epidemic spreading in real networks: an eigenvalue viewpoint", SRDS
2003.
"""
natural_connectivity = deterministic(_mean_exponential, weighted="positive")
"""Natural connectivity: the logarithm of the mean of the exponentials of the adjacency matrix's eigenvalues.

Reference: Wu, Barahona, Tan & Deng, "Natural connectivity of complex networks", Chinese Physics Letters 27, 2010.
"""
effective_resistance = Objective(no_noise, _resistance_init, _resistance_update, weighted="positive")
"""Effective graph resistance (Kirchhoff index) as a share of what n nodes could have: the mean over pairs of nodes of
their effective resistance / n, where a pair without a path counts 1.

The Kirchhoff index, the sum over unordered pairs, is this times n²(n - 1) / 2. Joined pairs are below 1 (a path has at
most n - 1 edges), so that no edge that is added raises the value; 0 for a single node. In float32 a path, the worst
there is, errs by 2e-4 of its value at n = 140; graphs of short distances by 1e-6. Weights are conductances; where they
are so small that a pair's resistance exceeds n, it counts 1 as if there were no path.

References: Klein & Randić, "Resistance distance", Journal of Mathematical Chemistry 12, 1993; Ellens, Spieksma, Van
Mieghem, Jamakovic & Kooij, "Effective graph resistance", Linear Algebra and its Applications 435, 2011.
"""
