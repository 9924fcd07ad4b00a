"""What the DQN learner needs on knowledge graphs: a network that fits, and a trained ranker to start from."""

import math
from typing import Any

from agents.dqn import TrainState
from agents.training import started_with
from envs.kg_completion import KGCompletion
from envs.kg_walk import KGWalk
from lepton_rl.heads import Network
from lepton_rl.query_heads import completion_network, walk_network, with_ranker
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.triple_messages import DENSE

__all__ = ["most_hidden", "network_on", "started_from"]


def most_hidden(env: KGCompletion) -> int:
    """More facts than an episode hides: six standard deviations above the largest share, and the agenda's."""
    E, share = env.pool.graphs.num_facts, env.hide[1] if env.hide else 0.0
    return min(E, math.ceil(E * share + 6 * math.sqrt(E * share * (1 - share))) + env.num_queries)


def network_on(env: KGWalk | KGCompletion, config: RankerConfig, bounded: bool = False) -> Network:
    """A network for an environment that is trained on; it plays others of the same relations too.

    Args:
        config: of the ranker inside.
        bounded: values as of probabilities, which suits a ranker that is trained already and the loss "logistic", see
            :mod:`lepton_rl.query_heads`.
    """
    relations = env.pool.graphs.num_relations
    if isinstance(env, KGWalk):
        return walk_network(config, relations, bounded)
    hidden = most_hidden(env) if env.pool.capacity <= DENSE else None  # larger graphs have no matrices to share
    return completion_network(config, relations, bounded, float(env.penalty), hidden)


def started_from(state: TrainState, ranker: Any) -> TrainState:
    """The first state of S runs, with the parameters of a trained "nbfnet" ranker of the same configuration in each.

    Args:
        state: of :meth:`agents.training.Runs.init`. ``ranker``: ``params`` of :func:`lepton_rl.ranking.training.fit`.
    """
    return started_with(state, ranker, with_ranker)
