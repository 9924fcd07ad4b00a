"""The command line, called as a user's shell calls it."""

from experiments.run import main

__all__ = ["call"]


def call(*arguments):
    """The exit status of ``python -m experiments.run`` with these arguments in words."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stop:  # how the option parser refuses
        return stop.code
