"""The folder of a run: ``runs/<name>/{config.json, metrics.jsonl, result.json, checkpoints/, *.png, report.html}``.

Every file appears whole or not at all, so that a run stopped at any moment can be used.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agents.dqn import TrainState
from experiments.configs import Train, train_from_json, train_to_json
from experiments.problem import Problem
from lepton_rl import checkpoint
from lepton_rl.data import DataError
from lepton_rl.data.encoding import Encoder
from lepton_rl.files import atomic_write

__all__ = ["KEPT", "RunFolder", "free_name", "make_folder", "open_run", "plain_name", "stem"]

KEPT = 2  # whole train states on disk; the policy is kept apart from them


def free_name(parent: Path, name: str) -> str:
    """``name``, or the first of ``name-2``, ``name-3``, … that does not exist yet."""
    taken = {entry.name for entry in parent.iterdir()} if parent.is_dir() else set()
    return next(n for n in (name, *(f"{name}-{i}" for i in range(2, len(taken) + 3))) if n not in taken)


def plain_name(text: str) -> str:
    """``text`` as a part of a file's name: runs of other characters than letters, digits, ., _ and - become one -."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "graphs"


def stem(graph: str) -> str:
    """What results on the graphs that a user named are called: the file's or the data set's name, without suffixes."""
    return plain_name(Path(graph).name.partition(".")[0])


def make_folder(path: Path) -> Path:
    """A new, writable folder.

    Raises:
        ValueError: it exists, or cannot be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
        with atomic_write(path / ".probe") as stream:
            stream.write("writable")
        (path / ".probe").unlink()
    except FileExistsError:
        if path.exists():
            cure = f"give another --name, or go on with it (train --resume {path})."
            raise ValueError(f"{path} exists already: {cure}") from None
        raise ValueError(f"{path} cannot be made: {path.parent} is no folder. Give another --runs-dir.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}): give another --runs-dir.") from None
    return path


class RunFolder(NamedTuple):
    """A run on disk."""

    path: Path

    def write_config(self, config: Train) -> None:
        """Write ``config.json``."""
        self.write("config.json", train_to_json(config))

    def write_encoder(self, encoder: Encoder) -> None:
        """Write ``encoder.json``, the encoder of the nodes' attributes."""
        self.write_json("encoder.json", encoder.to_json())

    def encoder(self) -> Encoder | None:
        """The encoder of the nodes' attributes, where the run has one.

        Raises:
            DataError: ``encoder.json`` is damaged.
        """
        file = self.path / "encoder.json"
        if not file.exists():
            return None
        try:
            return Encoder.from_json(json.loads(file.read_text(encoding="utf-8")))
        except ValueError as error:
            raise DataError(f"{file} is damaged ({error}): train anew.") from None

    def write(self, name: str, text: str) -> None:
        """Write a text file."""
        with atomic_write(self.path / name) as stream:
            stream.write(text)

    def write_json(self, name: str, data: Any) -> None:
        """Write a JSON file."""
        self.write(name, json.dumps(data, indent=2, allow_nan=False) + "\n")

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write ``metrics.jsonl``, one line a chunk."""
        self.write("metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def read_metrics(self) -> list[dict[str, Any]]:
        """The rows of ``metrics.jsonl``."""
        file = self.path / "metrics.jsonl"
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []

    def save(self, state: TrainState, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep the whole state, the best policies, and the metrics so far."""
        folder = self.path / "checkpoints"
        folder.mkdir(exist_ok=True)
        iteration = int(np.asarray(state.iteration).reshape(-1)[0])
        checkpoint.save(folder / f"step_{iteration:07d}{checkpoint.SUFFIX}", state, {"iteration": iteration})
        policy = {"params": state.best_params, "value": state.best_value}
        checkpoint.save(self.path / f"policy{checkpoint.SUFFIX}", policy, {"iteration": iteration})
        self.write_metrics(rows)
        for old in sorted(folder.glob(f"step_*{checkpoint.SUFFIX}"))[:-KEPT]:
            old.unlink()

    def restore(self, like: TrainState) -> TrainState:
        """The newest sound train state, bit-equal to what was saved.

        Raises:
            CheckpointError: there is none.
        """
        return checkpoint.load(checkpoint.latest(self.path / "checkpoints"), like)[0]

    def policies(self, problem: Problem) -> tuple[Any, np.ndarray]:
        """The best parameters of S seeds (a leading axis), and their mean returns on the validation graphs, f32[S].

        Raises:
            CheckpointError: the run was stopped before it kept any.
        """

        def init(key: jax.Array) -> Any:
            return problem.network.init(key, problem.train.reset(jnp.int32(0), jax.random.key(0))[1])

        count = problem.config.seeds
        params = jax.eval_shape(jax.vmap(init), jax.random.split(jax.random.key(0), count))
        like = {"params": params, "value": jax.ShapeDtypeStruct((count,), jnp.float32)}
        kept, _ = checkpoint.load(self.path / f"policy{checkpoint.SUFFIX}", like)
        return kept["params"], np.asarray(kept["value"])

    def discard(self) -> None:
        """Remove a run that holds nothing of use."""
        shutil.rmtree(self.path)


def open_run(path: Path) -> tuple[RunFolder, Train]:
    """An existing run and its configuration.

    Raises:
        ValueError: no run is there.
    """
    path = Path(path).resolve()
    file = path / "config.json"
    if not file.is_file():
        there = sorted(entry.parent.name for entry in path.parent.glob("*/config.json")) if path.parent.is_dir() else []
        known = f" Runs in {path.parent}: {', '.join(there)}." if there else " Train one first."
        raise ValueError(f"{path} is no run (it has no config.json).{known}")
    return RunFolder(path), train_from_json(file.read_text(encoding="utf-8"), path)
