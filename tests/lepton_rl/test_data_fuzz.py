"""Arbitrary bytes and damaged copies of sound files: a graph or one message, in every format (``pytest -m fuzz``)."""

import gzip
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl.data import FORMATS
from tests.lepton_rl.hostile import SAMPLES, read

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4000"))  # of each format
TOKENS = [
    b"\0", b"\r", b"\n", b"\r\n", b'"', b"'", b",", b";", b"\t", b" ", b"|", b"#", b"%", b"\\", b"[", b"]", b"{", b"}",
    b"<", b">", b"/>", b"&", b"&amp;", b"<!DOCTYPE a>", b"<data key='k'>", b"<key id='k'/>", b"<graph>", b"NaN", b"nan",
    b"1e999", b"-1", b"0", b"007", b"9223372036854775808", b"1" * 5000, b"null", b"true", b'{"id": 1}', b"[[]]",
    b"\xff", b"\xc3\xa9", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"source", b"target", b"weight", b"node",
    b"edge", b"label", b"\x1f\x8b", b"PAR1", b"x" * 300,
]  # fmt: skip
LARGEST = 20_000  # bytes of a file


def _edit(data, edit):
    """Replace, cut, repeat or move a piece; places are parts of the length, so that they shrink alike for all."""
    kind, start, length, token = edit
    i = start * len(data) >> 16
    j = min(len(data), i + length)
    return {
        "insert": data[:i] + token + data[i:], "replace": data[:i] + token + data[j:], "cut": data[:i],
        "drop": data[:i] + data[j:], "repeat": data[:j] + data[i:j] * 3 + data[j:], "turn": data[j:] + data[:j],
    }[kind][:LARGEST]  # fmt: skip


edits = st.tuples(
    st.sampled_from(["insert", "replace", "cut", "drop", "repeat", "turn"]), st.integers(0, 2**16 - 1),
    st.integers(0, 60), st.sampled_from(TOKENS) | st.binary(max_size=8),
)  # fmt: skip
arbitrary = st.binary(max_size=400) | st.lists(st.sampled_from(TOKENS), max_size=60).map(b"".join)
mutated = st.tuples(st.sampled_from(list(SAMPLES.values())), st.lists(edits, min_size=1, max_size=6))


@pytest.mark.fuzz
@pytest.mark.parametrize("name", FORMATS)
def test_fuzz(tmp_path, name):
    path = tmp_path / f"g{FORMATS[name].suffixes[0]}"

    @settings(max_examples=EXAMPLES, deadline=20_000, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(
        arbitrary | mutated | st.tuples(st.just(SAMPLES[name]), st.lists(edits, min_size=1, max_size=6)),
        st.sampled_from(["plain"] * 6 + ["packed", "packed, then edited"]), edits,
    )  # fmt: skip
    def files(case, packing, last):
        data = case
        if isinstance(case, tuple):
            data, changes = case
            for edit in changes:
                data = _edit(data, edit)
        data = gzip.compress(data) if packing != "plain" else data
        path.write_bytes(_edit(data, last) if packing == "packed, then edited" else data)
        read(path, cure=False)  # the list of words is for the files made by hand

    files()
