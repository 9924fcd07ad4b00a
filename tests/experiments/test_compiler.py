"""What is settled before jax is imported: passes, and programs kept for the next process."""

import os
import subprocess
import sys

import pytest

from experiments import compiler

ASK = """
import os
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
from experiments.compiler import keep_programs
keep_programs()
import jax
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("cache_hits") else None)
print(jax.jit(lambda x: (x * 3.25).sum())(jax.numpy.arange(7.0)), len(hits))
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ, "XDG_CACHE_HOME": str(tmp_path)})
    monkeypatch.setattr(compiler, "user_cache_path", lambda name: tmp_path / name)
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "XLA_FLAGS"):
        os.environ.pop(name, None)
    return tmp_path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the cache's place is set as on Linux")
def test_a_second_process_finds_the_programs_of_the_first():
    said = [subprocess.run([sys.executable, "-c", ASK], env=os.environ, capture_output=True, text=True, check=True)
            .stdout.split() for _ in range(2)]  # fmt: skip
    assert said[0] == ["68.25", "0"]
    assert said[1][0] == "68.25"
    assert int(said[1][1]) > 0


def test_the_users_choice_stays(home):
    os.environ["JAX_COMPILATION_CACHE_DIR"] = "elsewhere"
    compiler.keep_programs()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "elsewhere"
    assert not list(home.iterdir())
    os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=3"
    compiler.compile_quickly()
    assert os.environ["XLA_FLAGS"].count("xla_backend_optimization_level") == 1


def test_where_nothing_can_be_kept_nothing_is(home):
    (home / "lepton_rl").write_text("a file where a folder would be")
    compiler.keep_programs()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_passes_are_left_alone_where_there_is_an_accelerator(monkeypatch):
    monkeypatch.setattr(compiler, "entry_points", lambda group: [group])
    compiler.compile_quickly()
    assert "XLA_FLAGS" not in os.environ
