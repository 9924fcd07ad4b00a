import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lepton_rl.ranges import expand


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), max_size=12))
def test_ranges_are_those_of_a_loop(ranges):
    starts, counts = np.array(ranges, np.int64).reshape(-1, 2).T
    rows, places = expand(starts, counts)
    loop = [(row, start + i) for row, (start, count) in enumerate(ranges) for i in range(count)]
    assert list(zip(rows.tolist(), places.tolist(), strict=True)) == loop
