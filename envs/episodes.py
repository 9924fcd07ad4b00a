"""Episodes for a host that speaks NumPy: the machinery beneath the Gymnasium face.

Randomness comes from the host's generators only: each episode draws three words, two for its JAX key and one for its
start graph. The environment is an argument of jit: another pool of the same shapes costs no compile.
"""

import inspect
import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces
from jaxtyping import Array, Bool, Int, Key, UInt32

from envs import DEFAULTS, get_environment, rule_of
from envs.base import GraphEnv, reset_batch, step_batch, whole
from envs.costs import get_cost, reads_weights
from envs.faces import arrays, space_of
from envs.kg_rendering import KGFrame, kg_ansi, kg_rgb
from envs.labels import start_labels
from envs.noisy import NoisyFacts
from envs.pools import make_pool
from envs.queries import Queries
from envs.rendering import Frame, render_ansi, render_rgb
from lepton_rl.data.cleaning import Cleaning
from lepton_rl.data.generators import generate
from lepton_rl.data.readers import read_graph
from lepton_rl.graph import BitGraph, from_edges
from lepton_rl.noise import facts_in
from lepton_rl.objectives import get_objective
from lepton_rl.registry import near_match, resolve
from lepton_rl.triple_graph import to_triples

__all__ = ["RENDER_MODES", "Arrays", "Episodes", "build_env", "checked_render_mode", "checked_starts", "environment"]

Arrays = dict[str, np.ndarray]
RENDER_MODES = ("ansi", "rgb_array")


def build_env(
    rule: str = "EdgeAddition",
    *,
    objective: str | None = None,
    budget: int = 5,
    reward: str = "end",
    graphs: str | Sequence[str] | None = None,
    num_nodes: int = 20,
    num_graphs: int = 128,
    graph_seed: int = 0,
    cost: str | None = None,
    cost_budget: float = math.inf,
) -> GraphEnv:
    """Build an environment from JSON-able settings.

    Args:
        rule: a name in ``envs.ENVIRONMENTS``.
        objective: a name in ``lepton_rl.objectives.OBJECTIVES``, or a sum of such; default: the rule's, see
            ``envs.DEFAULTS``.
        budget: edits an episode. ``reward``: "end" or "edit", as the rule says.
        graphs: a name in ``lepton_rl.data.generators.GENERATORS``, or a list of graph files;
            default: the rule's, for the cost "length" gabriel. Weights are read where the objective or the cost
            depends on them, as :meth:`lepton_rl.data.NamedGraph.weighing` says.
        num_nodes: nodes of a generated graph. ``num_graphs``: how many; they have the seeds ``graph_seed``, + 1, ….
        cost: a name in ``envs.costs.COSTS``; ``cost_budget``: what the edits of an episode may cost together. What the
            cost reads of the nodes are their attributes of those names.

    Raises:
        ValueError: a name that is not in its table (near match named), a file that cannot be read, or settings that
            the rule refuses.
    """
    build, default = get_environment(rule), DEFAULTS[rule_of(rule)]
    valued = get_objective(objective or default.objective)
    graphs = graphs or ("gabriel" if cost == "length" else default.graphs)
    reads = get_cost(cost).reads if cost else ()
    if isinstance(graphs, str):
        seeds = range(graph_seed, graph_seed + num_graphs)
        kind = "side" if rule_of(rule) == "LinkRecommendation" else valued.labels
        members = []
        for seed, graph in zip(seeds, generate(graphs, num_nodes, seeds), strict=True):
            edges = np.array(graph.edges, np.int64).reshape(-1, 2)
            features = [[data[name] for name in reads if name in data] for _, data in graph.nodes(data=True)]
            labels = start_labels(kind, edges, len(graph), seed)
            members.append(from_edges(edges, len(graph), labels=labels, node_features=np.array(features)))
    else:
        read = [read_graph(path, cleaning=Cleaning(directed=False)) for path in graphs]
        read = [graph.featured(reads, "costs") if reads else graph for graph in read]
        if reads_weights(valued, cost) and any(graph.weights is not None for graph in read):
            read = [graph.weighing() for graph in read]
        members = [graph.to_bitgraph() for graph in read]
    return build(make_pool(members), valued, budget, reward, cost=cost, cost_budget=cost_budget)


