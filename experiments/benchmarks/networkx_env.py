"""The peer: EdgeAddition as one would write it with networkx and Gymnasium, made as fair as it stays plain.

Fair: removal orders are replayed backwards into networkx's union-find, one pass an order, which is quicker here than
testing the connectedness of what is left after each removal; the objective is computed only when a reward is due.
"""

from typing import Any, Literal

import gymnasium as gym
import networkx as nx
import numpy as np
from gymnasium import spaces

__all__ = ["NetworkxEdgeAddition", "critical_fraction"]


def critical_fraction(graph: nx.Graph, ranks: np.ndarray, targeted: bool) -> float:
    """Mean share of nodes removed until the rest has several components (1 if it never has).

    Args:
        graph: nodes 0 … n - 1. ``ranks``: int[n, orders], the place of each node in each random order.
        targeted: remove larger degrees first; ranks break ties.
    """
    n = len(graph)
    keys = ranks - n * np.array([graph.degree[v] for v in range(n)])[:, None] if targeted else ranks
    neighbours = {v: list(graph[v]) for v in graph}
    total = 0
    for order in np.argsort(keys, axis=0).T.tolist():
        parts = nx.utils.UnionFind()
        back: set[int] = set()
        components, critical = 0, n
        for removed in range(n - 1, -1, -1):
            node = order[removed]
            components += 1
            for other in neighbours[node]:
                if other in back and parts[node] != parts[other]:
                    parts.union(node, other)
                    components -= 1
            back.add(node)
            if components > 1:
                critical = removed
        total += critical
    return total / (n * ranks.shape[1])


class NetworkxEdgeAddition(gym.Env[dict[str, np.ndarray], int]):
    """Add ``budget`` edges to a networkx graph with nodes 0 … n - 1; rules, marks and rewards of ``EdgeAddition``.

    Observation: ``adjacency`` int8[n, n], ``marks`` f32[n, 2] (selected node, share of the budget left),
    ``action_mask`` int8[n].
    """

    def __init__(
        self, graph: nx.Graph, budget: int, *, targeted: bool = False, reward: Literal["end", "edit"] = "end"
    ) -> None:
        self.start, self.budget, self.targeted, self.reward = graph, budget, targeted, reward
        n = len(graph)
        self.action_space: spaces.Space[Any] = spaces.Discrete(n)
        self.observation_space: spaces.Space[Any] = spaces.Dict(
            adjacency=spaces.Box(0, 1, (n, n), np.int8), marks=spaces.Box(0, 1, (n, 2), np.float32),
            action_mask=spaces.Box(0, 1, (n,), np.int8),
        )  # fmt: skip

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Begin an episode; ``options={"ranks": int[n, orders]}`` gives the removal orders, else 2n are drawn."""
        super().reset(seed=seed)
        n = len(self.start)
        self.graph = self.start.copy()
        self.adjacency = nx.to_numpy_array(self.graph, range(n), dtype=np.int8)
        given = (options or {}).get("ranks")
        orders = np.tile(np.arange(n)[:, None], 2 * n)
        self.ranks = self.np_random.permuted(orders, axis=0) if given is None else given
        self.t, self.selected = 0, -1
        self.value = critical_fraction(self.graph, self.ranks, self.targeted)
        return self._observe(), {}

    def step(self, action: int) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Pick a node; an illegal pick changes nothing."""
        added = False
        if self._legal()[action]:
            if self.selected < 0:
                self.selected = int(action)
            else:
                self.graph.add_edge(self.selected, int(action))
                self.adjacency[self.selected, action] = self.adjacency[action, self.selected] = 1
                self.selected, added = -1, True
        self.t += 1
        over = self.t >= 2 * self.budget
        reward = 0.0
        if added if self.reward == "edit" else over:
            before, self.value = self.value, critical_fraction(self.graph, self.ranks, self.targeted)
            reward = self.value - before
        return self._observe(), reward, over, False, {}

    def _legal(self) -> np.ndarray:
        n = len(self.graph)
        if self.t >= 2 * self.budget:
            return np.zeros(n, bool)
        if self.selected < 0:
            return self.adjacency.sum(1) < n - 1
        legal = self.adjacency[self.selected] == 0
        legal[self.selected] = False
        return legal

    def _observe(self) -> dict[str, np.ndarray]:
        marks = np.zeros((len(self.graph), 2), np.float32)
        marks[:, 1] = 1 - (self.t // 2) / self.budget
        if self.selected >= 0:
            marks[self.selected, 0] = 1
        return {"adjacency": self.adjacency.copy(), "marks": marks, "action_mask": self._legal().astype(np.int8)}
