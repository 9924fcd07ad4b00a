"""Splits beside brute force: parts that add up, nothing across, and a report that misses no leak."""

import hashlib
import itertools
from collections import Counter

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl.data import DataError, KnowledgeGraph, NamedGraph, TripleSplits, from_networkx, read_splits
from lepton_rl.data.cleaning import Cleaning
from lepton_rl.data.names import Names
from lepton_rl.data.splits import check_splits, split_edges, split_graphs, split_triples

quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)


def knowledge(triples, entities=None, relations=None):
    triples = np.array(sorted(triples), np.int32).reshape(-1, 3)
    n = entities or int(triples[:, ::2].max()) + 1
    r = relations or int(triples[:, 1].max()) + 1
    return KnowledgeGraph("k", triples, Names.of(f"e{i}" for i in range(n)), Names.of(f"r{i}" for i in range(r)))


def facts(part):
    return set(map(tuple, part.triples.tolist()))


def sha(lines):
    return hashlib.sha256(b"".join(line.encode() + b"\n" for line in sorted(set(lines), key=str.encode))).hexdigest()


triple_sets = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 6)), min_size=5, max_size=60)


# --- facts

@quick
@given(found=triple_sets, seed=st.integers(0, 9), transductive=st.booleans(),
       shares=st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.7, 0.0, 0.3), (1.0, 0.0, 0.0)]))  # fmt: skip
def test_parts_add_up_and_a_transductive_split_covers(found, seed, transductive, shares):
    graph = knowledge(found)
    try:
        splits = split_triples(graph, shares, seed, transductive)
    except DataError as error:
        assert "would be empty" in str(error) or "too few for valid and test" in str(error)
        return
    parts = [facts(part) for part in splits.parts.values()]
    assert sum(map(len, parts)) == len(found)
    assert set.union(*parts) == found
    assert splits.seed == seed
    assert splits.train.entities is splits.test.entities is graph.entities
    away = [round(len(found) * share) for share in shares[1:]]
    if transductive:
        for part in (splits.valid, splits.test):
            assert set(part.triples[:, ::2].flat) <= set(splits.train.triples[:, ::2].flat)
            assert set(part.triples[:, 1]) <= set(splits.train.triples[:, 1])
        assert len(parts[1]) <= away[0] and len(parts[2]) <= away[1] + 1
    else:
        assert [len(part) for part in parts[1:]] == away
    again = split_triples(graph, shares, seed, transductive)
    assert all((a.triples == b.triples).all() for a, b in zip(splits.parts.values(), again.parts.values(), strict=True))


def test_parts_keep_their_sizes_where_the_cover_leaves_room():
    rng = np.random.default_rng(0)
    graph = knowledge({tuple(row) for row in rng.integers(0, (50, 5, 50), (2000, 3)).tolist()})
    splits = split_triples(graph, seed=3)
    total = len(graph.triples)
    assert [len(p.triples) for p in (splits.valid, splits.test)] == [round(total / 10)] * 2
    assert splits.report[-1] == "0 fact(s) of valid and test mention something unseen in train"
    assert splits.report[0] == "split (0.8, 0.1, 0.1) with seed 3, transductive"
    other = split_triples(graph, seed=4)
    assert facts(other.test) != facts(splits.test)


def test_splits_that_cannot_be_are_refused():
    star = knowledge([(0, 0, i + 1) for i in range(20)])
    with pytest.raises(DataError, match=r"only 0 fact.* transductive=False"):
        split_triples(star)
    assert len(split_triples(star, transductive=False).test.triples) == 2
    for shares in ((0.8, 0.1), (0.8, 0.3, -0.1), (0.8, 0.1, 0.2), (float("nan"), 0.5, 0.5)):
        with pytest.raises(DataError, match="three of train, valid and test that sum to 1"):
            split_triples(star, shares)
    with pytest.raises(DataError, match="a share of 0 for train"):
        split_triples(star, (0.0, 0.5, 0.5))
    with pytest.raises(DataError, match=r"a valid part of share 0\.01 of 20 would be empty"):
        split_triples(star, (0.8, 0.01, 0.19))


def brute_pairs(train, limit):
    """Near inverse, symmetric and duplicate relations by the definition."""
    size = Counter(r for _, r, _ in train)
    found = {}
    for a, b in itertools.product(size, size):
        turned = sum((t, b, h) in train for h, r, t in train if r == a)
        alike = sum((h, b, t) in train for h, r, t in train if r == a)
        if turned and turned / size[a] >= limit:
            found["inverse", a, b] = turned / size[a], turned
        if a != b and alike and alike / size[a] >= limit:
            found["duplicate", a, b] = alike / size[a], alike
    return found


