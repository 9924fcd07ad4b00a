"""Speed: ``python -m experiments.benchmarks data | envs | generators | kg | large | objectives | rules | training``."""
