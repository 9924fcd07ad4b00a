"""Broken and hostile files in every format: the graph that is stated, or one message with file, line and cure."""

import gzip
import os
import re
import time

import pytest

from lepton_rl.data import FORMATS, read_graph, source
from tests.lepton_rl.hostile import BINARY, EDGES, SAMPLES, read

WANTED = {frozenset(edge) for edge in EDGES}
TEXT = [name for name in FORMATS if name not in BINARY]
BIG = 2**63


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def suffix(name):
    return FORMATS[name].suffixes[0]


def test_every_format_has_a_sample():
    assert set(FORMATS) <= set(SAMPLES)


@pytest.mark.parametrize("name", FORMATS)
def test_samples_are_read_packed_or_not(tmp_path, name):
    assert read(write(tmp_path, f"g{suffix(name)}", SAMPLES[name])) == WANTED
    packed = gzip.compress(SAMPLES[name])
    for file in (f"g{suffix(name)}.gz", f"G{suffix(name).upper()}.GZ", f"h{suffix(name)}"):
        assert read(write(tmp_path, file, packed)) == WANTED


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("how", ["mark", "crlf", "blank lines", "no end"])
def test_harmless_spellings(tmp_path, name, how):
    data = SAMPLES[name]
    data = {"mark": b"\xef\xbb\xbf" + data, "crlf": data.replace(b"\n", b"\r\n"), "blank lines": data + b"\n\r\n\n",
            "no end": data.rstrip(b"\n")}[how]  # fmt: skip
    assert read(write(tmp_path, f"g{suffix(name)}", data)) == WANTED


