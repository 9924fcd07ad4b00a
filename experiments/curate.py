"""``solve --facts``: which facts of a knowledge graph are missing, and which are suspicious?

Each comes with a score, a calibrated probability and what speaks for it, as edits that a curator applies or rejects row
by row (``apply``), and as N-Triples and SPARQL for other tools.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from envs import rule_of
from experiments.configs import Solve
from experiments.display import Display
from experiments.folder import RunFolder, free_name, make_folder, open_run, stem
from experiments.query import Facts, whole_graph
from experiments.refine import Refiner, open_refiner
from lepton_rl.curation import Curation
from lepton_rl.curation.judging import FOLDS, Check, Judged, judge
from lepton_rl.data import DataError, KnowledgeGraph
from lepton_rl.data.knowledge.diff import Claim, Diff, as_rows, make_diff
from lepton_rl.data.knowledge.raw import knowledge_graph
from lepton_rl.data.knowledge.rdf import read_ntriples
from lepton_rl.data.knowledge.rdf_diff import as_sparql, changes
from lepton_rl.data.knowledge.rdf_out import as_ntriples, turtle_as_ntriples
from lepton_rl.data.knowledge.reading import KNOWLEDGE_FORMATS, format_of
from lepton_rl.data.knowledge.shorten import shortened
from lepton_rl.data.knowledge.statements import read_statements
from lepton_rl.data.knowledge.triples import TripleColumns, read_triples
from lepton_rl.data.knowledge.writing import as_tsv
from lepton_rl.data.sets import find
from lepton_rl.data.source import Source, open_source, plain_path
from lepton_rl.evidence import usable
from lepton_rl.folds import folds
from lepton_rl.metrics import average_precision

__all__ = ["is_knowledge", "run"]

_RULES = ("KGRefinement", "KGRepair")
_SHOWN = 10  # of each kind in the terminal; all are in the files
_RIVALS = 2
_LIMITS = (
    "So sure of wrong facts like those drawn, with an end or a relation exchanged, where as many are wrong and missing "
    "as is assumed; what is false but plausible stays unseen."
)
_BANDS = ((0.85, 0.95), (0.95, 1.01))


class _Verdict(NamedTuple):
    """A fact, its slots, how sure the edit is, by what score it came, and what speaks for it."""

    triple: tuple[int, int, int]
    confidence: float
    score: float
    evidence: str


def is_knowledge(command: Solve) -> bool:
    """Whether ``solve`` is asked about facts: told so, by a rule of such, a data set of facts, or RDF by its name.

    A table with three columns may as well be edges with weights, so that it has to be told. A run may tell it.
    """
    if command.run is not None and rule_of(open_run(command.run)[1].env) in _RULES:
        return True
    if command.facts or rule_of(command.env) in _RULES:
        return True
    if command.graph is None:
        return False
    entry, path = find(command.graph), Path(command.graph).expanduser()
    if entry is not None:
        return entry.kind == "knowledge"
    rdf = [suffix for name in ("nt", "turtle") for suffix in KNOWLEDGE_FORMATS[name].suffixes]
    return plain_path(path).suffix.lower() in rdf or (path / "train2id.txt").is_file()


def run(command: Solve) -> int:
    """Judge all facts and candidates, show the surest, and write the edits."""
    display, begun, name = Display(), time.perf_counter(), command.graph or "world"
    refiner = None if command.run is None else open_refiner(command.run)
    path = command.runs_dir / (command.name or free_name(command.runs_dir, f"solve-{stem(name)}"))
    settings = _settings(command, refiner)
    source, format = _lines(name, command.reading.format, path)
    read = read_ntriples if format == "nt" else read_triples
    graph = knowledge_graph(stem(name), read(source, TripleColumns()))
    _refuse_unfit(graph, settings, command)
    folder = RunFolder(make_folder(path))
    display.header("facts", {
        "graph": f"{graph.name} ({graph.num_entities:,} entities, {graph.num_relations:,} relations, "
        f"{len(graph.triples):,} facts)",
        "assumed": f"{settings.wrong:.2g} of the facts wrong, {settings.missing:.2g} of all missing",
        "judged by": "a network fitted to copies of the graph" if refiner is None else f"trained in {command.run}",
        "edits are for": str(source.path), "results": str(folder.path),
    })  # fmt: skip
    for line in graph.report:
        display.note(line)
    try:
        fold, half = (folds(graph.entities, graph.relations, count) for count in (FOLDS, 2))
        policy = None if refiner is None else lambda facts, rows: refiner.odds(facts, rows, half)
        judged = judge(
            graph.triples, graph.num_entities, graph.num_relations, settings, display.note, fold=fold, policy=policy
        )
        adds, deletes = _chosen(command, graph, judged)
        diff = _diff(source, format, graph, _sure(adds, command), _sure(deletes, command))
    except ValueError:
        folder.discard()
        raise
    left = _write(folder, diff, source)
    folder.write_json("result.json", _result(command, diff, judged))
    for title, verdicts in (("Suspicious facts", deletes), ("Missing facts", adds)):
        _show(display, title, graph, verdicts, command.least)
    for line in _calibration(judged):
        display.note(line)
    display.note(_LIMITS)
    if left:
        display.note(f"{left} edit(s) with blank nodes are comments in edits.ru, which cannot name them.")
    display.say(f"\n{folder.path / 'edits.tsv'}  ({time.perf_counter() - begun:.0f} s in all)")
    display.say(f"python -m experiments.run apply --graph {source.path} --edits {folder.path / 'edits.tsv'}")
    return 0


def _settings(command: Solve, refiner: Refiner | None) -> Curation:
    """How facts are judged: by the evidence that a run was trained with, where there is one."""
    settings = Curation(**asdict(command.judging))
    if refiner is None:
        return settings
    if settings.evidence not in (Curation.evidence, refiner.evidence):
        raise ValueError(
            f"--evidence {' '.join(settings.evidence)}: the run {command.run} judges by "
            f"{' '.join(refiner.evidence)}. Leave out --evidence, or leave out --run."
        )
    return replace(settings, evidence=refiner.evidence)


def _refuse_unfit(graph: KnowledgeGraph, settings: Curation, command: Solve) -> None:
    """Refuse a graph that has not the evidence of a run."""
    there = usable(settings.evidence, graph.num_relations)
    if command.run is not None and there != settings.evidence:
        raise ValueError(
            f"{graph.name} has {graph.num_relations:,} relations, too many for the rules by which the run "
            f"{command.run} judges: train one with --evidence {' '.join(there)}, or leave out --run."
        )


def _lines(name: str, format: str | None, folder: Path) -> tuple[Source, str]:
    """The file that the edits are for, and its format.

    What is no file of a fact a line (a data set, a folder of parts, Turtle) will be written as one into ``folder``.
    """
    path = Path(name).expanduser()
    if find(name) is None and path.is_file():
        source = open_source(path)
        found = format_of(path, format)
        if found != "turtle":
            return source, found
        return Source(folder / "facts.nt", turtle_as_ntriples(source)), "nt"
    whole = whole_graph(name)
    try:
        return Source(folder / "facts.tsv", as_tsv(whole)), "tsv"
    except DataError:  # a name that does not fit a line
        return Source(folder / "facts.nt", as_ntriples(whole)), "nt"


def _chosen(command: Solve, graph: KnowledgeGraph, judged: Judged) -> tuple[list[_Verdict], list[_Verdict]]:
    """Facts to add and facts to delete, the surest first; one that is not sure enough where there is no other."""
    facts, E = Facts(_readable(graph), None), len(graph.triples)
    usual = judged.evidence[:E]
    odd = (judged.evidence - usual.mean(0)) / (usual.std(0) + 1e-9)
    adds, deletes = [], []
    for i in _best(judged.missing.confidence, command.adds, command.least):
        h, r, t = map(int, judged.candidates[i])
        path = facts.path(h, t)
        said = facts.words(h, path) if path else "no path of three links"
        adds.append(_Verdict((h, r, t), float(judged.missing.confidence[i]), float(judged.missing.score[i]), said))
    for i in _best(judged.wrong.confidence, command.deletes, command.least):
        h, r, t = map(int, graph.triples[i])
        said = _against(facts, (h, r, t), judged.columns, odd[i])
        deletes.append(_Verdict((h, r, t), float(judged.wrong.confidence[i]), float(judged.wrong.score[i]), said))
    return adds, deletes


def _readable(graph: KnowledgeGraph) -> KnowledgeGraph:
    return shortened(graph) if any("://" in name for name in graph.relations) else graph


def _best(confidence: np.ndarray, most: int, least: float) -> list[int]:
    order = np.argsort(-confidence, kind="stable")[:most]
    return [int(i) for n, i in enumerate(order) if confidence[i] >= least or not n]


def _against(facts: Facts, triple: tuple[int, int, int], columns: Sequence[str], odd: np.ndarray) -> str:
    """What is unusual about a fact, what else joins its ends, and what else its head has of the relation."""
    h, r, t = triple
    worst = int(odd.argmin())
    path = facts.path(h, t, but=r)
    said = [f"unusual: {columns[worst]} ({odd[worst]:+.1f} standard deviations)"]
    said.append(f"otherwise {facts.words(h, path)}" if path else "no other path of three links")
    rivals = np.flatnonzero(facts.known.mask(np.array([h]), np.array([r]))[0])
    rivals = rivals[rivals != t][:_RIVALS]
    said += [f"beside {facts.words(h, [(r, int(other))])}" for other in rivals]
    return "; ".join(said)


def _diff(
    source: Source, format: str, graph: KnowledgeGraph, adds: Sequence[_Verdict], deletes: Sequence[_Verdict]
) -> Diff:
    def claims(verdicts: Sequence[_Verdict]) -> list[Claim]:
        return [Claim(_names(graph, one), one.score, one.confidence, one.evidence) for one in verdicts]

    return make_diff(source, format, read_statements(source, format), claims(adds), claims(deletes))


def _names(graph: KnowledgeGraph, verdict: _Verdict) -> tuple[str, str, str]:
    h, r, t = verdict.triple
    return graph.entities[h], graph.relations[r], graph.entities[t]


def _write(folder: RunFolder, diff: Diff, source: Source) -> int:
    """The edits as files, and the facts where they had none; how many edits SPARQL leaves out."""
    if source.path.parent == folder.path:
        folder.write(source.path.name, source.data.decode())
    update, left = as_sparql(diff)
    folder.write("edits.tsv", as_rows(diff))
    folder.write("edits.ru", update)
    for op in ("add", "delete"):
        folder.write(f"edits.{op}.nt", changes(diff, op))
    return left


def _result(command: Solve, diff: Diff, judged: Judged) -> dict[str, object]:
    held_out = {what: _held_out(check) for what, check in _checks(judged).items() if len(check.so)}
    edits = [
        {"op": edit.op, "fact": edit.fact, "confidence": float(edit.confidence), "evidence": edit.evidence}
        for edit in diff.edits
    ]
    return {
        "graph": command.graph or "world", "run": None if command.run is None else str(command.run),
        "sha256": diff.sha256, "assumed_wrong": command.judging.wrong,
        "assumed_missing": command.judging.missing, "held_out": held_out, "edits": edits,
    }  # fmt: skip


def _sure(verdicts: Sequence[_Verdict], command: Solve) -> list[_Verdict]:
    return [one for one in verdicts if one.confidence >= command.least]


def _show(display: Display, title: str, graph: KnowledgeGraph, verdicts: Sequence[_Verdict], least: float) -> None:
    words = Facts(_readable(graph), None).words
    count = sum(one.confidence >= least for one in verdicts)
    said = f"{count}, the first {_SHOWN}" if count > _SHOWN else f"{count}"
    display.say(f"\n{title} ({said if count else f'none as sure as {least:g}; the surest, which is no edit:'})")
    for number, one in enumerate(verdicts[:_SHOWN], 1):
        h, r, t = one.triple
        display.say(f"{number:3}. {one.confidence:.2f}  {words(h, [(r, t)])}\n     {one.evidence}")


def _checks(judged: Judged) -> dict[str, Check]:
    return {"wrong": judged.wrong.check, "missing": judged.missing.check}


def _held_out(check: Check) -> dict[str, object]:
    """How well facts of held-out draws were told apart, and how many of those called so sure were so."""
    sure = [(low, high, *check.between(low, high)) for low, high in _BANDS]
    return {
        "facts": len(check.so), "true": int(check.so.sum()),
        "average_precision": average_precision(check.said, check.so),
        "called": [{"from": low, "to": min(high, 1), "facts": n, "right": right} for low, high, n, right in sure],
    }  # fmt: skip


def _calibration(judged: Judged) -> list[str]:
    """What held-out draws say of facts that were called surely wrong, or surely missing."""
    lines = []
    for what, check in _checks(judged).items():
        if not len(check.so):
            continue
        found = average_precision(check.said, check.so)
        lines.append(f"held-out draws: {check.so.sum()} of {len(check.so):,} {what}, average precision {found:.3f}")
        for low, high in _BANDS:
            count, right = check.between(low, high)
            share = f" ({right / count:.0%})" if count else ""
            lines.append(f"  of {count} facts called {what} with {low:.0%} to {min(high, 1):.0%}, {right} were{share}")
    return lines
