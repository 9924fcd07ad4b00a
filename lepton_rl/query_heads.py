"""Networks for agents on knowledge graphs: a query-conditioned ranker, encoded once a query, and values of actions.

Letters: N entities, R relations, E facts, A actions, D width, H hidden facts, T tails.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from lepton_rl.delta import Delta
from lepton_rl.heads import Network, network_from_module
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.ranking.propagation import QueryRanker
from lepton_rl.triple_graph import TripleGraph, answers, present_facts

__all__ = ["completion_network", "listed", "log_odds", "walk_network", "with_ranker"]

_SELDOM = 2.0  # log-odds against a walk's arriving, at first
_LEAST = 1e-6  # of a chance that an answer is none of the best


def listed(graph: TripleGraph, most: int) -> TripleGraph:
    """The same graph with its hidden facts as edits, so that encoders may share what they make of the base.

    A mask of hidden facts makes every graph of a batch another one; a list of H = ``most`` corrections does not.

    Args:
        most: H, which must be enough for the facts hidden; facts beyond would be seen.
    """
    if graph.shown is None:
        return graph
    unset = present_facts(replace(graph, shown=None))  # what an episode has inserted again stands in the delta already
    numbers = jnp.nonzero(~graph.shown & unset, size=most, fill_value=graph.num_facts)[0]
    used, delta = numbers < graph.num_facts, graph.delta
    hidden = graph.base.triples[jnp.minimum(numbers, graph.num_facts - 1)]
    longer = Delta(
        jnp.concatenate([delta.edges, jnp.where(used[:, None], hidden, -1)]), jnp.concatenate([delta.based, used]),
        jnp.concatenate([delta.present, jnp.zeros_like(used)]), delta.count, delta.refused,
    )  # fmt: skip
    return replace(graph, shown=None, delta=longer)


def log_odds(scores: Float[Array, "T"], among: Bool[Array, "T"]) -> Float[Array, "T"]:
    """log p / (1 - p) of the softmax p of scores among some of them (all, if there are none); in the scores' order."""
    chosen = jnp.where(among | ~among.any(), scores, -jnp.inf)
    shares = scores - jax.nn.logsumexp(chosen)
    return shares - jnp.log1p(-jnp.exp(jnp.minimum(shares, -_LEAST)))


