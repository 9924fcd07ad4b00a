"""Short names for IRIs."""

from collections import Counter
from dataclasses import replace

from lepton_rl.data.knowledge.graph import KnowledgeGraph
from lepton_rl.data.names import Names

__all__ = ["shortened"]


def _local(iri: str) -> str:
    """What follows the last # or / of an IRI; the whole where nothing does, and for what is no IRI."""
    if "://" not in iri:
        return iri
    return iri[max(iri.rfind("#"), iri.rfind("/")) + 1 :] or iri


def _short(names: Names) -> Names:
    """Local names where no other is called so."""
    local = [_local(name) for name in names]
    taken = Counter(local)
    taken.update(set(names))  # a whole name stays reserved for its owner
    unique = (short if short == name or taken[short] == 1 else name for short, name in zip(local, names, strict=True))
    return Names.of(unique)


def shortened(graph: KnowledgeGraph) -> KnowledgeGraph:
    """The graph with entities, relations and columns of data named by what follows the last # or / of their IRIs.

    Names that would not be unique stay whole, which the report counts.
    """
    entities, relations, data = _short(graph.entities), _short(graph.relations), graph.entity_data
    if data is not None:
        data = data.rename_columns(list(_short(Names.of(data.column_names))))
    short = replace(graph, entities=entities, relations=relations, entity_data=data)
    kept = sum("://" in name for name in (*entities, *relations))
    return short.reported(f"IRIs shortened, {kept} kept whole to stay unique")
