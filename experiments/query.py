"""``solve --query``: questions to a knowledge graph, as chains and conjunctions of relations.

"France borders ?", "France borders ? has_capital ?", "? borders France and ? in_region Europe". An entity is as likely
an answer as its best path: stated links count 1, others what a ranker says of them, links of a chain and parts of a
conjunction multiply (Arakelyan, Daza, Minervini & Cochez, ICLR 2021, the beam with the product).
"""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from envs.queries import load_knowledge
from experiments.complete import open_completer
from experiments.configs import Solve
from experiments.display import Display
from experiments.folder import RunFolder, free_name, make_folder, stem
from experiments.question import Chain, parse
from lepton_rl.batching import in_full_batches
from lepton_rl.data import KnowledgeGraph, TripleSplits
from lepton_rl.metrics import Known, Score
from lepton_rl.ranking import default_config, get_ranker
from lepton_rl.ranking.base import scorer

__all__ = ["Answer", "Facts", "answer", "run"]

_BEAM = 32  # entities that a chain goes on from, beside those that stated links lead to
_BATCH = 32
_SURE = 0.99  # what a prediction counts at most: less than a stated fact
_LEAST = 0.2  # and at least: what is usual for anyone is no answer
_FAR = 3  # steps of the paths that speak for a prediction


class Facts:
    """The facts of a knowledge graph by entity and relation, and a ranker of those that are not stated.

    Args:
        graph: the facts. ``score``: of all entities as answers, in [0, 1]; None: stated facts are all there is.
    """

    def __init__(self, graph: KnowledgeGraph, score: Score | None) -> None:
        self.graph, self._score = graph, score
        self.known = Known(graph.triples, graph.num_entities, graph.num_relations)
        h, r, t = graph.triples.astype(np.int64).T
        self._reflexive = {*r[h == t].tolist()}
        arcs = np.stack([np.append(h, t), np.append(r, r + graph.num_relations), np.append(t, h)], 1)
        self._arcs = arcs[np.argsort(arcs[:, 0], kind="stable")]
        self._starts = np.searchsorted(self._arcs[:, 0], np.arange(graph.num_entities + 1))

    def scores(self, entities: np.ndarray, relation: int) -> np.ndarray:
        """How likely every entity answers the queries of ``entities`` i[B], f64[B, N]: 1 where it is stated."""
        stated, score = self.known.mask(entities, np.full(len(entities), relation)), self._score
        if score is None:
            return stated.astype(float)
        relations = np.full(_BATCH, relation)
        likely = np.minimum(in_full_batches(lambda part: score(part, relations), entities, _BATCH), _SURE)
        likely[likely < _LEAST] = 0.0
        if relation % self.graph.num_relations not in self._reflexive:
            likely[np.arange(len(entities)), entities] = 0.0  # no fact joins an entity to itself: none is predicted to
        return np.where(stated, 1.0, likely)

    def path(self, source: int, target: int, but: int = -1) -> list[tuple[int, int]]:
        """A shortest path of stated links, [(relation in [0, 2R), entity)]; [] where none has at most three.

        ``but``: a relation whose link from source to target does not count.
        """
        came: dict[int, tuple[int, int]] = {source: (-1, -1)}
        front = [source]
        for _ in range(_FAR):
            reached = []
            for entity in front:
                for _, relation, other in self._arcs[self._starts[entity] : self._starts[entity + 1]].tolist():
                    if other not in came and (entity, relation, other) != (source, but, target):
                        came[other] = (entity, relation)
                        reached.append(other)
            if target in came:
                break
            front = reached
        steps, at = [], target
        while at != source and at in came:
            steps.append((came[at][1], at))
            at = came[at][0]
        return steps[::-1]

    def words(self, source: int, steps: Sequence[tuple[int, int]]) -> str:
        """A path in words: "France –borders→ Spain ←has_member– EU"."""
        R, said = self.graph.num_relations, [self.graph.entities[source]]
        for relation, entity in steps:
            name = self.graph.relations[relation % R]
            said.append(f"–{name}→" if relation < R else f"←{name}–")
            said.append(self.graph.entities[entity])
        return " ".join(said)


class Answer(NamedTuple):
    """An entity that answers a question.

    Attributes:
        entity: its name. ``score``: 1 where facts state it, else less. ``stated``: no link of it is predicted.
        path: the links of each chain in words; what is predicted, with its score and a path that speaks for it.
    """

    entity: str
    score: float
    stated: bool
    path: str


class _Reached(NamedTuple):
    """Scores f64[N] of entities after each step of a chain, and the entity before, i64[N]."""

    scores: list[np.ndarray]
    before: list[np.ndarray]


