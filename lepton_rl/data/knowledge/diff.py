"""Edits of a file of facts as a table that a curator decides on row by row.

The first row says which version of which file the edits are for, the second names the columns, each further one is a
fact to add or to delete. A deleted fact comes with its lines as they stand in the file, so that they can be put back.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lepton_rl import __version__
from lepton_rl.data.knowledge.statements import Fact, Statements
from lepton_rl.data.source import DataError, Source
from lepton_rl.registry import near_match

__all__ = ["COLUMNS", "Claim", "Diff", "Edit", "as_rows", "digest", "make_diff", "read_diff"]

COLUMNS = ("decision", "op", "head", "relation", "tail", "score", "confidence", "evidence", "line", "source")
_MARK = "# lepton-rl edits 1"
_ENDS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
_SPELT = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_PLAIN = {spelt: plain for plain, spelt in _SPELT.items()}
_ESCAPED = re.compile(r"(?:[^\\]|\\[\\tnr])*", re.DOTALL)
_HASH = re.compile(r"sha256 ([0-9a-f]{64})")
_LINES = re.compile(r"[1-9][0-9]{0,17}(?: [1-9][0-9]{0,17})*")


class Claim(NamedTuple):
    """A fact, in the names of the graph, that is missing or wrong.

    Attributes:
        score: what it was ranked by. ``confidence``: how likely the edit is right, in [0, 1]. ``evidence``: in words.
    """

    fact: Fact
    score: float
    confidence: float
    evidence: str = ""


class Edit(NamedTuple):
    """One row.

    Attributes:
        op: "add" or "delete". ``fact``: in the words of the file's format. ``apply``: what the curator decided.
        score, confidence, evidence: for the curator. ``lines``: where the file states a fact to delete, from 1.
        source: these lines as they stand, with their line ends. ``row``: line in the table of edits.
    """

    op: str
    fact: Fact
    apply: bool = True
    score: str = ""
    confidence: str = ""
    evidence: str = ""
    lines: tuple[int, ...] = ()
    source: str = ""
    row: int = 0


class Diff(NamedTuple):
    """Edits of one version of one file.

    Attributes:
        path: where the table is. ``graph``: the name of the file. ``format``: its format. ``end``: its line end.
        sha256: of its content, unpacked. ``edits``: the rows.
    """

    path: Path
    graph: str
    format: str
    end: str
    sha256: str
    edits: list[Edit]

    def at(self, edit: Edit) -> str:
        """``file:line`` of a row, for messages."""
        return f"{self.path}:{edit.row}"

    def chosen(self, op: str) -> list[Edit]:
        """The rows to apply of one kind."""
        return [edit for edit in self.edits if edit.apply and edit.op == op]


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def make_diff(
    source: Source, format: str, statements: Statements, adds: Iterable[Claim], deletes: Iterable[Claim]
) -> Diff:
    """The edits that claims about a file of facts come to, those to delete first.

    Args:
        source: the file. ``format``: its format. ``statements``: its lines.

    Raises:
        DataError: a fact to delete is not there, or a fact to add does not fit the format.
    """
    places, words, facts = statements.places(), dict[str, str](), dict[Fact, list[Fact]]()
    for fact in places:
        facts.setdefault(_named(statements, fact), []).append(fact)
        literal = format == "nt" and fact[2].startswith('"')  # no entity, though one may be called so
        words |= {statements.name(word): word for word in (fact[:2] if literal else fact)}
    edits = []
    for claim in deletes:
        for fact in facts[claim.fact]:
            lines = places[fact]
            text = b"".join(statements.lines[i] for i in lines.values()).decode()
            edits.append(Edit("delete", fact, *_said(claim), lines=tuple(lines), source=text))
    new = [(claim, (words[claim.fact[0]], words[claim.fact[1]], words[claim.fact[2]])) for claim in adds]
    for (claim, _), spelt in zip(new, statements.spell([fact for _, fact in new]), strict=True):
        if isinstance(spelt, DataError):
            raise spelt
        edits.append(Edit("add", spelt[0], *_said(claim)))
    return Diff(Path("edits.tsv"), source.path.name, format, _end(source.data), digest(source.data), edits)


def _said(claim: Claim) -> tuple[bool, str, str, str]:
    return True, f"{claim.score:.6g}", f"{claim.confidence:.4f}", claim.evidence


def _named(statements: Statements, fact: Fact) -> Fact:
    head, relation, tail = map(statements.name, fact)
    return head, relation, tail


def _end(data: bytes) -> str:
    found = re.search(rb"\r\n|\n|\r", data)
    return found[0].decode() if found else "\n"


def as_rows(diff: Diff) -> str:
    """The table as text, its cells between tabs."""
    end = next(name for name, end in _ENDS.items() if end == diff.end)
    version = (f"sha256 {diff.sha256}", f"of {diff.graph}", f"by lepton-rl {__version__}")
    rows = [(_MARK, f"format {diff.format}", f"line ends {end}", *version), COLUMNS]
    for edit in diff.edits:
        decision, lines = ("apply" if edit.apply else "reject"), " ".join(map(str, edit.lines))
        source = re.sub(r"[\\\t\n\r]", lambda match: _SPELT[match[0]], edit.source)
        said = (edit.score, edit.confidence, edit.evidence)
        rows.append((decision, edit.op, *edit.fact, *said, lines, source))
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'["\t\r\n]', text) else text


def read_diff(source: Source) -> Diff:
    """The edits in a table as :func:`as_rows` writes it, and as a spreadsheet or an editor leaves it.

    Rows may be gone, sorted or marked "reject"; further columns are left out.

    Raises:
        DataError: not such a table, or a row that is no edit; with its line.
    """
    rows = _rows(source)
    line, first = next(rows, (1, []))
    cells = [*first, "", "", "", "", ""]
    end, found = _ENDS.get(cells[2].removeprefix("line ends ")), _HASH.fullmatch(cells[3])
    if cells[0] != _MARK or not cells[1].startswith("format ") or end is None or not found:
        raise DataError(
            f"{source.at(line)}: no edits of this tool: the first row is '{_MARK}', format, line ends, sha256 and file."
        )
    line, names = next(rows, (line + 1, []))
    missing = [name for name in COLUMNS if names.count(name) != 1]
    if missing:
        said = near_match(missing[0], names)
        raise DataError(f"{source.at(line)}: no column '{missing[0]}', or two.{said} Columns: {', '.join(COLUMNS)}.")
    edits = [_edit(source.at(line), line, names, cells) for line, cells in rows]
    _refuse_repeated(source, edits)
    form, graph = cells[1].removeprefix("format "), cells[4].removeprefix("of ")
    return Diff(source.path, graph, form, end, found[1], edits)


def _rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its first line."""
    text = io.StringIO(source.checked().decode(), newline="")
    reader = csv.reader(text, delimiter="\t", strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{source.at(line)}: {error}: check the quotes.") from None


def _edit(at: str, row: int, names: list[str], cells: list[str]) -> Edit:
    if len(cells) < len(names) or any(cells[len(names) :]):
        raise DataError(f"{at}: {len(cells)} cells where the columns are {len(names)}: mend the row or remove it.")
    said = dict(zip(names, cells, strict=False))
    for name, allowed in (("decision", ("apply", "reject")), ("op", ("add", "delete"))):
        if said[name] not in allowed:
            raise DataError(f"{at}: {name} '{said[name]}': give {' or '.join(allowed)}.")
    fact, adds = (said["head"], said["relation"], said["tail"]), said["op"] == "add"
    if not all(fact):
        raise DataError(f"{at}: a fact has a head, a relation and a tail: fill them or remove the row.")
    lines, source = said["line"], said["source"]
    if (lines or source) if adds else not (_LINES.fullmatch(lines) and source and _ESCAPED.fullmatch(source)):
        cure = "leave line and source empty" if adds else "leave line and source as they were written"
        raise DataError(f"{at}: line '{lines}' and source '{source[:80]}': {cure}, or remove the row.")
    numbers = tuple(map(int, lines.split()))
    text = re.sub(r"\\[\\tnr]", lambda match: _PLAIN[match[0]], source)
    told = (said["score"], said["confidence"], said["evidence"])
    return Edit(said["op"], fact, said["decision"] == "apply", *told, lines=numbers, source=text, row=row)


def _refuse_repeated(source: Source, edits: list[Edit]) -> None:
    seen: dict[Fact, Edit] = {}
    for edit in edits:
        first = seen.setdefault(edit.fact, edit)
        if first is not edit:
            raise DataError(
                f"{source.at(edit.row)}: the fact of line {first.row} again ({' '.join(edit.fact)}): keep one of them."
            )
        if list(edit.lines) != sorted({*edit.lines}):
            raise DataError(f"{source.at(edit.row)}: lines {edit.lines} are not in ascending order: leave them so.")
