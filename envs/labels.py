"""Labels of start graphs that have none of their own: sides of bipartite graphs, opinions drawn at random."""

import networkx as nx
import numpy as np

__all__ = ["start_labels"]


def start_labels(kind: str, edges: np.ndarray, num_nodes: int, seed: int | list[int]) -> np.ndarray | None:
    """Labels f32[n] for what an objective or rule reads, or None where there is nothing to say.

    Args:
        kind: "opinion": uniform on [-1, 1] by ``seed``. "side": the two sides of a connected bipartite graph, the
            larger one 0 (users), the other 1 (items). Others: None.
        edges: int[m, 2]. ``num_nodes``: n.

    Raises:
        ValueError: sides of a graph that is not bipartite.
    """
    if kind == "opinion":
        return np.random.default_rng(seed).uniform(-1, 1, num_nodes).astype(np.float32)
    if kind != "side":
        return None
    graph = nx.empty_graph(num_nodes)
    graph.add_edges_from(edges.tolist())
    try:
        colours = nx.bipartite.color(graph)
    except nx.NetworkXError:
        raise ValueError(
            "users and items need bipartite graphs, and this one has an odd cycle: give --generator user_item, or a "
            "graph and --label COLUMN."
        ) from None
    side = np.array([colours[v] for v in range(num_nodes)], np.float32)
    return side if side.sum() <= num_nodes / 2 else 1 - side
