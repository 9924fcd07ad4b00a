"""A small graph in every format, and what an error must say."""

import io
import json
import re
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq

from lepton_rl.data import DataError, read_graph

EDGES = [("1", "2"), ("2", "3"), ("3", "4"), ("1", "4")]
BINARY = {"parquet"}
CURES = re.compile(
    r"\b(begin|give|save|copy|check|export|rename|unpack|remove|fill|quote|separate|mend|write|name|say|keep|put|choose|take|add|close|"
    r"declare|state|use|drop|spell|allowed|known)\b", re.IGNORECASE
)  # fmt: skip


def _parquet():
    sink = io.BytesIO()
    pq.write_table(pa.table({"source": [u for u, _ in EDGES], "target": [v for _, v in EDGES]}), sink)
    return sink.getvalue()


def _gml():
    nodes = "".join(f'node [\nid {i}\nlabel "{i}"\n]\n' for i in range(1, 5))
    return f"graph [\n{nodes}" + "".join(f"edge [\nsource {u}\ntarget {v}\n]\n" for u, v in EDGES) + "]\n"


def _graphml():
    edges = "".join(f'<edge source="{u}" target="{v}"/>\n' for u, v in EDGES)
    nodes = "".join(f'<node id="{i}"/>\n' for i in range(1, 5))
    return f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n<graph>\n{nodes}{edges}</graph>\n</graphml>\n'


_MATRIX = "%%MatrixMarket matrix coordinate pattern symmetric\n4 4 4\n2 1\n3 2\n4 3\n4 1\n"
_RECORDS = {"nodes": [{"id": str(i)} for i in range(1, 5)], "edges": [{"source": u, "target": v} for u, v in EDGES]}
SAMPLES = {
    "edgelist": "".join(f"{u} {v}\n" for u, v in EDGES).encode(),
    "csv": b"source,target\n" + "".join(f"{u},{v}\n" for u, v in EDGES).encode(),
    "graphml": _graphml().encode(),
    "json": json.dumps(_RECORDS, indent=1).encode(),
    "gml": _gml().encode(),
    "mtx": _MATRIX.encode(),
    "parquet": _parquet(),
}


def read(path, format=None, cure=True):
    """The edges as a set in names, or the message of the one error there may be, which holds a word of a cure."""
    try:
        graph = read_graph(path, format)
    except DataError as error:
        text = str(error)
        assert "\n" not in text and len(text) < 2000, text
        assert path.name in text or path.name.split(".")[0] in text, text
        assert not cure or CURES.search(text), f"no cure: {text}"
        return text
    assert graph.num_nodes >= 2 and len(graph.edges)
    return {frozenset((graph.names[u], graph.names[v])) for u, v in graph.edges}


def packed(rows):
    """A bzip2 tar of ``rows``, name -> bytes, as KONECT packs its networks."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:bz2") as bundle:
        for name, data in rows.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            bundle.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