def environment(rule: str, env: GraphEnv | None, settings: dict[str, Any]) -> GraphEnv:
    """The ready ``env``, or one built from ``settings``; a misspelt setting is named with its near match."""
    get_environment(rule)
    build = resolve({rule: DEFAULTS[rule_of(rule)].build}, rule, "environment") if env is None else build_env
    known = list(inspect.signature(build).parameters)[1:]
    for name in settings:
        if name not in known:
            raise ValueError(f"unknown option '{name}'.{near_match(name, known)} Allowed: {', '.join(known)}.")
    if env is not None and settings:
        raise ValueError(f"a ready env= has its settings already: drop {', '.join(settings)}, or drop env.")
    return build(rule, **settings) if env is None else env


def checked_render_mode(render_mode: str | None) -> str | None:
    """``render_mode``, when there is such a one."""
    if render_mode is not None and render_mode not in RENDER_MODES:
        near = near_match(render_mode, RENDER_MODES)
        raise ValueError(f"unknown render_mode '{render_mode}'.{near} Allowed: {', '.join(RENDER_MODES)}.")
    return render_mode


def _keys(words: UInt32[Array, "B 2"]) -> Key[Array, "B"]:
    """Episode keys, made anew in each function from the words that stand for them."""
    return jax.vmap(lambda word: jax.random.fold_in(jax.random.key(word[0]), word[1]))(words)


@jax.jit
def _begin(
    env: GraphEnv, held: Any, chosen: Bool[Array, "B"], starts: Int[Array, "B"], words: UInt32[Array, "B 2"]
) -> tuple[Any, dict[str, Array]]:
    """Begin the ``chosen`` episodes; the others keep the states ``held`` (None: there are none)."""
    new, _ = reset_batch(env, starts, _keys(words))
    if held is not None:
        new = jax.vmap(lambda yes, a, b: jax.tree.map(lambda x, y: jnp.where(yes, x, y), a, b))(chosen, new, held)
    return new, jax.vmap(lambda state: arrays(whole(env, env.observe(state))))(new)


@jax.jit
def _step(
    env: GraphEnv, held: Any, words: UInt32[Array, "B 2"], elapsed: Int[Array, "B"], actions: Int[Array, "B"]
) -> tuple[Any, dict[str, Array], Array, Array]:
    state, step = step_batch(env, held, actions, jax.vmap(jax.random.fold_in)(_keys(words), elapsed))
    seen = jax.vmap(lambda observation: arrays(whole(env, observation)))(step.observation)
    return state, seen, step.reward, step.terminated


@jax.jit
def _moment(
    env: GraphEnv, held: Any, starts: Int[Array, "B"], words: UInt32[Array, "B 2"], i: Int[Array, ""]
) -> tuple[BitGraph, BitGraph, Array, Array, Array]:
    """Episode i: start graph, graph now, marks, and the objective of both graphs under the same noise."""
    state = jax.tree.map(lambda leaf: leaf[i], held)
    begun, _ = env.reset(starts[i], _keys(words)[i])
    return env.graph(begun), env.graph(state), env.observe(state).marks, env.value(begun), env.value(state)