DAMAGES = {
    "empty": lambda data: b"",
    "blank": lambda data: b"\n\r\n \n",
    "bytes": lambda data: bytes(range(256)) * 40,
    "zeros": lambda data: bytes(5000),
    "zero inside": lambda data: data[: len(data) // 2] + b"\0" + data[len(data) // 2 + 1 :],
    "utf-16": lambda data: data.decode("latin-1").encode("utf-16"),
    "utf-16 without mark": lambda data: data.decode("latin-1").encode("utf-16-le"),
    "packed twice": lambda data: gzip.compress(gzip.compress(data)),
    "packed and cut": lambda data: gzip.compress(data)[:-9],
    "packed and cut early": lambda data: gzip.compress(data)[:5],
    "packed and changed": lambda data: gzip.compress(data)[:-6] + b"123456",
    "packed nothing": lambda data: gzip.compress(b""),
    "packed, then something": lambda data: gzip.compress(data) + b"more",
    "half": lambda data: data[: len(data) // 2 - 3],
    "10 MB in a line": lambda data: b"x" * 10_000_000,
    "a million columns": lambda data: b"1,2 " * 1_000_000,
    "brackets": lambda data: b"[" * 100_000,
    "braces": lambda data: b'{"a":' * 100_000,
    "tags": lambda data: b"<a>" * 100_000,
    "quotes": lambda data: b'"' * 99_999,
    "blanks": lambda data: b" " * 1_000_000,
    "returns": lambda data: b"\r" * 100_000,
    "dictionaries": lambda data: b"a b" + b" {" * 300_000 + b"\r\n",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_give_one_message(tmp_path, name, damage):
    path = write(tmp_path, f"g{suffix(name)}", DAMAGES[damage](SAMPLES[name]))
    before = time.process_time()
    found = read(path)
    assert time.process_time() - before < 20  # no hang; these take a fraction of a second
    # XML says itself that it is UTF-16; formats of one edge a line cannot know that there were more.
    assert isinstance(found, str) or damage in ("utf-16", "utf-16 without mark", "half", "dictionaries")


@pytest.mark.parametrize("name", FORMATS)
def test_a_bomb_is_refused_before_it_fills_memory(tmp_path, monkeypatch, name):
    monkeypatch.setattr(source, "_LARGE", 10**6)
    path = write(tmp_path, f"g{suffix(name)}.gz", gzip.compress(SAMPLES[name] + b"\n" * 20_000_000))
    assert "unpacks to more than" in read(path)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("other", SAMPLES)
def test_one_format_under_the_name_of_another(tmp_path, name, other):
    if other != name:
        assert read(write(tmp_path, f"g{suffix(name)}", SAMPLES[other])) != set()


@pytest.mark.parametrize("name", FORMATS)
def test_folders_and_files_that_are_not_what_their_names_say(tmp_path, name):
    folder = tmp_path / f"folder{suffix(name)}"
    folder.mkdir()
    assert "is a folder" in read(folder)
    assert "not gzip" in read(write(tmp_path, f"g{suffix(name)}.gz", SAMPLES[name]))
    assert "unknown suffix" in read(write(tmp_path, "g.xyz", SAMPLES[name]))
    assert read(tmp_path / "g.xyz", name) == WANTED
    if os.geteuid():
        (tmp_path / "g.xyz").chmod(0)
        assert "permissions" in read(tmp_path / "g.xyz", name)


@pytest.mark.parametrize("prolog", [
    '<!DOCTYPE g [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "]>",
    '<!DOCTYPE g [<!ENTITY a SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE g SYSTEM "http://localhost:9/x.dtd">',
    '<!DOCTYPE g [<!ENTITY % a SYSTEM "http://localhost:9/x.dtd"> %a;]>',
], ids=["bomb", "file", "dtd", "parameter"])  # fmt: skip
def test_entities_are_refused_before_they_are_expanded(tmp_path, prolog):
    data = SAMPLES["graphml"].replace(b"<graph>", b"<graph>&i;&a;")
    path = write(tmp_path, "g.graphml", f"<?xml version='1.0'?>\n{prolog}\n".encode() + data)
    before = time.process_time()
    assert "DOCTYPE" in read(path)
    assert time.process_time() - before < 1


TABLES = [
    ("a,b\r\nb,c\r\n", {"ab", "bc"}),
    ("a,b\rb,c\r", {"ab", "bc"}),
    ("a,b\nb,c\rc,d\n", {"ab", "bc", "cd"}),
    ("a,b\nb,c\n\n  \n", r"t.csv:4: 1 column\(s\)"),
    ("a,b\nb,c,d\n", r"t.csv:2: 3 column\(s\) where line 1 has 2"),
    ("a,b\nb;c\n", r"t.csv:2: 1 column\(s\)"),
    ("a\tb\nb,c\n", "t.csv:2: 1 column"),
    (f"{BIG},{BIG + 1}\n{-BIG - 1},{BIG}\n", {f"{BIG} {BIG + 1}", f"{-BIG - 1} {BIG}"}),
    (f"{BIG - 1},{-BIG}\n0,{BIG - 1}\n", {f"{BIG - 1} {-BIG}", f"0 {BIG - 1}"}),
    ("-1,-2\n-2,3\n", {"-1 -2", "-2 3"}),
    ("007,7\n7,+7\n", {"007 7", "7 +7"}),
    ("0x10,16\n16,1e1\n1e1,1_0\n", {"0x10 16", "16 1e1", "1e1 1_0"}),
    ("nan,null\nnull,NA\nNA,None\n", {"nan null", "null NA", "NA None"}),
    ("source,target\n", "only a header"),
    ("a,b\n,c\n", "t.csv:2: empty source"),
    ("a,b\nc,\n", "t.csv:2: empty target"),
    ("a,b\n\u00a0,c\n", "t.csv:2: empty source"),
    ("\u00e9,e\u0301\n", {"\u00e9 e\u0301"}),
    ('a,b\n"b,c\n', "t.csv:2: .*quote"),
    ('a,b\nb,c"d"\n', {"ab", 'b c"d"'}),
    ('a,b\n"b\nx",c\n', {"ab", "b\nx|c"}),
    ('"a""b",c\n', {'a"b c'}),
    ("source,target,target\na,b,c\n", {"ab"}),
    ("source,target,weight,weight\na,b,1,2\n", {"ab"}),
    ("source,source\na,b\n", {"ab", "source"}),
    ("source,target,weight\na,b,1e999\n", "t.csv:2.*missing weight"),
    ("source,target,weight\na,b,1\nb,c,nan\n", "t.csv:3.*missing weight"),
    ("source,target,weight\na,b,1\nb,c,\n", "t.csv:3.*missing weight"),
    ("source,target,weight\na,b,1\nb,c,abc\n", "t.csv:3.*'abc' is no number"),
    ("source,target,weight\na,b,1\nb,c," + "x" * 5000 + "\n", "t.csv:3.*xx…' is no number"),
    ("source,target,weight\na,b,1\n" + "b" * 5000 + ",c,\n", "t.csv:3.*bb….*missing weight"),
    ("source,target,weight\na,b,1\nb,c,-1\n", "t.csv:3.*negative weight"),
    ("source,target,weight\na,b,99999999999999999999\n", {"ab"}),
    ("a,b\n" + "c" * 9_999 + ",d\n", {"ab", "c" * 9_999 + " d"}),
    ("a,b\n" + "c" * 10_001 + ",d\n", "t.csv:2: a source name of 10,001 bytes"),
    ("a,b\n" + "c" * 10_000_000 + ",d\n", "t.csv:2: field larger"),
    ("a,b\n" + "," * 1_000_000 + "\n", r"t.csv:2: 1000001 column\(s\)"),
    ("x," * 1_000_000 + "x\na,b\n", "1,000,001 columns"),
    ("a,b\n" * 400_000 + "a,b,c\n", r"t.csv:400001: 3 column"),
    ("a,b\nb,c\n\x1a", r"t.csv:3: 1 column"),
    ("a,b\nb,c\n".encode("utf-32"), "UTF-16|byte 0"),
    (b"a,b\nb,M\xe1laga\n", "t.csv:2: byte 0xe1"),
    (b"a,b\n\xed\xa0\x80,c\n", "t.csv:2: byte 0xed"),
    (b"a,b\n\xc0\xaf,c\n", "t.csv:2: byte 0xc0"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "wanted"), TABLES, ids=range(len(TABLES)))
def test_tables(tmp_path, content, wanted):
    found = read(write(tmp_path, "t.csv", content))
    if isinstance(wanted, str):
        assert isinstance(found, str) and re.search(wanted, found), found
        return
    pairs = [re.split(r"[ |]", pair) if len(pair) > 2 else list(pair) for pair in wanted if pair != "source"]
    assert found == {frozenset(pair) for pair in pairs}


@pytest.mark.parametrize(("content", "wanted"), [
    ("# only\n% comments\n", "no rows"), ("a\n", "column"), ("a b\n\n# x\nb\n", r"t.txt:4: 1 column"),
    ("a b c d e f\n", {"ab"}), ("a b {'weight': 1}\r\nb c {}\r\n", {"ab", "bc"}), ("\u2003a b\n", {"ab"}),
])  # fmt: skip
def test_edge_lists(tmp_path, content, wanted):
    found = read(write(tmp_path, "t.txt", content))
    if isinstance(wanted, str):
        assert isinstance(found, str) and re.search(wanted, found), found
    else:
        assert found == {frozenset(pair) for pair in wanted}


def test_ids_are_never_sizes(tmp_path):
    rows = "".join(f"{10**17 + i},{-(10**17) - i}\n" for i in range(50))
    path = write(tmp_path, "g.csv", f"source,target\n0,1\n{rows}")
    graph = read_graph(path)
    assert (graph.num_nodes, len(graph.edges), int(graph.edges.max())) == (102, 51, 101)
