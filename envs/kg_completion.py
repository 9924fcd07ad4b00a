"""Complete a knowledge graph: answer an agenda of queries by inserting facts, or abstain."""

from dataclasses import replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from envs.base import Observation, TimeStep, noise_key
from envs.queries import NO_OBJECTIVE, Queries, Task, load_task, make_queries
from lepton_rl.delta import Delta
from lepton_rl.metrics import Known, facts_of
from lepton_rl.noise import facts_in
from lepton_rl.objectives.base import Objective
from lepton_rl.packed import AnswerSets, answer_sets, holds
from lepton_rl.ranking.candidates import propose
from lepton_rl.ranking.counts import counted
from lepton_rl.triple_graph import (
    TripleGraph,
    add_triple,
    add_triples,
    answers,
    from_triples,
    has_triple,
    on_base,
    without_base,
)

__all__ = ["CompletionState", "KGCompletion", "build_kg_completion", "make_kg_completion"]

_DRAWN = 1 << 16  # hidden facts are drawn by as many equally likely numbers


@struct.dataclass
class CompletionState:
    """The state of an episode.

    Attributes:
        agenda: i32[L], numbers of the queries. ``t``: i32[], queries answered or passed over.
        graph: what the episode owns of the graph: the facts hidden and those inserted. ``gained``: f32[], rewards.
        settled: i32[], facts inserted before the query that is due: those that are seen.
    """

    agenda: Int[Array, "*B L"]
    t: Int[Array, "*B"]
    graph: TripleGraph
    gained: Float[Array, "*B"]
    settled: Int[Array, "*B"]


