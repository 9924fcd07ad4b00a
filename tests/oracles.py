"""Slow, obvious versions of what the package computes, written from the definitions with networkx, scipy or loops."""

import networkx as nx
import numpy as np
from scipy.stats import entropy


class PlainEdgeAddition:
    """EdgeAddition on a networkx graph with nodes 0 … n - 1 in ``slots`` slots; ``value(graph) -> float``."""

    def __init__(self, graph, slots, value, budget, reward):
        self.graph, self.slots, self.value, self.budget, self.reward = graph.copy(), slots, value, budget, reward
        self.t, self.selected = 0, -1
        self.start_value = value(self.graph)

    def legal(self):
        if self.t >= 2 * self.budget:
            return [False] * self.slots
        nodes = set(self.graph)
        if self.selected >= 0:
            picks = nodes - {self.selected} - set(self.graph[self.selected])
        else:
            picks = {u for u in nodes if len(self.graph[u]) < len(nodes) - 1}
        return [u in picks for u in range(self.slots)]

    def step(self, action):
        before, reward = self.value(self.graph), 0.0
        if 0 <= action < self.slots and self.legal()[action]:
            if self.selected < 0:
                self.selected = action
            else:
                self.graph.add_edge(self.selected, action)
                self.selected = -1
                if self.reward == "edit":
                    reward = self.value(self.graph) - before
        self.t += 1
        if self.t == 2 * self.budget and self.reward == "end":
            reward = self.value(self.graph) - self.start_value
        return reward, self.t >= 2 * self.budget


def effective_resistances(graph):
    """Resistance of every pair of nodes in sorted order by networkx, inf between components."""
    nodes = sorted(graph)
    out = np.full((len(nodes), len(nodes)), np.inf)
    for part in nx.connected_components(graph):
        for u, row in nx.resistance_distance(graph.subgraph(part), weight="weight", invert_weight=False).items():
            for v, value in row.items():
                out[nodes.index(u), nodes.index(v)] = value
    return out


def edge_criteria(name, graph):
    """What a one-pass heuristic looks at: {absent edge: number, larger is better}, computed with networkx."""
    absent = list(nx.non_edges(graph))
    if name == "lowest_degree_product":
        return {(u, v): -graph.degree[u] * graph.degree[v] for u, v in absent}
    nodes = sorted(graph)
    if name == "fiedler":
        _, vectors = np.linalg.eigh(nx.laplacian_matrix(graph, nodes).toarray().astype(float))
        height = dict(zip(nodes, vectors[:, 1], strict=True))
        return {(u, v): abs(height[u] - height[v]) for u, v in absent}
    if name == "effective_resistance":
        matrix = effective_resistances(graph)
        return {(u, v): matrix[nodes.index(u), nodes.index(v)] for u, v in absent}
    raise KeyError(name)


def removal_orders(graph, ranks, removal):
    """The nodes in the order they are removed, per column of ``ranks`` [slots, orders]; ties are broken by rank."""
    for column in np.asarray(ranks).T:
        first = {v: -graph.degree[v] if removal == "targeted" else 0 for v in graph}
        yield sorted(graph, key=lambda v, first=first, column=column: (first[v], column[v]))


def critical_fraction(graph, ranks, removal):
    """Mean share of nodes to remove until the rest has more than one component; 1 where it never has."""
    fractions = []
    for order in removal_orders(graph, ranks, removal):
        left, count = graph.copy(), 0
        while left and nx.is_connected(left):
            left.remove_node(order[count])
            count += 1
        fractions.append(count / len(graph))
    return np.mean(fractions)


def largest_component_area(graph, ranks, removal):
    """Mean over orders of 1/n Σ_{q=1..n} (share of nodes in the largest component after q removals)."""
    areas = []
    for order in removal_orders(graph, ranks, removal):
        left, area = graph.copy(), 0
        for node in order:
            left.remove_node(node)
            area += max(map(len, nx.connected_components(left)), default=0)
        areas.append(area / len(graph) ** 2)
    return np.mean(areas)


def algebraic_connectivity(graph, noise):
    """The second smallest eigenvalue of the Laplacian in float64, 0 for a single node."""
    matrix = nx.laplacian_matrix(graph).toarray().astype(float)
    return np.linalg.eigvalsh(matrix)[1] if len(graph) > 1 else 0.0


def pairwise_connectivity(graph, noise):
    """Share of ordered pairs of different nodes with a path; 0 for a single node."""
    joined = sum(nx.has_path(graph, u, v) for u in graph for v in graph if u != v)
    return joined / max(len(graph) * (len(graph) - 1), 1)


def finite_distances(graph):
    """Distances of ordered pairs of different nodes, n where there is no path."""
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    return [lengths[u].get(v, len(graph)) for u in graph for v in graph if u != v]


def assortativity(graph, noise):
    """Pearson correlation of the degrees at both ends of the edges; 0 where all ends have one degree."""
    ends = np.array([(graph.degree[u], graph.degree[v]) for a, b in graph.edges for u, v in ((a, b), (b, a))])
    return np.corrcoef(ends.T)[0, 1] if len(np.unique(ends)) > 1 else 0.0


