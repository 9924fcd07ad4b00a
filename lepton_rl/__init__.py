"""lepton_rl: graph neural networks and reinforcement learning on graphs that get edited, in JAX.

Importing this package registers the Gymnasium environments (``gymnasium.make("lepton/EdgeAddition-v0")``).
"""

from importlib.util import find_spec
from pathlib import Path

__all__ = ["__version__"]

__version__ = "0.1.0"

# Gymnasium ids as literal strings: the one place where the lowest floor names a higher one (import direction test).
_GYMNASIUM_IDS = {
    "lepton/EdgeAddition-v0": "EdgeAddition",
    "lepton/EdgeRemoval-v0": "EdgeRemoval",
    "lepton/EdgeToggle-v0": "EdgeToggle",
    "lepton/EdgeReweighting-v0": "EdgeReweighting",
    "lepton/Rewiring-v0": "Rewiring",
    "lepton/EdgeMove-v0": "EdgeMove",
    "lepton/NodeRemoval-v0": "NodeRemoval",
    "lepton/NodeSelection-v0": "NodeSelection",
    "lepton/NodeFlip-v0": "NodeFlip",
    "lepton/LinkRecommendation-v0": "LinkRecommendation",
    "lepton/KGCompletion-v0": "KGCompletion",
    "lepton/KGRepair-v0": "KGRepair",
    "lepton/KGWalk-v0": "KGWalk",
    "lepton/KGRefinement-v0": "KGRefinement",
}


def _check_siblings() -> None:
    """``agents`` and ``envs`` are also names of wheels on PyPI: refuse to run with somebody else's."""
    home = Path(__file__).resolve().parent.parent
    for name in ("envs", "agents", "experiments"):
        spec = find_spec(name)
        origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if origin is None or origin.parent.parent != home:
            raise ImportError(
                f"the package '{name}' that Python finds ({origin or 'nothing'}) is not lepton_rl's (expected under "
                f"{home}). Another wheel or folder of that name shadows it: uninstall it (pip uninstall {name}), or "
                "run from another folder, then reinstall lepton-rl."
            )


def _register() -> None:
    import gymnasium as gym  # noqa: PLC0415 - after the check, so that its message comes first

    for env_id, rule in _GYMNASIUM_IDS.items():
        if env_id not in gym.registry:
            gym.register(
                env_id,
                entry_point="envs.gym_adapter:GymGraphEnv",
                vector_entry_point="envs.gym_adapter:GymGraphVectorEnv",
                kwargs={"rule": rule},
            )


_check_siblings()
_register()