@struct.dataclass
class KGCompletion:
    """Answer L queries (h, r, ?), each by inserting up to K = ``answers`` facts (h, r, t), one a step; or abstain.

    Insertions persist, and later queries of the episode see them; answers to one query do not see each other. In
    training, a share of the graph drawn anew for each episode is hidden, the agenda's facts among it; every agenda
    begins with the pool's query of that number, and the others are drawn. Else (``hide`` None) it is the queries of
    that number and after, and only their facts are hidden, where the graph has them.
    Observation: context (h, r) with r + R for the inverse of r; marks [the entity h, share of the agenda left]. The
    graph comes without the base's facts, see :class:`envs.queries.Queries`.
    Action: the entity t in [0, N), or N to abstain. Illegal: facts that the graph has.
    Where C entities are proposed for each query, the action is the number of one of them, or C to abstain, and
    observations have candidates (1 = insert or 0 = abstain, h, r, t). On large graphs that is what is affordable.
    Reward: 1 if the fact is known to be true (it was hidden), ``-penalty`` if not, 0 for abstaining; so inserting pays
    from a precision of penalty / (1 + penalty) on. An illegal action changes nothing, costs its step, and gives 0.
    Termination: after L queries, T = L K steps.

    Attributes:
        pool: the graph and the queries. ``own``: i32[P], the number of each query's fact in the graph, E = none.
        sets: known answers; ``pairs``: i32[P], the set of each query. ``penalty``: f32[].
        horizon: T. ``answers``: K. ``hide``: least and largest share of facts to hide, or None.
        proposed: i32[P, C], the entities that may answer each query; None: all.
    """

    pool: Queries
    own: Int[Array, "P"]
    sets: AnswerSets
    pairs: Int[Array, "P"]
    penalty: Float[Array, ""]
    horizon: int = struct.field(pytree_node=False)
    hide: tuple[float, float] | None = struct.field(pytree_node=False, default=None)
    answers: int = struct.field(pytree_node=False, default=1)
    rule: str = struct.field(pytree_node=False, default="KGCompletion")
    proposed: Int[Array, "P C"] | None = None

    operations: ClassVar[tuple[tuple[str, int, int | None], ...]] = ()
    objective: ClassVar[Objective] = NO_OBJECTIVE

    @property
    def steps_per_edit(self) -> int:
        """K: what is seen of the graph changes with the query."""
        return self.answers

    @property
    def num_queries(self) -> int:
        """L."""
        return self.horizon // self.answers

    @property
    def num_actions(self) -> int:
        """A = N + 1, or C + 1: the entities, and to abstain."""
        return (self.pool.capacity if self.proposed is None else self.proposed.shape[1]) + 1

    @jax.jit
    def reset(self, start: Int[Array, ""], key: PRNGKeyArray) -> tuple[CompletionState, Observation]:
        """Hide facts and draw the agenda, both from ``noise_key(key)``."""
        graph, P = self.pool.graphs, self.pool.size
        later = start + jnp.arange(self.num_queries)
        shown = jnp.ones(graph.num_facts + 1, bool)  # one more for facts that the graph does not have
        if self.hide is not None:
            agenda_key, share_key, fact_key = jax.random.split(noise_key(key), 3)
            later = jax.random.randint(agenda_key, (self.num_queries,), 0, P).at[0].set(start)
            low, high = self.hide
            share = jax.random.uniform(share_key, (), minval=low, maxval=high)
            drawn = jax.random.bits(fact_key, (graph.num_facts,), jnp.uint16)
            shown = shown.at[:-1].set(drawn >= (share * _DRAWN).astype(jnp.uint16))
        agenda = (later % P).astype(jnp.int32)
        graph = replace(without_base(graph), shown=shown.at[self.own[agenda]].set(False)[:-1])
        state = CompletionState(agenda, jnp.int32(0), graph, jnp.float32(0), jnp.int32(0))
        return state, self.observe(state)

    @jax.jit
    def step(
        self, state: CompletionState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[CompletionState, TimeStep]:
        """Answer the query that is due; ``key`` is not used."""
        successor = self._answer(state, action)
        ends = successor.t >= self.horizon
        reward = successor.gained - state.gained
        return successor, TimeStep(self.observe(successor), reward, ends, jnp.zeros_like(ends))

    @jax.jit
    def rebuild(
        self, start: Int[Array, ""], key: PRNGKeyArray, actions: Int[Array, "T"], t: Int[Array, ""]
    ) -> CompletionState:
        """The state after the first ``t`` actions.

        All T are taken at once, whatever t is, and what came later is cut off.
        """
        first, steps = self.reset(start, key)[0], jnp.arange(self.horizon)
        number = first.agenda[steps // self.answers]
        h, r, _ = self.pool.asked[number].T
        meant = jax.vmap(self._meant)(number, actions.astype(jnp.int32))
        graph, count = add_triples(on_base(self.pool.graphs, first.graph), h, r, meant)
        before = jnp.concatenate([jnp.zeros(1, jnp.int32), count])
        rewards = jax.vmap(self._reward)(count > before[:-1], self.pairs[number], meant)
        gained = jax.lax.scan(lambda sum_, reward: (sum_ + reward, sum_), jnp.float32(0), jnp.append(rewards, 0.0))[1]
        t, settled = jnp.asarray(t, jnp.int32), before[t // self.answers * self.answers]
        return CompletionState(first.agenda, t, _early(without_base(graph), before[t]), gained[t], settled)

    @jax.jit
    def observe(self, state: CompletionState) -> Observation:
        """What an agent sees: see the class docstring."""
        number, entity, relation = self._due(state)
        N = self.pool.capacity
        here = (jnp.arange(N) == entity).astype(jnp.float32)
        left = jnp.full(N, jnp.maximum(self.horizon - state.t, 0) / self.horizon, jnp.float32)
        graph, candidates = self.graph(state), None
        if self.proposed is None:
            open_ = ~answers(graph, entity, relation)
        else:
            tails = self.proposed[number]
            open_ = ~jax.vmap(has_triple, (None, None, None, 0))(graph, entity, relation, tails)
            rows = [jnp.full_like(tails, value) for value in (1, entity, relation)]
            abstain = jnp.stack([jnp.int32(0), entity, relation, entity])
            candidates = jnp.concatenate([jnp.stack([*rows, tails], axis=-1), abstain[None]])
        legal = jnp.append(open_, True) & (state.t < self.horizon)
        return Observation(
            self._seen(state), jnp.stack([here, left], axis=-1), legal, jnp.stack([entity, relation]),
            jnp.zeros((0, N, N), jnp.float32), candidates,
        )  # fmt: skip

    def graph(self, state: CompletionState) -> TripleGraph:
        """The graph in ``state``."""
        return self.pool.whole(state.graph)

    def _seen(self, state: CompletionState) -> TripleGraph:
        """The graph without the answers to the query that is due."""
        return state.graph if self.answers == 1 else _early(state.graph, state.settled)

    def value(self, state: CompletionState) -> Float[Array, ""]:
        """The rewards so far, f32[]."""
        return state.gained

    def _due(self, state: CompletionState) -> tuple[Array, Array, Array]:
        """Number, entity and relation of the query that is due; of the last query after the end."""
        number = state.agenda[jnp.minimum(state.t, self.horizon - 1) // self.answers]
        return number, self.pool.asked[number, 0], self.pool.asked[number, 1]

    def _meant(self, number: Int[Array, ""], action: Int[Array, ""]) -> Int[Array, ""]:
        """The entity that an action inserts, or a number that is none's."""
        if self.proposed is None:
            return action
        return self.proposed[number].at[action].get(mode="fill", fill_value=-1, wrap_negative_indices=False)

    def _reward(self, inserted: Bool[Array, ""], pair: Int[Array, ""], meant: Int[Array, ""]) -> Float[Array, ""]:
        right = holds(self.sets, pair, jnp.clip(meant, 0, self.pool.capacity - 1))
        return jnp.where(inserted, jnp.where(right, 1.0, -self.penalty), 0.0)

    def _answer(self, state: CompletionState, action: Int[Array, ""]) -> CompletionState:
        number, entity, relation = self._due(state)
        meant = jnp.where(state.t < self.horizon, self._meant(number, jnp.asarray(action, jnp.int32)), -1)
        # N and -1 are no entities.
        graph = without_base(add_triple(on_base(self.pool.graphs, state.graph), entity, relation, meant))
        inserted = graph.delta.count > state.graph.delta.count
        reward = self._reward(inserted, self.pairs[number], meant)
        t = state.t + 1
        settled = jnp.where(t % self.answers == 0, graph.delta.count, state.settled)
        return replace(state, t=t, graph=graph, gained=state.gained + reward, settled=settled)


def _early(graph: TripleGraph, count: Int[Array, ""]) -> TripleGraph:
    """The graph with the first so many insertions. Only facts that are not there are inserted, so that those of the
    list's end are none of its beginning's."""
    delta, old = graph.delta, jnp.arange(graph.max_edits) < count
    edges, based, present = jnp.where(old[:, None], delta.edges, -1), delta.based & old, delta.present & old
    return replace(graph, delta=Delta(edges, based, present, count, delta.refused))


def make_kg_completion(
    task: Task, queries: int = 16, *, answers: int = 1, penalty: float = 1.0,
    hide: tuple[float, float] | None = (0.1, 0.2), proposed: np.ndarray | None = None,
) -> KGCompletion:  # fmt: skip
    """Agendas of L = ``queries`` queries: a :class:`KGCompletion`, checked.

    Args:
        task: the graph and the queries. ``answers``: K, how many a query may be given.
        penalty: what a wrong fact costs.
        hide: least and largest share of the facts to hide in an episode; None: the queries' own only, in their order.
        proposed: int[P, C], the only entities that may answer each query, see
            :func:`lepton_rl.ranking.candidates.propose`.

    Raises:
        ValueError: an empty agenda, no answers, a penalty below 0, shares that are not such, or proposals of another
            shape or that are no entities.
    """
    if min(queries, answers) < 1:
        raise ValueError(f"an agenda of {queries} queries with {answers} answers each: give at least 1 of both.")
    if not 0 <= penalty < float("inf"):
        raise ValueError(f"a penalty of {penalty}: give a number from 0 on.")
    if hide is not None and not 0 <= hide[0] <= hide[1] < 1:
        raise ValueError(f"hide {tuple(hide)}: give the least and the largest share of facts to hide, below 1.")
    sets, pairs = answer_sets(task.queries, task.known, task.num_entities, task.num_relations)
    return KGCompletion(
        make_queries(task, queries * answers), jnp.asarray(_own_facts(task), jnp.int32), sets, jnp.asarray(pairs),
        jnp.float32(penalty), queries * answers, None if hide is None else (float(hide[0]), float(hide[1])), answers,
        proposed=None if proposed is None else _checked(proposed, task),
    )  # fmt: skip


def _checked(proposed: np.ndarray, task: Task) -> Int[Array, "P C"]:
    P, N = len(task.queries), task.num_entities
    if proposed.ndim != 2 or len(proposed) != P or not proposed.shape[1]:
        raise ValueError(f"proposals of shape {proposed.shape}: give some entities for each of {P} queries.")
    if (proposed < 0).any() or (proposed >= N).any():
        raise ValueError(f"proposals: entities must lie in [0, {N}).")
    return jnp.asarray(proposed, jnp.int32)


def _own_facts(task: Task) -> np.ndarray:
    """The number of each query's fact in the graph, E where it is not there."""
    N, R = task.num_entities, task.num_relations
    return facts_in(facts_of(task.queries, R), task.facts, N, R)


def build_kg_completion(
    rule: str = "KGCompletion", *, data: str = "world", part: str = "train", side: str = "both", split_seed: int = 0,
    budget: int = 16, answers: int = 1, penalty: float = 1.0, hide: tuple[float, float] | None = (0.1, 0.2),
    proposer: str | None = None, candidates: int = 64,
) -> KGCompletion:  # fmt: skip
    """Build the environment from JSON-able settings.

    Args:
        rule: its name. ``data``, ``part``, ``side``, ``split_seed``: see :func:`envs.queries.load_task`.
        budget: queries an episode. ``answers``, ``penalty``, ``hide``: as in :func:`make_kg_completion`. Nothing but
            the queries is hidden where ``part`` is not train.
        proposer: "frequency" or "rules", whose best ``candidates`` are all that may answer a query; None: all entities.

    Raises:
        ValueError: an unknown name, data that cannot be read, or a setting out of range.
    """
    hidden = (hide[0], hide[1]) if hide is not None and part == "train" else None
    task = load_task(data, part, side, split_seed)
    proposed = None
    if proposer is not None:  # in training what the graph states may be hidden, so that it is proposed too
        N, R = task.num_entities, task.num_relations
        stated = None if part == "train" else Known(task.facts, N, R)
        proposed = propose(counted(proposer, from_triples(task.facts, N, R)), task.queries, candidates, stated)
    return make_kg_completion(task, budget, answers=answers, penalty=penalty, hide=hidden, proposed=proposed)
