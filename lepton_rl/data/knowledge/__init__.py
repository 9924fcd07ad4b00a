"""Knowledge graphs: facts (head, relation, tail) in the user's own names, from files and back."""

from lepton_rl.data.knowledge.foreign import from_networkx, from_table, from_triples_factory
from lepton_rl.data.knowledge.graph import KnowledgeGraph, TripleSplits
from lepton_rl.data.knowledge.reading import KNOWLEDGE_FORMATS, read_knowledge, read_splits
from lepton_rl.data.knowledge.triples import TripleColumns
from lepton_rl.data.knowledge.writing import write_knowledge, write_splits

__all__ = [
    "KNOWLEDGE_FORMATS", "KnowledgeGraph", "TripleColumns", "TripleSplits", "from_networkx", "from_table",
    "from_triples_factory", "read_knowledge", "read_splits", "write_knowledge", "write_splits",
]  # fmt: skip