class Episodes:
    """B episodes of one environment, NumPy outside and JAX inside.

    Attributes:
        env: the environment. ``elapsed``: i32[B] steps taken. ``starts``: i32[B] pool indices.
    """

    def __init__(self, env: GraphEnv, count: int) -> None:
        self.env = env
        self.elapsed = np.zeros(count, np.int32)
        self.starts = np.zeros(count, np.int32)
        self._words = np.zeros((count, 2), np.uint32)
        self._held: Any = None

    def spaces(self) -> tuple[spaces.Space, spaces.Space]:
        """Observation and action space of one episode."""
        return space_of(self.env), spaces.Discrete(self.env.num_actions)

    def begin(
        self, generators: Sequence[np.random.Generator], chosen: np.ndarray, starts: np.ndarray | None = None
    ) -> Arrays:
        """Begin the ``chosen`` bool[B] episodes, on ``starts`` i32[B] or at random; returns everybody's arrays."""
        if self._held is None and not chosen.all():
            raise gym.error.ResetNeeded("reset all environments once before resetting some of them by reset_mask.")
        for i in np.flatnonzero(chosen).tolist():
            words = generators[i].integers(2**32, size=3, dtype=np.uint32)
            self._words[i] = words[:2]
            self.starts[i] = words[2] % self.env.pool.size if starts is None else starts[i]
        self.elapsed = np.where(chosen, 0, self.elapsed).astype(np.int32)
        kept = None if chosen.all() else self._held  # where none is kept, the first begin's program serves again
        self._held, seen = _begin(self.env, kept, *map(jnp.asarray, (chosen, self.starts, self._words)))
        return {name: np.array(leaf) for name, leaf in seen.items()}

    def step(self, actions: np.ndarray) -> tuple[Arrays, np.ndarray, np.ndarray]:
        """Observations, rewards f64[B] and ends bool[B] after ``actions`` int[B]."""
        if self._held is None:
            raise gym.error.ResetNeeded("call reset() before step().")
        # Clipped before the cast to int32, lest a wild action wraps round to a legal one.
        actions = np.where((actions >= 0) & (actions < self.env.num_actions), actions, -1).astype(np.int32)
        self._held, seen, rewards, over = _step(
            self.env, self._held, *map(jnp.asarray, (self._words, self.elapsed, actions))
        )
        self.elapsed = self.elapsed + np.int32(1)
        return {name: np.array(leaf) for name, leaf in seen.items()}, np.array(rewards, np.float64), np.array(over)

    def render(self, mode: str | None, i: int) -> Any:
        """Text or picture of episode ``i``; None without a mode."""
        if mode is None:
            return None
        if self._held is None:
            raise gym.error.ResetNeeded("call reset() before render().")
        if isinstance(self.env.pool, Queries | NoisyFacts):
            return self._render_facts(mode, i)
        moment = _moment(self.env, self._held, *map(jnp.asarray, (self.starts, self._words, np.int32(i))))
        start, graph, marks, first, now = moment[:2] + jax.device_get(moment[2:])
        frame = Frame(
            start=start, graph=graph, selected=int(marks[:, 0].argmax()) if marks[:, 0].any() else -1,
            left=float(marks[0, 1]), step=int(self.elapsed[i]), horizon=self.env.horizon, start_value=float(first),
            value=float(now),
        )  # fmt: skip
        return render_ansi(frame) if mode == "ansi" else render_rgb(frame)

    def _render_facts(self, mode: str, i: int) -> Any:
        state = jax.tree.map(lambda leaf: leaf[i], self._held)
        seen, graph, pool = self.env.observe(state), self.env.graph(state), self.env.pool
        facts, context = to_triples(graph), tuple(np.asarray(seen.context).tolist())
        edits, present = np.asarray(graph.delta.edges), np.asarray(graph.delta.present)
        removed, query, focus = edits[~present & (edits[:, 0] >= 0)], context, ()
        if isinstance(pool, NoisyFacts):  # hides what it deletes, and asks nothing
            before, query = to_triples(pool[context[0]]), ()
            removed = before[facts_in(before, facts, pool.capacity, graph.num_relations) == len(facts)]
        elif seen.evidence is not None:
            query, focus = (), context
        frame = KGFrame(
            query=query, focus=focus, left=float(seen.marks[0, 1]), facts=facts, inserted=edits[present],
            removed=removed, step=int(self.elapsed[i]), horizon=self.env.horizon, value=float(self.env.value(state)),
        )  # fmt: skip
        return kg_ansi(frame) if mode == "ansi" else kg_rgb(frame)


def checked_starts(options: dict[str, Any] | None, count: int, size: int) -> np.ndarray | None:
    """The start graphs asked for by ``options["start"]``, i32[count], or None."""
    options = options or {}
    for name in options:
        if name not in ("start", "reset_mask"):
            near = near_match(name, ("start", "reset_mask"))
            raise ValueError(f"unknown reset option '{name}'.{near} Allowed: start, reset_mask.")
    if options.get("start") is None:
        return None
    starts = np.broadcast_to(np.asarray(options["start"], np.int32), (count,))
    if starts.min() < 0 or starts.max() >= size:
        raise ValueError(f"start graph {options['start']} is not in the pool: give indices from 0 to {size - 1}.")
    return starts
