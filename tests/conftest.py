"""Shared fixtures. Shape annotations are executed and reused keys are refused while tests run."""

import os

os.environ.setdefault("JAX_DEBUG_KEY_REUSE", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Programs that run in jax's threads may wait for these threads themselves and never end (docs/design.md).
os.environ.setdefault("JAX_CPU_ENABLE_ASYNC_DISPATCH", "false")

import atexit
import gc
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

from experiments.compiler import compile_quickly

# Most of the suite's time is compilation. Where nobody asks for others: no passes at all, plain loops instead of the
# fusions' own emitters, and modules whole, as two workers fill two cores.
_FLAGS = ("backend_optimization_level=0", "cpu_use_fusion_emitters=false", "cpu_parallel_codegen_split_count=1")
os.environ.setdefault("XLA_FLAGS", " ".join(f"--xla_{flag}" for flag in _FLAGS))
compile_quickly()
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    # The same programs come up in several files and in all workers, which inherit this folder.
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="lepton_rl_tests_")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

install_import_hook(["lepton_rl", "envs", "agents"], "beartype.beartype")

SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="module", autouse=True)
def _compiled_programs_are_no_garbage() -> Iterator[None]:
    """What a file has compiled stays to the end: the collector need not look through it again and again."""
    yield
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of reference data sets; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"reference data not found at {SHARED_DATA}")
    return SHARED_DATA
