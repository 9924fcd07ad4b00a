"""The command line, comparisons, scoreboards and benchmarks."""
