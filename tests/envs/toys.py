"""Cheap objectives and pools for tests of environments, each objective with its networkx version."""

from functools import cache

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np

from envs import KNOWLEDGE, get_environment
from envs.pools import make_pool
from envs.queries import make_task
from lepton_rl.graph import adjacency, degree, from_networkx
from lepton_rl.objectives import Objective, Value, deterministic
from lepton_rl.objectives.base import REBUILT, weight_change
from lepton_rl.weights import weights
from tests.oracles import PlainEdgeAddition


def squares(graph):
    """Sum of squared degrees / 100: cheap, and every added edge changes it."""
    return (degree(graph) ** 2).sum() / 100


def squares_networkx(graph):
    return sum(d**2 for _, d in graph.degree) / 100


SQUARES = deterministic(squares)


def _draw(graph, key):
    """Blind to padding, and in steps of 1/256, of which sums of products are exact in whatever order."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(graph.capacity))
    return jax.vmap(lambda key: jax.random.randint(key, (), 1, 256))(keys) / 256


def _init(graph, noise):
    return Value(value=noise @ weights(graph) @ noise)


def _update(carry, edit, graph_after, noise):
    followed = carry.value + 2 * noise[edit.u] * noise[edit.v] * weight_change(edit, graph_after)
    return Value(value=jnp.where(edit.operation == REBUILT, _init(graph_after, noise).value, followed))


WEIGHTED = Objective(_draw, _init, _update, weighted="any")  # with noise, and an incremental update


def _init_labelled(graph, noise):
    return Value(value=noise @ graph.labels + _init(graph, noise).value)


def _update_labelled(carry, edit, graph_after, noise):
    return _init_labelled(graph_after, noise)


def labelled_squares(graph):
    """Labels times degrees, and the labels: cheap, and every label that changes changes it."""
    return ((degree(graph) + 1) * graph.labels).sum() / 10


LABELLED = {kind: Objective(_draw, _init_labelled, _update_labelled, labels=kind) for kind in ("chosen", "spin")}


def cubes(graph):
    """Degrees cubed times those of neighbours / 1000: rewiring that keeps every degree changes it too."""
    d = degree(graph).astype(jnp.float32) ** 3
    return d @ weights(graph) @ d / 1000


def objective_for(rule, plain=False):
    """A toy that the rule's edits change: with noise, or ``plain``."""
    kind = {"NodeSelection": "chosen", "NodeFlip": "spin"}.get(rule)
    if plain:
        return deterministic(labelled_squares, labels=kind) if kind else deterministic(cubes, weighted="any")
    return LABELLED[kind] if kind else WEIGHTED


def weighted_networkx(weights):
    return lambda graph: 2 * sum(float(weights[u] * weights[v]) for u, v in graph.edges)


def graphs(sizes=(6, 8, 7, 9)):
    return [nx.path_graph(n) if n % 2 else nx.barabasi_albert_graph(n, 2, seed=n) for n in sizes]


def pool(sizes=(6, 8, 7, 9), capacity=10):
    return make_pool([from_networkx(graph)[0] for graph in graphs(sizes)], capacity)


BIPARTITE = ("LinkRecommendation",)


def pool_for(rule, sizes=(6, 8, 7, 9), capacity=10):
    """Start graphs that the rule takes."""
    if rule not in BIPARTITE:
        return pool(sizes, capacity)
    members = [bipartite(n) for n in sizes]
    return make_pool([from_networkx(graph, capacity=capacity)[0].replace(
        labels=jnp.asarray([graph.nodes[v]["label"] if v < len(graph) else 0 for v in range(capacity)], jnp.float32)
    ) for graph in members])  # fmt: skip


def bipartite(n):
    """Users 0 … with a few of the items behind them each; node attribute "label" tells the side."""
    users = n // 2 + 1
    graph = nx.bipartite.gnmk_random_graph(users, n - users, n - 2, seed=n)
    nx.set_node_attributes(graph, {v: int(v >= users) for v in graph}, "label")
    return graph


FACTS = np.array([
    (0, 0, 1), (0, 0, 2), (1, 1, 3), (2, 1, 3), (3, 0, 4), (4, 1, 0), (5, 0, 1), (5, 1, 5), (6, 0, 2), (2, 0, 6),
    (6, 1, 7),
])  # fmt: skip


def task():
    """A knowledge graph of eight entities and two relations, asked from both ends of every fact."""
    return make_task(FACTS, 8, 2)


@cache
def env_for(rule, steps=3):
    """A small environment of the rule: 3 edits, a walk of 3 steps, or 3 queries."""
    if rule in KNOWLEDGE:
        return get_environment(rule)(task(), steps)
    return get_environment(rule)(pool_for(rule), objective_for(rule), steps, "end")


def settings_for(rule, folder):
    """What a small environment of the rule is made with by name; the objective "toy" is the test's own."""
    if rule in KNOWLEDGE:
        lines = ["\t".join(f"n{x}" for x in fact) for fact in FACTS]
        for part, rows in (("train", lines[:-2]), ("test", lines[-2:])):
            (folder / f"{part}.tsv").write_text("\n".join(rows) + "\n")
        return {"data": str(folder), **({"share": 0.3} if rule == "KGRefinement" else {})}
    graphs = "user_item" if rule in BIPARTITE else "ba"
    return {"objective": "toy", "num_nodes": 8, "num_graphs": 4, "budget": 2, "graphs": graphs}


def edges(graph):
    return {tuple(sorted(map(int, pair))) for pair in np.argwhere(np.asarray(adjacency(graph)))}


def key_of(seed, i):
    """Key i of batch ``seed``, made anew at each call: a key taken out of an array counts as used."""
    return jax.random.key(1000 * seed + i)


def keys_of(seed, count):
    """The same keys as a batch."""
    return jax.vmap(jax.random.key)(1000 * seed + jnp.arange(count))


def random_actions(starts, steps, seed):
    """i32[steps, B]: mostly legal picks on the graphs ``starts``, the others anything, also out of range."""
    rng = np.random.default_rng(seed)
    columns = []
    for start in starts:
        plain = PlainEdgeAddition(graphs()[start], 10, squares_networkx, steps, "end")
        for _ in range(steps):
            legal = np.flatnonzero(plain.legal())
            action = rng.choice(legal) if rng.random() < 0.75 else rng.integers(-3, 14)
            plain.step(int(action))
            columns.append(action)
    return np.array(columns, np.int32).reshape(len(starts), steps).T


def assert_trees_match(a, b, rtol=0.0):
    """Equal structure and leaves; bit-equal unless ``rtol`` is given."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=rtol, atol=rtol)
