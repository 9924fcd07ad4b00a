"""What Gymnasium shows of an observation: a flat dictionary of arrays, and their spaces, for each storage of graphs.

Nothing here is a two-dimensional ``Box`` but node features: Stable-Baselines3 would take offence. Hence weights are one
row after the other, candidates columns, and evidence one fact after the other.
"""

from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces
from jaxtyping import Array

from envs.base import GraphEnv, Observation, whole
from lepton_rl.graph import adjacency
from lepton_rl.proposals import OPERATIONS
from lepton_rl.triple_graph import TripleGraph
from lepton_rl.weights import weights

__all__ = ["arrays", "space_of"]

_EDIT = ("operations", "heads", "relations", "targets", "others")  # the columns of candidate edits


def arrays(observation: Observation) -> dict[str, Array]:
    """One observation as a flat dictionary; the mask is all ones where nothing is legal (after the end)."""
    legal = observation.legal
    shared = {
        "budget_left": observation.marks[:1, 1],
        "action_mask": (legal | ~legal.any()).astype(jnp.int8),
    }
    return _arrays(observation.graph, observation) | shared


def space_of(env: GraphEnv) -> spaces.Space:
    """The space of :func:`arrays` for the environment's observations."""
    shapes = jax.eval_shape(lambda env: arrays(whole(env, env.reset(jnp.int32(0), jax.random.key(0))[1])), env)
    known: dict[str, spaces.Space] = {
        name: spaces.MultiBinary(leaf.shape) for name, leaf in shapes.items() if leaf.dtype == jnp.int8
    }
    for name, (low, high) in _bounds(env.pool.graphs, env).items():
        if name in shapes:
            shape, dtype = shapes[name].shape, shapes[name].dtype
            least, most = (np.broadcast_to(np.asarray(bound, dtype), shape) for bound in (low, high))
            known[name] = spaces.Box(least, most, shape, dtype.type)
    return spaces.Dict(known)


@singledispatch
def _arrays(graph: Any, observation: Observation) -> dict[str, Array]:
    flat = {
        "adjacency": adjacency(graph).astype(jnp.int8),
        "node_mask": graph.node_mask.astype(jnp.int8),
        "selected": observation.marks[:, 0].astype(jnp.int8),
    }
    if observation.marks.shape[-1] > 2:
        flat["earlier"] = observation.marks[:, 2].astype(jnp.int8)
    if graph.labels is not None:
        flat["labels"] = graph.labels
    if graph.edge_features is not None:
        flat["weights"] = weights(graph).reshape(-1)
    return flat | ({"node_features": graph.node_features} if graph.node_features.shape[-1] else {})


@_arrays.register
def _(graph: TripleGraph, observation: Observation) -> dict[str, Array]:
    if observation.evidence is None:
        flat = {"query": observation.context[:2]}
        if observation.candidates is not None:
            columns, place = observation.candidates.T, observation.context[2:]
            flat["targets"] = columns[3]
            if place.shape[0]:  # a walk's
                flat |= {"at": place, "relations": columns[2]}
    else:
        flat = {"evidence": observation.evidence.reshape(-1)}
        flat |= dict(zip(_EDIT, jnp.asarray(observation.candidates).T, strict=False))  # the fifth is not always there
        if "others" in flat:  # edits around a focus
            flat |= {"focus": observation.context, "types": observation.marks[:, 2]}
            flat["present"] = graph.delta.present.astype(jnp.int8)
    if graph.shown is not None:
        flat["facts"] = graph.shown.astype(jnp.int8)
    return flat | ({"inserted": graph.delta.edges.reshape(-1)} if graph.max_edits else {})


@singledispatch
def _bounds(graphs: Any, env: GraphEnv) -> dict[str, tuple[Any, Any]]:
    """Least and largest values of the arrays that are not binary."""
    largest = float(np.finfo(np.float32).max)  # edits may multiply weights: finite is all that is known
    features = np.asarray(graphs.node_features)
    return {
        "budget_left": (0.0, 1.0), "labels": (-1.0, 1.0), "weights": (-largest, largest),
        "node_features": (min(0.0, features.min(initial=0)), max(1.0, features.max(initial=1))),
    }  # fmt: skip


@_bounds.register
def _(graphs: TripleGraph, env: GraphEnv) -> dict[str, tuple[Any, Any]]:
    N, R = graphs.capacity, graphs.num_relations
    fact = np.tile([N - 1, R - 1, N - 1], graphs.max_edits)
    largest = float(np.finfo(np.float32).max)
    return {
        "focus": (0, N - 1), "types": (-1.0, largest), "evidence": (-largest, largest),
        "operations": (0, len(OPERATIONS) - 1), "heads": (0, N - 1), "others": (0, np.iinfo(np.int32).max),
        "budget_left": (0.0, 1.0), "query": (0, np.array([N - 1, 2 * R - 1])), "at": (0, N - 1),
        "relations": (0, 2 * R), "targets": (0, N - 1), "inserted": (-1, fact),
    }  # fmt: skip
