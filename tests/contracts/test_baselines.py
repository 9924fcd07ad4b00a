"""What every planner of the table promises."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines import SPECIALISTS, baselines_for, get_baseline
from envs import ENVIRONMENTS, KNOWLEDGE, get_environment
from envs.labels import start_labels
from envs.pools import make_pool
from lepton_rl.graph import degree, from_networkx
from lepton_rl.objectives import get_objective
from lepton_rl.objectives.base import Objective, Value
from lepton_rl.weights import strength
from tests.oracles import edge_criteria

BUDGET = 4
COPIES = 4
ONE_PASS = {"lowest_degree_product", "fiedler", "effective_resistance"}


def init(graph, noise):
    return Value(-(strength(graph) ** 2 * (1 + noise)).sum())


NOISY = Objective(
    lambda graph, key: jax.random.normal(key, (graph.capacity,)),
    init,
    lambda carry, edit, graph, noise: init(graph, noise),
    weighted="any",
)


def labelled(graph, noise):
    return Value(-((degree(graph) - 2) * (1 + noise) * graph.labels).sum())


LABELLED = {
    kind: NOISY._replace(init=labelled, update=lambda carry, edit, graph, noise: labelled(graph, noise), labels=kind)
    for kind in ("chosen", "spin")
}
BIPARTITE = (nx.cycle_graph(10), nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 5)))
SPECIALITIES = (None, *(get_objective(texts[0]) for texts in SPECIALISTS.values()))
PLANNED = sorted({(rule, name) for rule in ENVIRONMENTS for o in SPECIALITIES for name in baselines_for(rule, o)})
# Planners of any rule are dear to compile: every kind of edit always, rules of a kind one by one by pytest -m long.
KINDS = ("EdgeAddition", "NodeRemoval", "NodeFlip", "Rewiring", "LinkRecommendation")
LONG = {"random", "greedy", "simulated_annealing"}
CASES = [
    pytest.param(case, marks=pytest.mark.long if case[1] in LONG and case[0] not in KINDS else (), id="-".join(case))
    for case in PLANNED
]


def labelled_graph(graph, labels):
    return from_networkx(graph)[0].replace(labels=jnp.asarray(labels))


@jax.jit
def step(env, state, action, key):
    return env.step(state, action, key)


def batch(planner, env):
    """Plans of every graph under COPIES keys, i32[COPIES, graphs, T]."""
    starts = jnp.tile(jnp.arange(env.pool.size), COPIES)
    actions = planner(env, starts, jax.random.split(jax.random.key(7), starts.size))
    return np.asarray(actions).reshape(COPIES, env.pool.size, -1)


@pytest.fixture(scope="module")
def graphs():
    trees = [nx.random_labeled_tree(20, seed=1), nx.random_labeled_tree(9, seed=2)]
    return [*trees, nx.barabasi_albert_graph(20, 2, seed=3), nx.connected_watts_strogatz_graph(12, 4, 0.3, seed=4)]


@pytest.fixture(scope="module", params=CASES)
def planned(request, graphs):
    """(rule, name, environment of capacity 32, compiled planner, actions i32[COPIES, graphs, T])."""
    rule, name = request.param
    objective = LABELLED.get({"NodeSelection": "chosen", "NodeFlip": "spin"}.get(rule), NOISY)
    opinions = np.random.default_rng(5).uniform(-1, 1, (len(graphs), 20)).astype(np.float32)
    members = [labelled_graph(graph, one[: len(graph)]) for graph, one in zip(graphs, opinions, strict=True)]
    members.append(labelled_graph(nx.cycle_graph(10), np.zeros(10, np.float32)))  # only ties to break
    if rule == "LinkRecommendation":
        sides = [start_labels("side", np.array(graph.edges), len(graph), 0) for graph in (*graphs[:2], *BIPARTITE)]
        members = [labelled_graph(*pair) for pair in zip((*graphs[:2], *BIPARTITE), sides, strict=True)]
    env = get_environment(rule)(make_pool(members, 32), objective, BUDGET)
    compiled = jax.jit(jax.vmap(get_baseline(name), in_axes=(None, 0, 0)))

    def planner(env, *arguments):  # the rest of the tests don't read the objective: they share one program a rule
        texts = SPECIALISTS.get(name)
        return compiled(env.replace(objective=get_objective(texts[0])) if texts else env, *arguments)

    return rule, name, env, planner, batch(planner, env)


def test_every_pick_is_legal_until_nothing_is(planned):
    _, _, env, _, actions = planned
    assert actions.shape == (COPIES, env.pool.size, env.horizon)
    assert actions.dtype == np.int32
    key = jax.random.key(0)
    for start in range(env.pool.size):
        state, observation = env.reset(jnp.int32(start), key)
        for action in actions[0, start]:
            legal = np.asarray(observation.legal)
            assert legal[action] if legal.any() else action == -1
            state, outcome = step(env, state, action, key)
            observation = outcome.observation


def test_same_key_same_plan_other_key_other_noise(planned):
    _, _, env, planner, actions = planned
    np.testing.assert_array_equal(actions, batch(planner, env))  # the same keys on purpose
    assert (actions[1:] != actions[0]).any()


def test_every_edge_is_the_best_one_by_networkx(planned, graphs):
    _, name, _, _, actions = planned
    if name not in ONE_PASS:
        pytest.skip("has no criterion of one pass; its own tests compare it with brute force")
    for graph, plan in zip(graphs, actions[0, : len(graphs)], strict=True):
        grown = graph.copy()
        for u, v in plan.reshape(-1, 2):
            criteria = {frozenset(pair): value for pair, value in edge_criteria(name, grown).items()}
            assert criteria[frozenset((int(u), int(v)))] == pytest.approx(max(criteria.values()), rel=1e-4)
            grown.add_edge(int(u), int(v))


def test_every_rule_has_a_random_plan_and_a_greedy_one():
    assert {tuple(n for n in baselines_for(rule) if n in ("random", "greedy")) == ("random", "greedy")
            for rule in set(ENVIRONMENTS) - set(KNOWLEDGE)} == {True}  # fmt: skip


def test_specialists_plan_for_their_objectives_and_no_other():
    for name, texts in SPECIALISTS.items():
        rules = {rule for rule in ENVIRONMENTS if name in baselines_for(rule, get_objective(texts[0]))}
        assert rules
        for rule in rules:
            assert all(name in baselines_for(rule, get_objective(text)) for text in texts)
            assert name not in baselines_for(rule)
            assert not any(name in baselines_for(rule, get_objective(text)) for text in ("polarisation", "2*cut"))
