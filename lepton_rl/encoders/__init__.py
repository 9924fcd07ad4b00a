"""Encoders by name, one file an architecture: ``(x f32[N, F], graph) -> h f32[N, D]``, un-batched.

An encoder is a ``flax.nnx.Module`` built as ``Encoder(in_features, width, rounds, rngs=…)``. Absent nodes stay zero and
never reach present ones; there are no running statistics, so that a batch is ``jax.vmap`` and nothing else.
"""

from lepton_rl.registry import resolve

__all__ = ["ENCODERS", "get_encoder"]

ENCODERS = {
    "gin": "lepton_rl.encoders.gin:GIN",
    "structure2vec": "lepton_rl.encoders.structure2vec:Structure2Vec",
    "message_passing": "lepton_rl.encoders.neighbour_message:NeighbourMessage",
}


def get_encoder(name: str) -> type:
    """The encoder class called ``name``.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    return resolve(ENCODERS, name, "encoder")