def brute_leak(fact, train, pairs):
    h, r, t = fact
    return any(
        ((a, b) in ((r, s), (s, r))) and ((t, s, h) if kind == "inverse" else (h, s, t)) in train
        for kind, a, b in pairs for s in range(4)
    )  # fmt: skip


@quick
@given(train=triple_sets, test=triple_sets, limit=st.sampled_from([None, 0.3, 0.8]))
def test_the_report_equals_brute_force(train, test, limit):
    parts = [knowledge(part, 7, 4) for part in (train, {(0, 0, 1)}, test)]
    report = check_splits(TripleSplits(*parts), limit)
    bound = 0.99 - (1 + len(test)) / (1 + len(test) + len(train)) if limit is None else limit
    pairs = brute_pairs(train, bound)
    names = {(p.kind, int(p.relation[1:]), int(p.other[1:])): (pytest.approx(p.share), p.facts) for p in report.pairs}
    assert names == pairs
    found = report.exposure["test"]
    ends = {(h, t) for h, _, t in train}
    seen, used = {end for pair in ends for end in pair}, {r for _, r, _ in train}
    assert found.reversed == sum((t, r, h) in train for h, r, t in test)
    assert found.linked == sum((h, t) in ends or (t, h) in ends for h, _, t in test)
    assert found.leaked == sum(brute_leak(fact, train, pairs) for fact in test)
    assert found.unseen == sum(not {h, t} <= seen or r not in used for h, r, t in test)
    assert set(found.entities) == {f"e{end}" for h, _, t in test for end in (h, t) if end not in seen}
    assert set(found.relations) == {f"r{r}" for _, r, _ in test if r not in used}
    assert report.shared == {
        "train and valid": len(train & {(0, 0, 1)}), "train and test": len(train & test),
        "valid and test": len(test & {(0, 0, 1)}),
    }  # fmt: skip
    assert report.sizes == {"train": len(train), "valid": 1, "test": len(test)}
    assert report.sha256["test"] == sha(f"e{h}\tr{r}\te{t}" for h, r, t in test)
    assert f"test: {found.leaked} fact(s) given away" in str(report)


def test_a_hash_does_not_depend_on_slots_or_order():
    one = knowledge([(0, 0, 1), (1, 1, 2)])
    turned = KnowledgeGraph(
        "k", np.array([[1, 0, 0], [2, 1, 1]], np.int32), Names.of(["e2", "e1", "e0"]), Names.of(["r1", "r0"])
    )
    hashes = [check_splits(TripleSplits(graph, graph, graph)).sha256["train"] for graph in (one, turned)]
    assert sorted(one.facts()) == sorted(turned.facts())
    assert hashes == [sha(["e0\tr0\te1", "e1\tr1\te2"])] * 2


def test_reference_splits_leak_what_is_known_of_them(shared_data):
    freebase = check_splits(read_splits(shared_data / "kg" / "fb15k237"))
    # Toutanova & Chen (2015) took every pair out of valid and test that train links.
    assert [found.linked for found in freebase.exposure.values()] == [0, 0]
    folder = shared_data / "kg" / "wn18rr"
    wordnet = check_splits(read_splits(folder))
    assert 0.3 < wordnet.exposure["test"].leaked / wordnet.sizes["test"] < 0.4  # symmetric relations stayed in WN18RR
    assert "_derivationally_related_form" in {pair.relation for pair in wordnet.pairs if pair.relation == pair.other}
    assert wordnet.sha256["test"] == sha((folder / "test.tsv").read_text().splitlines())


# --- edges

def names(graph, edges):
    return {frozenset((graph.names[u], graph.names[v])) for u, v in edges}


@quick
@given(n=st.integers(8, 30), p=st.floats(0.2, 0.9), seed=st.integers(0, 99), directed=st.booleans(),
       connected=st.booleans())  # fmt: skip
