"""Questions in words: which entity they begin at, and which relations they follow."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lepton_rl.data import KnowledgeGraph
from lepton_rl.registry import near_match

__all__ = ["Chain", "parse"]

_FORM = "write e.g. 'France borders ?', 'France borders ? has_capital ?' or '? borders France and ? in_region Europe'"


class Chain(NamedTuple):
    """Relations in [0, 2R) to follow one after the other from an entity; r + R is the inverse of r."""

    entity: int
    relations: tuple[int, ...]


class _Names:
    """Slots by name; where case and underscores alone differ, by those too."""

    def __init__(self, what: str, names: Sequence[str]) -> None:
        self.what, self.names = what, list(names)
        self.slots = {name: slot for slot, name in enumerate(self.names)}
        self.plain: dict[str, int] = {}
        for slot, name in enumerate(self.names):
            self.plain.setdefault(_plain(name), slot)

    def find(self, words: Sequence[str]) -> int | None:
        """The slot of the name that ``words`` spell, if there is one."""
        name = " ".join(words)
        return self.slots.get(name, self.plain.get(_plain(name)))

    def get(self, words: Sequence[str]) -> int:
        """The slot of the name that ``words`` spell.

        Raises:
            ValueError: there is none; a near match is named.
        """
        found, name = self.find(words), " ".join(words)
        if found is None:
            raise ValueError(f"no {self.what} '{name}' in the graph.{near_match(name, self.names)}{self._few()}")
        return found

    def _few(self) -> str:
        return f" Relations: {', '.join(self.names[:20])}." if self.what == "relation" else ""


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").strip()


def parse(text: str, graph: KnowledgeGraph) -> list[Chain]:
    """The chains of a question, whose answers are what they have in common.

    Parts are joined by "and" or ";". Each begins with an entity and ends with "?", or the other way round, with
    relations and further "?" in between. Names are as the graph has them, in double quotes where they could be read
    otherwise.

    Raises:
        ValueError: a part that is no chain, an unknown name (with a near match), or a relation without a fact.
    """
    entities, relations = _Names("entity", graph.entities), _Names("relation", graph.relations)
    chains = [_chain(part, text, entities, relations) for part in _parts(text)]
    used = np.bincount(graph.triples[:, 1], minlength=graph.num_relations)
    for relation in {relation % graph.num_relations for chain in chains for relation in chain.relations}:
        if not used[relation]:
            name = graph.relations[relation]
            raise ValueError(f"no fact of {graph.name} has the relation '{name}': ask for another.")
    return chains


def _parts(text: str) -> list[list[str]]:
    """Words of each part.

    Names may hold "and" too: what has no "?" belongs to the part before if an entity ends that, else to the next.
    """
    parts: list[list[str]] = []
    for words in re.split(r"\s+(and)\s+|\s*;\s*", text.strip(), flags=re.IGNORECASE)[::2]:
        found = [quoted or word for quoted, word in re.findall(r'"([^"]+)"|(\S+)', words)]
        if parts and ("?" not in parts[-1] or ("?" not in found and parts[-1][0] == "?")):
            parts[-1] += ["and", *found]
        else:
            parts.append(found)
    return parts


def _chain(words: list[str], text: str, entities: _Names, relations: _Names) -> Chain:
    marks = [i for i, word in enumerate(words) if word == "?"]
    if not marks or (marks[0] == 0) == (marks[-1] == len(words) - 1):
        raise ValueError(f"'{text}' is no question: {_FORM}.")
    backwards = marks[0] == 0
    cuts = [*marks, len(words)] if backwards else [-1, *marks]
    groups = [words[a + 1 : b] for a, b in pairwise(cuts)]
    if not all(groups):
        raise ValueError(f"'{text}' lacks a relation between two '?': {_FORM}.")
    place = -1 if backwards else 0
    relation, entity = _split(groups[place], backwards, text, entities, relations)
    others = [relations.get(group) for group in (groups[:-1] if backwards else groups[1:])]
    R = len(relations.names)
    if backwards:  # from the entity at the end, against every relation
        return Chain(entity, tuple(r + R for r in (relation, *reversed(others))))
    return Chain(entity, (relation, *others))


def _split(words: list[str], backwards: bool, text: str, entities: _Names, relations: _Names) -> tuple[int, int]:
    """The relation and the entity that a part's words name together, wherever one ends and the other begins."""
    cuts = range(1, len(words))
    pairs = [(words[:i], words[i:]) if backwards else (words[i:], words[:i]) for i in cuts]
    if not pairs:
        raise ValueError(f"'{' '.join(words)}' in '{text}' must name an entity and a relation: {_FORM}.")
    found = [(relations.find(r), entities.find(e)) for r, e in pairs]
    for relation, entity in found:
        if relation is not None and entity is not None:
            return relation, entity
    known = next((i for i, one in enumerate(found) if one != (None, None)), 0 if backwards else len(pairs) - 1)
    return relations.get(pairs[known][0]), entities.get(pairs[known][1])
