"""What every ranker is."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.metrics import Score
from lepton_rl.triple_graph import TripleGraph

__all__ = ["Ranker", "ranker_from_module", "scorer"]

_NUMBERS = 1 << 23  # arcs and entities of all queries at once, of each of which a ranker may hold some embeddings


class Ranker(NamedTuple):
    """Scores of all N entities as answers to a query (h, r, ?).

    Attributes:
        init: ``(key, graph) -> params``: to be trained, or counted and ready.
        score: ``(params, graph, h, r) -> f32[N]``, higher is likelier; r in [0, 2R), where r + R asks for heads.
            What the graph holds may be read (propagation, rules) or not (embeddings).
        trained: by gradients.
        host: ``(params, graph) -> Score`` for a ranker that works on the host, batch by batch; its ``score`` is then of
            no use under jit.
    """

    init: Callable[[PRNGKeyArray, TripleGraph], Any]
    score: Callable[[Any, TripleGraph, Any, Any], Float[Array, "N"]]
    trained: bool
    host: Callable[[Any, TripleGraph], Score] | None = None


def ranker_from_module(build: Callable[[nnx.Rngs], Any]) -> Ranker:
    """A ranker from ``build(rngs)``, an nnx module called as ``(graph, h, r) -> f32[N]``."""
    graphdef, _ = nnx.split(nnx.eval_shape(lambda: build(nnx.Rngs(0))))

    @jax.jit
    def init(key: PRNGKeyArray, graph: TripleGraph) -> Any:
        return nnx.split(build(nnx.Rngs(key)))[1]

    def score(params: Any, graph: TripleGraph, h: Any, r: Any) -> Float[Array, "N"]:
        return nnx.merge(graphdef, params)(graph, h, r)

    return Ranker(init, score, True)


@partial(jax.jit, static_argnums=0)
def _scores(ranker: Ranker, params: Any, graph: TripleGraph, h: Array, r: Array) -> Float[Array, "B N"]:
    one = partial(ranker.score, params, graph)
    at_once = 1 << max((_NUMBERS // (2 * graph.num_facts + graph.capacity)).bit_length() - 1, 0)
    if len(h) <= at_once:
        return jax.vmap(one)(h, r)
    return jax.lax.map(lambda query: one(*query), (h, r), batch_size=at_once)


def scorer(ranker: Ranker, params: Any, graph: TripleGraph) -> Score:
    """The ranker with its parameters on a graph, as :func:`lepton_rl.metrics.evaluate` asks for it."""
    if ranker.host is not None:
        return ranker.host(params, graph)
    return lambda h, r: _scores(ranker, params, graph, np.asarray(h, np.int32), np.asarray(r, np.int32))
