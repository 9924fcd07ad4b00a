"""Names to slots: a dictionary of Python's gives the same, whatever the names are made of."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lepton_rl.data.names import Ends, Names


def oracle(pairs):
    """Slots by first appearance, row by row."""
    slots = {}
    edges = [[slots.setdefault(str(end), len(slots)) for end in pair] for pair in pairs]
    return np.array(edges, np.int32).reshape(-1, 2), list(slots)


def encoded(batches, kind):
    ends = Ends()
    for batch in batches:
        ends.add(*(pa.array([pair[i] for pair in batch], kind) for i in (0, 1)))
    return ends.finish()


def check(batches, kind):
    edges, names = encoded(batches, kind)
    wanted, spelt = oracle([pair for batch in batches for pair in batch])
    assert edges.dtype == np.int32
    np.testing.assert_array_equal(edges, wanted)
    assert list(names) == spelt
    assert names.arrow().to_pylist() == spelt


numbers = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 12)
spelt = (
    numbers.map(str) | st.text("ab0\0é", max_size=3) | st.text("ab", min_size=13, max_size=18)
    | st.sampled_from(["007", "+7", "-0", "0x1F", "1e3", " 7", "9223372036854775808", "7", "x" * 400, "x" * 399 + "y"])
)  # fmt: skip


def batches(value):
    return st.lists(st.lists(st.tuples(value, value), max_size=6), max_size=4)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(batches(spelt), st.sampled_from([pa.string(), pa.large_string()]))
@example([[("1", "2")], [("1", "a"), ("2", "x" * 16)], [("x" * 16, "01")]], pa.string())
@example([[("a", "a\0"), ("a" * 7 + "\0", "a" * 7)]], pa.string())
@example([[("-9223372036854775808", "5")]], pa.string())
def test_words_and_numbers_in_any_batches(given_batches, kind):
    check(given_batches, kind)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(batches(numbers))
def test_whole_numbers_are_spelt(given_batches):
    check(given_batches, pa.int64())


def test_numbers_above_int64_are_words():
    check([[(1, 2), (2**64 - 1, 2**63)]], pa.uint64())


@pytest.mark.parametrize(
    "spell", [lambda i: i, lambda i: i * 2**40, lambda i: f"{i:x}", lambda i: f"someone{i * 7919:012d}"]
)
def test_many_names_over_several_rounds_of_hashing(spell):
    draws = np.random.default_rng(0).integers(0, 150_000, (100_000, 2)).tolist()
    pairs = [(spell(u), spell(v)) for u, v in draws]
    check([pairs[:60_000], pairs[60_000:]], pa.string() if isinstance(spell(0), str) else pa.int64())


def test_memory_set_aside_changes_nothing_and_slices_are_read_as_slices():
    words = pa.array(["zero", "one", "two", "a name of many bytes", "one"])
    ends = Ends(1)
    ends.add(words[1:3], words[2:4])
    ends.add(words[3:], words[:2])
    edges, names = ends.finish()
    assert edges.tolist() == [[0, 1], [1, 2], [2, 3], [0, 0]]
    assert names == ("one", "two", "a name of many bytes", "zero")


def test_names_are_a_sequence():
    for names in (Names(np.array([3, 1, 2])), Names.of(["3", "1", "2"])):
        assert (names[0], names[-1], list(names[1:]), len(names)) == ("3", "2", ["1", "2"], 3)
        assert names.take(np.array([2, 0])) == ("2", "3")
        assert "1" in names and names != ("3", "1")
    assert Names(np.array([3, 1])).arrow(numbers=True).equals(pa.array([3, 1]))