def modularity(graph, noise):
    """Modularity of the partition by the attribute "label"; 0 without edges."""
    labels = nx.get_node_attributes(graph, "label")
    parts = [{v for v in graph if labels[v] == label} for label in set(labels.values())]
    return nx.community.modularity(graph, parts) if graph.number_of_edges() else 0.0


def adjacency_eigenvalues(graph):
    """Of the adjacency matrix in float64, ascending."""
    return np.linalg.eigvalsh(nx.to_numpy_array(graph))


def effective_resistance(graph, noise):
    """Mean over pairs of different nodes of resistance / n, 1 where there is no path; 0 for a single node."""
    n = len(graph)
    pairs = effective_resistances(graph)[~np.eye(n, dtype=bool)]
    return np.minimum(pairs / n, 1).mean() if n > 1 else 0.0
MASK = 2**32 - 1


def scatter(x):
    """The finaliser of MurmurHash3 on a Python integer of 32 bits."""
    x = ((x ^ x >> 16) * 0x85EBCA6B) & MASK
    x = ((x ^ x >> 13) * 0xC2B2AE35) & MASK
    return x ^ x >> 16


def stream_of(words, u, v, symmetric):
    """``index -> word`` of the ordered pair u, v of nodes."""
    factor = 1 if symmetric else 0x9E3779B9
    start, step = (scatter((int(words[u][i]) + factor * int(words[v][i])) & MASK) for i in (0, 1))
    return lambda index: scatter((start + index * (step | 1)) & MASK)


