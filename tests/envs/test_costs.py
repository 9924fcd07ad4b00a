"""Budgets of cost, against plain Python that lists every edit and what it costs."""

from functools import cache

import gymnasium as gym
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines import get_baseline
from agents.config import DQNConfig
from agents.training import fitting
from envs import get_environment
from envs.base import reset_batch, step_batch, step_keys
from envs.costs import COSTS
from envs.pools import make_pool
from lepton_rl.graph import from_edges
from tests.envs import toys
from tests.envs.test_rules import all_edits, edited, start_of

CAPACITY, BUDGET = 8, 3
GRAPHS = [nx.path_graph(6), nx.barabasi_albert_graph(8, 2, seed=1), nx.cycle_graph(7)]
LIMITS = {
    "EdgeAddition": ("length", 1.1), "EdgeRemoval": ("weight", 3.0), "NodeRemoval": ("degree", 5.0),
    "NodeSelection": ("price", 0.9),
}  # fmt: skip


def attributes(graph, seed=0):
    """Positions, of which the first number is a price, and weights of all pairs."""
    rng, n = np.random.default_rng(seed), len(graph)
    heavy = rng.uniform(0.5, 2, (n, n))
    return rng.random((n, 2)).astype(np.float32), ((heavy + heavy.T) / 2).astype(np.float32)


def pool():
    members = []
    for i, graph in enumerate(GRAPHS):
        nodes, heavy = attributes(graph, i)
        edges = np.array(graph.edges)
        members.append(from_edges(edges, len(graph), capacity=CAPACITY, node_features=nodes,
                                  edge_features=heavy[..., None]))  # fmt: skip
    return make_pool(members)


@cache
def environment(rule, reward="end"):
    cost, limit = LIMITS[rule]
    return get_environment(rule)(pool(), toys.objective_for(rule), BUDGET, reward, cost=cost, cost_budget=limit)


def price(rule, graph, picks, start):
    """By the definition of the cost, in words."""
    nodes, heavy = attributes(GRAPHS[start], start)
    return {
        "length": lambda: np.linalg.norm(nodes[picks[0]].astype(float) - nodes[picks[-1]]),
        "weight": lambda: heavy[picks[0], picks[-1]], "degree": lambda: graph.degree[picks[0]],
        "price": lambda: nodes[picks[0], 0],
    }[LIMITS[rule][0]]()  # fmt: skip


@jax.jit
def step(env, state, action):
    return env.step(state, action, jax.random.key(0))


