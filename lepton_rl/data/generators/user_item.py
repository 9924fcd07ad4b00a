"""Who likes what: bipartite graphs of users and items, both with skewed degrees."""

import numpy as np

from lepton_rl.data.generators.batch import EdgeBatch, join
from lepton_rl.data.generators.connected import until_connected

__all__ = ["user_item"]

_PART_BYTES = 2**26  # of clocks that run at the same time


def _interactions(rng: np.random.Generator, number: int, m: int, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The first ``m`` pairs of slots of each graph, int64[number, m, 2], by the time that their clocks ring.

    A clock of rate a·b for every pair rings in the order of draws in proportion to a·b without repeats (Efraimidis &
    Spirakis 2006); ``users`` f[U] and ``items`` f[I] are the rates. Everybody's own first pair is put before all.
    """
    clocks = rng.standard_exponential((number, len(users), len(items))) / np.outer(users, items)
    graphs = np.arange(number)[:, None]
    liked = rng.choice(len(items), size=(number, len(users)), p=items / items.sum())
    likes = rng.choice(len(users), size=(number, len(items)), p=users / users.sum())
    clocks[graphs, np.arange(len(users)), liked] = 0
    clocks[graphs, likes, np.arange(len(items))] = 0
    first = clocks.reshape(number, -1).argpartition(m - 1, axis=-1)[:, :m]
    user, item = np.divmod(np.sort(first, axis=-1), len(items))
    return np.stack([user, len(users) + item], axis=-1)


def user_item(
    rng: np.random.Generator,
    count: int,
    num_nodes: int,
    *,
    users: int | None = None,
    m: int | None = None,
    user_skew: float = 0.8,
    item_skew: float = 1.0,
) -> EdgeBatch:
    """Bipartite users and items, connected: two thirds users, 2 n interactions, few active users and popular items.

    User r = 0, 1, … has the activity (r + 1)^-user_skew, item r the popularity (r + 1)^-item_skew (Zipf's law, roughly
    that of ratings and purchases). First every user takes an item in proportion to popularity, and every item a user
    in proportion to activity, so that nobody is alone; then interactions come one by one, user and item drawn in
    proportion to both and repeats ignored, until there are ``m``. Disconnected graphs are drawn again.

    Args:
        users: they are the first slots, items the rest; default two thirds of the nodes, rounded down.
        m: interactions; default 2 n, or half of all pairs of user and item where these are fewer.
        user_skew, item_skew: exponents of Zipf's law; 0 for users, or items, that are all alike.

    Raises:
        ValueError: no users or no items, ``m`` that cannot be reached, negative skew, or hardly a draw is connected.
    """
    users = 2 * num_nodes // 3 if users is None else users
    items = num_nodes - users
    if not 1 <= users < num_nodes:
        raise ValueError(f"{users} users among {num_nodes} nodes: give 1 … {num_nodes - 1}, the others are items.")
    least, pairs = min(num_nodes, users * items), users * items
    m = min(2 * num_nodes, max(least, pairs // 2)) if m is None else m
    if not least <= m <= pairs:
        raise ValueError(f"m = {m} interactions of {users} users with {items} items: give {least} … {pairs}.")
    if not (user_skew >= 0 and item_skew >= 0):
        raise ValueError(f"skews {user_skew} of users and {item_skew} of items: give exponents of at least 0.")
    activity, popularity = np.arange(1.0, users + 1) ** -user_skew, np.arange(1.0, items + 1) ** -item_skew
    part = max(_PART_BYTES // (8 * pairs), 1)

    def draw(number: int) -> EdgeBatch:
        sizes = [min(part, number - begin) for begin in range(0, number, part)]
        drawn = (_interactions(rng, size, m, activity, popularity) for size in sizes)
        return join([EdgeBatch.equal(edges, num_nodes) for edges in drawn], num_nodes)

    return until_connected(draw, count, f"give m > {m}")
