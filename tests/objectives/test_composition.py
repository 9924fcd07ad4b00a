"""Objectives made of others."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import add_edge, from_networkx
from lepton_rl.objectives import get_objective, score
from lepton_rl.objectives.base import EDGE_ADDED, Edit
from lepton_rl.objectives.composition import shortfall, weighted_sum

GRAPH = from_networkx(nx.barabasi_albert_graph(12, 2, seed=1))[0]


def value(objective):
    return float(score(objective, GRAPH, jax.random.key(0)))


def test_a_sum_is_the_sum_of_its_terms_before_and_after_an_edit():
    composed = get_objective("efficiency - 0.5*algebraic_connectivity")
    one, other = get_objective("efficiency"), get_objective("algebraic_connectivity")
    assert value(composed) == pytest.approx(value(one) - 0.5 * value(other), abs=1e-6)
    after = add_edge(GRAPH, 10, 11)
    updated = composed.update(composed.init(GRAPH, ((), ())), Edit(jnp.int32(EDGE_ADDED), 10, 11), after, ((), ()))
    expected = one.init(after, ()).value - 0.5 * other.init(after, ()).value
    np.testing.assert_allclose(updated.value, expected, atol=1e-6)


def test_a_sign_makes_an_objective_something_to_lower():
    assert value(get_objective("-efficiency")) == -value(get_objective("efficiency"))


def test_noise_is_drawn_for_every_term_apart():
    composed = get_objective("critical_fraction_random + critical_fraction_targeted")
    first, second = composed.draw(GRAPH, jax.random.key(0))
    assert (np.asarray(first) != np.asarray(second)).any()
    assert composed.needs_connected
    assert composed.sensitivity(GRAPH, (first, second)).shape == (3 + 4, 12, 12)


def test_equal_text_gives_the_same_object():
    assert get_objective("2*efficiency-algebraic_connectivity") is get_objective(
        "2 * efficiency - algebraic_connectivity"
    )
    assert get_objective("efficiency") is get_objective(" + efficiency ")


def test_a_shortfall_counts_only_below_its_bound():
    reached = value(get_objective("efficiency"))
    assert value(shortfall(get_objective("efficiency"), reached - 0.1)) == 0
    assert value(shortfall(get_objective("efficiency"), reached + 0.1)) == pytest.approx(-0.1, abs=1e-6)


@pytest.mark.parametrize(("text", "message"), [
    ("efficency", "Did you mean 'efficiency'"), ("efficiency efficiency", "expected a name"),
    ("2*", "expected a name"), ("efficiency + ", "expected a name"), ("", "needs objectives"),
])  # fmt: skip
def test_refuses_what_it_cannot_read(text, message):
    with pytest.raises(ValueError, match=message):
        get_objective(text)


def test_refuses_terms_that_read_labels_in_different_ways():
    spin, opinion = (get_objective("efficiency")._replace(labels=kind) for kind in ("spin", "opinion"))
    with pytest.raises(ValueError, match="one kind of labels"):
        weighted_sum((1.0, spin), (1.0, opinion))
