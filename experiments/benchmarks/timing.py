"""Compile once, time often, keep the fastest: on a shared machine the minimum is the least disturbed measurement."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

__all__ = ["Program", "compile_program", "fastest"]


class Program(NamedTuple):
    """A compiled function.

    Attributes:
        call: takes the arguments it was compiled for. ``compile_seconds``: tracing, lowering and XLA.
        peak_mb: arguments, results and temporaries by XLA's own account, in MB (10^6 bytes).
    """

    call: Callable[..., Any]
    compile_seconds: float
    peak_mb: float


def compile_program(function: Callable[..., Any], *arguments: Any) -> Program:
    """Compile ``function`` for arguments of these shapes (arrays or ``jax.ShapeDtypeStruct``)."""
    begin = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - begin
    memory = compiled.memory_analysis()
    parts = ("argument_size_in_bytes", "output_size_in_bytes", "temp_size_in_bytes")
    return Program(compiled, seconds, sum(getattr(memory, part, 0) for part in parts) / 1e6)


def fastest(call: Callable[[], Any], budget: float, repeats: int = 3) -> float:
    """Seconds of the fastest call, after one to warm up: at least ``repeats`` calls, more while ``budget`` s last."""
    jax.block_until_ready(call())
    end, best, count = time.perf_counter() + budget, float("inf"), 0
    while count < repeats or time.perf_counter() < end:
        begin = time.perf_counter()
        jax.block_until_ready(call())
        best, count = min(best, time.perf_counter() - begin), count + 1
    return best
