"""Every rule of edits against a plain one that lists all edits of a networkx graph, and against its optimum."""

import itertools
from contextlib import nullcontext

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from envs import ENVIRONMENTS, KNOWLEDGE, get_environment
from envs.pools import make_pool
from lepton_rl.graph import from_edges, from_networkx, to_networkx
from lepton_rl.objectives import deterministic
from lepton_rl.weights import weights
from tests.envs import toys

BUDGET = 3
RULES = sorted(set(ENVIRONMENTS) - set(KNOWLEDGE))  # what is asked of knowledge graphs is tested in test_kg.py


def ordered_pairs(graph):
    return [pair for pair in itertools.permutations(graph, 2)]


def all_edits(rule, graph):
    """Every edit of ``graph`` as a tuple of picks, from the rule's definition in words."""
    edge, nodes = graph.has_edge, list(graph)
    return {
        "EdgeAddition": lambda: [(u, v) for u, v in ordered_pairs(graph) if not edge(u, v)],
        "EdgeRemoval": lambda: [(u, v) for u, v in ordered_pairs(graph) if edge(u, v)],
        "EdgeToggle": lambda: ordered_pairs(graph),
        "EdgeReweighting": lambda: [(u, v) for u, v in ordered_pairs(graph) if edge(u, v)],
        "EdgeMove": lambda: [(u, v, w) for u, v, w in itertools.permutations(nodes, 3)
                             if edge(u, v) and not edge(u, w)],
        "Rewiring": lambda: [(a, b, c, d) for a, b, c, d in itertools.permutations(nodes, 4)
                             if edge(a, b) and edge(c, d) and not edge(a, d) and not edge(c, b)],
        "NodeRemoval": lambda: [(u,) for u in nodes if graph.degree[u]],
        "NodeSelection": lambda: [(u,) for u in nodes if graph.nodes[u]["label"] == 0],
        "NodeFlip": lambda: [(u,) for u in nodes],
        "LinkRecommendation": lambda: [(u, v) for u, v in ordered_pairs(graph)
                                       if graph.nodes[u]["label"] != graph.nodes[v]["label"] and not edge(u, v)],
    }[rule]()  # fmt: skip


def edited(rule, graph, picks):
    graph = graph.copy()
    if rule in ("EdgeAddition", "EdgeRemoval", "EdgeToggle", "LinkRecommendation"):
        (graph.remove_edge if graph.has_edge(*picks) else graph.add_edge)(*picks)
    elif rule == "EdgeReweighting":
        graph.edges[picks]["weight"] = 2 * graph.edges[picks].get("weight", 1)
    elif rule == "EdgeMove":
        u, v, w = picks
        graph.remove_edge(u, v)
        graph.add_edge(u, w)
    elif rule == "Rewiring":
        a, b, c, d = picks
        graph.remove_edges_from([(a, b), (c, d)])
        graph.add_edges_from([(a, d), (c, b)])
    elif rule == "NodeRemoval":
        graph.remove_edges_from(list(graph.edges(picks[0])))
    else:
        graph.nodes[picks[0]]["label"] = 1 if rule == "NodeSelection" else -graph.nodes[picks[0]]["label"]
    return graph


def start_of(rule, graph):
    """The graph as episodes begin: nobody chosen, every spin up."""
    graph = graph.copy()
    if rule != "LinkRecommendation":
        nx.set_node_attributes(graph, 1 if rule == "NodeFlip" else 0, "label")
    return graph


def same(bits, graph):
    read = to_networkx(bits)
    labels = {} if bits.labels is None else {v: float(bits.labels[v]) for v in read}
    edges = {frozenset(pair) if not graph.is_directed() else pair for pair in graph.edges}
    heavy = np.asarray(weights(bits))
    if any(heavy[u, v] != weight for u, v, weight in graph.edges(data="weight", default=1)):
        return False
    return {frozenset(pair) if not graph.is_directed() else pair for pair in read.edges} == edges and (
        not labels or labels == {v: graph.nodes[v]["label"] for v in graph}
    )


