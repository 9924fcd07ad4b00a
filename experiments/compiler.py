"""How programs are compiled, settled in the environment before jax is imported."""

import hashlib
import os
import platform
from importlib.metadata import entry_points
from pathlib import Path

from platformdirs import user_cache_path

__all__ = ["compile_quickly", "keep_programs"]

# A run of minutes mostly compiles, and on CPU fewer passes compile sooner.
_PASSES = {"xla_backend_optimization_level": "1", "xla_llvm_disable_expensive_passes": "true"}


def compile_quickly() -> None:
    """Choose the compiler's passes where jax has the CPU only and the user chose none; in vain once jax is at work."""
    if entry_points(group="jax_plugins"):  # an accelerator's code had better be optimised
        return
    given = os.environ.get("XLA_FLAGS", "")
    chosen = [f"--{name}={value}" for name, value in _PASSES.items() if name not in given]
    os.environ["XLA_FLAGS"] = " ".join([given, *chosen]).strip()


def keep_programs() -> None:
    """Keep compiled programs in the user's cache, so that a second run of the same shapes starts at once.

    ``JAX_COMPILATION_CACHE_DIR`` names another folder; ``JAX_ENABLE_COMPILATION_CACHE=0`` keeps nothing. Processors
    have folders of their own: a home may be shared by machines, and code compiled for one may not run on the other.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = user_cache_path("lepton_rl") / "programs" / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")


def _processor() -> str:
    """A short name of what this processor can do."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8", errors="replace").splitlines() if known.exists() else []
    abilities = [line for line in lines if line.lower().startswith(("flags", "features", "model name"))]
    said = " ".join([platform.machine(), platform.processor(), *sorted(set(abilities))])
    return hashlib.sha256(said.encode()).hexdigest()[:12]
