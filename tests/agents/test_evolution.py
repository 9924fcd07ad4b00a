"""Evolution strategies: the weighing of members by hand, and runs that climb, differ by seed and keep their best."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.config import EvolutionConfig
from agents.evolution import advantages, evolution_runs
from agents.training import play
from envs.node_selection import make_node_selection
from envs.pools import make_pool
from lepton_rl.correction import correction_network
from lepton_rl.graph import degree, from_networkx
from lepton_rl.objectives import get_objective

GRAPHS = [from_networkx(nx.gnp_random_graph(9, 0.4, seed=seed))[0] for seed in range(4)]
CONFIG = EvolutionConfig(iterations=16, chunks=2, population=8, episodes=4, spread=0.5, learning_rate=0.3)


def columns(seen):
    """A criterion that is wrong (few neighbours first), and what it takes to put it right."""
    d = degree(seen.graph).astype(jnp.float32)
    return jnp.stack([-d, d, jnp.asarray(seen.graph.labels)], -1)


def test_members_are_compared_episode_by_episode():
    returns = jnp.array([[1.0, 100.0], [3.0, 100.0], [2.0, 400.0]])
    by_hand = (np.asarray(returns) - np.mean(returns, 0)) / np.std(returns, 0)
    np.testing.assert_allclose(advantages(returns), by_hand.mean(1), rtol=1e-4)


def test_runs_climb_and_keep_the_best_parameters():
    env = make_node_selection(make_pool(GRAPHS), get_objective("vertex_cover"), 3, "edit")
    network = correction_network(columns, 4)
    runs = evolution_runs(network, CONFIG, 2)
    state = runs.init(env, [0, 1])
    before = play(network, env, state.params, jax.random.key(0)).rewards.sum(-1).mean(-1)
    validations = []
    for state, metrics in runs.chunks(env, env, state):  # noqa: B007, B020 - donated
        validations.append(metrics.validation)
    best = np.max(validations, axis=0)
    assert (best > before + 0.02).all()
    np.testing.assert_array_equal(state.best_value, best)
    assert not np.allclose(state.best_params["linear"][0], state.best_params["linear"][1])
    after = play(network, env, state.best_params, jax.random.key(0)).rewards.sum(-1).mean(-1)
    assert after == pytest.approx(best, abs=0.05)


def test_a_fresh_network_scores_its_criterion():
    env = make_node_selection(make_pool(GRAPHS), get_objective("vertex_cover"), 3)
    _, seen = env.reset(jnp.int32(1), jax.random.key(0))
    network = correction_network(columns, 4)
    params = network.init(jax.random.key(1), seen)
    np.testing.assert_allclose(network.score(params, network.encode(params, seen), seen), columns(seen)[:, 0])


def test_bad_settings_say_what_is_wrong():
    with pytest.raises(ValueError, match="even number"):
        EvolutionConfig(population=5)
    with pytest.raises(ValueError, match="multiple of chunks"):
        EvolutionConfig(iterations=10, chunks=3)
