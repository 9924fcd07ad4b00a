"""Speed: ``python -m experiments.benchmarks data | envs | generators | training``."""
