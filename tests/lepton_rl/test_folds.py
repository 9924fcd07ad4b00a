"""Parts of facts: as many as asked for, even, and of the facts themselves rather than of their slots."""

import numpy as np
import pytest

from lepton_rl.folds import folds

ENTITIES, RELATIONS = [f"e{i}" for i in range(30)], ["r", "s", "t"]
FACTS = np.argwhere(np.ones((30, 3, 30), bool))


@pytest.mark.parametrize("count", [2, 5])
def test_about_as_many_facts_are_in_each_part_whatever_they_share(count):
    found = folds(ENTITIES, RELATIONS, count)(FACTS)
    shares = np.bincount(found) / len(found)
    assert len(shares) == count and (abs(shares - 1 / count) < 0.05).all()
    for column in range(3):
        for slot in np.unique(FACTS[:, column]):
            mine = np.bincount(found[FACTS[:, column] == slot], minlength=count)
            assert (abs(mine / mine.sum() - 1 / count) < 0.2).all()
    back = folds(ENTITIES, RELATIONS, count)(FACTS[:, ::-1])
    assert abs((back == found).mean() - 1 / count) < 0.1  # a fact says nothing of its inverse


def test_a_fact_is_in_the_same_part_wherever_it_stands():
    order = np.random.default_rng(0).permutation(30)
    names = [ENTITIES[i] for i in order]
    place = np.argsort(order)
    moved = np.stack([place[FACTS[:, 0]], 2 - FACTS[:, 1], place[FACTS[:, 2]]], 1)
    np.testing.assert_array_equal(folds(names, RELATIONS[::-1])(moved), folds(ENTITIES, RELATIONS)(FACTS))
