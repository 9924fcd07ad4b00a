"""The storage of facts against a Python set of triples: edits, hiding, answers, arcs, refusals, shared bases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl import triple_graph as tg
from lepton_rl.data.knowledge import KnowledgeGraph
from lepton_rl.data.names import Names

N, R, E, LIST, EDITS = 5, 3, 20, 6, 12
quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)
FACTS = [(h, r, t) for h in range(N) for r in range(R) for t in range(N)]
facts = st.lists(st.sampled_from(FACTS), unique=True, min_size=E, max_size=E)
# (operation, h, r, t); inverse relations, and slots out of range, are among them.
edits = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-1, N), st.integers(-1, 2 * R), st.integers(-1, N)),
    min_size=EDITS, max_size=EDITS,
)  # fmt: skip
GRID = np.stack(np.meshgrid(np.arange(N), np.arange(2 * R), np.arange(N), indexing="ij"), -1).reshape(-1, 3)


def same_shapes(graph):
    """Static numbers of the base as large as can be, so that all examples share a program."""
    return graph.replace(base=graph.base.replace(widest=2 * E, most=N))


@jax.jit
def play(graph, edits):
    def step(graph, edit):
        return jax.lax.switch(edit[0], [tg.add_triple, tg.remove_triple, tg.toggle_triple], graph, *edit[1:]), None

    return jax.lax.scan(step, graph, edits)[0]


@jax.jit
def seen(graph):
    there = jax.vmap(lambda triple: tg.has_triple(graph, *triple))(GRID)
    replies = jax.vmap(lambda h: jax.vmap(lambda r: tg.answers(graph, h, r))(jnp.arange(2 * R)))(jnp.arange(N))
    return there, replies, tg.messages(graph), jax.vmap(lambda u: tg.arcs_from(graph, u))(jnp.arange(N))


def model(facts, edits, hidden=()):
    """The facts after the edits, and how many of those a list of ``LIST`` could not take."""
    now, listed, refused = set(facts) - set(hidden), set(), 0
    for operation, h, r, t in edits:
        fact = (h, r, t) if r < R else (t, r - R, h)
        if not (0 <= h < N and 0 <= r < 2 * R and 0 <= t < N):
            continue
        want = (True, False, fact not in now)[operation]
        if want == (fact in now):
            continue
        if fact not in listed and len(listed) == LIST:
            refused += 1
            continue
        listed.add(fact)
        now = now | {fact} if want else now - {fact}
    return now, refused


def agree(graph, expected):
    there, replies, arcs, leaving = (jax.tree.map(np.asarray, part) for part in seen(graph))
    both = expected | {(t, r + R, h) for h, r, t in expected}
    assert {tuple(triple) for triple, held in zip(GRID.tolist(), there, strict=True) if held} == both
    assert {(h, r, t) for h, r, t in np.argwhere(replies).tolist()} == both
    columns = (arcs.sources, arcs.relations, arcs.targets)
    kept = [tuple(arc) for arc in np.stack(columns, -1)[arcs.present].tolist()]
    assert len(kept) == len(set(kept)) == len(both) and set(kept) == both
    rows, places = np.nonzero(leaving[2])
    left = list(zip(rows.tolist(), *(part[rows, places].tolist() for part in leaving[:2]), strict=True))
    assert len(left) == len(both) and set(left) == both
    assert arcs.present.shape == (2 * (E + LIST),)
    assert {tuple(fact) for fact in tg.to_triples(graph).tolist()} == expected


@quick
@given(facts, edits, st.lists(st.integers(-1, E), min_size=3, max_size=3))
def test_edits_and_what_is_hidden_equal_a_set_of_triples(facts, edits, hidden):
    graph = same_shapes(tg.from_triples(facts, N, R, max_edits=LIST))
    played = play(graph, jnp.array(edits))
    expected, refused = model(facts, edits)
    assert int(tg.refused(played)) == refused
    agree(played, expected)
    partly = play(tg.hide(graph, jnp.array(hidden)), jnp.array(edits))
    expected, refused = model(facts, edits, [facts[i] for i in hidden if 0 <= i < E])
    assert int(tg.refused(partly)) == refused
    agree(partly, expected)


def test_a_batch_of_states_shares_one_base():
    graph = tg.from_triples(FACTS[:E], N, R, max_edits=LIST)
    triples = jnp.array([FACTS[0], FACTS[E], (-1, 0, 0)])
    states = jax.vmap(lambda triple: tg.without_base(tg.toggle_triple(graph, *triple)))(triples)
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(states)) == 3 * (LIST * 14 + 8)
    toggled = jax.vmap(lambda state, triple: tg.without_base(tg.toggle_triple(tg.on_base(graph, state), *triple)))
    again = toggled(states, triples)
    for i, expected in enumerate((set(FACTS[1:E]), set(FACTS[: E + 1]), set(FACTS[:E]))):
        alone = [tg.on_base(graph, jax.tree.map(lambda leaf, i=i: leaf[i], batch)) for batch in (states, again)]
        assert {tuple(fact) for fact in tg.to_triples(alone[0]).tolist()} == expected
        assert {tuple(fact) for fact in tg.to_triples(alone[1]).tolist()} == set(FACTS[:E])


at_once = jax.jit(tg.add_triples)


@jax.jit
def added(graph, rows):
    """One after the other: the last graph and the entries in use after each."""

    def step(graph, row):
        after = tg.add_triple(graph, *row)
        return after, after.delta.count

    return jax.lax.scan(step, graph, rows)


@quick
@given(facts, edits, edits, st.integers(-1, E))
def test_many_facts_at_once_are_one_after_the_other(facts, edits, rows, hidden):
    """On graphs with facts removed, set again and hidden, and with lists that run full."""
    graph = tg.hide(same_shapes(tg.from_triples(facts, N, R, max_edits=LIST)), jnp.array([hidden]))
    graph, rows = play(graph, jnp.array(edits[: EDITS // 3])), jnp.array(rows)[:, 1:]
    expected, counts = added(graph, rows)
    found, entries = at_once(graph, *rows.T)
    np.testing.assert_array_equal(entries, counts)
    assert all(map(np.array_equal, jax.tree.leaves(found), jax.tree.leaves(expected)))


def test_graphs_without_edits_or_facts_or_with_one():
    still = tg.from_triples(FACTS[:E], N, R)
    assert int(tg.refused(tg.remove_triple(still, *FACTS[0]))) == 1
    assert tg.to_triples(still).tolist() == [list(fact) for fact in FACTS[:E]]
    one = tg.from_triples([(0, 0, 0)], 1, 1, max_edits=1)
    assert bool(tg.has_triple(one, 0, 1, 0)) and not tg.to_triples(tg.remove_triple(one, 0, 0, 0)).size
    none = tg.add_triple(tg.from_triples([], 2, 2, max_edits=2), 1, 3, 0)
    assert tg.to_triples(none).tolist() == [[0, 1, 1]]
    assert bool(tg.has_triple(none, 0, 1, 1)) and tg.answers(none, 1, 3).tolist() == [True, False]


@pytest.mark.parametrize(("triples", "message"), [
    (np.array([(0, 1)]), "must be triples"),
    ([(0, 0, 9)], r"must lie in \[0, 5\)"), ([(0, 3, 0)], r"relations in \[0, 3\)"),
    ([(0, 0, 1), (1, 0, 1), (0, 0, 1)], "given twice"),
])  # fmt: skip
def test_bad_facts_are_one_message(triples, message):
    with pytest.raises(ValueError, match=message):
        tg.from_triples(triples, N, R)
    with pytest.raises(ValueError, match="node_features"):
        tg.from_triples([], N, R, node_features=np.zeros((N + 1, 2)))


def test_a_knowledge_graph_becomes_one():
    triples = np.array([(0, 0, 1), (1, 1, 2)], np.int32)
    named = KnowledgeGraph("g", triples, Names.of(["a", "b", "c"]), Names.of(["r", "s"]))
    graph = named.to_triple_graph(max_edits=3)
    assert (graph.capacity, graph.num_relations, graph.max_edits) == (3, 2, 3)
    np.testing.assert_array_equal(tg.to_triples(graph), triples)
