import itertools
import threading

import networkx as nx
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import PolyCollection
from matplotlib.text import Text
from scipy import stats

from lepton_rl.draw import band, draw_before_after, draw_curves, draw_graph, figure_to_array, graph_layout, save_figure

BLUE, VERMILION, ORANGE = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (0xE6, 0x9F, 0x00)
PURPLE, GREEN = (0xCC, 0x79, 0xA7), (0x00, 0x9E, 0x73)


def pixels(figure, colour):
    return int((np.abs(figure_to_array(figure).astype(int) - colour).sum(-1) < 12).sum())


def texts(figure):
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}


GRAPHS = [
    nx.karate_club_graph(), nx.davis_southern_women_graph(), nx.disjoint_union(nx.path_graph(5), nx.cycle_graph(6)),
    nx.empty_graph(3), nx.path_graph(1), nx.Graph(), nx.path_graph(2), nx.gnp_random_graph(160, 0.03, seed=0),
]  # fmt: skip


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: f"n{len(graph)}m{graph.number_of_edges()}")
def test_layout_is_in_the_unit_square_and_repeatable(graph):
    layout = graph_layout(graph)
    assert set(layout) == set(graph)
    for node, xy in graph_layout(graph).items():
        assert np.array_equal(xy, layout[node]) and (xy >= 0).all() and (xy <= 1).all()
    assert len({tuple(np.round(xy, 6)) for xy in layout.values()}) == len(graph)
    assert figure_to_array(draw_graph(graph, layout=layout)).shape == (500, 500, 3)


def test_graph_shows_what_is_highlighted():
    graph = nx.cycle_graph(["Ann", "Bob", "Cyd", "Dan", "Eve"])
    plain = draw_graph(graph)
    marked = draw_graph(graph, added=[("Ann", "Cyd")], removed=[("Ann", "Bob")], selected="Dan", title="step 3")
    for colour in (BLUE, VERMILION, ORANGE):
        assert pixels(plain, colour) == 0 and pixels(marked, colour) > 100
    assert texts(marked) >= {*graph, "step 3", "added", "removed", "selected"}
    assert not texts(plain) & {"added", "removed", "selected"}


def test_labels_colour_the_nodes_and_the_legend_says_how():
    graph = nx.cycle_graph(4)
    opinions = dict(enumerate((-0.5, 0.0, 0.25, 0.5)))
    figure = draw_graph(graph, labels=opinions)
    assert {"label -0.5", "label 0.5"} <= texts(figure)
    assert pixels(figure, PURPLE) > 100 and pixels(figure, GREEN) > 100
    assert not pixels(draw_graph(graph), PURPLE)
    assert not [text for text in texts(draw_graph(graph, labels=dict.fromkeys(graph, 0.0))) if "label" in text]


def test_reweighted_edges_stand_out_by_themselves():
    graph = nx.path_graph(["Ann", "Bob", "Cyd"])
    figure = draw_before_after(graph, graph, reweighted=[("Bob", "Ann")])
    assert {"reweighted", "after: 1 reweighted"} <= texts(figure)
    assert pixels(figure, GREEN) > 100 and not pixels(draw_before_after(graph, graph), GREEN)


def test_arrowheads_point_the_way_of_directed_edges():
    layout = {"Ann": np.array([0.0, 0.5]), "Bob": np.array([1.0, 0.5])}

    def heads(graph):
        figure = draw_graph(graph, added=list(graph.edges), layout=layout)
        return [path.vertices[:3] for artist in figure.findobj(PolyCollection) for path in artist.get_paths()]

    assert heads(nx.Graph([("Ann", "Bob")])) == []
    for edge, ahead in ((("Ann", "Bob"), 1), (("Bob", "Ann"), -1)):
        ((tip, *back),) = heads(nx.DiGraph([edge]))
        assert all(ahead * (tip[0] - corner[0]) > 0 for corner in back)
        assert ahead * (tip[0] - 0.5) > 0  # past the middle


def test_both_ways_of_a_directed_pair_are_told_apart():
    before = nx.DiGraph([("Ann", "Bob")])
    after = nx.DiGraph([("Ann", "Bob"), ("Bob", "Ann")])
    assert "after: 1 added" in texts(draw_before_after(before, after))


def test_large_graphs_name_only_what_an_edit_touches():
    graph = nx.relabel_nodes(nx.path_graph(60), lambda i: f"node {i}")
    shown = texts(draw_graph(graph, added=[("node 3", "node 40")], selected="node 7"))
    assert {text for text in shown if text.startswith("node")} == {"node 3", "node 40", "node 7"}


