"""What learned criteria read does not depend on the size of a graph: two copies of one look like one, padded or not."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.influence_ranking import influence_columns
from agents.opinion_pairs import COLUMNS, _outlook
from envs.cut_search import make_cut_search
from envs.dismantling import make_dismantling
from envs.node_selection import make_node_selection
from envs.pools import make_pool
from experiments.scoreboards.dismantling import removal_columns
from experiments.scoreboards.maxcut import cut_columns
from lepton_rl.graph import from_edges
from lepton_rl.objectives import get_objective

ONE = nx.barabasi_albert_graph(12, 2, seed=3)
RNG = np.random.default_rng(0)
LABELS, WEIGHTS = RNG.choice([-1.0, 1.0], 12), RNG.choice([-1.0, 1.0], (12, 12))


def stored(copies):
    """So many disjoint copies, two slots more than nodes."""
    graph = nx.disjoint_union_all([ONE] * copies)
    n = len(graph)
    weights = np.kron(np.ones((copies, copies)), WEIGHTS + WEIGHTS.T)[..., None]
    return from_edges(list(graph.edges), n, capacity=n + 2, labels=np.tile(LABELS, copies), edge_features=weights)


def seen_cut(graph):
    return make_cut_search(make_pool([graph]), 4).reset(jnp.int32(0), jax.random.key(0))[1]


def seen_removal(graph):
    plain = replace(graph, edge_features=None, labels=None)
    return make_dismantling(make_pool([plain]), 4).reset(jnp.int32(0), jax.random.key(0))[1]


def seen_seeding(graph):
    plain = replace(graph, edge_features=None)
    env = make_node_selection(make_pool([plain]), get_objective("vertex_cover"), 4)
    seen = env.reset(jnp.int32(0), jax.random.key(0))[1]
    return replace(seen, graph=replace(seen.graph, labels=(graph.labels > 0).astype(jnp.float32)))


# How long a node has rested is also read as 1 / (1 + flips), which is nearly 0 at any start. Pivots are all nodes here;
# the last column of removals is a share of all paths, of which copies halve each.
READ = {
    "cut": (seen_cut, cut_columns, 12, 0.06), "removal": (seen_removal, removal_columns(40), 12, 1e-4),
    "cascade": (seen_seeding, influence_columns(0.1), 10, 1e-4),
    "weighted cascade": (seen_seeding, influence_columns(None), 10, 1e-4),
}  # fmt: skip


@pytest.mark.parametrize("task", READ)
def test_copies_of_a_graph_look_like_the_graph(task):
    look, columns, count, tolerance = READ[task]
    one, two = (np.asarray(jax.jit(columns)(look(stored(copies)))) for copies in (1, 2))
    for copy in (two[:12], two[12:24]):
        np.testing.assert_allclose(copy[:, :count], one[:12, :count], atol=tolerance)
    assert not one[12:].any() and not two[24:].any()


def test_diagonals_of_opinions_are_the_same_in_copies():
    params = {"own": jnp.full(COLUMNS, 0.1), "power": jnp.full(COLUMNS, -0.1)}
    look = jax.jit(lambda graph: _outlook(params, replace(graph, edge_features=None), 4))
    one, two = look(stored(1)), look(stored(2))
    for name in ("z", "y", "own", "power"):
        np.testing.assert_allclose(getattr(two, name)[12:24], getattr(one, name)[:12], atol=1e-4)