def test_edges_add_up_and_negatives_are_no_edges(n, p, seed, directed, connected):
    plain = nx.gnp_random_graph(n, p, seed=seed, directed=directed)
    if plain.number_of_edges() < 20:
        return
    graph = from_networkx(plain, "g")
    weights = np.arange(len(graph.edges)) / 2
    graph = NamedGraph("g", graph.edges, graph.names, directed, None, pa.table({"weight": weights}))
    free = n * (n - 1) // (1 if directed else 2) - len(graph.edges)
    try:
        splits = split_edges(graph, (0.6, 0.2, 0.2), seed, connected=connected)
    except DataError as error:
        whole = len(graph.edges)
        assert ("pairs without an edge" in str(error) and free < 0.5 * whole) or "spanning forest" in str(error)
        return
    parts = [splits.train.edges, splits.valid, splits.test]
    assert Counter(map(tuple, np.concatenate(parts).tolist())) == Counter(map(tuple, graph.edges.tolist()))
    for a, b in itertools.combinations(parts, 2):
        assert not names(graph, a) & names(graph, b)  # neither the edge nor its reciprocal
    assert abs(len(splits.valid) - round(0.2 * len(graph.edges))) <= (1 if directed else 0)
    where = {tuple(edge): weight for edge, weight in zip(graph.edges.tolist(), weights, strict=True)}
    assert [where[tuple(edge)] for edge in splits.train.edges.tolist()] == splits.train.weights.tolist()
    negative = np.concatenate([splits.valid_negatives, splits.test_negatives]).tolist()
    assert (len(splits.valid_negatives), len(splits.test_negatives)) == (len(splits.valid), len(splits.test))
    assert len(set(map(tuple, negative))) == len(negative)
    assert all(u != v and not plain.has_edge(u, v) and (directed or u < v) for u, v in negative)
    if connected:
        train = splits.train.to_networkx().to_undirected()
        assert nx.number_connected_components(train) == nx.number_connected_components(plain.to_undirected())
    again = split_edges(graph, (0.6, 0.2, 0.2), seed, connected=connected)
    assert splits.sha256 == again.sha256
    assert (splits.test_negatives == again.test_negatives).all()
    sides = [[graph.names[u], graph.names[v]] for u, v in splits.test.tolist()]
    assert splits.sha256["test"] == sha("\t".join(pair if directed else sorted(pair)) for pair in sides)


@pytest.mark.parametrize("directed", [False, True])
def test_negatives_are_uniform(directed):
    plain = nx.DiGraph([(0, 1), (1, 2), (2, 3), (3, 1), (0, 3)]) if directed else nx.path_graph(6)
    graph = from_networkx(plain, "g", Cleaning(directed=directed))
    free = {(u, v) for u, v in itertools.permutations(range(len(plain)), 2) if directed or u < v} - set(plain.edges)
    drawn = Counter(
        tuple(edge) for seed in range(600)
        for edge in split_edges(graph, (0.6, 0.2, 0.2), seed).test_negatives.tolist()
    )  # fmt: skip
    assert set(drawn) == free
    expected = 600 / len(free)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in drawn.values())


def test_a_split_without_negatives_or_room():
    graph = from_networkx(nx.complete_graph(8), "full")
    with pytest.raises(DataError, match="full has 0 pairs without an edge, 6 are needed: give negatives=False"):
        split_edges(graph)
    assert split_edges(graph, negatives=False).test_negatives is None
    with pytest.raises(DataError, match="spanning forest of tree has 19 of its 19 edges"):
        split_edges(from_networkx(nx.path_graph(20), "tree"), connected=True)
    lone = nx.Graph([(i, i + 1) for i in range(9)])
    lone.add_node("alone")
    assert split_edges(from_networkx(lone, "g"), (0.5, 0.25, 0.25)).train.num_nodes == 11


# --- graphs

def test_alike_graphs_stay_on_one_side():
    rng = np.random.default_rng(1)
    pool, kinds = [], []
    for kind in range(40):
        plain = nx.gnm_random_graph(10, 14, seed=kind, directed=kind % 2 == 0)
        for _ in range(1 + kind % 3):
            order = rng.permutation(10).tolist()
            twin = nx.relabel_nodes(plain, dict(enumerate(order)))
            edges = np.array(list(twin.edges), np.int32)
            edges = edges if plain.is_directed() else np.sort(edges, axis=1)
            pool.append(NamedGraph("g", edges, Names(np.arange(10)), plain.is_directed()))
            kinds.append(kind)
    splits = split_graphs(pool, (0.6, 0.2, 0.2), seed=5)
    parts = [splits.train, splits.valid, splits.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(pool)))
    sides = [{kinds[i] for i in part} for part in parts]
    assert not sides[0] & sides[1] and not sides[1] & sides[2] and not sides[0] & sides[2]
    assert abs(len(splits.valid) - 0.2 * len(pool)) <= 3
    alike = sum(count for count in Counter(kinds).values() if count > 1)
    assert splits.report[1].startswith(f"{alike} graphs in {sum(c > 1 for c in Counter(kinds).values())} groups")
    assert splits.sha256 == split_graphs(pool, (0.6, 0.2, 0.2), seed=5).sha256
    assert splits.sha256 != split_graphs(pool, (0.6, 0.2, 0.2), seed=6).sha256


def test_a_number_of_graphs_is_split_plainly():
    splits = split_graphs(100, (0.7, 0.1, 0.2), seed=0)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [70, 10, 20]
    assert sorted(np.concatenate([splits.train, splits.valid, splits.test]).tolist()) == list(range(100))
    same = from_networkx(nx.petersen_graph(), "petersen")
    with pytest.raises(DataError, match="leaves nothing for"):
        split_graphs([same] * 30)
