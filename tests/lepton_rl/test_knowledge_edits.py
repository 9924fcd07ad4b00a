"""Edits of a file of facts: applied and taken back byte for byte, in every spelling; broken ones refused by line."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lepton_rl.data import DataError
from lepton_rl.data.knowledge.applying import apply_edits, reverse_edits
from lepton_rl.data.knowledge.diff import Claim, as_rows, make_diff, read_diff
from lepton_rl.data.knowledge.rdf_diff import as_sparql, changes
from lepton_rl.data.knowledge.statements import read_statements
from lepton_rl.data.source import Source

quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)

IRIS = ["<http://x/a>", "<http://x/b#c>", "<http://x/\\u00e9>", "<http://x/é>", "<urn:x-name:Trinidad%20and%20Tobago>",
        "<http://x/a%22b>", "<x:\\U0001F600>", "<x:\\u0020>"]  # fmt: skip
BLANKS = ["_:b0", "_:é.1", "_:b"]
LITERALS = ['"plain"', '"with \\"quotes\\""', '"tab\\tline\\nend\\\\"', '"hallo"@de', '"hallo"@DE-at', '"\\u00fc"@fr',
            '"5"^^<http://www.w3.org/2001/XMLSchema#integer>', '"plain"^^<http://www.w3.org/2001/XMLSchema#string>',
            '""', '"\\\\u0041"', '"\\u0007bell"', '"a\tb"', '"#no comment . "']  # fmt: skip
NAMES = ["anna", "Trinidad and Tobago", 'the "best"', "a,b", "é", "x\\y", "\\n", "=1+1", "#c", "head", "_:b0", "'"]


@st.composite
def ntriples(draw):
    """A file of N-Triples as people and programs write it."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    term = st.sampled_from(IRIS + BLANKS)
    lines = []
    for _ in range(draw(st.integers(2, 9))):
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(st.sampled_from(["", "  ", "# <x:a> <x:p> <x:b> .", "\t# said\ttwice"])))
            continue
        s, p = draw(term), draw(st.sampled_from(IRIS))
        o = draw(st.sampled_from(IRIS + BLANKS + LITERALS))
        gap, tail = draw(st.sampled_from([" ", "\t", "  "])), draw(st.sampled_from([" .", ".", " . # why", "\t."]))
        lines.append(f"{s}{gap}{p}{gap}{o}" + (" " + tail.lstrip() if o in BLANKS else tail))
    lines.insert(0, "<http://x/a> <x:p> <http://x/b#c> .")
    lines += draw(st.lists(st.sampled_from(lines), max_size=2))
    text = end.join(lines) + draw(st.sampled_from(["", end, end * 2]))
    return draw(st.sampled_from(["", "\ufeff"])) + text, "nt"


