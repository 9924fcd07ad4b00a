"""Rankers: their scores against slow versions, what training may see, and that they learn what follows from a graph."""

import itertools
from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl import triple_graph as tg
from lepton_rl.bodies import PESSIMISM
from lepton_rl.metrics import Known, Protocol, evaluate
from lepton_rl.ranking import RANKERS, default_config, get_ranker
from lepton_rl.ranking.base import Ranker, scorer
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.ranking.training import _loss, fit
from lepton_rl.triple_messages import arc_counts, relation_sum

N, R, E = 7, 2, 14
SMALL = RankerConfig(width=8, rounds=2, epochs=2, batch_size=8)
GRID = [(h, r, t) for h in range(N) for r in range(R) for t in range(N)]


def example(seed=0, max_edits=4):
    rng = np.random.default_rng(seed)
    return tg.from_triples(np.array(GRID)[rng.choice(len(GRID), E, replace=False)], N, R, max_edits=max_edits)


@cache
def edited():
    graph = tg.hide(example(), jnp.array([2, 5]))
    toggle = jax.jit(tg.toggle_triple)
    facts = np.asarray(graph.base.triples)
    for triple in (facts[0], facts[2], facts[5], np.array([0, 0, 0]), np.array([1, 1, 0]), facts[5]):
        graph = toggle(graph, *triple)
    return graph


@cache
def ranker(name, config=SMALL, entities=N, relations=R):
    return get_ranker(name, config, entities, relations)


def test_both_layouts_equal_a_loop_also_in_their_gradients():
    graph = edited()
    h, weights, pull = (jax.random.normal(key, (n, 3)) for key, n in zip(jax.random.split(jax.random.key(0), 3),
                                                                        (N, 2 * R, N), strict=True))  # fmt: skip
    expected, arcs = np.zeros((N, 3)), np.zeros(N, int)
    for a, r, b in tg.to_triples(graph).tolist():
        expected[b] += h[a] * weights[r]
        expected[a] += h[b] * weights[r + R]
        arcs[[a]] += 1
        arcs[[b]] += 1

    def pulled(h, weights, dense):
        total = relation_sum(h, weights, graph, dense)
        return (total * pull).sum(), total

    both = jax.jit(lambda h, w: [jax.grad(pulled, (0, 1), has_aux=True)(h, w, dense) for dense in (True, False)])
    results = both(h, weights)
    for slopes, total in results:
        np.testing.assert_allclose(total, expected, atol=1e-5)
        for slope, other in zip(slopes, results[0][0], strict=True):
            np.testing.assert_allclose(slope, other, atol=1e-5)
    np.testing.assert_array_equal(arc_counts(graph), arcs)


@pytest.mark.parametrize("name", sorted(RANKERS))
def test_scores_are_finite_and_a_batch_is_a_loop(name):
    graph, model = edited(), ranker(name)
    params = model.init(jax.random.key(0), graph)
    h, r = np.repeat(np.arange(N), 2 * R), np.tile(np.arange(2 * R), N)
    scores = np.asarray(scorer(model, params, graph)(h, r))
    assert scores.shape == (2 * N * R, N) and np.isfinite(scores).all() and np.ptp(scores) > 0
    alone = partial(model.score, params, graph)
    alone = alone if model.host else jax.jit(alone)
    for i in (0, 9, 27):
        np.testing.assert_allclose(alone(h[i], r[i]), scores[i], rtol=1e-4, atol=1e-5)


def test_what_reads_the_graph_knows_no_entity():
    graph, order = example(), np.random.default_rng(1).permutation(N)
    triples = np.asarray(graph.base.triples)
    turned = np.stack([order[triples[:, 0]], triples[:, 1], order[triples[:, 2]]], 1)
    renamed = tg.from_triples(turned, N, R, max_edits=4)
    for name in ("nbfnet", "compgcn", "rgcn", "rules"):
        params = ranker(name).init(jax.random.key(0), graph)
        h, r = np.arange(N), np.arange(N) % (2 * R)
        scores, found = scorer(ranker(name), params, graph)(h, r), scorer(ranker(name), params, renamed)(order[h], r)
        np.testing.assert_allclose(np.asarray(found)[:, order], scores, rtol=1e-4, atol=1e-4)


def test_a_neighbourhood_of_everything_is_the_graph():
    """Where all facts that hang together with the query's entity are near, it says what it says of the whole graph."""
    graph = edited()
    near, far = (get_ranker("nbfnet", replace(SMALL, hops=hops, facts=99), N, R) for hops in (N, 0))
    params = far.init(jax.random.key(0), graph)
    whole = nx.Graph([(int(h), int(t)) for h, _, t in tg.to_triples(graph)])
    for entity in range(N):
        found, expected = (jax.jit(model.score)(params, graph, entity, entity % (2 * R)) for model in (near, far))
        inside = sorted(nx.node_connected_component(whole, entity)) if entity in whole else [entity]
        np.testing.assert_allclose(found[np.array(inside)], expected[np.array(inside)], rtol=1e-4, atol=1e-5)
        outside = np.delete(np.asarray(found), inside)
        assert (outside == outside[:1]).all()


