"""``doctor``: is this installation sound?"""

import os
import platform
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console

from experiments.configs import Doctor

__all__ = ["run"]

_PACKAGES = ("lepton-rl", "jax", "jaxlib", "flax", "optax", "gymnasium", "networkx", "numpy")


def _versions() -> str:
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} (not installed as a package)")
    return ", ".join(found)


def _devices() -> str:
    import jax  # noqa: PLC0415 - a broken jax is what this command reports

    return ", ".join(str(device) for device in jax.devices()) + f"; {os.cpu_count()} cores"


def _compile() -> str:
    import jax  # noqa: PLC0415

    from envs.episodes import build_env  # noqa: PLC0415

    env = build_env(num_graphs=1)
    begin = time.perf_counter()
    _, observation = jax.jit(env.reset)(0, jax.random.key(0))
    if not bool(observation.legal.any()):
        raise RuntimeError("the environment offers no legal action")
    return f"reset of {type(env).__name__} compiled and ran in {time.perf_counter() - begin:.1f} s"


def _writable() -> str:
    with tempfile.NamedTemporaryFile(dir=".") as file:
        file.write(b"lepton")
    return "the current folder can be written"


def run(command: Doctor) -> int:
    """Run every check; 1 when one fails."""
    console, broken = Console(), 0
    console.print(f"Python {platform.python_version()} on {platform.platform()}")
    for title, check in {"versions": _versions, "devices": _devices, "disk": _writable, "compile": _compile}.items():
        try:
            console.print(f"[green]ok[/]      {title}: {check()}")
        except Exception as error:
            broken += 1
            console.print(f"[red]broken[/]  {title}: {error}")
    return 1 if broken else 0
