"""Ranks by hand, against a loop in plain Python, and against PyKEEN and scikit-learn where they are installed."""

import numpy as np
import pytest

from lepton_rl.metrics import MINERVA, Known, Protocol, average_precision, evaluate, queries_of

N, R = 9, 3


def example(seed=0, levels=4):
    """Facts in two parts, and a table of scores with many ties, f[N, 2R, N]."""
    rng = np.random.default_rng(seed)
    grid = np.argwhere(np.ones((N, R, N)))
    facts = grid[rng.choice(len(grid), 60, replace=False)]
    return facts[:40], facts[40:], rng.integers(0, levels, (N, 2 * R, N)).astype(np.float32)


def ranked(table, test, facts, protocol, batch=7, train=None):
    return evaluate(lambda h, r: table[h, r], test, Known(facts, N, R), protocol, batch=batch, train=train)


def slow_rank(table, facts, query, ties, reached_only=False):
    """The rank of an answer among all entities, by the definition."""
    h, r, t = query
    true = {b if r < R else a for a, q, b in facts if (a if r < R else b) == h and q == r % R}
    others = [table[h, r, e] for e in range(N) if e == t or e not in true]
    own = table[h, r, t]
    if reached_only and own == -np.inf:
        return np.inf
    better = sum(score > own for score in others)
    same = sum(score == own for score in others)
    return {"optimistic": better + 1, "pessimistic": better + same, "realistic": better + (same + 1) / 2}[ties]


@pytest.mark.parametrize("side", ["tail", "head", "both"])
@pytest.mark.parametrize("ties", ["realistic", "optimistic", "pessimistic"])
def test_ranks_equal_a_loop(side, ties):
    train, test, table = example()
    facts = np.concatenate([train, test])
    found = ranked(table, test, facts, Protocol(side, ties))
    expected = [slow_rank(table, facts.tolist(), query, ties) for query in queries_of(test, R, side).tolist()]
    np.testing.assert_array_equal(found.ranks(), expected)
    metrics = found.metrics()
    assert metrics["mrr"] == pytest.approx(np.mean(1 / np.array(expected)))
    assert metrics["hits@3"] == np.mean(np.array(expected) <= 3)
    assert metrics["mean_rank"] == pytest.approx(np.mean(expected))


def test_by_hand():
    """(0, 0, ?): 1 is known and left out, 2 and 3 tie behind 4; the answer is 2."""
    table = np.zeros((5, 2, 5), np.float32)
    table[0, 0] = [0.1, 0.9, 0.5, 0.5, 0.7]
    known = Known(np.array([(0, 0, 1), (0, 0, 2)]), 5, 1)
    found = evaluate(lambda h, r: table[h, r], np.array([(0, 0, 2)]), known, Protocol(), train=np.array([(0, 0, 1)]))
    assert [found.ranks(ties).tolist() for ties in ("optimistic", "realistic", "pessimistic")] == [[2], [2.5], [3]]
    metrics = found.metrics()
    assert metrics["mrr"] == 0.4 and metrics["hits@1"] == 0 and metrics["hits@3"] == 1
    assert metrics["adjusted_mean_rank"] == 0  # of four candidates, 2.5 is what chance gives
    assert metrics["queries"] == 1 and metrics["unseen"] == 1
    assert str(found.protocol) == "tails only, filtered, ties realistic, against all entities"


def test_what_a_beam_has_not_reached_counts_nothing():
    train, test, table = example()
    facts = np.concatenate([train, test])
    table[table == 0] = -np.inf
    found = ranked(table, test, facts, MINERVA)
    expected = [slow_rank(table, facts.tolist(), query, "optimistic", True) for query in test.tolist()]
    assert np.inf in expected
    np.testing.assert_array_equal(found.ranks(), expected)
    assert found.metrics()["mrr"] == pytest.approx(np.mean([1 / rank for rank in expected]))
    assert found.metrics()["unreached"] == expected.count(np.inf) and np.isnan(found.metrics()["mean_rank"])
    among_all = ranked(table, test, facts, Protocol())  # there it ties with what else was not reached
    assert np.isfinite(among_all.ranks()).all()