def _follow(facts: Facts, chain: Chain) -> _Reached:
    score = np.zeros(facts.graph.num_entities)
    score[chain.entity] = 1
    scores, before = [score], [np.full(len(score), -1)]
    for relation in chain.relations:
        order = np.argsort(-score, kind="stable")
        order = order[: max(_BEAM, int((score == 1).sum()))]
        order = order[score[order] > 0]
        if not len(order):
            return _Reached([*scores, np.zeros(len(score))], [*before, np.zeros(len(score), np.int64)])
        all_ = score[order][:, None] * facts.scores(order, relation)
        score = all_.max(0)
        scores.append(score)
        before.append(order[all_.argmax(0)])
    return _Reached(scores, before)


def _support(facts: Facts, chain: Chain, reached: _Reached, entity: int) -> tuple[str, bool]:
    """The chain's best path to an entity in words, and whether all of it is stated."""
    places = [entity]
    for before in reversed(reached.before[1:]):
        places.append(int(before[places[-1]]))
    places.reverse()
    steps = list(zip(chain.relations, places[1:], strict=True))
    said, stated = [facts.words(chain.entity, steps)], True
    for source, (relation, target) in zip(places, steps, strict=False):
        if facts.known.mask(np.array([source]), np.array([relation]))[0, target]:
            continue
        stated = False
        score = facts.scores(np.array([source]), relation)[0, target]
        evidence = facts.path(source, target)
        why = f" as {facts.words(source, evidence)}" if evidence else ""
        said.append(f"predicted {score:.2f}: {facts.words(source, [(relation, target)])}{why}")
    return "; ".join(said), stated


def answer(facts: Facts, chains: Sequence[Chain], most: int) -> list[Answer]:
    """The ``most`` likeliest answers, stated ones first; those of equal score by how the graph orders entities."""
    reached = [_follow(facts, chain) for chain in chains]
    total = np.prod([one.scores[-1] for one in reached], axis=0)
    order = [int(i) for i in np.argsort(-total, kind="stable")[:most] if total[i] > 0]
    answers = []
    for entity in order:
        supports = [_support(facts, chain, one, entity) for chain, one in zip(chains, reached, strict=True)]
        path, stated = " and ".join(text for text, _ in supports), all(known for _, known in supports)
        answers.append(Answer(facts.graph.entities[entity], float(total[entity]), stated, path))
    return answers


def whole_graph(text: str) -> KnowledgeGraph:
    """A knowledge graph of the user with the facts of all its parts.

    Raises:
        ValueError: see :func:`envs.queries.load_knowledge`.
    """
    loaded = load_knowledge(text)
    if not isinstance(loaded, TripleSplits):
        return loaded
    triples = np.unique(np.concatenate([part.triples for part in loaded.parts.values()]), axis=0)
    train = loaded.train
    return KnowledgeGraph(stem(text), triples, train.entities, train.relations, train.entity_data, train.relation_data)


def run(command: Solve) -> int:
    """Answer the question of ``command.query``, show the answers and write them to answers.csv."""
    display, name = Display(), command.graph or "world"
    graph = whole_graph(name)
    chains = parse(command.query or "", graph)
    score, by = None, command.ranker
    if command.run is not None:
        score, by = open_completer(command.run).on(graph, display.note), f"the run {command.run}"
    elif command.ranker != "none":
        ranker = get_ranker(command.ranker, default_config(command.ranker), graph.num_entities, graph.num_relations)
        if ranker.trained:
            trained = "a --run of `train --env KGCompletion`"
            raise ValueError(f"--ranker {command.ranker} has to be trained: give {trained}, or a ranker that counts.")
        stored = graph.to_triple_graph()
        score = scorer(ranker, ranker.init(jax.random.key(0), stored), stored)
    answers = answer(Facts(graph, score), chains, command.answers)
    folder = RunFolder(make_folder(command.runs_dir / (command.name or free_name(
        command.runs_dir, f"query-{stem(name)}"))))  # fmt: skip
    display.header(command.query or "", {
        "graph": f"{graph.name} ({graph.num_entities:,} entities, {len(graph.triples):,} facts)",
        "links not stated": "left out" if score is None else f"by {by}", "results": str(folder.path),
    })  # fmt: skip
    for number, one in enumerate(answers, 1):
        mark = "" if one.stated else f"  ({one.score:.2f}, not stated)"
        display.say(f"{number:3}. {one.entity}{mark}\n     {one.path}")
    if not answers:
        display.say("No entity answers: leave out a part of the question, or give another --ranker.")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([Answer._fields, *answers])
    folder.write("answers.csv", text.getvalue())
    folder.write_json("result.json", {"query": command.query, "answers": [one._asdict() for one in answers]})
    return 0
