"""Sets of graphs of one size as NumPy archives: the layout that scoreboards read from a folder."""

import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from lepton_rl.data.named import NamedGraph
from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError, read_bytes

__all__ = ["load_graph_arrays"]


def _load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    data = io.BytesIO(read_bytes(path))
    try:
        with np.load(data, allow_pickle=False) as archive:
            return archive["edges"], archive["num_nodes"]
    except KeyError as error:
        raise DataError(f"{path} lacks an array ({error}): it needs 'edges' and 'num_nodes'.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, AttributeError):
        raise DataError(f"{path} is no sound .npz archive of plain arrays: write it with numpy.savez.") from None


def load_graph_arrays(path: str | os.PathLike[str]) -> list[NamedGraph]:
    """Load graphs that share one number of nodes and of edges.

    Args:
        path: an ``.npz`` with ``edges`` int[graphs, m, 2] (slots) and ``num_nodes`` int[] (or int[graphs]); further
            arrays are ignored. Nothing pickled is loaded.

    Returns:
        One graph each, nodes named "0", "1", …

    Raises:
        DataError: not such a file, or an edge that is no pair of different nodes, or is there twice.
    """
    file = Path(path).expanduser()
    edges, num_nodes = _load(file)
    whole = np.issubdtype(edges.dtype, np.integer) and np.issubdtype(num_nodes.dtype, np.integer)
    if not whole or edges.ndim != 3 or edges.shape[-1] != 2 or num_nodes.shape not in ((), edges.shape[:1]):
        raise DataError(
            f"{file}: edges {edges.dtype}{list(edges.shape)} and num_nodes {num_nodes.dtype}{list(num_nodes.shape)}: "
            "they must be whole numbers of shape [graphs, m, 2] and [] or [graphs]."
        )
    sizes = np.broadcast_to(num_nodes, edges.shape[:1])
    pairs = np.sort(edges.astype(np.int64), axis=-1)
    keys = np.sort(pairs[..., 0] * (int(sizes.max(initial=0)) + 1) + pairs[..., 1], axis=-1)
    bad = (pairs[..., 0] < 0) | (pairs[..., 1] >= sizes[:, None]) | (pairs[..., 0] == pairs[..., 1])
    broken = bad.any(-1) | (keys[:, 1:] == keys[:, :-1]).any(-1)
    if broken.any():
        raise DataError(
            f"{file}: graph {int(broken.argmax())} has a self-loop, a repeated edge or a slot outside its nodes: "
            "give each edge once, as two different slots in [0, num_nodes)."
        )
    names = {int(n): Names(np.arange(n)) for n in np.unique(sizes)}
    return [
        NamedGraph(f"{file.stem}[{i}]", pairs[i].astype(np.int32), names[int(n)]) for i, n in enumerate(sizes)
    ]