UNDIRECTED = [nx.barabasi_albert_graph(7, 2, seed=1), nx.path_graph(6), nx.star_graph(5), nx.cycle_graph(8)]
DIRECTED = [nx.gnp_random_graph(7, 0.3, seed=s, directed=True) for s in range(3)]
BIPARTITE = [toys.bipartite(n) for n in (6, 7, 9)]
TAKES_DIRECTED = [
    "EdgeAddition", "EdgeRemoval", "EdgeToggle", "EdgeReweighting", "EdgeMove", "NodeSelection", "NodeFlip",
]  # fmt: skip


def env_of(rule, graphs, reward="end"):
    """The rule on ``graphs``: one program a rule, whether they have directions and the reward."""
    members = [from_networkx(graph, capacity=10)[0] for graph in graphs]
    if rule == "LinkRecommendation":
        labels = [[graph.nodes[v]["label"] if v in graph else 0 for v in range(10)] for graph in graphs]
        labelled = zip(members, jnp.asarray(labels, jnp.float32), strict=True)
        members = [bits.replace(labels=row) for bits, row in labelled]
    return get_environment(rule)(make_pool(members), toys.objective_for(rule)._replace(directed=True), BUDGET, reward)


@pytest.mark.parametrize(("rule", "graphs"), [
    *[(rule, BIPARTITE if rule == "LinkRecommendation" else UNDIRECTED) for rule in RULES],
    *[(rule, DIRECTED) for rule in TAKES_DIRECTED],
])  # fmt: skip
def test_legal_picks_and_edits_are_those_of_the_plain_rule(rule, graphs):
    env, rng, edits_made = env_of(rule, graphs), np.random.default_rng(0), 0
    for start, graph in enumerate(graphs):
        plain, picks = start_of(rule, graph), ()
        state, observation = env.reset(jnp.int32(start), jax.random.key(0))
        for t in range(env.horizon):
            following = {edit[len(picks)] for edit in all_edits(rule, plain) if edit[: len(picks)] == picks}
            assert set(np.flatnonzero(observation.legal)) == following, (start, t, picks)
            if not following:
                break
            action = int(rng.choice(sorted(following)))
            state, outcome = env.step(state, jnp.int32(action), jax.random.key(t + 1))
            observation, picks = outcome.observation, (*picks, action)
            if len(picks) == env.steps_per_edit:
                plain, picks, edits_made = edited(rule, plain, picks), (), edits_made + 1
            assert same(env.graph(state), plain)
    assert edits_made >= len(graphs)


@pytest.mark.parametrize("rule", RULES)
def test_stop_ends_an_episode_between_edits_only(rule):
    env = get_environment(rule)(toys.pool_for(rule), toys.objective_for(rule), BUDGET, stop=True)
    last = jnp.int32(env.num_actions - 1)  # a plain int would be another program
    assert last == env.pool.capacity
    state, observation = env.reset(jnp.int32(1), jax.random.key(0))
    assert observation.legal[last]
    for _ in range(env.steps_per_edit):
        assert bool(observation.legal[last]) == (int((state.picks >= 0).sum()) == 0)
        state, outcome = env.step(state, jnp.argmax(observation.legal), jax.random.key(1))
        observation = outcome.observation
    before, value = env.graph(state), env.value(state)
    state, outcome = env.step(state, last, jax.random.key(2))
    start, _ = env.reset(jnp.int32(1), jax.random.key(0))
    assert outcome.terminated and not outcome.observation.legal.any()
    np.testing.assert_allclose(outcome.reward, value - env.value(start), atol=1e-5)
    toys.assert_trees_match(env.graph(state), before)
    _, after = env.step(state, last, jax.random.key(3))
    assert after.reward == 0 and after.terminated


@pytest.mark.parametrize("rule", RULES)
def test_rewards_after_every_edit_sum_to_the_reward_at_the_end(rule):
    totals = []
    for reward in ("end", "edit"):
        env = env_of(rule, BIPARTITE if rule == "LinkRecommendation" else UNDIRECTED, reward)
        state, observation = env.reset(jnp.int32(0), jax.random.key(0))
        rewards = []
        for t in range(env.horizon):
            state, outcome = env.step(state, jnp.argmax(observation.legal), jax.random.key(t + 1))
            observation = outcome.observation
            rewards.append(float(outcome.reward))
        totals.append(sum(rewards))
    assert totals[0] == pytest.approx(totals[1], abs=1e-5) and totals[0] != 0


