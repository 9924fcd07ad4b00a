"""The Gymnasium face of the graph-editing environments: one ``Env``, one ``VectorEnv``.

Both play a batch (``Env`` one of size 1), so a vector environment equals its members played alone.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from envs.base import GraphEnv
from envs.episodes import RENDER_MODES, Arrays, Episodes, build_env, checked_render_mode, checked_starts, environment

__all__ = ["GymGraphEnv", "GymGraphVectorEnv", "build_env"]


class GymGraphEnv(gym.Env[Any, Any]):
    """A graph-editing environment as a Gymnasium environment.

    Observation: a ``Dict`` of fresh arrays: adjacency i8[N, N], node_mask i8[N], selected i8[N] (one-hot),
    budget_left f32[1] (a share), action_mask i8[A]; earlier i8[N] where an edit takes more than two picks, labels
    f32[N] where nodes have some, weights f32[N·N] (0 where there is no edge) where the graphs have edge features,
    node_features f32[N, F] where F > 0.
    Action: ``Discrete(A)``, legal where ``action_mask`` (also ``info["action_mask"]`` and ``action_masks()``) is 1.
    Reward, termination: the rule's. ``reset(options={"start": i})`` begins on graph ``i`` of the pool.

    Args:
        rule: a name in ``envs.ENVIRONMENTS``. ``settings``: see :func:`build_env`.
        env: a ready environment instead of the settings, for graphs and objectives of your own.
        render_mode: None, "ansi" (text) or "rgb_array" (u8[H, W, 3]).
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(RENDER_MODES), "render_fps": 2}

    def __init__(
        self,
        rule: str = "EdgeAddition",
        *,
        env: GraphEnv | None = None,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        self.env = environment(rule, env, settings)
        self.render_mode = checked_render_mode(render_mode)
        self._episodes = Episodes(self.env, 1)
        self.observation_space, self.action_space = self._episodes.spaces()
        self._mask = np.ones(self.env.num_actions, np.int8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode; ``seed=None`` continues the random stream."""
        super().reset(seed=seed)
        starts = checked_starts(options, 1, self.env.pool.size)
        return self._seen(self._episodes.begin([self.np_random], np.ones(1, bool), starts))

    def step(self, action: Any) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Apply one action; never truncates (give ``gym.make`` a ``max_episode_steps`` for that)."""
        arrays, rewards, over = self._episodes.step(np.asarray(action).reshape(1))
        observation, info = self._seen(arrays)
        return observation, float(rewards[0]), bool(over[0]), False, info

    def action_masks(self) -> np.ndarray:
        """bool[A], True = legal: what sb3-contrib's MaskablePPO asks for."""
        return self._mask.astype(bool)

    def render(self) -> Any:
        """What ``render_mode`` says: text, a picture, or None."""
        return self._episodes.render(self.render_mode, 0)

    def _seen(self, arrays: Arrays) -> tuple[Arrays, dict[str, Any]]:
        observation = {name: leaf[0] for name, leaf in arrays.items()}
        self._mask = observation["action_mask"].copy()
        return observation, {"action_mask": self._mask.copy()}


class GymGraphVectorEnv(gym.vector.VectorEnv[dict[str, Any], np.ndarray, np.ndarray]):
    """B graph-editing environments stepped by one jitted function; resets run only when some episode is over.

    Equals ``SyncVectorEnv`` over :class:`GymGraphEnv` in ``AutoresetMode.SAME_STEP``, step for step: an episode that
    ends begins anew at once, with its last observation in ``infos["final_obs"]``. ``reset`` takes a seed (environment
    i gets seed + i) or a list of seeds, and the options "start" (an index, or one for each) and "reset_mask" bool[B].

    Args:
        num_envs: B. ``max_episode_steps``: truncate episodes after so many steps; None = never.
        rule: as for :class:`GymGraphEnv`, like ``env``, ``render_mode`` and ``settings``.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": list(RENDER_MODES), "render_fps": 2, "autoreset_mode": AutoresetMode.SAME_STEP,
    }  # fmt: skip

    def __init__(
        self,
        num_envs: int = 1,
        rule: str = "EdgeAddition",
        *,
        max_episode_steps: int | None = None,
        env: GraphEnv | None = None,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs is the number of environments: give at least 1; got {num_envs}.")
        self.num_envs = num_envs
        self.env = environment(rule, env, settings)
        self.render_mode = checked_render_mode(render_mode)
        self._limit = max_episode_steps
        self._episodes = Episodes(self.env, num_envs)
        self._generators: tuple[np.random.Generator, ...] = ()
        self.single_observation_space, self.single_action_space = self._episodes.spaces()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """One generator an environment, as in Gymnasium's own vector environments."""
        if not self._generators:
            self._generators = tuple(seeding.np_random()[0] for _ in range(self.num_envs))
        return self._generators

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, dict[str, Any]]:
        """Begin all episodes, or those of ``options["reset_mask"]``; without a seed the random streams go on."""
        chosen = self._reset_mask(options)
        if seed is not None:
            seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int | np.integer) else list(seed)
            if len(seeds) != self.num_envs:
                raise ValueError(f"{len(seeds)} seeds for {self.num_envs} environments: give one each, or one number.")
            self._generators = tuple(
                seeding.np_random(None if new is None else int(new))[0] if yes and new is not None else old
                for yes, new, old in zip(chosen, seeds, self.np_random, strict=True)
            )
        starts = checked_starts(options, self.num_envs, self.env.pool.size)
        arrays = self._episodes.begin(self.np_random, chosen, starts)
        return arrays, self._masks(arrays, chosen)

    def step(self, actions: np.ndarray) -> tuple[Arrays, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step all episodes by ``actions`` int[B]; those that end begin anew in the same call."""
        arrays, rewards, terminated = self._episodes.step(np.asarray(actions).reshape(self.num_envs))
        truncated = np.full(self.num_envs, self._limit is not None) & (self._episodes.elapsed >= (self._limit or 0))
        over = terminated | truncated
        infos: dict[str, Any] = {}
        if over.any():
            infos = self._finals(arrays, over)
            arrays = self._episodes.begin(self.np_random, over)
        return arrays, rewards, terminated, truncated, infos | self._masks(arrays, np.ones(self.num_envs, bool))

    def render(self) -> tuple[Any, ...] | None:
        """One text or picture an environment, or None without a ``render_mode``."""
        if self.render_mode is None:
            return None
        return tuple(self._episodes.render(self.render_mode, i) for i in range(self.num_envs))

    def _reset_mask(self, options: dict[str, Any] | None) -> np.ndarray:
        mask = np.asarray((options or {}).get("reset_mask", np.ones(self.num_envs, bool)))
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(f"reset_mask must be bool[{self.num_envs}] with some True; got {mask.dtype}{mask.shape}.")
        return mask

    def _masks(self, arrays: Arrays, chosen: np.ndarray) -> dict[str, Any]:
        return {"action_mask": arrays["action_mask"].copy(), "_action_mask": chosen.copy()}

    def _finals(self, arrays: Arrays, over: np.ndarray) -> dict[str, Any]:
        """What Gymnasium's vector environments say of episodes that ended: an object array and a dict with its mask."""
        observations = np.full(self.num_envs, None, dtype=object)
        masks = np.zeros_like(arrays["action_mask"])
        masks[over] = arrays["action_mask"][over]
        for i in np.flatnonzero(over):
            observations[i] = {name: leaf[i].copy() for name, leaf in arrays.items()}
        info = {"action_mask": masks, "_action_mask": over.copy()}
        return {"final_obs": observations, "_final_obs": over.copy(), "final_info": info, "_final_info": over.copy()}