def test_embeddings_score_as_their_papers_say():
    graph = example()
    for name in ("transe", "distmult", "complex", "rotate"):
        model = ranker(name)
        params = model.init(jax.random.key(3), graph)
        entities, relations = (np.asarray(params[part], np.float64) for part in ("entities", "relations"))
        relation = relations[1]
        h, tails = entities[2], entities
        as_complex = [x[..., :4] + 1j * x[..., 4:] for x in (h, relation, tails)]
        expected = {
            "transe": -np.abs(h + relation - tails).sum(-1),
            "distmult": (h * relation * tails).sum(-1),
            "complex": (as_complex[0] * as_complex[1] * as_complex[2].conj()).sum(-1).real,
            "rotate": -np.abs(as_complex[0] * np.exp(1j * relation[:4]) - as_complex[2]).sum(-1),
        }[name]
        np.testing.assert_allclose(model.score(params, graph, 2, 1), expected, rtol=1e-4, atol=1e-3)


def arcs_of(graph):
    facts = tg.to_triples(graph).tolist()
    return {(h, r, t) for h, r, t in facts} | {(t, r + R, h) for h, r, t in facts}


def test_frequency_counts():
    graph = edited()
    counts, arcs = np.zeros((2 * R, N)), arcs_of(graph)
    for _, r, t in arcs:
        counts[r, t] += 1
    np.testing.assert_array_equal(ranker("frequency").init(jax.random.key(0), graph), counts)


def test_rules_have_the_confidence_of_all_pairs_they_lead_to():
    graph = edited()
    arcs, params = arcs_of(graph), ranker("rules").init(jax.random.key(0), graph)
    steps = [(x, a, y) for x, a, y in arcs if x != y]

    def confidence(r, pairs):
        return sum((x, r, y) in arcs for x, y in pairs) / (len(pairs) + PESSIMISM)

    ends = {a: {(x, y) for x, q, y in steps if q == a} for a in range(2 * R)}
    for r, a in itertools.product(range(2 * R), repeat=2):
        assert params.one[r, a] == pytest.approx(0 if r == a else confidence(r, ends[a]))
        for b in range(2 * R):
            pairs = {(x, y) for x, z in ends[a] for w, y in ends[b] if z == w}
            assert params.two(r, a, b) == pytest.approx(confidence(r, pairs))
    for h, r in itertools.product(range(N), range(2 * R)):
        found = scorer(ranker("rules"), params, graph)(np.array([h]), np.array([r]))[0]
        having = {x for x, q, _ in arcs if q == r}
        for t in range(N):
            paths = [0.5 * sum((x, r, t) in arcs for x in range(N)) / (len(having) + PESSIMISM)]
            paths += [params.one[r, a] for x, a, y in steps if (x, y) == (h, t)]
            paths += [params.two(r, a, b) for x, a, z in steps for w, b, y in steps if (x, w, y) == (h, z, t)]
            assert found[t] == pytest.approx(max(paths) + 1e-3 * sum(paths) / (1 + sum(paths)), abs=1e-6)


def test_pieces_change_nothing(monkeypatch):
    graph, h, r = edited(), np.repeat(np.arange(N), 2 * R), np.tile(np.arange(2 * R), N)
    params = ranker("rules").init(jax.random.key(0), graph)
    whole = scorer(ranker("rules"), params, graph)(h, r)
    monkeypatch.setattr("lepton_rl.ranking.rules._PATHS", 3)
    np.testing.assert_allclose(scorer(ranker("rules"), params, graph)(h, r), whole, rtol=1e-5)
    model = ranker("distmult", replace(SMALL, width=4))
    params = model.init(jax.random.key(0), graph)
    monkeypatch.setattr("lepton_rl.ranking.base._NUMBERS", 5 * (2 * E + N))  # four queries at a time
    loop = (params["entities"][h] * params["relations"][r]) @ params["entities"].T
    np.testing.assert_allclose(scorer(model, params, graph)(h, r), loop, rtol=1e-4, atol=1e-6)


def test_rules_are_counted_for_hundreds_of_relations():
    """Of each relation a fact from 0 to 1, so that every one follows from every other."""
    graph = tg.from_triples([(0, r, 1) for r in range(120)], 3, 120)
    model = ranker("rules", SMALL, 3, 120)
    score = scorer(model, model.init(jax.random.key(0), graph), graph)
    scores = score(np.array([0, 1]), np.array([7, 127]))
    np.testing.assert_array_equal(scores.argmax(1), [1, 0])


