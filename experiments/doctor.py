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

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    known = ("XLA_FLAGS", "OMP_NUM_THREADS", "JAX_PLATFORMS", "JAX_COMPILATION_CACHE_DIR")
    settings = "".join(f", {name}={os.environ[name]}" for name in known if name in os.environ)
    return ", ".join(str(device) for device in jax.devices()) + f"; {usable} of {os.cpu_count()} cores{settings}"


def _packages() -> str:
    import lepton_rl  # noqa: PLC0415 - refuses other people's `envs`, `agents` or `experiments`

    return f"lepton_rl {lepton_rl.__version__}, envs, agents and experiments are ours ({lepton_rl.__path__[0]})"


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
    import matplotlib  # noqa: PLC0415 - its cache is what is asked for

    folders = (os.getcwd(), matplotlib.get_cachedir())
    for folder in folders:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"lepton")
    return f"can be written: {', '.join(folders)}"


def run(command: Doctor) -> int:
    """Run every check; 1 when one fails."""
    console, broken = Console(), 0
    console.print(f"Python {platform.python_version()} on {platform.platform()}")
    checks = {"versions": _versions, "packages": _packages, "devices": _devices, "disk": _writable, "compile": _compile}
    for title, check in checks.items():
        try:
            console.print(f"[green]ok[/]      {title}: {check()}")
        except Exception as error:
            broken += 1
            console.print(f"[red]broken[/]  {title}: {error}")
    return 1 if broken else 0