@pytest.mark.parametrize("rule", LIMITS)
def test_legal_picks_are_those_of_edits_that_can_be_paid(rule):
    env, rng, short = environment(rule), np.random.default_rng(0), 0
    for start, graph in enumerate(GRAPHS):
        plain, picks, spent = start_of(rule, graph), (), 0.0
        state, observation = env.reset(jnp.int32(start), jax.random.key(0))
        for t in range(env.horizon + 1):
            fitting = [e for e in all_edits(rule, plain) if spent + price(rule, plain, e, start) <= env.cost_budget]
            fitting = fitting if t < env.horizon else []
            following = {edit[len(picks)] for edit in fitting if edit[: len(picks)] == picks}
            assert set(np.flatnonzero(observation.legal)) == following, (start, t, picks)
            share = min(1 - t // env.steps_per_edit / BUDGET, 1 - spent / env.cost_budget)
            assert observation.marks[0, 1] == pytest.approx(share, abs=1e-6)
            if not following:
                short += t < env.horizon
                break
            action = int(rng.choice(sorted(following)))
            state, outcome = step(env, state, action)
            observation, picks = outcome.observation, (*picks, action)
            if len(picks) == env.steps_per_edit:
                spent += price(rule, plain, picks, start)
                plain, picks = edited(rule, plain, picks), ()
            assert float(state.spent) == pytest.approx(spent, abs=1e-6)
    assert short, "no episode ran out of money"


def test_rebuild_is_bit_equal_to_stepping_where_edits_cost_something():
    env, starts, keys = environment("EdgeAddition", "edit"), jnp.arange(3), toys.keys_of(0, 3)
    actions = np.random.default_rng(1).integers(-1, CAPACITY + 1, (env.horizon, 3)).astype(np.int32)
    stepping = jax.jit(step_batch)
    rebuild = jax.jit(jax.vmap(type(env).rebuild, in_axes=(None, 0, 0, 0, None)))
    actions[:2] = [[0], [3]]  # an edge that everybody can pay
    state, _ = jax.jit(reset_batch)(env, starts, keys)
    for t in range(env.horizon):
        state, _ = stepping(env, state, actions[t], step_keys(keys, t))
        toys.assert_trees_match(rebuild(env, starts, keys, actions.T, t + 1), state)
    assert (np.asarray(state.spent) > 0).all()


@pytest.mark.parametrize("name", ["greedy", "random", "simulated_annealing"])
def test_plans_never_meet_an_edit_that_cannot_be_paid(name):
    env = environment("EdgeAddition")
    plans = jax.jit(jax.vmap(get_baseline(name), in_axes=(None, 0, 0)))(env, jnp.arange(3), toys.keys_of(5, 3))
    for start, plan in enumerate(np.asarray(plans)):
        state, observation = env.reset(jnp.int32(start), jax.random.key(0))
        made = plan[: (plan >= 0).sum()]
        assert len(made) and (plan[len(made) :] == -1).all()
        for action in made:
            assert np.asarray(observation.legal)[action]
            state, outcome = step(env, state, action)
            observation = outcome.observation
        assert 0 < float(state.spent) <= env.cost_budget
        assert name == "simulated_annealing" or not observation.legal.any()


def test_greedy_buys_the_best_edit_that_it_can_pay():
    env = environment("NodeSelection")
    plan = np.asarray(jax.jit(get_baseline("lazy_greedy"))(env, jnp.int32(1), jax.random.key(3)))
    noise = np.asarray(env.objective.draw(env.pool[1], jax.random.key(3)))
    spent, chosen = 0.0, []
    for node in plan[plan >= 0]:
        prices = attributes(GRAPHS[1], 1)[0][:, 0]
        able = [u for u in GRAPHS[1] if u not in chosen and spent + prices[u] <= env.cost_budget]
        assert node == max(able, key=lambda u: noise[u])  # the toy's gain of choosing a node
        chosen, spent = [*chosen, node], spent + prices[node]
    assert chosen and (len(chosen) == BUDGET or spent + min(np.delete(prices, chosen)) > env.cost_budget)


@pytest.mark.parametrize(("rule", "options", "message"), [
    ("EdgeAddition", {"cost_budget": 2.0}, "give one of length, weight, degree, price too"),
    ("EdgeAddition", {"cost": "lenght", "cost_budget": 2.0}, "Did you mean 'length'"),
    ("EdgeAddition", {"cost": "degree", "cost_budget": 2.0}, "no cost 'degree': give one of length, weight"),
    ("NodeRemoval", {"cost": "length", "cost_budget": 2.0}, "give one of degree, price"),
    ("Rewiring", {"cost": "length", "cost_budget": 2.0}, "give one of none"),
    ("EdgeAddition", {"cost": "length"}, "a number above 0"),
    ("EdgeAddition", {"cost": "length", "cost_budget": 1e-4}, "no edit of a length up to 0.0001"),
])  # fmt: skip
def test_refuses_costs_that_do_not_fit_and_says_what_does(rule, options, message):
    with pytest.raises(ValueError, match=message):
        get_environment(rule)(pool(), toys.objective_for(rule, plain=True), 2, **options)


def test_refuses_graphs_without_the_features_and_costs_below_0():
    def build(features):
        graph = from_edges([(0, 1), (1, 2)], 3, node_features=np.array(features, np.float32))
        return get_environment("NodeRemoval")(make_pool([graph]), toys.SQUARES, 1, cost="price", cost_budget=1.0)

    with pytest.raises(ValueError, match="a cost of -1"):
        build([[1.0], [-1.0], [1.0]])
    with pytest.raises(ValueError, match="reads price of every node, and the graphs have 0"):
        build(np.zeros((3, 0)))


def test_gymnasium_plays_with_costs_on_graphs_that_lie_somewhere():
    made = gym.make("lepton/EdgeAddition-v0", objective="efficiency", cost="length", cost_budget=0.8, num_nodes=6,
                    num_graphs=2, budget=3)  # fmt: skip
    seen, info = made.reset(seed=0)
    assert seen["node_features"].shape == (6, 2) and made.observation_space.contains(seen)
    over, made_steps = False, 0
    while not over:
        seen, _, over, _, info = made.step(int(info["action_mask"].argmax()))
        made_steps += 1
    assert made_steps <= 6 and seen["budget_left"] < 0.5


def test_without_a_cost_nothing_is_kept_and_the_head_of_pairs_stays():
    free = get_environment("EdgeAddition")(pool(), toys.WEIGHTED, BUDGET)
    assert free.reset(jnp.int32(0), jax.random.key(0))[0].spent == ()
    heads = [fitting(env, DQNConfig()).head for env in (free, environment("EdgeAddition"))]
    assert heads == ["pair", "node"]
    assert {limit[0] for limit in LIMITS.values()} == set(COSTS)
