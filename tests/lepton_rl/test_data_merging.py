"""Edges given more than once: a dictionary of Python's merges them alike."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_rl.data import DataError
from lepton_rl.data.cleaning import Cleaning, RawEdges, clean
from lepton_rl.data.names import Names

COMBINED = {"first": lambda w: w[0], "sum": sum, "mean": lambda w: sum(w) / len(w), "max": max}
slots = st.integers(0, 4)
rows = st.lists(st.tuples(slots, slots, st.sampled_from([1.0, 2.0, 5.0, None])), max_size=25)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rows, st.booleans(), st.sampled_from(list(COMBINED)), st.sampled_from(["drop", "one"]), st.booleans())
def test_merging_is_what_a_dictionary_does(rows, directed, how, missing, whole):
    if whole:
        rows = [(u, v, w or 3) for u, v, w in rows]
    groups = {}
    for i, (u, v, w) in enumerate(rows):
        if u != v and not (w is None and missing == "drop"):
            groups.setdefault((u, v) if directed else (min(u, v), max(u, v)), []).append((i, 1 if w is None else w))
    kind = pa.int64() if whole else pa.float64()
    edges = np.array([row[:2] for row in rows], np.int32).reshape(-1, 2)
    data = pa.table({"weight": pa.array([row[2] for row in rows], kind), "row": pa.array(range(len(rows)), pa.int64())})
    raw = RawEdges(edges, Names(np.arange(5)), str, data)
    policy = Cleaning(directed=directed, duplicates=how, missing_weights=missing)
    if not groups:
        with pytest.raises(DataError, match="no edge"):
            clean("g", raw, policy)
        return
    graph = clean("g", raw, policy)
    assert [tuple(edge) for edge in graph.edges.tolist()] == list(groups)
    assert graph.edge_data["row"].to_pylist() == [group[0][0] for group in groups.values()]
    assert graph.weights.tolist() == pytest.approx([COMBINED[how]([w for _, w in group]) for group in groups.values()])
    merged = sum(len(group) - 1 for group in groups.values())
    reported = [line for line in graph.report if "merged" in line]
    assert sum(int(line.split()[0]) for line in reported) == merged
    assert data["weight"].to_pylist() == [row[2] for row in rows]  # what was handed in stays