def percolation_worlds(graph, words, probability, worlds):
    """Networks of the live edges: those whose number, 16 binary digits of the pair's stream, is below the probability.

    Digit k of the worlds 32 w … 32 w + 31 is word k · worlds / 32 + w of the stream, from the last digit to the first;
    a set bit is the digit 0.
    """
    groups, made = worlds // 32, [nx.create_empty_copy(graph) for _ in range(worlds)]
    for u, v in graph.edges:
        word = stream_of(words, u, v, not graph.is_directed())
        for r, world in enumerate(made):
            bits = [word(plane * groups + r // 32) >> r % 32 & 1 for plane in range(16)]
            if sum((1 - bit) << plane for plane, bit in enumerate(bits)) < round(probability * 2**16):
                world.add_edge(u, v)
    return made


def picking_worlds(graph, words, worlds):
    """Directed networks in which every node keeps the in-edge with the largest word of its stream."""
    made = [nx.DiGraph(graph.subgraph(graph)) for _ in range(worlds)]
    for r, world in enumerate(made):
        for v in graph:
            best = max(world.pred[v], key=lambda u, v=v, r=r: stream_of(words, u, v, False)(r), default=None)
            world.remove_edges_from([(u, v) for u in world.pred[v] if u != best])
    return made


def first_cases(graph, words, worlds):
    """The node at which each world's epidemic starts: the one whose own stream has the largest word there."""
    own = {v: [scatter((int(words[v][2]) + r * (int(words[v][3]) | 1)) & MASK) for r in range(worlds)] for v in graph}
    return [[max(graph, key=lambda v, r=r: own[v][r])] for r in range(worlds)]


def with_label(graph, wanted):
    return [v for v, label in graph.nodes(data="label") if label == wanted]


def edges_between(graph, wanted):
    """The number of edges of the subgraph of the nodes with a label."""
    return graph.subgraph(with_label(graph, wanted)).number_of_edges()


def cut_weight(graph, noise):
    """The weight of the edges between label 1 and the others, whichever way they go."""
    inside = set(with_label(graph, 1))
    return sum(weight for u, v, weight in graph.edges(data="weight", default=1) if (u in inside) != (v in inside))


def reached_share(worlds, seeds):
    """Mean over worlds of the share of nodes that the seeds of that world lead to, themselves among them."""
    each = zip(worlds, seeds, strict=True)
    return np.mean([len(set().union(*({s} | nx.descendants(w, s) for s in start))) / len(w) for w, start in each])


def cascade(graph, words, probability=0.1, worlds=64):
    return reached_share(percolation_worlds(graph, words, probability, worlds), [with_label(graph, 1)] * worlds)


def threshold_spread(graph, words, worlds=64):
    return reached_share(picking_worlds(graph, words, worlds), [with_label(graph, 1)] * worlds)


def epidemic(graph, words, probability=0.3, worlds=128):
    return reached_share(percolation_worlds(graph, words, probability, worlds), first_cases(graph, words, worlds))


def expressed_opinions(graph):
    """{node: opinion}: (I + L) z = s in float64, L the out-degrees minus the adjacency."""
    adjacency = nx.to_numpy_array(graph)
    innate = np.array([label for _, label in graph.nodes(data="label")], float)
    z = np.linalg.solve(np.eye(len(graph)) + np.diag(adjacency.sum(1)) - adjacency, innate)
    return dict(zip(graph, z, strict=True))


def opinion_oracle(measure):
    return lambda graph, noise: measure(graph, expressed_opinions(graph))


def gini(values):
    """By ranks, the smallest first."""
    values, k = np.sort(values), len(values)
    return (2 * np.arange(1, k + 1) - k - 1) @ values / (k * values.sum())


def item_users(graph):
    """The number of users of every item."""
    users = set(with_label(graph, 0))
    return np.array([len(users & set(graph[i])) for i in with_label(graph, 1)], float)


def exposure(graph, noise):
    users = item_users(graph)
    return 1 - gini(users) if users.sum() else 0.0


def diversity(graph, noise):
    users = item_users(graph)
    return entropy(users) / np.log(len(users)) if users.sum() and len(users) > 1 else 0.0


def hit_rate(graph, noise):
    users, items = with_label(graph, 0), set(with_label(graph, 1))
    return np.mean([bool(items & set(graph[u])) for u in users]) if users else 0.0


OBJECTIVE_ORACLES = {
    "critical_fraction_random": lambda graph, ranks: critical_fraction(graph, ranks, "random"),
    "critical_fraction_targeted": lambda graph, ranks: critical_fraction(graph, ranks, "targeted"),
    "largest_component_random": lambda graph, ranks: largest_component_area(graph, ranks, "random"),
    "largest_component_targeted": lambda graph, ranks: largest_component_area(graph, ranks, "targeted"),
    "largest_component": lambda graph, noise: max(map(len, nx.connected_components(graph))) / len(graph),
    "pairwise_connectivity": pairwise_connectivity,
    "algebraic_connectivity": algebraic_connectivity,
    "spectral_radius": lambda graph, noise: adjacency_eigenvalues(graph)[-1],
    "natural_connectivity": lambda graph, noise: np.log(np.exp(adjacency_eigenvalues(graph)).mean()),
    "effective_resistance": effective_resistance,
    "efficiency": lambda graph, noise: nx.global_efficiency(graph),
    "local_efficiency": lambda graph, noise: nx.local_efficiency(graph),
    "average_path": lambda graph, noise: np.mean(finite_distances(graph) or [0]),
    "diameter": lambda graph, noise: max(finite_distances(graph), default=0),
    "transitivity": lambda graph, noise: nx.transitivity(graph),
    "clustering": lambda graph, noise: nx.average_clustering(graph),
    "assortativity": assortativity,
    "modularity": modularity,
    "independent_cascade": cascade,
    "linear_threshold": threshold_spread,
    "outbreak": epidemic,
    "polarisation": opinion_oracle(lambda graph, z: len(z) * np.var(list(z.values()))),
    "disagreement": opinion_oracle(
        lambda graph, z: sum(weight * (z[u] - z[v]) ** 2 for u, v, weight in graph.edges(data="weight", default=1))
    ),
    "controversy": opinion_oracle(lambda graph, z: sum(value**2 for value in z.values())),
    "cut": cut_weight,
    "independent_set": lambda graph, noise: (len(with_label(graph, 1)) - edges_between(graph, 1)) / len(graph),
    "vertex_cover": lambda graph, noise: -(len(with_label(graph, 1)) + edges_between(graph, 0)) / len(graph),
    "exposure": exposure,
    "diversity": diversity,
    "hit_rate": hit_rate,
}


def return_probabilities(graph, steps=16):
    """Diagonals of the powers of D^-1 A, by definition; float64[n, steps]."""
    adjacency = nx.to_numpy_array(graph, weight=None)
    walk = adjacency / np.maximum(adjacency.sum(1, keepdims=True), 1)
    return np.stack([np.diag(np.linalg.matrix_power(walk, k)) for k in range(1, steps + 1)], axis=-1)


def laplacian_spectrum(graph):
    """``(values, vectors)`` of the normalised Laplacian of the nodes that have a neighbour, rows of all nodes."""
    joined = [v for v in graph if graph.degree[v]]
    values, inner = np.linalg.eigh(nx.normalized_laplacian_matrix(graph, joined, weight=None).toarray())
    vectors = np.zeros((len(graph), len(joined)))
    vectors[[list(graph).index(v) for v in joined]] = inner * np.sqrt(len(joined))
    return values, vectors


def laplacian_encoding(graph, count=8):
    """The vectors after the first, the sum of cubes positive; refuses a graph that does not decide them."""
    values, vectors = laplacian_spectrum(graph)
    vectors = vectors[:, 1 : count + 1]
    cubes = (vectors**3).sum(0)
    assert np.diff(values[: count + 2]).min() > 0.02
    assert (np.abs(cubes) / (np.abs(vectors) ** 3).sum(0)).min() > 0.02
    return vectors * np.sign(cubes)


def degree_columns(graph):
    sides = [graph.out_degree, graph.in_degree] if graph.is_directed() else [graph.degree]
    return np.array([[side[v] for side in sides] for v in graph], float)


STRUCTURAL_ORACLES = {
    "degree": degree_columns,
    "clustering": lambda graph: np.array([[nx.clustering(graph, v)] for v in graph], float),
    "core": lambda graph: np.array([[nx.core_number(graph)[v]] for v in graph], float),
    "random_walk": return_probabilities,
    "laplacian": laplacian_encoding,
}