def test_names_of_near_nodes_do_not_cover_one_another():
    graph = nx.path_graph(["Katherina Rogers", "Evelyn Jefferson", "Laura Mandeville"])
    near = {name: np.array([0.5 + 0.05 * i, 0.5]) for i, name in enumerate(graph)}
    figure = draw_graph(graph, layout=near)
    figure.canvas.draw()
    found = [text.get_window_extent() for text in figure.findobj(Text) if text.get_text() in graph]
    assert len(found) == 3 and not any(a.overlaps(b) for a, b in itertools.combinations(found, 2))


def test_before_and_after_share_a_layout_and_name_the_values():
    before = nx.relabel_nodes(nx.path_graph(5), lambda i: f"n{i}")
    after = before.copy()
    after.add_edge("n0", "n4")
    after.remove_edge("n1", "n2")
    figure = draw_before_after(before, after, objective="critical_fraction_random", values=(0.25, 0.5))
    assert {"critical fraction random  0.25 → 0.5  (+0.25)", "before: 4 edges", "after: 1 added, 1 removed"} <= texts(
        figure
    )
    left, right = figure.axes
    for axes in (left, right):
        assert axes.get_xlim() == left.get_xlim() and axes.get_ylim() == left.get_ylim()
    dots = [next(c for c in axes.collections if len(c.get_offsets()) == 5).get_offsets() for axes in (left, right)]
    assert np.array_equal(*dots)
    image = figure_to_array(figure).astype(int)
    half = image.shape[1] // 2
    body = slice(60, -60)  # without heading and legend
    found = {
        (side, name): int((np.abs(part[body] - colour).sum(-1) < 12).sum()) > 50
        for side, part in (("left", image[:, :half]), ("right", image[:, half:]))
        for name, colour in (("added", BLUE), ("removed", VERMILION))
    }
    assert found == {
        ("left", "added"): False, ("left", "removed"): True, ("right", "added"): True, ("right", "removed"): False,
    }  # fmt: skip


def test_highlighted_edges_keep_clear_of_other_nodes():
    graph = nx.path_graph(3)
    layout = {0: np.array([0.0, 0.5]), 1: np.array([0.5, 0.5]), 2: np.array([1.0, 0.5])}
    figure = draw_graph(graph, added=[(0, 2)], layout=layout)
    lines = [c for c in figure.axes[0].collections if hasattr(c, "get_segments")]
    curve = max((segment for c in lines for segment in c.get_segments()), key=len)
    assert np.array_equal(curve[[0, -1]], [layout[0], layout[2]])
    assert np.linalg.norm(curve - layout[1], axis=1).min() > 0.035


def test_band_is_the_students_interval():
    values = np.random.default_rng(0).normal(size=(5, 3))
    mean, half = band(values)
    for i in range(3):
        low, high = stats.t.interval(0.95, 4, loc=values[:, i].mean(), scale=stats.sem(values[:, i]))
        np.testing.assert_allclose([mean[i] - half[i], mean[i] + half[i]], [low, high])
    assert np.array_equal(band(values[:1])[1], np.zeros(3))


def test_curves_show_means_bands_and_references():
    x, y = np.arange(4) * 1000, np.arange(12.0).reshape(3, 4)
    figure = draw_curves({"dqn": (x, y), "one seed": (x, y[:1])}, references={"greedy": 5.0}, title="BA", ylabel="gain")
    (axes,) = figure.axes
    assert texts(figure) >= {"dqn", "one seed", "greedy", "BA", "gain", "environment steps"}
    np.testing.assert_allclose(axes.lines[0].get_ydata(), y.mean(0))
    assert len(axes.collections) == 1  # a band for three seeds, none for one
    heights = sorted(text.xy[1] for text in axes.texts)
    assert np.diff(heights).min() > 0.05 * np.ptp(axes.get_ylim())


def test_save_is_atomic_and_leaves_nothing_behind(tmp_path):
    path = save_figure(draw_graph(nx.path_graph(3)), tmp_path / "new" / "graph.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    old = path.read_bytes()

    def full_disk(target, **_):
        open(target, "wb").write(b"half")  # noqa: SIM115
        raise OSError("disk full")

    broken = draw_graph(nx.path_graph(3))
    broken.savefig = full_disk
    with pytest.raises(OSError, match="disk full"):
        save_figure(broken, path)
    assert path.read_bytes() == old and [p.name for p in path.parent.iterdir()] == ["graph.png"]
    assert save_figure(draw_graph(nx.path_graph(3)), tmp_path / "graph.svg").read_text().startswith("<?xml")


def test_pictures_need_no_global_state():
    results = []

    def draw():
        results.append(figure_to_array(draw_graph(nx.cycle_graph(6))))

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3 and all(np.array_equal(image, results[0]) for image in results)
    assert pyplot.get_fignums() == []
