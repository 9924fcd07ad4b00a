"""Recommendation beyond the contract: closed forms, edges that do not count, relevance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lepton_rl.graph import add_edge, from_edges
from lepton_rl.objectives import get_objective

INIT = {name: jax.jit(get_objective(name).init) for name in ("exposure", "diversity", "hit_rate")}
SIDES = np.array([0, 0, 0, 0, 1, 1, 1.0])  # four users, three items


def value(name, links, **features):
    graph = from_edges(links, 7, capacity=9, labels=SIDES, **features)
    return float(INIT[name](graph, ()).value)


def test_equal_attention_and_one_hit():
    equal, one = [(0, 4), (1, 5), (2, 6)], [(0, 4), (1, 4), (2, 4)]
    assert value("exposure", equal) == pytest.approx(1)
    assert value("diversity", equal) == pytest.approx(1)
    assert value("exposure", one) == pytest.approx(1 / 3)
    assert value("diversity", one) == pytest.approx(0)
    assert value("hit_rate", equal) == value("hit_rate", one) == pytest.approx(3 / 4)


def test_shares_of_two_one_and_none():
    """Users 2, 1, 0 of three items: Gini (2·(1 + 2 + 1)) / (2·3·3), entropy of 2/3 and 1/3."""
    links = [(0, 4), (1, 4), (1, 5)]
    assert value("exposure", links) == pytest.approx(1 - 8 / 18)
    assert value("diversity", links) == pytest.approx(-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)) / np.log(3))
    assert value("hit_rate", links) == pytest.approx(1 / 2)


@pytest.mark.parametrize("name", ["exposure", "diversity", "hit_rate"])
def test_only_links_between_users_and_items_count(name):
    links = [(0, 4), (1, 5), (2, 5)]
    assert value(name, [*links, (0, 1), (2, 3), (4, 6), (5, 6)]) == value(name, links)
    assert value(name, [(0, 1), (4, 6)]) == value(name, []) == 0
    nobody = from_edges([(0, 1)], 2, labels=np.zeros(2))
    assert float(get_objective(name).init(nobody, ()).value) == 0


def test_exposure_grows_when_the_items_of_few_are_recommended():
    graph = from_edges([(0, 4), (1, 4), (2, 4), (3, 5)], 7, labels=SIDES)
    for name in ("exposure", "diversity"):
        start, less = INIT[name](graph, ()).value, INIT[name](add_edge(graph, 3, 4), ()).value
        assert INIT[name](add_edge(graph, 0, 6), ()).value > start > less


def test_a_hit_is_an_edge_to_a_relevant_item():
    relevance = np.zeros((7, 7, 1))
    relevance[0, 4] = relevance[1, 5] = relevance[4, 2] = 1
    assert value("hit_rate", [(0, 4), (1, 4), (2, 4)], edge_features=relevance) == pytest.approx(1 / 4)
    assert value("hit_rate", [(0, 4), (1, 4), (1, 5)], edge_features=relevance) == pytest.approx(2 / 4)


def test_a_single_item_has_no_diversity_and_all_the_exposure():
    graph = from_edges([(0, 2), (1, 2)], 3, labels=np.array([0, 0, 1.0]))
    assert float(get_objective("diversity").init(graph, ()).value) == 0
    assert float(get_objective("exposure").init(graph, ()).value) == 1
    with pytest.raises(ValueError, match="0 = user, 1 = item"):
        get_objective("exposure").init(graph.replace(labels=None), ())
    assert jnp.isfinite(get_objective("exposure").init(graph, ()).value)
