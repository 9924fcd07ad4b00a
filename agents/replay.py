"""A replay of whole episodes: bytes a transition do not depend on the graphs' size (observations are rebuilt).

Letters: C episodes of capacity, B episodes written at once, T steps an episode.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, Key, UInt32

from envs.base import Trajectory

__all__ = ["Replay", "empty_replay", "write"]


@struct.dataclass
class Replay:
    """A ring of episodes.

    Attributes:
        starts: i32[C] pool indices. ``keys``: u32[C, 2] key data of the episodes.
        actions: i16[C, T], i32 where there are too many for that. ``rewards``: f32[C, T]. ``terminated``: bool[C, T].
        cursor: i32[] where the next slab goes. ``size``: i32[] episodes held.
    """

    starts: Int[Array, "*S C"]
    keys: UInt32[Array, "*S C 2"]
    actions: Int[Array, "*S C T"]
    rewards: Float[Array, "*S C T"]
    terminated: Bool[Array, "*S C T"]
    cursor: Int[Array, "*S"]
    size: Int[Array, "*S"]


def empty_replay(capacity: int, horizon: int, num_actions: int = 0) -> Replay:
    """A replay that holds nothing yet, for actions in [0, ``num_actions``)."""
    word = jnp.int16 if num_actions < 1 << 15 else jnp.int32
    zero = jnp.zeros((), jnp.int32)
    return Replay(
        starts=jnp.zeros(capacity, jnp.int32), keys=jnp.zeros((capacity, 2), jnp.uint32),
        actions=jnp.zeros((capacity, horizon), word), rewards=jnp.zeros((capacity, horizon), jnp.float32),
        terminated=jnp.zeros((capacity, horizon), bool), cursor=zero, size=zero,
    )  # fmt: skip


def write(replay: Replay, starts: Int[Array, "B"], keys: Key[Array, "B"], episodes: Trajectory) -> Replay:
    """Write B episodes in one slab over the oldest; the capacity must be a multiple of B."""
    capacity, count = replay.starts.shape[0], starts.shape[0]

    def put(ring: Array, slab: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(ring, slab.astype(ring.dtype), replay.cursor, axis=0)

    return Replay(
        starts=put(replay.starts, starts), keys=put(replay.keys, jax.random.key_data(keys)),
        actions=put(replay.actions, episodes.actions), rewards=put(replay.rewards, episodes.rewards),
        terminated=put(replay.terminated, episodes.terminated),
        cursor=(replay.cursor + count) % capacity, size=jnp.minimum(replay.size + count, capacity),
    )  # fmt: skip
