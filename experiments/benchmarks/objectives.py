"""``python -m experiments.benchmarks objectives``: evaluations a second, beside the libraries that are installed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
from rich.console import Console

from experiments.benchmarks.libraries import PEERS, evaluator, installed
from experiments.benchmarks.options import Objectives
from experiments.benchmarks.timing import compile_program, fastest
from lepton_rl.batching import ENVIRONMENT_AXIS, in_parts
from lepton_rl.data import generate
from lepton_rl.graph import BitGraph, from_networkx
from lepton_rl.objectives import get_objective

__all__ = ["batched", "evaluate", "rows", "values"]

COMMUNITIES = 4  # a node's label is its number modulo this


def batched(members: list[nx.Graph], batch: int) -> BitGraph:
    """``members`` over and over, ``batch`` in all, with labels of communities."""
    slots = [from_networkx(graph)[0] for graph in members]
    labelled = [replace(one, labels=(jnp.arange(one.capacity) % COMMUNITIES).astype(jnp.float32)) for one in slots]
    return jax.tree.map(lambda *leaves: jnp.stack([leaves[i % len(leaves)] for i in range(batch)]), *labelled)


def evaluate(name: str, part: int, graphs: BitGraph) -> jax.Array:
    """f32[B], the objective of every graph, ``part`` at a time."""
    objective = get_objective(name)
    one = jax.vmap(lambda graph: objective.init(graph, ()).value, axis_name=ENVIRONMENT_AXIS)
    values: jax.Array = in_parts(one, part, graphs)
    return values


def _measure(name: str, members: list[nx.Graph], options: Objectives) -> dict[str, Any]:
    graphs = batched(members, options.batch)
    fits = max(int(options.part_mb * 1e6 / (4 * len(members[0]) ** 2)), 1)
    part = min(2 ** (fits.bit_length() - 1), options.batch & -options.batch)
    program = compile_program(partial(evaluate, name, part), graphs)
    libraries = [library for library in PEERS[name] if installed(library)]
    some = members[: options.library_graphs]
    calls: list[Callable[[], Any]] = [lambda: program.call(graphs)]
    calls += [evaluator(name, library, some, COMMUNITIES) for library in libraries]
    ours, *others = (1 / seconds for seconds in fastest(calls, options.seconds))
    rates = {library: rate * len(some) for library, rate in zip(libraries, others, strict=True)}
    best = max(rates, key=rates.__getitem__)
    return {
        "part": part, "evaluations_per_second": ours * options.batch, "strongest": best,
        "library_evaluations_per_second": rates[best], "times_library": ours * options.batch / rates[best],
        "compile_seconds": program.compile_seconds,
        **{f"{library}_per_second": rate for library, rate in rates.items()},
    }  # fmt: skip


def rows(options: Objectives, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one; libraries that are not installed are named on ``console``.

    Raises:
        ValueError: an objective that no library has.
    """
    if options.quick:
        options = replace(
            options, nodes=(20,), batch=16, names=("diameter", "transitivity"), library_graphs=2, seconds=0.05
        )
    if unknown := [name for name in options.names if name not in PEERS]:
        raise ValueError(f"no library evaluates {', '.join(unknown)}; those to compare with: {', '.join(PEERS)}.")
    missing = sorted({library for each in PEERS.values() for library in each if not installed(library)})
    if missing:
        console.print(f"not installed, left out: {', '.join(missing)}")
    for n, name in product(options.nodes, options.names or PEERS):
        members = generate("ba", n, range(min(options.batch, 64)))
        members = [nx.convert_node_labels_to_integers(graph) for graph in members]
        yield {"name": name, "n": n, "batch": options.batch, **_measure(name, members, options)}


def values(name: str, library: str, members: list[nx.Graph]) -> tuple[np.ndarray, np.ndarray]:
    """Ours and the library's values of the same graphs, float64[graphs] each."""
    ours = np.asarray(evaluate(name, len(members), batched(members, len(members))), np.float64)
    return ours, np.asarray(evaluator(name, library, members, COMMUNITIES)())