class CompletionNetwork(nnx.Module):
    """Values of the tails and of abstaining: A = N + 1, or one more than there are candidates.

    Abstaining is worth nothing now. A tail is worth its score, scaled and shifted, and what comes later, which is the
    same whatever the action, as far as this network can say. Or it is ``bounded``: (1 + c) p - c for the penalty c and
    a probability p, whose log-odds are, scaled and shifted, those of a softmax of scores among tails that the graph
    does not have. There an answer that turns out right speaks against all others, as it does in supervised training,
    and nothing of later is in a value. Either way a tail's value rises with the ranker's score, and ranks as that does.
    """

    def __init__(
        self,
        config: RankerConfig,
        num_relations: int,
        bounded: bool,
        penalty: float,
        hidden: int | None,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        self.ranker = QueryRanker(config, num_relations, rngs=rngs)
        self.bounded, self.penalty, self.hidden = bounded, penalty, hidden
        self.scale, self.shift = nnx.Param(jnp.full((), 1.0 if bounded else 0.1, jnp.float32)), nnx.Param(jnp.zeros(()))
        self.later = nnx.Param(jnp.zeros(()))

    def encode(self, observation: Any) -> Float[Array, "T"]:
        """The ranker's scores of the T = A - 1 tails, or the log-odds that they mean, once a query."""
        graph = observation.graph if self.hidden is None else listed(observation.graph, self.hidden)
        return self._odds(graph, observation)

    def encode_shared(self, observation: Any) -> Float[Array, "T"]:
        """The same where one mask of hidden facts is that of many queries: what is made of the graph is shared too."""
        return self._odds(observation.graph, observation)

    def _odds(self, graph: TripleGraph, observation: Any) -> Float[Array, "T"]:
        h, r = observation.context
        scores, open_ = self.ranker(graph, h, r), ~answers(graph, h, r)
        if observation.candidates is not None:
            tails = observation.candidates[:-1, 3]
            scores, open_ = scores[tails], open_[tails]
        return log_odds(scores, open_) if self.bounded else scores

    def head(self, scores: Float[Array, "T"], observation: Any) -> Float[Array, "A"]:
        """Values of all tails, and of abstaining."""
        now = self.scale[...] * scores + self.shift[...]
        if self.bounded:
            return jnp.append((1 + self.penalty) * jax.nn.sigmoid(now) - self.penalty, 0.0)
        return jnp.append(now, 0.0) + self.later[...] * observation.marks[0, 1]


class WalkNetwork(nnx.Module):
    """Values of following the arcs of an entity, from what the query's encoder says of their targets: A slots.

    The last layer starts at zero: a fresh network scores 0. Or values are ``bounded``: probabilities of arriving, of
    which a fresh network says one in eight.
    """

    def __init__(self, config: RankerConfig, num_relations: int, bounded: bool, *, rngs: nnx.Rngs) -> None:
        D, hidden = config.width, 2 * config.width
        self.bounded = bounded
        self.ranker = QueryRanker(config, num_relations, rngs=rngs)
        self.relations = nnx.Param(0.1 * jax.random.normal(rngs.params(), (2 * num_relations + 1, hidden)))
        self.target = nnx.Linear(D + 1, hidden, rngs=rngs)
        self.state = nnx.Linear(2 * D + 1, hidden, use_bias=False, rngs=rngs)
        self.last = nnx.Param(jnp.zeros(hidden))

    def encode(self, observation: Any) -> Any:
        """Embeddings of all entities as answers, the ranker's scores of them, and the query's; once a query."""
        h, r = observation.context[:2]
        query = self.ranker.encoder.queries[r]
        embedded = self.ranker.encoder(observation.graph, h, r)
        return embedded, self.ranker.head(embedded, query), query

    def head(self, encoded: Any, observation: Any) -> Float[Array, "A"]:
        """Values of all candidates."""
        embedded, scores, query = encoded
        _, at, relation, target = observation.candidates.T
        here = jnp.concatenate([embedded[at[0]], query, observation.marks[:1, 1]])
        inputs = jnp.concatenate([embedded[target], scores[target][:, None]], axis=-1)
        hidden = self.target(inputs) + self.relations[...][relation] + self.state(here)
        values = nnx.relu(hidden) @ self.last[...]
        return jax.nn.sigmoid(values - _SELDOM) if self.bounded else values


@cache
def completion_network(
    config: RankerConfig,
    num_relations: int,
    bounded: bool = False,
    penalty: float = 1.0,
    hidden: int | None = None,
) -> Network:
    """A network for :class:`envs.kg_completion.KGCompletion`; equal arguments give the same object.

    Args:
        bounded: values as of probabilities, see :class:`CompletionNetwork`; then ``penalty`` is the environment's.
        hidden: the most facts that an episode hides, to list them (see :func:`listed`); None: graphs with their mask.
    """
    return network_from_module(
        lambda rngs: CompletionNetwork(config, num_relations, bounded, penalty, hidden, rngs=rngs)
    )


@cache
def walk_network(config: RankerConfig, num_relations: int, bounded: bool = False) -> Network:
    """A network for :class:`envs.kg_walk.KGWalk`; equal arguments give the same object.

    Args:
        bounded: values as of probabilities, see :class:`WalkNetwork`.
    """
    return network_from_module(lambda rngs: WalkNetwork(config, num_relations, bounded, rngs=rngs))


def with_ranker(params: Any, ranker: Any) -> Any:
    """Parameters of a network with those of a trained ranker of the same configuration in their place."""
    merged = nnx.State(dict(params))
    merged["ranker"] = jax.tree.map(jnp.copy, ranker)
    return merged
