"""Speed: ``python -m experiments.benchmarks data | envs | generators | objectives | rules | training``."""