def test_negatives_are_wrong_answers_and_the_same_for_all_models():
    train, test, table = example(levels=1000)
    facts = np.concatenate([train, test])
    few, whole = (ranked(table, test, facts, Protocol("both", candidates=c, negatives=3)) for c in ("negatives", "all"))
    assert (few.candidates == 4).all() and (few.ranks() <= whole.ranks()).all()
    again = ranked(table, test, facts, Protocol("both", candidates="negatives", negatives=3), batch=100)
    np.testing.assert_array_equal(again.ranks(), few.ranks())
    other = ranked(table, test, facts, Protocol("both", candidates="negatives", negatives=3, seed=1))
    assert (other.ranks() != few.ranks()).any()
    most = ranked(table, test, facts, Protocol("both", candidates="negatives", negatives=100))
    np.testing.assert_array_equal(most.ranks(), whole.ranks())


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Protocol("tails"), "Did you mean 'tail'"), (lambda: Protocol(negatives=0), "at least 1"),
    (lambda: ranked(np.full((N, 2 * R, N), np.nan), example()[1], example()[0], Protocol()), "gives NaN"),
    (lambda: ranked(np.zeros((N, 2 * R, N + 1)), example()[1], example()[0], Protocol()), "of shape"),
    (lambda: ranked(np.zeros((N, 2 * R, N)), example()[1][:0], example()[0], Protocol()), "no fact"),
    (lambda: average_precision(np.ones(2), np.zeros(2)), "at least one"),
])  # fmt: skip
def test_what_cannot_be_ranked_is_one_message(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_average_precision_takes_equal_scores_together():
    assert average_precision(np.array([3, 2, 1]), np.array([1, 0, 1])) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert average_precision(np.array([1, 1, 1, 1]), np.array([0, 1, 0, 0])) == 0.25
    metrics = pytest.importorskip("sklearn.metrics")
    scores, labels = np.random.default_rng(0).integers(0, 6, (2, 40))
    assert average_precision(scores, labels < 2) == pytest.approx(metrics.average_precision_score(labels < 2, scores))


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pykeen(seed):
    torch = pytest.importorskip("torch")
    evaluation = pytest.importorskip("pykeen.evaluation")
    from pykeen.models.mocks import FixedModel
    from pykeen.triples import CoreTriplesFactory

    train, test, table = example(seed, levels=6)

    class Table(FixedModel):
        def score_t(self, hr_batch, **_):
            return torch.as_tensor(table)[hr_batch[:, 0], hr_batch[:, 1]]

        def score_h(self, rt_batch, **_):
            return torch.as_tensor(table)[rt_batch[:, 1], rt_batch[:, 0] + R]

    kept = {}

    class Evaluator(evaluation.RankBasedEvaluator):
        def finalize(self):  # its ranks are f32, and so would its means be
            for ranks in self.ranks.values():
                ranks[:] = [part.astype(np.float64) for part in ranks]
            kept.update({key: np.concatenate(ranks) for key, ranks in self.ranks.items()})
            return super().finalize()

    factory = CoreTriplesFactory(torch.as_tensor(train), num_entities=N, num_relations=R)
    result = Evaluator().evaluate(
        Table(triples_factory=factory), torch.as_tensor(test), batch_size=5, use_tqdm=False,
        additional_filter_triples=[torch.as_tensor(train)],
    )  # fmt: skip
    for side in ("tail", "head", "both"):
        for ties in ("realistic", "optimistic", "pessimistic"):
            ranking = ranked(table, test, np.concatenate([train, test]), Protocol(side, ties))
            found = ranking.metrics()
            if side != "both":
                np.testing.assert_array_equal(np.sort(ranking.ranks()), np.sort(kept[side, ties]))
            theirs = {"mrr": "inverse_harmonic_mean_rank", "hits@1": "hits_at_1", "hits@3": "hits_at_3",
                      "hits@10": "hits_at_10", "mean_rank": "arithmetic_mean_rank"}  # fmt: skip
            if ties == "realistic":
                theirs["adjusted_mean_rank"] = "adjusted_arithmetic_mean_rank_index"
            for ours, name in theirs.items():
                assert found[ours] == pytest.approx(result.get_metric(f"{side}.{ties}.{name}"), abs=1e-9), (side, name)
