"""Published tables beside their baselines: ``python -m experiments.scoreboards robustness``."""
