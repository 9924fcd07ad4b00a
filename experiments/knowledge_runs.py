"""What every training on a knowledge graph begins and ends with, whatever is trained."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from envs import rule_of
from experiments.configs import Train
from experiments.display import Display
from experiments.folder import RunFolder, free_name, make_folder, stem
from experiments.learning import kept_if_learnt
from experiments.report import Section, page

__all__ = ["conclude", "kept_if_it_works", "new_folder"]


def new_folder(command: Train) -> RunFolder:
    """The folder of a run, by default named after the rule and the graph.

    Raises:
        ValueError: it exists, or cannot be made or written.
    """
    name = f"{rule_of(command.env)}-{stem(command.graph or 'world')}"
    return RunFolder(make_folder(command.runs_dir / (command.name or free_name(command.runs_dir, name))))


@contextmanager
def kept_if_it_works(folder: RunFolder) -> Iterator[None]:
    """Remove the run's folder when it is stopped before anything is learnt, or when the graph does not do."""
    try:
        with kept_if_learnt(folder):
            yield
    except ValueError:
        folder.discard()
        raise


def conclude(
    folder: RunFolder, display: Display, title: str, settings: Mapping[str, str], section: Section, begun: float,
    use: str,
) -> None:  # fmt: skip
    """Show the table, write ``report.html``, and say how to use the run.

    Args:
        begun: of ``time.perf_counter()``. ``use``: the options of ``solve`` beside --run.
    """
    display.table(section.title, section.head, section.rows, section.bold)
    display.note(section.text)
    folder.write("report.html", page(title, settings, [section]))
    display.say(f"\n{folder.path / 'report.html'}  ({time.perf_counter() - begun:.0f} s in all)")
    display.say(f"python -m experiments.run solve {use} --run {folder.path}")