def test_weights_are_kept_where_there_are_some_and_multiplied_by_the_factor():
    features = np.array([[0, 3, 9], [3, 0, -1], [9, -1, 0]], np.float32)[..., None]
    pool = make_pool([from_edges([(0, 1), (1, 2)], 3, edge_features=features)])
    env = get_environment("EdgeReweighting")(pool, toys.WEIGHTED, 2, factor=0.5)
    state, _ = env.reset(jnp.int32(0), jax.random.key(0))
    for action in (0, 1, 2, 1):
        state, _ = env.step(state, jnp.int32(action), jax.random.key(1))
    assert weights(env.graph(state)).tolist() == [[0, 1.5, 0], [1.5, 0, -0.5], [0, -0.5, 0]]
    with pytest.raises(ValueError, match="above 0 and not 1; got 1"):
        get_environment("EdgeReweighting")(pool, toys.WEIGHTED, 2, factor=1.0)


@pytest.mark.parametrize(("rule", "features", "what"), [
    ("EdgeRemoval", [[0, 3, 2], [3, 0, -1], [2, -1, 0]], "an edge of weight -1"),
    ("EdgeAddition", [[0, 3, 0], [3, 0, 1], [0, 1, 0]], "a pair of weight 0"), ("EdgeRemoval", [[0, 3, 0]] * 3, ""),
])  # fmt: skip
def test_weights_that_an_objective_is_not_defined_for_are_refused(rule, features, what):
    pool = make_pool([from_edges([(0, 1), (1, 2)], 3, edge_features=np.array(features, np.float32)[..., None])])
    with pytest.raises(ValueError, match=what) if what else nullcontext():
        get_environment(rule)(pool, toys.SQUARES._replace(weighted="positive"), 1)
    get_environment(rule)(pool, toys.WEIGHTED, 1)


def test_rewiring_keeps_every_degree():
    graph = nx.barabasi_albert_graph(12, 2, seed=3)
    env = get_environment("Rewiring")(make_pool([from_networkx(graph)[0]]), deterministic(toys.cubes), 5)
    state, observation = env.reset(jnp.int32(0), jax.random.key(0))
    for t in range(env.horizon):
        state, outcome = env.step(state, jnp.argmax(observation.legal), jax.random.key(t + 1))
        observation = outcome.observation
    after = to_networkx(env.graph(state))
    assert dict(after.degree) == dict(graph.degree) and set(after.edges) != set(graph.edges)


@pytest.mark.parametrize(("rule", "objective", "graph", "budget", "message"), [
    ("EdgeRemoval", "plain", nx.path_graph(3), 3, "has 2 edges, fewer than the budget of 3"),
    ("NodeRemoval", "plain", nx.empty_graph(3), 1, "0 nodes with edges"),
    ("NodeRemoval", "connected", nx.path_graph(4), 1, "takes a network apart"),
    ("NodeSelection", "plain", nx.path_graph(3), 1, "the objective reads edges only"),
    ("NodeSelection", "chosen", nx.path_graph(3), 4, "has 3 nodes, fewer than the budget of 4"),
    ("NodeFlip", "chosen", nx.path_graph(3), 1, "the objective reads chosen"),
    ("EdgeToggle", "spin", nx.path_graph(3), 1, "the graphs have none"),
    ("Rewiring", "plain", nx.empty_graph(4), 1, "no edge to rewire"),
    ("Rewiring", "plain", nx.DiGraph([(0, 1), (2, 3)]), 1, "edits undirected graphs"),
    ("EdgeToggle", "plain", nx.DiGraph([(0, 1), (2, 3)]), 1, "defined on undirected graphs"),
    ("EdgeReweighting", "plain", nx.path_graph(3), 1, "reads none: choose one of .*effective_resistance"),
    ("EdgeReweighting", "heavy", nx.empty_graph(3), 1, "no edge to reweight"),
])  # fmt: skip
def test_refuses_what_does_not_fit_and_says_what_does(rule, objective, graph, budget, message):
    known = {
        "plain": toys.SQUARES, "connected": toys.SQUARES._replace(needs_connected=True),
        "chosen": toys.LABELLED["chosen"], "spin": toys.LABELLED["spin"], "heavy": toys.WEIGHTED,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        get_environment(rule)(make_pool([from_networkx(graph)[0]]), known[objective], budget)
