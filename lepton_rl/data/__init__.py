"""Graphs in, results out: files, generators and named data sets as graphs that keep the user's node names.

Nothing here imports jax until :meth:`NamedGraph.to_bitgraph` is called. Splits are in ``lepton_rl.data.splits``, parts
of graphs in ``lepton_rl.data.parts``, encoders of attributes in ``lepton_rl.data.encoding``.
"""

from lepton_rl.data.arrays import load_graph_arrays
from lepton_rl.data.cleaning import Cleaning
from lepton_rl.data.edge_table import Columns
from lepton_rl.data.edits import write_edits_csv
from lepton_rl.data.foreign import from_networkx, from_table, to_tables
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
from lepton_rl.data.pyg import from_pyg, to_pyg
from lepton_rl.data.readers import FORMATS, read_graph
from lepton_rl.data.sets import NAMED, load
from lepton_rl.data.source import DataError
from lepton_rl.data.writers import write_graph

__all__ = [
    "FAMILIES", "FORMATS", "GENERATORS", "NAMED", "Cleaning", "Columns", "DataError", "EdgeBatch", "KnowledgeGraph",
    "NamedGraph", "TripleSplits", "from_networkx", "from_pyg", "from_table", "generate", "load", "load_graph_arrays",
    "read_graph", "read_knowledge", "read_splits", "stream", "to_pyg", "to_tables", "write_edits_csv", "write_graph",
    "write_knowledge", "write_splits",
]  # fmt: skip
