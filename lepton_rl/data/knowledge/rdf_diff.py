"""The same edits for other tools: N-Triples to add and to delete, and a SPARQL 1.1 Update; a statement a line."""

import re

from lepton_rl.data.knowledge.diff import Diff, Edit
from lepton_rl.data.knowledge.rdf import iri_of
from lepton_rl.data.knowledge.statements import Fact

__all__ = ["as_sparql", "changes"]

# SPARQL reads \u before anything else, so that in a text these characters stand for themselves there.
_RAW = re.compile(r"\\u([0-9A-F]{4})")
_BACKSLASH = re.compile(r"(\\\\)+(?=[uU])")
_ODD = re.compile(r'<[^>"]*\\[^>"]*>$')  # an IRI with a character that none may have


def _terms(diff: Diff, edit: Edit) -> Fact:
    """A fact as terms of N-Triples; names of a table that are no IRIs become ``urn:x-name:…``."""
    if diff.format == "nt":
        return edit.fact
    head, relation, tail = edit.fact
    return iri_of(head), iri_of(relation, blank=False), iri_of(tail)


def changes(diff: Diff, op: str) -> str:
    """The statements to "add" or to "delete" as N-Triples."""
    return "".join(f"{' '.join(_terms(diff, edit))} .\n" for edit in diff.chosen(op))


def as_sparql(diff: Diff) -> tuple[str, int]:
    """One update that deletes and inserts, and how many edits it leaves out (as comments).

    Blank nodes have no name outside their file: ``DELETE DATA`` may not hold them (SPARQL 1.1 Update, 2013, §3.1.2),
    and ``INSERT DATA`` would make new ones.
    """
    lines = [f"# Edits of {' '.join(diff.graph.split())}, SHA-256 {diff.sha256}", "# Remove a line to reject it."]
    left = 0
    for op, words in (("delete", "DELETE DATA {"), ("add", "INSERT DATA {")):
        lines.append(words)
        for edit in diff.chosen(op):
            terms = _terms(diff, edit)
            said = f"{' '.join(map(_sparql, terms))} ."
            foreign = any(term.startswith("_:") or _ODD.search(term) for term in terms)
            left += foreign
            lines.append(f"  # left out: {said}" if foreign else f"  {said}")
        lines.append("} ;" if op == "delete" else "}")
    return "\n".join(lines) + "\n", left


def _sparql(term: str) -> str:
    if not term.startswith('"'):
        return term
    text = _RAW.sub(lambda match: match[0] if _is_text(term, match.start()) else chr(int(match[1], 16)), term)
    return _BACKSLASH.sub(lambda match: "\\u005C" * len(match[0]), text)


def _is_text(term: str, start: int) -> bool:
    """Whether the backslash at ``start`` is the second of an escaped one."""
    before = term[:start]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
