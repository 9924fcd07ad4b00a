"""Run folders: ``{config.json, metrics.jsonl, result.json, checkpoints/, policy.safetensors, *.png}``."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax

from agents.config import DQNConfig
from agents.dqn import TrainState
from agents.training import Runs
from envs.base import GraphEnv
from experiments.configs import Train
from lepton_rl import checkpoint
from lepton_rl.files import atomic_write

__all__ = ["Run", "create_folder", "open_run", "write_json"]

POLICY = "policy" + checkpoint.SUFFIX
KEEP = 2  # checkpoints of the whole state; an older one is the fallback of a damaged newer one


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, complete or not at all."""
    with atomic_write(path) as stream:
        json.dump(content, stream, indent=2, default=str)
        stream.write("\n")


def create_folder(folder: Path, overwrite: bool) -> Path:
    """Make a folder for results.

    Raises:
        ValueError: it exists already and ``overwrite`` is False. OSError: it cannot be made or written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not overwrite:
            raise ValueError(f"{folder} exists: give another --name or --output, or --overwrite to replace it.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / ".writable"):  # find out now, not after the compile
        pass
    (folder / ".writable").unlink()
    return folder


class Run:
    """One training run on disk."""

    def __init__(self, folder: Path, config: Train) -> None:
        self.folder, self.config = folder, config

    def start(self) -> None:
        """Make the folder and write the configuration."""
        create_folder(self.folder, self.config.overwrite)
        (self.folder / "checkpoints").mkdir()
        write_json(self.folder / "config.json", asdict(self.config))

    def save(self, state: TrainState, chunk: int) -> None:
        """Keep the whole state, for --resume, and the best parameters, for eval and solve."""
        folder = self.folder / "checkpoints"
        checkpoint.save(folder / f"chunk-{chunk:05d}{checkpoint.SUFFIX}", state, {"chunk": chunk})
        for old in sorted(folder.glob(f"*{checkpoint.SUFFIX}"))[:-KEEP]:
            old.unlink()
        checkpoint.save(self.folder / POLICY, state.best_params, {"chunk": chunk})

    def log(self, row: Mapping[str, Any]) -> None:
        """Append one line of metrics."""
        with open(self.folder / "metrics.jsonl", "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def restore(self, like: TrainState) -> TrainState:
        """The newest state that verifies."""
        state: TrainState = checkpoint.load(checkpoint.latest(self.folder / "checkpoints"), like)[0]
        return state

    def policy(self, env: GraphEnv, runs: Runs) -> Any:
        """The best parameters of every seed, leaves with a leading axis S."""
        seeds = range(self.config.seed, self.config.seed + self.config.seeds)
        like = jax.eval_shape(lambda: runs.init(env, seeds)).best_params
        return checkpoint.load(self.folder / POLICY, like)[0]


def open_run(folder: Path) -> Run:
    """An existing run.

    Raises:
        ValueError: no run there, or its configuration cannot be read.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} is not a run (no config.json in it): give the folder that train made.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        dqn = DQNConfig(**content.pop("dqn"))
        paths = {key: Path(content[key]) if content[key] else None for key in ("runs_dir", "resume")}
        return Run(folder, Train(**{**content, **paths}, dqn=dqn))
    except (TypeError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no configuration of this version ({error}): train again.") from None
