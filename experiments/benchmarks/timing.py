"""Compile once, time often, keep the fastest: on a shared machine the minimum is the least disturbed measurement."""

import time
from collections.abc import Callable, Sequence
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
    """Compile ``function`` for arguments like these."""
    leaves, structure = jax.tree.flatten(arguments)

    def flat(*leaves: Any) -> Any:  # XLA's account of a program puts descriptions where typed records want arrays
        return function(*jax.tree.unflatten(structure, leaves))

    begin = time.perf_counter()
    compiled = jax.jit(flat).lower(*leaves).compile()
    seconds = time.perf_counter() - begin
    memory = compiled.memory_analysis()
    parts = ("argument_size_in_bytes", "output_size_in_bytes", "temp_size_in_bytes")
    peak_mb = sum(getattr(memory, part, 0) for part in parts) / 1e6
    return Program(lambda *arguments: compiled(*jax.tree.leaves(arguments)), seconds, peak_mb)


def fastest(calls: Sequence[Callable[[], Any]], seconds: float, repeats: int = 3) -> list[float]:
    """Seconds of the fastest run of each call, taken in turns so that a disturbance meets all of them.

    Args:
        calls: return arrays. ``seconds``: to spend on all, a warming-up turn apart. ``repeats``: turns at least.
    """
    for call in calls:
        jax.block_until_ready(call())
    end, best, turn = time.perf_counter() + seconds, [float("inf")] * len(calls), 0
    while turn < repeats or time.perf_counter() < end:
        for i, call in enumerate(calls):
            begin = time.perf_counter()
            jax.block_until_ready(call())
            best[i] = min(best[i], time.perf_counter() - begin)
        turn += 1
    return best
