"""Speed: ``python -m experiments.benchmarks envs | generators | training``."""
