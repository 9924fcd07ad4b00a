"""Speed: ``python -m experiments.benchmarks envs | training``."""
