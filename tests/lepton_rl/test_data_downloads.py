"""Downloads from a server in this process."""

import errno
import gzip
import hashlib
import io
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lepton_rl.data import NAMED, DataError, load, read_splits
from lepton_rl.data.sets import DataSet, RemoteFile, cache_folder, download
from lepton_rl.data.sets.cache import fetch
from tests.lepton_rl.hostile import packed

pytest.importorskip("pooch")

EDGES = b"# a path\n" + b"".join(b"%d %d\n" % (i, i + 1) for i in range(5000))


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.files`` with ranges and versions, or breaks off as ``server`` says."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append((self.path, asked))
        if self.path not in server.files:
            return self.send_error(404)
        data = server.files[self.path]
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        start = 0
        if asked and server.ranges and self.headers.get("If-Range", tag) == tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + server.shift}-{len(data) - 1}/{len(data)}")
        if server.tags:
            self.send_header("ETag", tag)
        if server.lengths:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        stop = len(data) if server.cut is None else server.cut
        self.wfile.write(data[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.asked, server.cut, server.shift = {}, [], None, 0
    server.ranges = server.tags = server.lengths = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("LEPTON_RL_MIRROR", f"http://127.0.0.1:{server.server_port}/mirror/")
    monkeypatch.setenv("LEPTON_RL_DATA", str(tmp_path / "cache"))
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def entry(server, monkeypatch):
    """A data set of one file that the server has."""
    server.files["/mirror/path/edges.txt"] = EDGES
    file = RemoteFile("edges.txt", "https://example.org/edges.txt", hashlib.sha256(EDGES).hexdigest())
    found = DataSet("path", "graph", "a long path", "CC0", "Euler 1736", "https://example.org",
                    "lepton_rl.data.sets.folders:read_folder", files=(file,), limit=len(EDGES))  # fmt: skip
    monkeypatch.setitem(NAMED, "path", found)
    return found


def unverified(entry):
    return replace(entry, files=(replace(entry.files[0], sha256=None),))


def left():
    return sorted(path.relative_to(cache_folder()).as_posix() for path in cache_folder().rglob("*"))


def refused(entry):
    """The message; one line."""
    with pytest.raises(DataError) as caught:
        fetch(entry)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_verified_download_is_loaded_and_asked_for_once(server, entry, capsys):
    graph = load("path")
    assert (graph.name, len(graph.edges)) == ("path", 5000)
    said = capsys.readouterr().err
    assert all(part in said for part in ("CC0", "Euler 1736", "https://example.org", "checked by SHA-256"))
    assert left() == ["path", "path/edges.txt"]
    assert download("path") == cache_folder() / "path"
    assert server.asked == [("/mirror/path/edges.txt", None)]
    assert not capsys.readouterr().err


def test_a_cached_file_needs_no_server(server, entry, monkeypatch):
    load("path")
    monkeypatch.setenv("LEPTON_RL_MIRROR", "http://127.0.0.1:1")
    assert len(load("path").edges) == 5000


@pytest.mark.parametrize("name", [name for name, entry in NAMED.items() if entry.trust == "verified"])
def test_a_wrong_hash_leaves_nothing(server, name):
    server.files |= {f"/mirror/{name}/{file.name}": b"a\tr\tb\n" for file in NAMED[name].files}
    with pytest.raises(DataError, match=r"when this version of lepton_rl was made .*nothing was kept"):
        load(name)
    assert left() == []


@pytest.mark.parametrize(("name", "folder"), [("umls", "umls"), ("nations", "nations"), ("codex-s", "codex_s")])
def test_the_bytes_at_hand_pass_and_go_to_the_reader_of_facts(server, shared_data, monkeypatch, name, folder):
    for file in NAMED[name].files:
        local = shared_data / "kg" / folder / file.name.replace(".txt", ".tsv")
        server.files[f"/mirror/{name}/{file.name}"] = local.read_bytes()
    loaded, own = load(name), read_splits(shared_data / "kg" / folder)
    assert [part.name for part in (loaded.train, loaded.test)] == [f"{name} train", f"{name} test"]
    assert loaded.test.facts() == own.test.facts()
    assert [len(part.triples) for part in loaded.parts.values()] == [len(part.triples) for part in own.parts.values()]
    assert left() == [name, *sorted(f"{name}/{file.name}" for file in NAMED[name].files)]


def test_a_network_of_snap_is_read_as_it_lies_there(server):
    text = b"# Collaboration network\n# FromNodeId\tToNodeId\n3466\t937\r\n937\t3466\r\n3466\t5233\r\n937\t937\r\n"
    server.files["/mirror/ca-grqc/ca-GrQc.txt.gz"] = gzip.compress(text)
    graph = load("ca-grqc")
    assert (graph.name, graph.names, graph.edges.tolist()) == ("ca-grqc", ["3466", "937", "5233"], [[0, 1], [0, 2]])
    assert [line.split(",")[0] for line in graph.report] == [
        "1 self-loop(s) dropped", "1 reciprocal edge(s) merged (undirected)",
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [0, 1, 20_000, len(EDGES) - 1])
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_a_download_that_broke_off_goes_on(server, entry, cut, ranges, known):
    entry = entry if known else unverified(entry)
    server.cut, server.ranges = cut, ranges
    assert f"broke off after {cut:,} bytes: try again" in refused(entry)
    assert "path/edges.txt" not in left()
    server.cut = None
    assert (fetch(entry) / "edges.txt").read_bytes() == EDGES
    assert server.asked[1][1] == (f"bytes={cut}-" if cut else None)
    assert [name for name in left() if "/" in name] == ["path/edges.txt"]


def test_a_file_that_changed_on_the_server_is_not_pieced_together(server, entry):
    entry = unverified(entry)
    server.cut = 20_000
    refused(entry)
    server.cut, server.files["/mirror/path/edges.txt"] = None, EDGES[::-1]
    assert (fetch(entry) / "edges.txt").read_bytes() == EDGES[::-1]


def test_without_hash_and_version_a_download_starts_over(server, entry):
    entry = unverified(entry)
    server.cut, server.tags = 20_000, False
    refused(entry)
    server.cut = None
    assert (fetch(entry) / "edges.txt").read_bytes() == EDGES
    assert [asked for _, asked in server.asked] == [None, None]


def test_a_server_that_counts_otherwise_is_asked_for_the_whole(server, entry):
    server.cut, server.shift = 20_000, 1
    refused(entry)
    server.cut = None
    assert (fetch(unverified(entry)) / "edges.txt").read_bytes() == EDGES
    assert [asked for _, asked in server.asked] == [None, "bytes=20000-", None]


def test_a_part_longer_than_the_file_is_dropped(server, entry):
    folder = cache_folder() / "path"
    folder.mkdir(parents=True)
    (folder / "edges.txt.part").write_bytes(EDGES + b"more")
    assert (fetch(entry) / "edges.txt").read_bytes() == EDGES
    assert left() == ["path", "path/edges.txt"]


@pytest.mark.parametrize("lengths", [True, False])
def test_too_long_a_file_is_stopped_and_not_kept(server, entry, lengths):
    server.lengths = lengths
    server.files["/mirror/path/edges.txt"] = EDGES + b"x" * 10_000_000
    assert f"the limit is {len(EDGES):,}" in refused(entry)
    assert left() == []


def test_no_such_file_and_no_such_server_get_one_line(server, entry, monkeypatch):
    server.files.clear()
    assert "answers 404 Not Found" in refused(entry)
    monkeypatch.setenv("LEPTON_RL_MIRROR", "http://127.0.0.1:1")
    assert "Connection refused): check the network" in refused(entry)
    monkeypatch.setenv("LEPTON_RL_MIRROR", "nowhere")
    assert "No scheme supplied" in refused(entry)
    assert left() == []


def test_an_unverified_file_is_checked_against_its_first_download(server, entry, capsys):
    entry = unverified(entry)
    file = fetch(entry) / "edges.txt"
    assert "unverified (its SHA-256 is recorded now)" in capsys.readouterr().err
    assert hashlib.sha256(EDGES).hexdigest() in (cache_folder() / "path.sha256.json").read_text()
    file.write_bytes(b"1 2\n")
    fetch(entry)
    assert file.read_bytes() == EDGES
    file.unlink()
    server.files["/mirror/path/edges.txt"] = b"1 2\n"
    assert "is another file than when it was first downloaded" in refused(entry)
    assert left() == ["path.sha256.json"]
    (cache_folder() / "path.sha256.json").write_text("{")
    assert "path.sha256.json is damaged: remove it" in refused(entry)


@pytest.mark.parametrize("module", ["sets.transfer", "sets.cache"])
def test_a_full_disk_leaves_nothing(server, entry, monkeypatch, module):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(path, mode):
        path.write_bytes(b"what the disk still took")
        return Full()

    if module == "sets.transfer":
        monkeypatch.setattr("lepton_rl.data.sets.transfer.open", full, raising=False)
    else:  # while the finished file is moved to its place
        monkeypatch.setattr("pooch.core.shutil.move", lambda *_: Full().write(b""))
    assert "No space left on device" in refused(entry)
    assert left() == []


def test_a_cache_that_is_no_folder_gets_one_line(server, entry, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LEPTON_RL_DATA", str(tmp_path / "file"))
    assert "cannot be used (Not a directory): make room, or set LEPTON_RL_DATA" in refused(entry)


def test_a_network_of_konect_is_read_from_its_archive(server):
    server.files["/mirror/moreno-propro/moreno_propro.tar.bz2"] = packed({
        "moreno_propro/out.moreno_propro": b"% sym unweighted\n% 3 4 4\n1\t2 \n2\t3 \n3\t1 \n2\t1 \n",
        "moreno_propro/meta.moreno_propro": b"name: Protein\n",
        "moreno_propro/README.moreno_propro": b"Read me.\n",
    })  # fmt: skip
    graph = load("moreno-propro")
    assert (graph.name, graph.num_nodes, len(graph.edges)) == ("moreno-propro", 3, 3)
    assert any("1 reciprocal edge(s) merged" in line and "moreno_propro.tar.bz2" in line for line in graph.report)
