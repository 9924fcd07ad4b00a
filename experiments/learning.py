"""From a problem to trained policies in a run folder; Ctrl-C leaves what the last chunk left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from agents.training import Runs, make_runs
from experiments.configs import Train
from experiments.display import Display
from experiments.folder import RunFolder
from experiments.problem import Problem

__all__ = ["Start", "Trained", "fit", "kept_if_learnt", "restored", "started"]


class Start(NamedTuple):
    """Where training begins: the compiled runs, their state, and the metrics of the chunks behind it."""

    runs: Runs
    state: Any
    rows: list[dict[str, Any]]


class Trained(NamedTuple):
    """A run that is through with training.

    Attributes:
        problem: what it was trained on. ``folder``: where it is kept.
        params: the best parameters of S seeds. ``value``: f32[S], their mean returns on the validation graphs.
    """

    problem: Problem
    folder: RunFolder
    params: Any
    value: np.ndarray


def _seeds(config: Train) -> range:
    return range(config.seed, config.seed + config.seeds)


def _iteration(state: Any) -> int:
    return int(np.asarray(state.iteration).reshape(-1)[0])


@contextmanager
def kept_if_learnt(folder: RunFolder) -> Iterator[None]:
    """Remove the run's folder when it is stopped before its first chunk."""
    try:
        yield
    except KeyboardInterrupt:
        if folder.read_metrics():
            raise
        folder.discard()
        raise KeyboardInterrupt("Nothing was learnt yet, so nothing is kept.") from None


def started(problem: Problem) -> Start:
    """Initial states, one a seed."""
    runs = make_runs(problem.network, problem.dqn, problem.config.seeds)
    return Start(runs, runs.init(problem.train, _seeds(problem.config)), [])


def restored(problem: Problem, folder: RunFolder) -> Start:
    """Where the newest sound checkpoint stopped; the result is bit-equal to an uninterrupted run.

    Raises:
        CheckpointError: there is none.
    """
    runs, like, _ = started(problem)
    state = folder.restore(like=like)
    return Start(runs, state, [row for row in folder.read_metrics() if row["iteration"] <= _iteration(state)])


def fit(problem: Problem, start: Start, folder: RunFolder, display: Display) -> Trained:
    """Train chunk by chunk; after each the whole state is on disk, so that a stop costs one chunk at most."""
    begun, (runs, state, rows) = time.perf_counter(), start
    try:
        with display.phase("train", runs.config.chunks, len(rows)) as phase:
            phase.note("compiling; the first chunk takes longest")
            for state, metrics in runs.chunks(problem.train, problem.valid, state):  # noqa: B020 - donated
                row = {name: np.asarray(leaf).tolist() for name, leaf in metrics._asdict().items()}
                edits = _iteration(state) * runs.config.episodes * problem.config.budget
                seconds = round(time.perf_counter() - begun, 2)
                rows.append({"iteration": _iteration(state), "edits": edits, "seconds": seconds, **row})
                folder.save(state, rows)
                phase.advance(
                    f"loss {np.mean(row['loss']):.1e}  return {np.mean(row['episode_return']):+.3f}  "
                    f"validation {np.mean(row['validation']):+.3f}"
                )
    except KeyboardInterrupt:
        if not rows:
            raise
        best = np.max([row["validation"] for row in rows])
        raise KeyboardInterrupt(
            f"{rows[-1]['iteration']} of {runs.config.iterations} iterations are kept (best validation {best:+.4f}). "
            f"Go on: train --resume {folder.path}. Use it as it is: solve --run {folder.path} --graph …"
        ) from None
    params, value = folder.policies(problem)
    return Trained(problem, folder, params, value)
