"""Edits applied to a file of facts, and taken back: the same bytes again, or nothing.

Applying takes out the lines of the deleted facts and puts the added ones, sorted, at the end. Taking back cuts the end
off and puts the lines in where they were. Either reads what it is about to hand out, so that it is right or refused.
"""

from lepton_rl.data.knowledge.diff import Diff, digest
from lepton_rl.data.knowledge.statements import Fact, Statements, read_statements
from lepton_rl.data.source import DataError, Source

__all__ = ["apply_edits", "reverse_edits"]


def apply_edits(graph: Source, diff: Diff) -> bytes:
    """The content of a file of facts with the chosen edits.

    Raises:
        DataError: another version of the file, an edit that does not fit it (its row is named), or edits that could
            not be taken back.
    """
    if digest(graph.data) != diff.sha256:
        raise DataError(_foreign(graph, diff))
    before = read_statements(graph, diff.format)
    places = before.places()
    gone = _deleted(before, places, diff)
    added = _added(before, places, diff)
    kept = b"".join(line for i, line in enumerate(before.lines) if i not in gone)
    new = Source(graph.path, _joined(kept, [line for _, line in added], diff.end))
    wanted = {fact for i, fact in enumerate(before.facts) if i not in gone} | {fact for fact, _ in added}
    if not wanted - {None}:
        raise DataError(f"{diff.path}: no fact of {graph.path} would be left: reject some of the deletions.")
    _check(new, graph, wanted, diff)
    return new.data


def reverse_edits(graph: Source, diff: Diff) -> bytes:
    """The content of a file of facts before :func:`apply_edits` with the same table and the same decisions.

    Raises:
        DataError: what comes out is not the version that the table is for.
    """
    if digest(graph.data) == diff.sha256:
        if not any(edit.apply for edit in diff.edits):
            return graph.data
        raise DataError(f"{graph.path} is as {diff.path} found it: there are no edits to take back.")
    restored = _restored(graph, diff)
    if digest(restored) != diff.sha256:
        raise DataError(
            f"{diff.path}:1 is for {diff.graph} with SHA-256 {diff.sha256[:16]}…, and {graph.path} without the edits "
            f"has {digest(restored)[:16]}…: it is of another version, or was made with other decisions."
        )
    return restored


def _foreign(graph: Source, diff: Diff) -> str:
    try:
        applied = digest(_restored(graph, diff)) == diff.sha256
    except DataError:
        applied = False
    if applied:
        return f"{graph.path} has the edits of {diff.path} already: --reverse takes them back."
    return (
        f"{diff.path}:1 is for {diff.graph} with SHA-256 {diff.sha256[:16]}…, and {graph.path} has "
        f"{digest(graph.data)[:16]}…: give that version, or make the edits anew."
    )


def _deleted(before: Statements, places: dict[Fact, dict[int, int]], diff: Diff) -> set[int]:
    """Which lines go.

    Raises:
        DataError: a fact that is not there, or not where the row says.
    """
    gone: set[int] = set()
    for edit in diff.chosen("delete"):
        there = places.get(edit.fact, {})
        text = b"".join(before.lines[i] for i in there.values()).decode()
        if not there:
            raise DataError(f"{diff.at(edit)}: no such fact in {diff.graph} ({' '.join(edit.fact)}): remove the row.")
        if tuple(there) != edit.lines or text != edit.source:
            said = " ".join(map(str, there))
            raise DataError(
                f"{diff.at(edit)}: the fact stands on line {said} of {diff.graph}, not as line and source say: restore "
                "them, or remove the row."
            )
        gone |= {*there.values()}
    return gone


def _added(statements: Statements, places: dict[Fact, dict[int, int]], diff: Diff) -> list[tuple[Fact, bytes]]:
    """The added facts and their lines, sorted by these.

    Raises:
        DataError: a fact that is there already, twice in the table, or does not fit the format.
    """
    found: dict[Fact, bytes] = {}
    edits = diff.chosen("add")
    for edit, spelt in zip(edits, statements.spell([edit.fact for edit in edits]), strict=True):
        if isinstance(spelt, DataError):
            raise DataError(f"{diff.at(edit)}: {spelt}")
        fact, line = spelt
        if fact in places:
            line_number = next(iter(places[fact]))
            raise DataError(f"{diff.at(edit)}: {diff.graph} states that already on line {line_number}: remove the row.")
        if fact in found:
            raise DataError(f"{diff.at(edit)}: another row adds the same fact, spelt otherwise: remove one.")
        found[fact] = line + diff.end.encode()
    return sorted(found.items(), key=lambda item: item[1])


def _joined(kept: bytes, added: list[bytes], end: str) -> bytes:
    """Lines at the end of others; without a line end after the last one where it had none."""
    new, mark = b"".join(added), end.encode()
    if not new or not kept or kept.endswith((b"\n", b"\r")):
        return kept + new
    return kept + mark + new.removesuffix(mark)


def _restored(graph: Source, diff: Diff) -> bytes:
    after = read_statements(graph, diff.format)
    new = b"".join(line for _, line in _added(after, {}, diff))
    kept = graph.data[: len(graph.data) - len(new)]
    if _joined(kept, [new] if new else [], diff.end) != graph.data:
        raise DataError(f"{graph.path} does not end with the facts that {diff.path} adds: it is of another version.")
    lines: dict[int, bytes] = {}
    for edit in diff.chosen("delete"):
        texts = after.split(edit.source.encode())
        if len(texts) != len(edit.lines):
            raise DataError(f"{diff.at(edit)}: {len(edit.lines)} line(s), but a source of {len(texts)}: restore them.")
        lines |= dict(zip(edit.lines, texts, strict=True))
    return _put_back(after.split(kept), lines)


def _put_back(kept: list[bytes], lines: dict[int, bytes]) -> bytes:
    """The lines with others at the numbers where they were."""
    restored: list[bytes] = []
    number, left = 1, iter(kept)
    while True:
        line = lines.pop(number, None)
        line = next(left, None) if line is None else line
        if line is None:
            break
        restored.append(line)
        number += len(line.splitlines())
    return b"".join([*restored, *lines.values()])


def _check(new: Source, old: Source, wanted: set[Fact | None], diff: Diff) -> None:
    """Refuse edits after which the file would be read otherwise, or that could not be taken back."""
    try:
        sound = {*read_statements(new, diff.format).facts} - {None} == wanted - {None}
        sound = sound and _restored(new, diff) == old.data
    except DataError as error:
        raise DataError(f"{diff.path}: with these edits {new.path} could not be read ({error}).") from None
    if not sound:
        raise DataError(
            f"{diff.path}: with these edits {new.path} would not read as meant, or not be taken back, as where a first "
            "row looks like a header or line ends are mixed: reject the edits of its first rows, or save it with one "
            "kind of line end."
        )
