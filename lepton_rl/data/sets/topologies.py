"""Communication networks that come with topohub (Jurkiewicz 2023, SoftwareX 24)."""

from collections import Counter
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from lepton_rl.data.cleaning import Cleaning, clean
from lepton_rl.data.foreign import raw_edges
from lepton_rl.data.named import WEIGHT, NamedGraph
from lepton_rl.data.sets.optional import optional
from lepton_rl.data.source import DataError
from lepton_rl.registry import near_match

__all__ = ["topologies", "topology"]

_LENGTH = "dist"  # of a link, in km


def topologies(group: str) -> list[str]:
    """The names of all topologies below ``group`` (``topohub/sndlib``), sorted.

    Raises:
        DataError: topohub is not installed.
    """
    optional("topohub", "topologies")
    place = files("topohub").joinpath("data", *group.split("/")[1:])
    return sorted(_below(place, group)) if place.is_dir() else []


def _below(place: Traversable, name: str) -> list[str]:
    if place.is_file():
        return [name.removesuffix(".json")] if name.endswith(".json") else []
    return [found for entry in place.iterdir() for found in _below(entry, f"{name}/{entry.name}")]


def topology(name: str) -> NamedGraph:
    """A topology by name (``topohub/sndlib/polska``): lengths of links as weights, ``longitude`` and ``latitude``.

    Nodes without a name are called by their number; a name that several nodes share has it in brackets.

    Raises:
        DataError: topohub is not installed; no such topology (the message names a near match).
    """
    group = "/".join(name.split("/")[:2])
    known = topologies(group)
    if name not in known:
        some = ", ".join(known[:3])
        raise DataError(f"no topology '{name}'.{near_match(name, known)} {group} has {len(known)}: {some}, …")
    data = optional("topohub", "topologies").get(name.removeprefix("topohub/"))
    labels = _labels(data["nodes"])
    links = data["edges"]
    raw = raw_edges(
        [labels[link["source"]] for link in links], [labels[link["target"]] for link in links],
        lambda i: f"link {i}", nodes=list(labels.values()),
        edge_records=[_link(link) for link in links], node_records=[_node(node) for node in data["nodes"]],
        report=_report(data["nodes"], links),
    )  # fmt: skip
    return clean(name, raw, Cleaning())


def _labels(nodes: list[dict[str, Any]]) -> dict[Any, str]:
    """A unique name for each node, by id."""
    shared = Counter(node.get("name") for node in nodes)
    return {
        node["id"]: str(node["id"]) if not node.get("name")
        else node["name"] if shared[node["name"]] == 1
        else f"{node['name']} ({node['id']})"
        for node in nodes
    }  # fmt: skip


def _node(node: dict[str, Any]) -> dict[str, Any]:
    longitude, latitude = node["pos"]
    others = {key: value for key, value in node.items() if key not in ("id", "name", "pos")}
    return {"longitude": float(longitude), "latitude": float(latitude), **others}


def _link(link: dict[str, Any]) -> dict[str, Any]:
    """Length as weight, and what else is one value; the routing statistics are tables of their own."""
    others = {key: value for key, value in link.items() if key not in ("source", "target", _LENGTH)}
    return {WEIGHT: float(link[_LENGTH]), **{k: v for k, v in others.items() if not isinstance(v, dict)}}


def _report(nodes: list[dict[str, Any]], links: list[dict[str, Any]]) -> list[str]:
    shared = Counter(node.get("name") for node in nodes)
    nameless = shared.pop(None, 0) + shared.pop("", 0)
    twins = sum(count for count in shared.values() if count > 1)
    short = sum(link[_LENGTH] == 0 for link in links)
    lines = {
        f"{nameless} node(s) without a name called by their number": nameless,
        f"{twins} node(s) that share a name have their number in brackets": twins,
        f"{short} link(s) have length 0: their ends are at one place": short,
    }
    return [line for line, count in lines.items() if count]
