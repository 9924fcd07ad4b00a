"""``python -m experiments.benchmarks data``: reading files, one process a reading, beside networkx and pandas."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from rich.console import Console

import lepton_rl.data
from experiments.benchmarks.options import Data
from lepton_rl.data import FORMATS
from lepton_rl.registry import near_match, resolve

__all__ = ["peak_mb", "rows", "worker"]

_TINY = 1000  # edges of a file that is read first, so that imports are not timed
_QUICK = ("CSV, words", "Parquet, numbers", "triples")
_CALL = "import sys; from experiments.benchmarks.data import worker; worker(*sys.argv[1:])"


def _words(ids: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise("user", pc.cast(pa.array(ids), pa.string()), "")


def _table(edges: int, words: bool = False, weights: bool = False) -> pa.Table:
    """Random edges between a tenth as many nodes; sources are met the more often the smaller their id."""
    rng = np.random.default_rng(0)
    nodes = max(edges // 10, 10)
    ends = (nodes * rng.random(edges) ** 2).astype(np.int64), rng.integers(0, nodes, edges)
    columns = {name: _words(ids) if words else ids for name, ids in zip(("source", "target"), ends, strict=True)}
    return pa.table(columns | ({"weight": np.round(rng.random(edges) * 10, 3)} if weights else {}))


def _csv(table: pa.Table, path: Path) -> None:
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="none"))


def _parquet(table: pa.Table, path: Path) -> None:
    import pyarrow.parquet  # noqa: PLC0415 - only where Parquet is read

    pyarrow.parquet.write_table(table, path)


def _triples(edges: int, path: Path) -> None:
    """As many facts, entities to a fact and relations as WN18RR has, and names of the same form."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, max(edges * 40_943 // 93_003, 2), (2, edges)) + 10**7
    kind = pa.array([f"_relation_{i}" for i in range(11)]).take(pa.array(rng.integers(0, 11, edges)))
    table = pa.table({"head": ids[0], "relation": kind, "tail": ids[1]})
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pyarrow.csv.write_csv(table, path, options)


WRITERS: dict[str, tuple[str, str, Callable[[int, Path], None]]] = {
    "CSV, numbers": ("graph", ".csv", lambda edges, path: _csv(_table(edges), path)),
    "CSV, numbers and weights": ("graph", ".csv", lambda edges, path: _csv(_table(edges, weights=True), path)),
    "CSV, words": ("graph", ".csv", lambda edges, path: _csv(_table(edges, words=True), path)),
    "Parquet, numbers": ("graph", ".parquet", lambda edges, path: _parquet(_table(edges), path)),
    "Parquet, words": ("graph", ".parquet", lambda edges, path: _parquet(_table(edges, words=True), path)),
    "triples": ("knowledge", ".tsv", _triples),
}
READERS = {
    "graph": "lepton_rl.data:read_graph",
    "knowledge": "lepton_rl.data:read_knowledge",
    "networkx": "experiments.benchmarks.data:networkx_graph",
    "pandas": "experiments.benchmarks.data:pandas_table",
}


def networkx_graph(path: Path) -> nx.Graph:
    """The graph as networkx reads it; of Parquet, which it does not read, from pandas."""
    if path.suffix == ".parquet":
        return nx.from_pandas_edgelist(pandas_table(path))
    with open(path) as lines:
        header = next(lines).rstrip().split(",")
        data = [(name, float) for name in header[2:]]
        return nx.parse_edgelist(lines, delimiter=",", data=data)


def pandas_table(path: Path) -> Any:
    """The table alone: no graph, nothing checked."""
    import pandas as pd  # noqa: PLC0415 - optional

    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", header=None if path.suffix == ".tsv" else 0)


def peak_mb() -> float:
    """The most memory that this process has had, in MB (10^6 bytes)."""
    try:  # the counter of getrusage begins with the size of the process that started this one
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def worker(reader: str, tiny: str, path: str) -> None:
    """Read ``path`` and print seconds (wall and CPU) and peak memory as JSON."""
    read = resolve(READERS, reader, "reader")
    read(Path(tiny))
    begin, cpu = time.perf_counter(), time.process_time()
    kept = read(Path(path))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_mb()}))
    del kept  # until here the graph was part of the peak


def _measured(reader: str, tiny: Path, path: Path) -> dict[str, float] | None:
    """What :func:`worker` prints; None where the reader is not installed."""
    command = [sys.executable, "-c", _CALL, reader, str(tiny), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise ValueError(f"{reader} could not read {path}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout)


def _row(name: str, options: Data, folder: Path) -> dict[str, Any]:
    kind, suffix, write = WRITERS[name]
    edges = options.facts if kind == "knowledge" else options.edges
    compared = min(edges, options.compared)
    tiny, small, large = (folder / f"{size}{suffix}" for size in ("tiny", "small", "large"))
    for path, size in ((tiny, _TINY), (small, compared), (large, edges)):
        write(size, path)
    ours = _measured(kind, tiny, large)
    same = ours if compared == edges else _measured(kind, tiny, small)
    peers = {peer: _measured(peer, tiny, small) for peer in (["networkx", "pandas"] if kind == "graph" else ["pandas"])}
    for path in (tiny, small, large):
        path.unlink()
    if ours is None or same is None:
        raise ValueError(f"{name} needs a package that is not installed: install lepton-rl with its extras.")
    theirs = {peer: found["seconds"] if found else None for peer, found in peers.items()}
    slowest = theirs.get("networkx")
    return {
        "format": name, "edges": edges, **ours, "compared_edges": compared, "compared_seconds": same["seconds"],
        "networkx_seconds": slowest, "pandas_seconds": theirs["pandas"],
        "times_networkx": slowest / same["seconds"] if slowest else None,
    }  # fmt: skip


def rows(options: Data, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one."""
    if options.quick:
        options = replace(options, edges=20_000, compared=20_000, facts=5_000, formats=_QUICK)
    suffixes = {suffix for entry in FORMATS.values() for suffix in entry.suffixes}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name in options.formats or tuple(WRITERS):
            if name not in WRITERS:
                raise ValueError(f"no format '{name}'.{near_match(name, WRITERS)} Allowed: {', '.join(WRITERS)}.")
            kind, suffix, _ = WRITERS[name]
            if (suffix in suffixes) if kind == "graph" else hasattr(lepton_rl.data, "read_knowledge"):
                yield _row(name, options, Path(folder))
            else:
                console.print(f"left out: {name}, which is not read here")
