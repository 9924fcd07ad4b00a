"""One type an entity, from what a data set tells of its entities."""

from collections import Counter

import numpy as np
import pyarrow as pa

from lepton_rl.data.knowledge.graph import KnowledgeGraph

__all__ = ["types_of"]

_COLUMNS = ("type", "types", "kind", "class")  # by which names of a column types are found


def types_of(graph: KnowledgeGraph) -> tuple[np.ndarray, tuple[str, ...]]:
    """A number int[N] for the type of each entity, -1 where it has none, and the types' names by number.

    Where entities have lists of types (as in CoDEx), each has the one of its list that most entities have. Data without
    a column "type", "types", "kind" or "class" has no types.
    """
    nobody = np.full(graph.num_entities, -1)
    name = next((name for name in _COLUMNS if graph.entity_data and name in graph.entity_data.column_names), None)
    if name is None or graph.entity_data is None:
        return nobody, ()
    column = graph.entity_data[name]
    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    values = [_listed(value, lists) for value in column.to_pylist()]
    common = Counter(value for some in values for value in some)
    chosen = [min(some, key=lambda value: (-common[value], value)) if some else None for some in values]
    names = sorted({value for value in chosen if value is not None})
    number = {value: slot for slot, value in enumerate(names)}
    return np.array([-1 if value is None else number[value] for value in chosen], np.int64), tuple(names)


def _listed(value: object, lists: bool) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value if one is not None] if lists and isinstance(value, list) else [str(value)]