@st.composite
def tables(draw):
    """A table of facts: by tabs, commas or blanks, with or without a header, quotes and further columns."""
    kind = draw(st.sampled_from(["tab", "comma", "blank"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    mark = {"tab": "\t", "comma": ",", "blank": " "}[kind]
    names = [name for name in NAMES if kind != "blank" or not {" ", ","} & {*name}]
    if kind == "comma" and draw(st.booleans()):
        names = [*names, "two\nlines"]

    def cell(name):
        bare = kind != "comma" or not re.search('[",\r\n]', name)
        return name if bare and draw(st.integers(0, 3)) else '"' + name.replace('"', '""') + '"'

    word = st.sampled_from(names)
    rows = draw(st.lists(st.tuples(word, st.sampled_from(["knows", "is in"]), word),
                         min_size=2, max_size=8))  # fmt: skip
    if kind == "blank":
        rows = [(h, r.replace(" ", "_"), t) for h, r, t in rows]
    rows += draw(st.lists(st.sampled_from(rows), max_size=2))
    header, wide = draw(st.booleans()), kind == "comma" and draw(st.booleans())
    lines = [mark.join(map(cell if kind == "comma" else str, row)) for row in rows]
    if wide:
        lines, header = [f"{line},{i}" for i, line in enumerate(lines)], True
    if header:
        lines.insert(0, mark.join(["subject", "predicate", "object", *["since"] * wide]))
    if draw(st.booleans()):
        lines.insert(len(lines) // 2 + 1, "")
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    return draw(st.sampled_from(["", "\ufeff"])) + text, "csv" if kind == "comma" else "tsv"


def drawn_diff(data, text, format):
    """A source, its statements, and edits of it that went through their table, as a curator may have left that."""
    source = Source(Path(f"g.{format}"), text.encode())
    statements = read_statements(source, format)
    there = list(statements.places())
    deleted = data.draw(st.lists(st.sampled_from(there), unique=True, max_size=len(there)))
    # A literal is nothing that solve would add; by hand it may be.
    words = [sorted({fact[i] for fact in there if format != "nt" or fact[i][0] != '"'}) for i in range(3)]
    new = st.tuples(*map(st.sampled_from, (words[0], words[1], sorted({*words[0], *words[2]}))))
    added = [fact for fact in data.draw(st.lists(new, unique=True, max_size=4)) if fact not in there]
    diff = make_diff(source, format, statements, claims(statements, added), claims(statements, deleted))
    rows = as_rows(diff).split("\n")[:-1]
    if not any('"' in row for row in rows):  # else a row may go over several lines
        body = data.draw(st.permutations(rows[2:]))[: data.draw(st.integers(0, len(rows)))]
        rows = [*rows[:2], *(data.draw(st.sampled_from([row, row.replace("apply", "reject", 1)])) for row in body)]
    kept = "\n".join(rows) + "\n"
    end = data.draw(st.sampled_from(["\n", "\r\n"])) if '"' not in kept else "\n"
    return source, statements, read_diff(Source(Path("edits.tsv"), kept.replace("\n", end).encode()))


def claims(statements, facts):
    names = dict.fromkeys(tuple(map(statements.name, fact)) for fact in facts)
    return [Claim(name, 0.5, 0.9, "x –r→ y") for name in names]


@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.fuzz)])
def test_edits_applied_and_taken_back_leave_the_same_bytes(count):
    settings(quick, max_examples=count)(there_and_back)()


@given(st.data(), st.one_of(ntriples(), tables()))
def there_and_back(data, made):
    source, statements, diff = drawn_diff(data, *made)
    places = statements.places()
    gone = {i for edit in diff.chosen("delete") for i in places[edit.fact].values()}
    wanted = {fact for fact in places if not {*places[fact].values()} & gone} | {e.fact for e in diff.chosen("add")}
    try:
        new = apply_edits(source, diff)
    except DataError as error:
        assert not wanted or "would not read as meant" in str(error) or "could not be read" in str(error)
        assume(False)
    edited = Source(source.path, new)
    assert reverse_edits(edited, diff) == source.data
    assert set(read_statements(edited, made[1]).places()) == wanted
    kept = [line for i, line in enumerate(statements.lines) if i not in gone]
    assert new.startswith(b"".join(kept))  # in their order, as they stood
    if diff.chosen("add") or diff.chosen("delete"):
        with pytest.raises(DataError, match="already: --reverse takes them back"):
            apply_edits(edited, diff)
        with pytest.raises(DataError, match="no edits to take back"):
            reverse_edits(source, diff)


GRAPH = """<http://x/a> <http://x/p> <http://x/b> .
# people
<http://x/b>  <http://x/p> <http://x/c>. # twice
<http://x/b> <http://x/says> "tab\\t\\u00fc \\\\u0041 \\"q\\""@de .
<http://x/b> <http://x/p> <http://x/c> .
_:n <http://x/p> <http://x/a> ."""


def example(adds=(), deletes=(("http://x/b", "http://x/p", "http://x/c"),), text=GRAPH, format="nt"):
    source = Source(Path(f"g.{format}"), text.encode())
    statements = read_statements(source, format)
    made = [[Claim(fact, 0.25, 0.9, "why") for fact in facts] for facts in (adds, deletes)]
    return source, make_diff(source, format, statements, *made)


def test_a_row_is_a_fact_with_all_of_its_lines():
    source, diff = example(adds=[("http://x/a", "http://x/p", "http://x/c"), ("_:n", "http://x/p", "http://x/b")])
    first, names, deleted, added, blank = as_rows(diff).splitlines()
    assert first.startswith("# lepton-rl edits 1\tformat nt\tline ends lf\tsha256 ") and "\tof g.nt\tby" in first
    assert names.split("\t")[:5] == ["decision", "op", "head", "relation", "tail"]
    assert deleted.split("\t") == [
        "apply", "delete", "<http://x/b>", "<http://x/p>", "<http://x/c>", "0.25", "0.9000", "why", "3 5",
        "<http://x/b>  <http://x/p> <http://x/c>. # twice\\n<http://x/b> <http://x/p> <http://x/c> .\\n",
    ]  # fmt: skip
    assert added.split("\t")[:5] == ["apply", "add", "<http://x/a>", "<http://x/p>", "<http://x/c>"]
    assert blank.split("\t")[2] == "_:n" and blank.endswith("why\t\t")
    lines = GRAPH.split("\n")
    assert apply_edits(source, diff).decode().split("\n") == [  # no line end at the end, as before
        lines[0], lines[1], lines[3], lines[5],
        "<http://x/a> <http://x/p> <http://x/c> .", "_:n <http://x/p> <http://x/b> .",
    ]  # fmt: skip


def test_a_literal_may_be_added_by_hand_and_is_taken_for_no_entity():
    text = '<a:b> <a:p> <urn:x-name:%22x%22> .\n<a:c> <a:p> "x" .\n'
    source, diff = example([("a:c", "a:p", '"x"')], [], text)
    assert diff.edits[0].fact == ("<a:c>", "<a:p>", "<urn:x-name:%22x%22>")
    rows = as_rows(diff).split("\n")
    rows[2] = 'apply\tadd\t<a:b>\t<a:says>\t"""\\u00fc"" ""@de\t\t\t\t\t'.replace('"" ""@de', '""@de"')
    new = apply_edits(source, read_diff(Source(Path("e.tsv"), "\n".join(rows).encode())))
    assert new.decode() == text + '<a:b> <a:says> "ü"@de .\n'


def test_a_table_keeps_its_columns_quotes_and_line_ends():
    text = 'id,head,relation,tail\r\n1,anna,knows,"bo, the\r\nsecond"\r\n\r\n2,bo,knows,anna\r\n'
    bo = "bo, the\r\nsecond"
    source, diff = example([(bo, "knows", "anna")], [("anna", "knows", bo)], text, "csv")
    diff = read_diff(Source(Path("e.tsv"), as_rows(diff).encode()))
    assert diff.edits[0].lines == (2,)
    new = apply_edits(source, diff)
    assert new == b'id,head,relation,tail\r\n\r\n2,bo,knows,anna\r\n,"bo, the\r\nsecond",knows,anna\r\n'
    assert reverse_edits(Source(source.path, new), diff) == source.data


def edited(diff, change):
    rows = as_rows(diff).split("\n")
    change(rows)
    return Source(Path("e.tsv"), "\n".join(rows).encode())


def cells(number, **values):
    def change(rows):
        names, row = rows[1].split("\t"), rows[number].split("\t")
        for name, value in values.items():
            row[names.index(name)] = value
        rows[number] = "\t".join(row)

    return change


def put(number, text):
    return lambda rows: rows.insert(number, text) if text else rows.pop(number)


@pytest.mark.parametrize(("change", "message"), [
    (put(0, "head\trelation\ttail"), "e.tsv:1: no edits"),
    (lambda rows: rows.clear(), "e.tsv:1: no edits of this tool"),
    (lambda rows: rows.__setitem__(0, rows[0].replace("edits 1", "edits 2")), "e.tsv:1: no edits of this tool"),
    (lambda rows: rows.__setitem__(0, rows[0].replace("sha256 ", "sha256 x")), "e.tsv:1: no edits of this tool"),
    (lambda rows: rows.__setitem__(1, rows[1].replace("tail", "tial")), "e.tsv:2: no column 'tail', or two. Did you"),
    (put(3, "apply\tadd\ta"), "e.tsv:4: 3 cells where the columns are 10"), (put(2, '"open'), "e.tsv:3: unexp"),
    (cells(2, decision="maybe"), "e.tsv:3: decision 'maybe': give apply or reject"),
    (cells(3, op="insert"), "e.tsv:4: op 'insert': give add or delete"), (cells(3, tail=""), "e.tsv:4: a fact has"),
    (cells(3, line="7"), "e.tsv:4: line '7' and source '': leave line and source empty"),
    (cells(2, line="three"), "e.tsv:3: line 'three'"), (cells(2, source="\\x"), "e.tsv:3: line '3 5' and source"),
    (cells(2, line="5 3"), "e.tsv:3: lines (5, 3) are not in ascending order"),
    (lambda rows: rows.insert(3, rows[2]), "e.tsv:4: the fact of line 3 again"),
    (cells(2, line="3"), "e.tsv:3: the fact stands on line 3 5 of g.nt"),
    (cells(2, source="<http://x/b> <http://x/p> <http://x/c> .\\n"), "e.tsv:3: the fact stands on line 3 5"),
    (cells(2, head="<http://x/z>"), "e.tsv:3: no such fact in g.nt"),
    (cells(3, head="<http://x/a>", tail="<http://x/b>"), "e.tsv:4: g.nt states that already on line 1"),
    (cells(3, tail="<http://x/\\u0062>", head="<http://x/a>"), "e.tsv:4: g.nt states that already on line 1"),
    (cells(3, tail="http://x/b"), "e.tsv:4: <http://x/a> <http://x/p> http://x/b: no terms of N-Triples"),
    (cells(3, head='"x"@de'), "e.tsv:4"), (cells(3, tail="<a:b> . # <c:d>"), "no terms of N-Triples"),
    (cells(3, tail='""\\ud800""'), "e.tsv:4"),
    (lambda rows: rows.insert(4, rows[3].replace("/c>", "/\\u0063>")), "e.tsv:5: another row adds the same fact"),
])  # fmt: skip
def test_a_broken_row_is_named_and_refused(change, message):
    source, diff = example(adds=[("http://x/a", "http://x/p", "http://x/c")])
    with pytest.raises(DataError, match=re.escape(message)):
        apply_edits(source, read_diff(edited(diff, change)))


def test_rows_rejected_or_removed_stay_undone_and_further_columns_are_left_out():
    source, diff = example(adds=[("http://x/a", "http://x/p", "http://x/c")])

    def change(rows):
        cells(2, decision="reject")(rows)
        rows[1:4] = [f"note\t{row}\t\t" if i else f"note\t{row}" for i, row in enumerate(rows[1:4])]

    read = read_diff(edited(diff, change))
    new = apply_edits(source, read)
    assert new == source.data + b"\n<http://x/a> <http://x/p> <http://x/c> ."
    with pytest.raises(DataError, match=r"other decisions|does not end with"):
        reverse_edits(Source(source.path, new), diff)
    assert apply_edits(source, read._replace(edits=[])) == source.data


def test_other_versions_are_refused_both_ways_and_both_are_named():
    source, diff = example(adds=[("http://x/a", "http://x/p", "http://x/c")])
    other = Source(Path("h.nt"), source.data + b"\n")
    with pytest.raises(DataError, match=rf"edits.tsv:1 is for g.nt with SHA-256 {diff.sha256[:16]}…, and h.nt has"):
        apply_edits(other, diff)
    new = apply_edits(source, diff)
    with pytest.raises(DataError, match="it is of another version"):
        reverse_edits(Source(Path("h.nt"), new.replace(b"# people", b"# persons")), diff)
    with pytest.raises(DataError, match="it is of another version"):
        reverse_edits(Source(Path("h.nt"), new + b"\n# more\n"), diff)


def test_what_would_be_read_otherwise_is_refused():
    first, later = ("a", "r", "b"), ("head", "relation", "tail")
    source, diff = example(deletes=[first], text="a\tr\tb\nhead\trelation\ttail\nc\tr\td\n", format="tsv")
    with pytest.raises(DataError, match="looks like a header"):
        apply_edits(source, diff)
    source, diff = example(deletes=[first, later], text="a\tr\tb\nhead\trelation\ttail\n", format="tsv")
    with pytest.raises(DataError, match=r"no fact of .* would be left"):
        apply_edits(source, diff)
    source, diff = example(adds=[("a", "r", "c d")], deletes=[], text="a\tr\tb\nb\tr\tc d\n", format="tsv")
    assert apply_edits(source, diff).endswith(b"\na\tr\tc d\n")
    with pytest.raises(DataError, match="is turtle, whose facts"):
        read_statements(Source(Path("g.ttl"), b"<a:b> <a:c> <a:d> ."), "turtle")


def test_rdf_edits_say_the_same():
    rdflib = pytest.importorskip("rdflib")
    isomorphic = pytest.importorskip("rdflib.compare").isomorphic
    says = ("http://x/b", "http://x/says", '"tab\\tü \\\\u0041 \\"q\\""@de')
    gone = [says, ("http://x/a", "http://x/p", "http://x/b")]
    source, diff = example([("http://x/a", "http://x/p", "http://x/c")], gone)
    text, left = as_sparql(diff)
    graph, wanted = rdflib.Graph(), rdflib.Graph()
    graph.parse(data=source.data, format="nt")
    graph.update(text)
    wanted.parse(data=apply_edits(source, diff), format="nt")
    assert left == 0 and len(graph) == 3
    assert isomorphic(graph, wanted)
    before, plus, minus = rdflib.Graph(), rdflib.Graph(), rdflib.Graph()
    before.parse(data=source.data, format="nt")
    plus.parse(data=changes(diff, "add"), format="nt")
    minus.parse(data=changes(diff, "delete"), format="nt")
    assert (len(plus), len(minus)) == (1, 2)
    assert isomorphic(before - minus + plus, wanted)


@settings(quick, max_examples=20)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12))
def test_any_text_survives_sparql(value):
    rdflib = pytest.importorskip("rdflib")
    spelt = re.sub(r'["\\\n\t\x00-\x1f]', lambda m: f"\\u{ord(m[0]):04X}", value)
    text = f'<a:b> <a:c> "{spelt}" .\n<a:b> <a:c> <a:d> .\n'
    statements = read_statements(Source(Path("g.nt"), text.encode()), "nt")
    (term,) = (fact[2] for fact in statements.facts if fact and fact[2].startswith('"'))
    _, diff = example([], [("a:b", "a:c", term)], text)
    graph = rdflib.Graph().parse(data=text, format="nt")
    graph.update(as_sparql(diff)[0])
    assert len(graph) == 1


def test_blank_nodes_are_left_out_of_sparql_and_names_of_tables_become_iris():
    text, left = as_sparql(example(deletes=[("_:n", "http://x/p", "http://x/a")])[1])
    assert left == 1 and "  # left out: _:n <http://x/p> <http://x/a> .\n" in text
    diff = example([("bo", "r", "anna b")], [], "anna b\tr\tbo\nbo\tr\tbo\n", "tsv")[1]
    assert changes(diff, "add") == "<urn:x-name:bo> <urn:x-name:r> <urn:x-name:anna%20b> .\n"
