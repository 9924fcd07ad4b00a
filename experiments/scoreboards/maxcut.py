"""``python -m experiments.scoreboards maxcut``: one learned criterion on the ±1 sets of ECO-DQN."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure
from rich.console import Console

from agents import training
from agents.baselines import get_baseline
from envs.base import Observation
from envs.cut_search import make_cut_search
from envs.node_flip import make_node_flip
from envs.pools import Pool
from experiments.evaluation import interval
from experiments.scoreboards.boards import MaxCut
from experiments.scoreboards.cut_graphs import CutGraph, generated, pool_of, read
from experiments.scoreboards.learned import Learned, learn, untrained
from experiments.scoreboards.results import Note, Results, commit, entry, markdown, origin, plain, steps, timed, told
from lepton_rl.correction import correction_network
from lepton_rl.draw import SERIES
from lepton_rl.objectives.cuts import crossing_weights, cut

__all__ = ["cut_columns", "cuts_on_the_way", "run"]

_PLAY, _SEARCH, _STARTS, _TRAIN = range(4)  # seeds
WIDTH = 16
SEARCHES = {"tabu": "tabu_search", "annealing": "cut_annealing"}
# Published, as re-evaluated: (ECO-DQN, best of 50 starts; S2V-DQN, one pass).
PUBLISHED = {"ER_20": (0.992, 0.968), "BA_20": (1.000, 0.973), "ER_40": (1.000, 0.980), "BA_40": (1.000, 0.961)}


def cut_columns(seen: Observation) -> Float[Array, "N 12"]:
    """What the criterion reads of every node, f32[N, 12]: the gain of its flip, which all else corrects.

    Beside what :class:`envs.cut_search.CutSearch` shows: whether the flip gains, the node's weight, whether it was
    flipped in the last n / 4 steps, and sums over its edges, each times what its flip would gain by that edge alone, of
    the ends' gains and of how lately they were flipped; the share of the budget left.
    """
    graph, memory = seen.graph, seen.graph.node_features
    present, matrix = graph.node_mask.astype(jnp.float32), crossing_weights(graph)
    n = jnp.maximum(present.sum(), 1)
    size = jnp.maximum(jnp.abs(matrix).sum() / n, 1e-6)
    gain, rest, lately, moved, below = memory[:, -5:].T
    spins = jnp.asarray(graph.labels)
    around = jnp.stack([jnp.maximum(gain, 0), lately], -1) * spins[:, None]
    sums = spins[:, None] * (matrix @ around) / size
    columns = [
        gain, rest, lately, moved, below, jnp.abs(matrix).sum(-1) / size, gain > 0, sums[:, 0], sums[:, 1],
        jnp.exp(-8 * rest), rest < 0.25, seen.marks[:, 1],
    ]  # fmt: skip
    return jnp.stack([jnp.asarray(column, jnp.float32) for column in columns], -1) * present[:, None]


def cuts_on_the_way(graphs: list[CutGraph], labels: np.ndarray, flips: np.ndarray) -> np.ndarray:
    """The best cut that each plan meets, f64[P], counted edge by edge from the labels after every flip.

    Args:
        graphs: P. ``labels``: ±1, [P, N], at the start. ``flips``: i32[P, T].
    """
    best = []
    for graph, start, plan in zip(graphs, labels, flips, strict=True):
        turns = np.ones((len(plan) + 1, len(start)))
        turns[np.arange(1, len(plan) + 1), plan] = -1
        sides = start * np.cumprod(turns, 0)
        u, v = graph.edges.T
        best.append(((sides[:, u] != sides[:, v]) @ graph.weights).max())
    return np.array(best)


def _graphs(name: str, options: MaxCut, split: str) -> list[CutGraph]:
    family, nodes = name.split("_")
    if split == "test" and options.data is not None:
        return read(options.data, family, int(nodes), options.graphs)
    return generated(family, int(nodes), split, options.graphs)


def _train(options: MaxCut, note: Note) -> Learned:
    n = options.train_nodes

    def env(split: str, count: int) -> Any:
        graphs = [graph for family in ("ER", "BA") for graph in generated(family, n, split, count)]
        return make_cut_search(pool_of(graphs, 1, _TRAIN), 2 * n)

    network = correction_network(cut_columns, WIDTH)
    return learn(network, env("train", options.train_graphs), env("valid", 50), options.evolution, options.seeds, note)


def _played(learned: Learned, pool: Pool, graphs: list[CutGraph], starts: int) -> tuple[np.ndarray, float]:
    """Best cuts f64[S, P, starts], and the seconds of all."""
    env = make_cut_search(pool, 2 * pool.capacity)
    call = lambda env, params: training.play(learned.network, env, params, jax.random.key(_PLAY)).actions  # noqa: E731
    flips, seconds, _ = timed(call, env, learned.params)
    labels = np.asarray(pool.graphs.labels)
    each = [graph for graph in graphs for _ in range(starts)]
    cuts = np.stack([cuts_on_the_way(each, labels, plan) for plan in np.asarray(flips)])
    return cuts.reshape(len(cuts), len(graphs), starts), seconds


def _searched(name: str, pool: Pool, graphs: list[CutGraph]) -> tuple[np.ndarray, float]:
    """Cuts f64[1, P, 1] of a search, and its seconds."""
    env = make_node_flip(pool, cut, pool.capacity, stop=True)
    planner, keys = get_baseline(name), jax.random.split(jax.random.key(_SEARCH), pool.size)
    call = lambda env, keys: jax.lax.map(lambda one: planner(env, *one), (jnp.arange(len(keys)), keys))  # noqa: E731
    plans, seconds, _ = timed(call, env, keys)
    # STOP and nothing are no flips: they repeat a flip that is undone.
    plans = [plan[(plan >= 0) & (plan < pool.capacity)] for plan in np.asarray(plans)]
    labels = np.asarray(pool.graphs.labels)
    cuts = [cuts_on_the_way([graph], start[None], plan[None])[0] for graph, start, plan in
            zip(graphs, labels, plans, strict=True)]  # fmt: skip
    return np.array(cuts)[None, :, None], seconds


def _row(name: str, learned: Learned, options: MaxCut, note: Note) -> dict[str, Any]:
    graphs = _graphs(name, options, options.split)
    many = pool_of(graphs, options.starts, _STARTS)
    one = pool_of(graphs, 1, _STARTS)
    found = {}
    for method, agent in (("ours", learned), ("greedy", untrained(learned))):
        note(method)
        found[method] = _played(agent, many, graphs, options.starts)
    for method, planner in SEARCHES.items():
        note(method)
        found[method] = _searched(planner, one, graphs)
    known = np.array([graph.best for graph in graphs])
    if np.isnan(known).any():
        known = np.max([cuts.max((0, 2)) for cuts, _ in found.values()], axis=0)
    row: dict[str, Any] = {}
    for method, (cuts, seconds) in found.items():
        shares = cuts / known[None, :, None]
        single = shares.transpose(0, 2, 1).reshape(-1, len(graphs)) if method != "ours" else shares.mean(-1)
        row[method] = {
            "one": entry(interval(single)), "best": entry(interval(shares.max(-1))),
            "solved": float((shares.max(-1) >= 1).mean()), "seconds": seconds / (len(cuts) * len(graphs)),
        }  # fmt: skip
    eco, s2v = PUBLISHED.get(name, (None, None))
    return {**row, "eco_dqn": eco, "s2v_dqn": s2v}


def _words(settings: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    starts = settings["starts"]
    head = [
        "set", "ours, one pass", f"ours, best of {starts} [95 %]", "solved", "steepest ascent, one pass",
        f"best of {starts}", "tabu", "annealing", "ECO-DQN, best of 50", "S2V-DQN",
        *(f"s a graph: {name}" for name in ("ours", "tabu", "annealing")),
    ]  # fmt: skip
    rows = []
    for name, row in content["sets"].items():
        low, high = row["ours"]["best"]["ci95"]
        rows.append([
            name, f"{row['ours']['one']['mean']:.4f}", f"{row['ours']['best']['mean']:.4f} [{low:.4f}, {high:.4f}]",
            f"{row['ours']['solved']:.1%}", f"{row['greedy']['one']['mean']:.4f}",
            f"{row['greedy']['best']['mean']:.4f}", f"{row['tabu']['one']['mean']:.4f}",
            f"{row['annealing']['one']['mean']:.4f}",
            *("–" if row[key] is None else f"{row[key]:.3f}" for key in ("eco_dqn", "s2v_dqn")),
            *(f"{row[key]['seconds']:.4f}" for key in ("ours", "tabu", "annealing")),
        ])  # fmt: skip
    return f"Cut over the best known ({told(settings)}).\n\n" + markdown(head, rows)


def _figures(content: Mapping[str, Any]) -> dict[str, Figure]:
    """Every method's shortfall from the best known cut, set by set."""
    if not content["sets"]:
        return {}
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.add_subplot(ylabel="1 - cut / best known")
    names = list(content["sets"])
    series = {"ours, one pass": ("ours", "one"), "ours, best of all": ("ours", "best"),
              "steepest ascent, best of all": ("greedy", "best"), "tabu": ("tabu", "one"),
              "annealing": ("annealing", "one")}  # fmt: skip
    for colour, (label, (method, kind)) in zip(SERIES, series.items(), strict=False):
        short = [1 - content["sets"][name][method][kind]["mean"] for name in names]
        axes.plot(names, short, marker="o", lw=0, color=colour, label=label)
    axes.plot(*zip(*((name, 1 - PUBLISHED[name][0]) for name in names if name in PUBLISHED), strict=True) or ([], []),
              marker="x", lw=0, color="black", label="ECO-DQN, best of 50")  # fmt: skip
    axes.set_yscale("symlog", linthresh=1e-3)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    return {"maxcut": figure}


def run(options: MaxCut, console: Console) -> int:
    """Train once, measure every set asked for, writing each as it is finished; returns the exit status."""
    sets = list(dict.fromkeys(options.sets))
    settings = {
        "split": options.split, "seeds": options.seeds, "graphs": options.graphs, "starts": options.starts,
        "data": origin(options.data),
        "train_graphs": f"{options.train_graphs} of {options.train_nodes} nodes a family",
        "config": plain(options.evolution),
    }  # fmt: skip
    results = Results("maxcut", options, settings, ("sets",), lambda content: _words(settings, content), _figures)
    for name in sets:
        _graphs(name, options, options.split)  # a missing file is said before anything is computed
    made = commit()
    with steps(console, len(sets)) as (begin, note, end):
        begin("training")
        learned = _train(options, note)
        for name in sets:
            begin(name)
            row = _row(name, learned, options, note)
            results.add("sets", name, {**row, "train_seconds": learned.seconds, "commit": made})
            console.print(
                f"{name}: one pass {row['ours']['one']['mean']:.4f}, best {row['ours']['best']['mean']:.4f}, "
                f"tabu {row['tabu']['one']['mean']:.4f}", highlight=False,
            )  # fmt: skip
            end()
    results.finish(console)
    return 0
