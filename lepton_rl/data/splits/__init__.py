"""Splits that can be cited: graphs, edges and facts into training, validation and test, checked for leakage."""

from lepton_rl.data.splits.checks import Exposure, RelationPair, SplitReport, check_splits
from lepton_rl.data.splits.edges import EdgeSplits, split_edges
from lepton_rl.data.splits.graphs import GraphSplits, split_graphs
from lepton_rl.data.splits.shares import fingerprint
from lepton_rl.data.splits.triples import split_triples

__all__ = [
    "EdgeSplits", "Exposure", "GraphSplits", "RelationPair", "SplitReport", "check_splits", "fingerprint",
    "split_edges", "split_graphs", "split_triples",
]  # fmt: skip
