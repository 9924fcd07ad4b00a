"""Graphs in, results out: files, generators and named data sets as graphs that keep the user's node names.

Nothing here imports jax until :meth:`NamedGraph.to_bitgraph` is called.
"""

from lepton_rl.data.arrays import load_graph_arrays
from lepton_rl.data.edits import write_edits_csv
from lepton_rl.data.foreign import from_networkx
from lepton_rl.data.generators import FAMILIES, GENERATORS, EdgeBatch, generate, stream
from lepton_rl.data.knowledge import (
    KnowledgeGraph,
    TripleSplits,
    read_knowledge,
    read_splits,
    write_knowledge,
    write_splits,
)
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.readers import FORMATS, read_graph
from lepton_rl.data.sets import NAMED, load
from lepton_rl.data.source import DataError
from lepton_rl.data.splits import check_splits, split_edges, split_graphs, split_triples

__all__ = [
    "FAMILIES", "FORMATS", "GENERATORS", "NAMED", "DataError", "EdgeBatch", "KnowledgeGraph", "NamedGraph",
    "TripleSplits", "check_splits", "from_networkx", "generate", "load", "load_graph_arrays", "read_graph",
    "read_knowledge", "read_splits", "split_edges", "split_graphs", "split_triples", "stream", "write_edits_csv",
    "write_knowledge", "write_splits",
]  # fmt: skip
