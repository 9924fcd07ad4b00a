"""``python -m experiments.benchmarks large``: plans in rounds on large graphs, cost against size, a process a row."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from agents.rounds import CRITERIA, get_criterion, network_criterion, plan_in_rounds
from envs.node_removal import make_node_removal
from envs.node_selection import make_node_selection
from envs.pools import make_pool
from experiments.benchmarks.data import peak_mb
from experiments.benchmarks.libraries import CONVERT, installed
from experiments.benchmarks.options import Large
from experiments.benchmarks.timing import fastest
from lepton_rl.connected import component_labels
from lepton_rl.curves import largest_component_curve
from lepton_rl.draw import SERIES, save_figure
from lepton_rl.edge_graph import EdgeGraph, from_edges
from lepton_rl.heads import build_network
from lepton_rl.objectives import get_objective
from lepton_rl.registry import near_match

__all__ = ["exponent", "grown", "rows", "worker"]

NETWORK, COMPONENTS, SEEDING = "network", "components", "degree_discount"
SLOW = 100_000  # nodes up to which libraries with a Python object a node are asked
_CALL = "import sys; from experiments.benchmarks.large import worker; worker(sys.argv[1])"


def grown(num_nodes: int, m: int, seed: int = 0) -> np.ndarray:
    """Edges of a preferential-attachment graph, int32[~ m n, 2], without loops and repeats, slots shuffled.

    Every edge names a place among the ends before it, and pointers to places of targets are followed until they meet a
    source: all edges at once (Sanders & Schulz, "Scalable generation of scale-free graphs", 2016).
    """
    rng = np.random.default_rng(seed)
    edge = np.arange(num_nodes * m, dtype=np.int64)
    place = (rng.random(len(edge)) * (2 * edge + 1)).astype(np.int64)  # even: a source; odd: a target
    while len(odd := np.flatnonzero(place & 1)):
        place[odd] = place[place[odd] >> 1]
    ends = np.stack([edge // m, (place >> 1) // m], axis=1)
    ends = np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1)
    code = np.unique(ends[:, 0] * num_nodes + ends[:, 1])
    names = rng.permutation(num_nodes).astype(np.int32)
    return np.stack([names[code // num_nodes], names[code % num_nodes]], axis=1)


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    result = jax.block_until_ready(call())
    return result, time.perf_counter() - begin


def _planned(graph: EdgeGraph, edges: np.ndarray, score: str, options: dict[str, Any]) -> dict[str, Any]:
    """A plan of one score: what it costs and, where nodes are removed, what is left of the largest component."""
    n, per_round = graph.capacity, max(1, round(options["share"] * graph.capacity / options["rounds"]))
    make: Callable[..., Any]
    make, objective = make_node_removal, "-largest_component"
    if score == SEEDING:
        make, objective = make_node_selection, "independent_cascade"
    env = make(make_pool([graph]), get_objective(objective), options["rounds"] * per_round)
    params: Any = ()
    if score == NETWORK:
        network = build_network("gin", "node", width=options["width"], rounds=options["layers"])
        tiny = make(make_pool([from_edges([(0, 1)], 2)]), get_objective(objective), 1)
        params = network.init(jax.random.key(0), tiny.reset(jnp.int32(0), jax.random.key(0))[1])
        params = jax.tree.map(lambda x: x + 0.01, params)  # a fresh head scores 0 everywhere
    criterion = network_criterion(network) if score == NETWORK else get_criterion(score)
    given = env, jnp.int32(0), jax.random.key(1)
    lowered = plan_in_rounds.lower(*given, criterion=criterion, per_round=per_round, params=params)
    program, compiled = _timed(lowered.compile)
    plan, seconds = _timed(lambda: program(*given, params=params))
    row = {"seconds": seconds, "compile_seconds": compiled, "per_round": per_round}
    if make is make_node_removal:
        order = np.asarray(plan)
        curve, took = _timed(lambda: largest_component_curve(edges, n, order[order >= 0]))
        row |= {"left": int(curve[-1]) / n, "curve_seconds": took}
    return row


PARTS: dict[str, Callable[[Any], Any]] = {
    "networkx": lambda graph: list(nx.connected_components(graph)),
    "igraph": lambda graph: graph.connected_components(),
    "networkit": lambda graph: import_module("networkit.components").ConnectedComponents(graph).run(),
    "rustworkx": lambda graph: import_module("rustworkx").connected_components(graph),
}


def _components(graph: EdgeGraph, edges: np.ndarray) -> dict[str, Any]:
    """The components of the whole graph, ours beside other libraries, whose own graphs are made before."""
    n = graph.capacity
    starts, targets = np.asarray(graph.out.starts), np.asarray(graph.out.targets)
    matrix = csr_matrix((np.ones(len(targets), np.int8), targets, starts), shape=(n, n))
    labels = jax.jit(component_labels)
    ours, scipy = fastest([lambda: labels(graph), lambda: connected_components(matrix, directed=False)[1]], 0.0)
    row = {"seconds": ours, "scipy_seconds": scipy}
    if n <= SLOW:
        plain = nx.Graph(edges.tolist())
        for library in (library for library in PARTS if installed(library)):
            theirs = CONVERT[library](nx.convert_node_labels_to_integers(plain))
            row[f"{library}_seconds"] = _timed(lambda theirs=theirs, library=library: PARTS[library](theirs))[1]
    return row


def worker(text: str) -> None:
    """Measure one row, described by JSON, and print it as JSON."""
    options = json.loads(text)
    edges = grown(options["n"], options["edges_per_node"])
    graph, built = _timed(lambda: from_edges(edges, options["n"]))
    score = options["score"]
    row = _components(graph, edges) if score == COMPONENTS else _planned(graph, edges, score, options)
    print(json.dumps({"edges": len(edges), **row, "build_seconds": built, "peak_mb": peak_mb()}))


def _measured(options: Large, n: int, score: str) -> dict[str, Any]:
    given = {
        "n": n, "score": score, "edges_per_node": options.edges_per_node, "rounds": options.rounds,
        "share": options.share, "width": options.width, "layers": options.layers,
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", _CALL, json.dumps(given)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{score} on {n} nodes failed: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    return {"score": score, "n": n, **json.loads(done.stdout.splitlines()[-1])}


def exponent(points: list[tuple[float, float]]) -> float | None:
    """b of the fit seconds = a n^b over the larger half of the points; None for fewer than two."""
    upper = sorted(points)[len(points) // 2 :] if len(points) > 3 else sorted(points)
    if len(upper) < 2:
        return None
    n, seconds = np.log(np.asarray(upper)).T
    return float(np.polyfit(n, seconds, 1)[0])


def _figure(points: dict[str, list[tuple[float, float]]], rounds: int) -> Figure:
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="nodes", ylabel="seconds")
    axes.set_title(f"{rounds} rounds (components: once), with fitted exponents", loc="left")
    for i, (score, values) in enumerate(points.items()):
        fitted = exponent(values)
        label = score if fitted is None else f"{score}: n^{fitted:.2f}"
        axes.plot(*zip(*sorted(values), strict=True), marker="o", color=SERIES[i % len(SERIES)], label=label)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    return figure


def rows(options: Large, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one; then the exponents and the figure."""
    if options.quick:
        options = replace(options, sizes=(200, 400), rounds=2, scores=("degree", COMPONENTS))
    known = (*CRITERIA, NETWORK, COMPONENTS)
    for score in options.scores:
        if score not in known:
            raise ValueError(f"no score '{score}'.{near_match(score, known)} Allowed: {', '.join(known)}.")
    points: dict[str, list[tuple[float, float]]] = {}
    for score in options.scores or known:
        for n in sorted(options.sizes):
            row = _measured(options, n, score)
            points.setdefault(score, []).append((n, row["seconds"]))
            yield row
        console.print(f"{score}: seconds grow as n^{_spelt(exponent(points[score]))}", highlight=False)
    if options.figure is not None:
        save_figure(_figure(points, options.rounds), options.figure)


def _spelt(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"
