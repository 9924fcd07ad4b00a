"""Agents on knowledge graphs: what the networks see, what they learn, and where their beams end."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.beams import beam_ranking, beam_scores
from agents.config import DQNConfig
from agents.knowledge import most_hidden, network_on, started_from
from agents.training import make_runs
from envs.base import whole
from envs.kg_completion import make_kg_completion
from envs.kg_walk import make_kg_walk
from envs.queries import make_task
from lepton_rl.heads import Network
from lepton_rl.metrics import MINERVA, Known, Protocol, evaluate
from lepton_rl.query_heads import completion_network, listed, log_odds, with_ranker
from lepton_rl.ranking import RankerConfig, get_ranker
from lepton_rl.ranking.base import scorer
from lepton_rl.triple_graph import add_triple, hide, to_triples
from tests.envs import toys

TINY = RankerConfig(width=8, rounds=2)
N = 12
# A ring of relation 0; relation 1 goes two steps along it, and every second fact of it is asked for.
RING = np.array([(i, 0, (i + 1) % N) for i in range(N)])
TWO = np.array([(i, 1, (i + 2) % N) for i in range(N)])
DQN = DQNConfig(
    iterations=120, chunks=2, episodes=32, updates=4, batch_size=32, replay_capacity=512, return_mix=0.0, picks="all",
    learning_rate=1e-2, epsilon_end=0.2,
)  # fmt: skip


def trained(network, env, valid, config=DQN):
    runs = make_runs(network, config, 1)
    state = runs.init(env, [0])
    for state, metrics in runs.chunks(env, valid, state):  # noqa: B007, B020 - donated
        pass
    return jax.tree.map(lambda leaf: leaf[0], state.params), float(metrics.validation[0])


def held_out():
    """Half of the facts of relation 1 train, the others test."""
    facts = np.concatenate([RING, TWO[::2]])
    train = make_task(facts, N, 2, queries=TWO[::2])
    return train, make_task(facts, N, 2, queries=TWO[1::2], known=TWO)


# What networks see


@pytest.mark.parametrize("most", [4, 9])
def test_a_list_of_hidden_facts_is_the_same_graph_as_a_mask_of_them(most):
    env = make_kg_completion(toys.task(), 3)
    graph = hide(env.pool.graphs, jnp.array([1, 4, 7, 9]))
    graph = add_triple(add_triple(graph, *toys.FACTS[4].tolist()), 7, 1, 0)  # one of them is back, and a new one
    same = listed(graph, most)
    assert same.shown is None and sorted(to_triples(same).tolist()) == sorted(to_triples(graph).tolist())
    ranker = get_ranker("nbfnet", TINY, 8, 2)
    params, score = ranker.init(jax.random.key(0), graph), jax.jit(ranker.score)
    for h, r, _ in toys.FACTS[:3]:
        found, expected = (score(params, one, h, r) for one in (same, graph))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_walk_s_network_does_not_see_the_query_s_own_fact():
    env = make_kg_walk(toys.task(), 2)
    for start in (0, 3, 14):
        _, seen = env.reset(jnp.int32(start), toys.key_of(0, 0))
        h, r, t = toys.task().queries[start].tolist()
        own = [h, r, t] if r < 2 else [t, r - 2, h]
        left = to_triples(whole(env, seen).graph).tolist()
        assert own not in left and len(left) == len(toys.FACTS) - 1


@pytest.mark.parametrize("bounded", [False, True])
def test_values_rank_tails_as_the_ranker_does_and_abstaining_comes_last(bounded):
    env = make_kg_completion(toys.task(), 3, penalty=0.5)
    network = completion_network(TINY, 2, bounded, 0.5)
    _, seen = env.reset(jnp.int32(0), toys.key_of(0, 0))
    seen = whole(env, seen)
    ranker = get_ranker("nbfnet", TINY, 8, 2)
    theirs = ranker.init(jax.random.key(5), seen.graph)
    params = with_ranker(network.init(jax.random.key(1), seen), theirs)
    values = np.asarray(network.score(params, network.encode(params, seen), seen))
    scores = np.asarray(ranker.score(theirs, seen.graph, *seen.context))
    assert values.shape == (9,) and (np.argsort(values[:-1]) == np.argsort(scores)).all() and values[-1] == 0
    assert not bounded or ((values[:-1] > -0.5) & (values[:-1] < 1)).all()


@pytest.mark.parametrize("bounded", [False, True])
def test_candidates_are_worth_what_their_tails_are_among_themselves(bounded):
    task = toys.task()
    tails = np.tile([3, 0, 5, 7], (len(task.queries), 1))
    env = make_kg_completion(task, 3, penalty=0.5, proposed=tails)
    network = completion_network(TINY, 2, bounded, 0.5)
    _, seen = env.reset(jnp.int32(0), toys.key_of(0, 0))
    seen = whole(env, seen)
    params = network.init(jax.random.key(1), seen)
    values = np.asarray(network.score(params, network.encode(params, seen), seen))
    ranker = get_ranker("nbfnet", TINY, 8, 2)
    scores = np.asarray(ranker.score(params["ranker"], seen.graph, *seen.context), np.float64)[tails[0]]
    legal = np.asarray(seen.legal)[:-1]
    assert values.shape == (5,) and values[-1] == 0 and legal.sum() > 1
    if bounded:
        shares = np.exp(scores[legal]) / np.exp(scores[legal]).sum()
        np.testing.assert_allclose(values[:-1][legal], 1.5 * shares - 0.5, rtol=1e-4, atol=1e-5)
    else:
        np.testing.assert_allclose(values[:-1], 0.1 * scores, rtol=1e-4, atol=1e-5)


def test_log_odds_are_those_of_a_softmax_among_some():
    scores, among = jnp.array([2.0, 0.5, -1.0, 3.0]), jnp.array([True, True, True, False])
    p = np.exp(scores[:3]) / np.exp(scores[:3]).sum()
    np.testing.assert_allclose(log_odds(scores, among)[:3], np.log(p / (1 - p)), rtol=1e-5)
    for odds in (log_odds(scores, among), log_odds(100 * scores, among), log_odds(scores, jnp.zeros(4, bool))):
        assert np.isfinite(odds).all() and (np.argsort(odds) == np.argsort(scores)).all()
    assert np.isfinite(jax.grad(lambda x: log_odds(x, jnp.zeros(4, bool)).sum())(scores)).all()


@pytest.mark.parametrize("bounded", [False, True])
def test_queries_that_share_a_mask_are_encoded_as_alone(bounded):
    env = make_kg_completion(toys.task(), 3, answers=2, penalty=0.0, hide=(0.2, 0.5))
    network = network_on(env, TINY, bounded)
    _, seen = env.reset(jnp.int32(0), toys.key_of(0, 0))
    params = network.init(jax.random.key(1), whole(env, seen))
    found, expected = (encode(params, whole(env, seen)) for encode in (network.encode_shared, network.encode))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# What agents learn


def test_bounded_values_of_a_walk_are_probabilities_in_the_same_order():
    env = make_kg_walk(toys.task(), 2)
    _, seen = env.reset(jnp.int32(0), toys.key_of(0, 0))
    seen = whole(env, seen)
    networks = [network_on(env, TINY, bounded) for bounded in (False, True)]
    params = jax.tree.map(lambda leaf: leaf + 0.1, networks[0].init(jax.random.key(1), seen))
    values, sure = (np.asarray(one.score(params, one.encode(params, seen), seen)) for one in networks)
    assert np.ptp(values) > 0.1
    np.testing.assert_allclose(sure, 1 / (1 + np.exp(2 - values)), rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("bounded", [False, True])
def test_a_walk_is_learnt_and_carries_over_to_queries_that_training_never_asked(bounded):
    train, test = held_out()
    env, valid = make_kg_walk(train, 2), make_kg_walk(test, 2)
    network = network_on(env, TINY, bounded)
    odds = {"loss": "logistic", "exploration": "odds", "epsilon_end": 1.0, "batch": "episodes"}
    params, arrived = trained(network, env, valid, replace(DQN, **odds) if bounded else DQN)
    assert arrived == 1
    known = Known(test.known, N, 2)
    for protocol in (MINERVA, Protocol()):
        assert beam_ranking(network, valid, params, known, protocol, width=4).metrics()["mrr"] > 0.9
    with pytest.raises(ValueError, match=r"not for heads: make .* with side='head'"):
        beam_ranking(network, valid, params, known, Protocol(side="head"))


@pytest.mark.long
def test_completion_is_learnt_and_its_values_rank_the_answers_of_the_untouched_graph():
    train, test = held_out()
    env = make_kg_completion(train, 1, penalty=0.0, hide=(0.0, 0.1))
    valid = make_kg_completion(test, 1, penalty=0.0, hide=None)
    params, gained = trained(network_on(env, TINY), env, valid, replace(DQN, n_step=1))
    ranker, graph = get_ranker("nbfnet", TINY, N, 2), env.pool.graphs
    ranking = evaluate(scorer(ranker, params["ranker"], graph), TWO[1::2], Known(test.known, N, 2), Protocol())
    assert ranking.metrics()["mrr"] > 0.9 and gained > 0.9


def test_completion_is_learnt_from_several_answers_a_query_and_whole_episodes():
    train, test = held_out()
    env = make_kg_completion(train, 4, answers=2, penalty=0.0, hide=(0.0, 0.1))
    valid = make_kg_completion(test, 1, penalty=0.0, hide=None)
    config = replace(
        DQN, batch="episodes", loss="logistic", discount=0.0, exploration="odds", epsilon_end=1.0, iterations=60,
        episodes=16, weight_decay=0.1,
    )  # fmt: skip
    params, gained = trained(network_on(env, TINY, bounded=True), env, valid, config)
    ranker, graph = get_ranker("nbfnet", TINY, N, 2), env.pool.graphs
    ranking = evaluate(scorer(ranker, params["ranker"], graph), TWO[1::2], Known(test.known, N, 2), Protocol())
    assert ranking.metrics()["mrr"] > 0.9 and gained > 0.9


def test_runs_may_start_from_a_trained_ranker():
    env = make_kg_completion(toys.task(), 2)
    runs = make_runs(network_on(env, TINY, bounded=True), DQN, 2)
    theirs = get_ranker("nbfnet", TINY, 8, 2).init(jax.random.key(5), env.pool.graphs)
    fresh = runs.init(env, [0, 1])
    state = started_from(fresh, theirs)
    assert jax.tree.structure(state) == jax.tree.structure(fresh)
    for params in (state.params, state.target_params, state.best_params):
        for leaf, one in zip(jax.tree.leaves(params["ranker"]), jax.tree.leaves(theirs), strict=True):
            assert (np.asarray(leaf) == np.asarray(one)[None]).all() and len(leaf) == 2


def test_a_list_has_room_for_what_is_hidden():
    env = make_kg_completion(toys.task(), 2, hide=(0.1, 0.4))
    hidden = [int((~np.asarray(env.reset(jnp.int32(i), toys.key_of(3, i))[0].graph.shown)).sum()) for i in range(20)]
    assert 2 <= max(hidden) <= most_hidden(env) <= len(toys.FACTS)


# Beams


def arbitrary(params, h, seen):
    """Values that differ from candidate to candidate, and with the steps left."""
    _, at, relation, target = seen.candidates.T
    return jnp.sin(3.7 * at + 1.3 * relation + 5.1 * target + 9 * seen.marks[0, 1])


ARBITRARY = Network(lambda key, seen: {}, lambda params, seen: (), arbitrary)


@pytest.mark.parametrize("protocol", ["minerva", "plain"])
@pytest.mark.parametrize("width", [1, 3, 100])
def test_a_beam_is_that_of_lists(protocol, width):
    env = make_kg_walk(toys.task(), 3, protocol=protocol)
    numbers = [0, 5, 12]
    found = np.asarray(beam_scores(ARBITRARY, env, {}, jnp.array(numbers), width=width))
    for row, number in zip(found, numbers, strict=True):
        state, _ = env.reset(jnp.int32(number), toys.key_of(0, 0))
        front = {int(state.at): 0.0}
        for t in range(3):
            reached = {}
            for at in sorted(front, key=lambda at: -front[at])[:width]:
                seen = env.observe(replace(state, at=jnp.int32(at), t=jnp.int32(t)))
                values = np.asarray(arbitrary({}, (), seen))
                for slot in np.flatnonzero(seen.legal):
                    target = int(seen.candidates[slot, 3])
                    reached[target] = max(reached.get(target, -np.inf), float(values[slot]))
            front = reached
        kept = sorted(front, key=lambda at: -front[at])[:width]
        assert set(np.flatnonzero(row > -np.inf)) == set(kept)
        np.testing.assert_allclose(row[kept], [front[at] for at in kept], rtol=1e-5)
