"""The command that applies a curator's edits: one message and nothing written, or the file and back."""

import gzip

import pytest

from experiments.run import main
from lepton_rl.data.knowledge.diff import Claim, as_rows, make_diff
from lepton_rl.data.knowledge.statements import read_statements
from lepton_rl.data.source import open_source

TEXT = "anna\tknows\tbo\nbo\tknows\tcy\ncy\tknows\tanna\n"


@pytest.fixture
def files(tmp_path):
    graph, edits = tmp_path / "facts.tsv", tmp_path / "edits.tsv"
    graph.write_text(TEXT)
    source = open_source(graph)
    adds, deletes = [Claim(("anna", "knows", "cy"), 1.0, 0.9)], [Claim(("bo", "knows", "cy"), 0.1, 0.8)]
    edits.write_text(as_rows(make_diff(source, "tsv", read_statements(source, "tsv"), adds, deletes)))
    return graph, edits


def call(graph, edits, *options):
    return main(["apply", "--graph", str(graph), "--edits", str(edits), *map(str, options)])


def test_there_and_back(files, capsys):
    graph, edits = files
    assert call(*files) == 0
    assert "1 deletion(s) and 1 addition(s) applied, 0 rejected" in capsys.readouterr().out
    edited = graph.with_name("facts.edited.tsv")
    assert edited.read_text() == "anna\tknows\tbo\ncy\tknows\tanna\nanna\tknows\tcy\n"
    assert graph.read_text() == TEXT
    assert call(edited, edits, "--reverse", "--output", edited) == 0
    assert edited.read_bytes() == graph.read_bytes()


def test_packed_files_are_edited_packed(files, tmp_path):
    graph, edits = files
    packed = tmp_path / "facts.tsv.gz"
    packed.write_bytes(gzip.compress(graph.read_bytes()))
    assert call(packed, edits) == 0
    assert gzip.decompress((tmp_path / "facts.edited.tsv.gz").read_bytes()).endswith(b"anna\tknows\tcy\n")
    assert call(tmp_path / "facts.edited.tsv.gz", edits, "--reverse") == 0
    assert gzip.decompress((tmp_path / "facts.edited.restored.tsv.gz").read_bytes()) == graph.read_bytes()


@pytest.mark.parametrize(("change", "message"), [
    (lambda graph, edits: edits.write_text(edits.read_text().replace("apply\tadd", "y\tadd")), "edits.tsv:4: decision"),
    (lambda graph, edits: graph.write_text(TEXT + "x\tknows\ty\n"), "edits.tsv:1 is for facts.tsv with SHA-256"),
    (lambda graph, edits: edits.write_bytes(b"\xff\xfe"), "edits.tsv is UTF-16"),
    (lambda graph, edits: edits.unlink(), "no file"), (lambda graph, edits: edits.write_text(""), "is empty"),
    (lambda graph, edits: graph.write_text("a\tb\n"), "facts.tsv"),
    (lambda graph, edits: edits.write_text(edits.read_text().replace("format tsv", "format ttl")), "write it as N-Tri"),
    (lambda graph, edits: graph.with_name("facts.edited.tsv").touch(), "is there already: give --output"),
])  # fmt: skip
def test_one_message_and_nothing_written(files, capsys, change, message):
    graph, edits = files
    change(graph, edits)
    before = {path: path.read_bytes() for path in graph.parent.iterdir()}
    assert call(graph, edits) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and "Traceback" not in out + err
    assert {path: path.read_bytes() for path in graph.parent.iterdir()} == before
