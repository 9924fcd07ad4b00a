"""Candidates against sorting in Python."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lepton_rl.metrics import Known, Protocol, evaluate
from lepton_rl.ranking.candidates import propose, reranked

N, R = 9, 2
FACTS = np.array([(0, 0, 1), (0, 0, 2), (3, 1, 0), (4, 1, 4)])
STATED = Known(FACTS, N, R)
QUERIES = np.array([(h, r) for h in range(N) for r in range(2 * R)])


def table(seed, levels):
    """A ranker that knows its scores by heart; few levels make many equal."""
    scores = np.random.default_rng(seed).integers(levels, size=(N, 2 * R, N)).astype(np.float32)
    return lambda entities, relations: scores[entities, relations]


def listed(score, h, r):
    """All entities, what is stated last and of equals the first."""
    stated, scores = STATED.mask(np.array([h]), np.array([r]))[0], score(np.array([h]), np.array([r]))[0]
    return sorted(range(N), key=lambda t: (stated[t], -scores[t], t))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.sampled_from([2, 5, 1000]), st.integers(1, N + 2))
def test_the_best_that_nobody_states_come_first(seed, levels, most):
    score = table(seed, levels)
    found = propose(score, QUERIES, most, STATED)
    assert found.dtype == np.int32 and found.shape == (len(QUERIES), min(most, N))
    open_ = ~STATED.mask(*QUERIES.T)
    for query, row, free in zip(QUERIES.tolist(), found.tolist(), open_.sum(1), strict=True):
        assert row[: min(most, free)] == listed(score, *query)[: min(most, free)]
        assert len(set(row)) == len(row)


def test_stated_facts_may_be_proposed():
    """In training they may be hidden."""
    assert propose(table(0, 1000), QUERIES, N)[0].tolist() != propose(table(0, 1000), QUERIES, N, STATED)[0].tolist()
    with pytest.raises(ValueError, match="0 candidates a query"):
        propose(table(0, 2), QUERIES, 0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.sampled_from([2, 1000]), st.integers(1, N + 2))
@example(49, 2, 8)
def test_candidates_come_in_one_order_and_all_others_behind_in_the_other(seed, levels, most):
    own, proposer = table(seed, levels), table(seed + 100, levels)
    scores = reranked(own, proposer, most, STATED)(*QUERIES.T)
    for (h, r), row in zip(QUERIES.tolist(), scores, strict=True):
        stated = STATED.mask(np.array([h]), np.array([r]))[0]
        open_ = [t for t in listed(proposer, h, r) if not stated[t]]
        mine, theirs = (np.asarray(score(np.array([h]), np.array([r])))[0] for score in (own, proposer))
        for a, b in itertools.permutations(range(len(open_)), 2):
            higher, (one, other) = row[open_[a]] > row[open_[b]], (open_[a], open_[b])
            if a < most and b < most:
                assert higher == (mine[one] > mine[other])
            elif a >= most and b >= most:
                assert higher == (theirs[one] > theirs[other])
            else:
                assert higher == (a < most)


def test_a_ranker_of_all_candidates_is_the_ranker_and_of_one_its_proposer():
    held_out = np.array([(0, 0, 3), (3, 1, 5), (8, 0, 1), (5, 1, 6)])
    known = Known(np.concatenate([FACTS, held_out]), N, R)
    own, proposer = table(1, 1000), table(2, 1000)

    def ranks(score):
        return evaluate(score, held_out, known, Protocol("both")).ranks().tolist()

    assert ranks(reranked(own, proposer, N, STATED)) == ranks(own) != ranks(proposer)
    assert ranks(reranked(own, proposer, 1, STATED)) == ranks(proposer)
