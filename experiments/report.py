"""Results for people: tables, pictures, edits in the user's own names, one page."""

import base64
import html as markup
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from rich.console import Console

from envs.pools import Pool, make_pool
from experiments.compare import Comparison, comparison_table, one_pass_best
from experiments.configs import Train
from experiments.evaluation import interval
from lepton_rl.data import NamedGraph, write_edits_csv
from lepton_rl.draw import draw_before_after, draw_curves, save_figure
from lepton_rl.files import atomic_write

__all__ = ["at_graph", "edits_of", "html", "learning_curve", "pool_of", "print_comparison", "solution", "summary"]


def pool_of(graphs: Sequence[NamedGraph], capacity: int) -> Pool:
    """Named graphs as one pool."""
    return make_pool([graph.to_bitgraph(capacity) for graph in graphs])


def summary(comparison: Comparison) -> dict[str, Any]:
    """The JSON of a comparison."""
    return {"before": float(comparison.start.mean()), "gain": comparison.summary()}


def print_comparison(title: str, comparison: Comparison, console: Console) -> None:
    """The table and who won."""
    table, verdict = comparison_table(title, comparison)
    console.print(table)
    console.print(verdict, style="italic")


def at_graph(comparison: Comparison, index: int) -> Comparison:
    """The part of a comparison that is about one graph."""
    part = slice(index, index + 1)
    return Comparison(
        {method: actions[:, part] for method, actions in comparison.actions.items()},
        {method: gains[:, part] for method, gains in comparison.gains.items()},
        comparison.start[part],
    )


def edits_of(actions: np.ndarray, names: Sequence[str]) -> list[tuple[int, str, str, str]]:
    """Rows (step, "add", source, target) of an episode's node picks i32[T], two an edge."""
    picks = np.asarray(actions).reshape(-1, 2)
    return [(i, "add", names[u], names[v]) for i, (u, v) in enumerate(picks.tolist(), 1)]


def solution(
    graph: NamedGraph, comparison: Comparison, objective: str, folder: Path, console: Console
) -> dict[str, Any]:
    """Print, draw and write what the agent did to one graph: the best seed by the *search's* own account is not
    known to it, so the first seed's edits are shown and the interval is over all seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    edits = edits_of(comparison.actions["dqn"][0, 0], graph.names)
    write_edits_csv(folder / "edits.csv", edits)
    before = graph.to_networkx()
    after = nx.Graph(before)
    after.add_edges_from((source, target) for _, _, source, target in edits)
    start, gain = float(comparison.start[0]), float(comparison.gains["dqn"][0, 0])
    picture = draw_before_after(before, after, objective=objective, values=(start, start + gain))
    save_figure(picture, folder / "before_after.png")
    print_comparison(f"{graph.name}: {graph.num_nodes} nodes, {len(graph.edges)} edges", comparison, console)
    for line in graph.report:
        console.print(f"note: {line}", style="dim", highlight=False)
    console.print("edits: " + "; ".join(f"{source} – {target}" for _, _, source, target in edits), highlight=False)
    listed = {"edits": [list(edit) for edit in edits], "picture": f"{folder.name}/before_after.png"}
    return {**summary(comparison), **listed, "report": list(graph.report)}


def learning_curve(metrics: Sequence[Mapping[str, Any]], path: Path, config: Train) -> None:
    """Validation gain against environment steps, mean over seeds with its 95 % band."""
    steps_a_chunk = config.dqn.iterations // config.dqn.chunks * config.dqn.episodes * 2 * config.budget
    x = np.array([row["chunk"] * steps_a_chunk for row in metrics], float)
    y = np.array([row["validation"] for row in metrics], float).T
    figure = draw_curves({"validation": (x, y)}, ylabel="gain", title=f"{config.objective}, {config.budget} edits")
    save_figure(figure, path)


def _rows(result: Mapping[str, Any]) -> str:
    cells = []
    for method, row in sorted(result["gain"].items(), key=lambda item: -item[1]["mean"]):
        low, high = row["ci95"]
        cells.append(
            f"<tr class={method}><td>{method}</td><td>{row['mean']:+.4f}</td><td>{low:+.4f} … {high:+.4f}</td></tr>"
        )
    head = "<tr><th>method</th><th>gain</th><th>95 % interval</th></tr>"
    return f"<p>before: {result['before']:.4f}</p><table>{head}{''.join(cells)}</table>"


def _image(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{markup.escape(path.stem)}" src="data:image/png;base64,{data}">'


STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}tr.dqn{font-weight:bold;background:#eef6fb}img{max-width:100%}"""


def html(folder: Path, result: Mapping[str, Any], config: Train) -> None:
    """One self-contained page: tables, learning curve, pictures, edits."""
    title = f"{config.env} · {config.objective} · {config.budget} edits"
    parts = [f"<h1>{markup.escape(title)}</h1>"]
    if len(result["held_out"]["gain"]["dqn"]["seeds"]) and config.graph is None:
        parts += ["<h2>Held-out generated graphs</h2>", _rows(result["held_out"])]
    if (folder / "learning_curve.png").exists():
        parts += ["<h2>Learning curve</h2>", _image(folder / "learning_curve.png")]
    for name, network in result["networks"].items():
        listed = "".join(f"<li>{markup.escape(f'{s} – {t}')}</li>" for _, _, s, t in network["edits"])
        picture = _image(folder / network["picture"])
        parts += [f"<h2>{markup.escape(name)}</h2>", _rows(network), f"<ol>{listed}</ol>", picture]
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>{markup.escape(title)}</title><style>{STYLE}</style>"
    with atomic_write(folder / "report.html") as stream:
        stream.write(page + "".join(parts) + "</html>\n")