def peek(params, graph, h, r):
    return 50.0 * tg.answers(graph, h, r)


def test_training_hides_the_facts_it_asks_for_and_leaves_out_other_answers():
    """A ranker that reads the answer off the graph finds none, and nothing false."""
    graph = example(max_edits=0)
    numbers = jnp.arange(E)[:5]
    loss = _loss(Ranker(None, peek, True), SMALL, {}, graph, numbers, jax.random.key(0))
    facts = np.asarray(graph.base.triples)
    known = Known(facts, N, R)
    queries = np.concatenate([facts[:5], facts[:5][:, [2, 1, 0]] + [0, R, 0]])
    others = known.mask(queries[:, 0], queries[:, 1]).sum(1) - 1
    assert float(loss) == pytest.approx(np.log(N - others).mean(), abs=1e-5)


def families(seed, people=12):
    """A tree of parents; the facts of grandparents follow from it."""
    rng = np.random.default_rng(seed)
    parent = {child: int(rng.integers(0, child)) for child in range(1, people)}
    facts = [(child, 0, up) for child, up in parent.items()]
    return facts, [(child, 1, parent[up]) for child, up in parent.items() if up]


def test_learns_what_follows_and_carries_it_to_people_it_has_never_seen():
    people, seen = 30, 14
    parents, grand = families(0, people)
    train, valid = [*parents, *grand[:seen]], np.array(grand[seen:])
    known = Known(np.array([*parents, *grand]), people, 2)
    graph = tg.from_triples(train, people, 2)
    config = RankerConfig(width=16, rounds=2, epochs=25, batch_size=8, learning_rate=1e-2)
    model = ranker("nbfnet", config, people, 2)
    notes = []
    fitted = fit(model, config, graph, valid, known, jax.random.key(0), Protocol(), notes.append)
    assert len(notes) == len(fitted.validation) == 25 and fitted.validation[fitted.epoch] == max(fitted.validation)
    assert max(fitted.validation) > 0.9
    frequent = ranker("frequency", config, people, 2)
    counted = fit(frequent, config, graph, valid, known, jax.random.key(0))
    usual = evaluate(scorer(frequent, counted.params, graph), valid, known, Protocol()).metrics()["mrr"]
    assert not counted.validation and usual < 0.8
    parents, grand = families(1, people)
    other = tg.from_triples(parents, people, 2)
    known = Known(np.array([*parents, *grand]), people, 2)
    assert evaluate(scorer(model, fitted.params, other), np.array(grand), known, Protocol()).metrics()["mrr"] > 0.85


def test_training_is_a_function_of_its_key():
    graph, model = example(), ranker("distmult")
    valid, known = np.array(GRID[:3]), Known(np.array(GRID[:3]), N, R)
    a, b, c = (fit(model, SMALL, graph, valid, known, jax.random.key(i)).params for i in (0, 0, 1))
    np.testing.assert_array_equal(a["entities"], b["entities"])
    assert np.abs(a["entities"] - c["entities"]).max() > 0.01
    thinned = replace(SMALL, drop=0.5, sides="tail")
    assert np.isfinite(fit(model, thinned, graph, valid, known, jax.random.key(0)).params["entities"]).all()


def test_training_asks_for_the_facts_it_is_told_alone():
    """What no query names does not move: relations that are not asked for."""
    config = replace(SMALL, sides="tail", epochs=1)
    graph, model = example(), ranker("distmult", config)
    numbers = np.flatnonzero(np.asarray(graph.base.triples)[:, 1] == 0)
    known = Known(np.array(GRID[:3]), N, R)
    fitted = fit(model, config, graph, np.array(GRID[:3]), known, jax.random.key(0), asked=numbers)
    before = model.init(jax.random.split(jax.random.key(0))[0], graph)["relations"]
    assert (fitted.params["relations"] != before).any(1).tolist() == [True, False, False, False]


def test_bad_settings_are_one_message():
    with pytest.raises(ValueError, match="Did you mean 'nbfnet'"):
        get_ranker("nbfnett", SMALL, N, R)
    with pytest.raises(ValueError, match="at least 1"):
        RankerConfig(epochs=0)
    with pytest.raises(ValueError, match="'tail' or 'both'"):
        RankerConfig(sides="head")
    with pytest.raises(ValueError, match="validation facts"):
        fit(ranker("distmult"), SMALL, example(), np.zeros((0, 3)), Known(np.array(GRID), N, R), jax.random.key(0))
    assert {default_config(name).epochs > 0 for name in RANKERS} == {True}
