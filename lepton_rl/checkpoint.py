"""Checkpoints: any pytree and its configuration in one file that is verified whenever it is read.

The file is in safetensors format. Its metadata hold a manifest (configuration; path, kind and SHA-256 of every leaf)
and the SHA-256 of that manifest, so that a flipped byte anywhere is refused. One file rather than a folder of them
(orbax) because a single file is replaced atomically, and these trees are small and live in one process.
"""

import hashlib
import json
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialise

from lepton_rl.files import atomic_write

__all__ = ["SUFFIX", "CheckpointError", "latest", "load", "load_config", "save"]

SUFFIX = ".safetensors"

PathLike = str | os.PathLike[str]
Tree = TypeVar("Tree")


class CheckpointError(ValueError):
    """A checkpoint that cannot be written or used; the message is one line: what, which file, how to mend it."""


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _describe(leaf: Any) -> str:
    """Kind and shape of a leaf, ``float32[3, 4]``; ``key<fry>[5]`` for typed PRNG keys; ``int`` for Python numbers."""
    if isinstance(leaf, bool | int | float):
        return type(leaf).__name__
    if not hasattr(leaf, "dtype"):
        raise CheckpointError(f"a checkpoint holds arrays, PRNG keys and numbers; got a {type(leaf).__name__}.")
    return f"{leaf.dtype}{list(leaf.shape)}"


def _leaves(tree: Any) -> dict[str, Any]:
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


def _to_host(leaf: Any) -> np.ndarray:
    array = np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf, order="C")
    # bfloat16 and friends are void to NumPy and thus to the file: store their bits.
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else array


def _digest(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _seal(manifest: str) -> str:
    return hashlib.sha256(manifest.encode()).hexdigest()


def _manifest(leaves: Mapping[str, Any], arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> str:
    entries = {
        name: {
            "kind": _describe(leaf),
            "sha256": _digest(arrays[name]),
            "key": str(jax.random.key_impl(leaf)) if _is_key(leaf) else None,
        }
        for name, leaf in leaves.items()
    }
    try:
        return json.dumps({"config": dict(config), "leaves": entries}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the configuration is not JSON ({error}): give strings, numbers, lists.") from None


def save(path: PathLike, tree: Any, config: Mapping[str, Any]) -> None:
    """Write a checkpoint; a reader finds the old file or the new one, never a part.

    Args:
        path: the file, by convention ending in ``.safetensors`` (:func:`latest` looks for that).
        tree: a pytree of arrays, typed PRNG keys and Python numbers: parameters, or a whole train state.
        config: what is needed to rebuild the tree's structure; JSON values only.

    Raises:
        CheckpointError: a leaf or a value of ``config`` of another type; a folder missing, unwritable or full.
    """
    leaves = _leaves(tree)
    arrays = {name: _to_host(leaf) for name, leaf in leaves.items() if _describe(leaf)}
    manifest = _manifest(leaves, arrays, config)
    try:
        with atomic_write(path, "wb") as stream:
            stream.write(serialise(arrays, {"manifest": manifest, "sha256": _seal(manifest)}))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written ({error.strerror}): check its folder and the disk.") from None


def _verified(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and manifest of a file, every byte that matters checked."""
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {path}: check the name of the run.")
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
            metadata = file.metadata()
        manifest = json.loads(metadata["manifest"])
        expected = {name: entry["sha256"] for name, entry in manifest["leaves"].items()}
        sound = _seal(metadata["manifest"]) == metadata["sha256"]
    except (SafetensorError, ValueError, KeyError, TypeError, OSError):
        sound = False
    if not sound or {name: _digest(array) for name, array in arrays.items()} != expected:
        raise CheckpointError(f"{path} is damaged (truncated or altered): use another checkpoint, or train again.")
    return arrays, manifest


def load(path: PathLike, like: Tree) -> tuple[Tree, dict[str, Any]]:
    """Read a checkpoint back as ``(tree, config)``, bit-equal to what was saved.

    Args:
        path: the file.
        like: a tree of the same structure, shapes and dtypes; ``jax.ShapeDtypeStruct`` leaves will do.

    Raises:
        CheckpointError: no such file, truncated or altered bytes, or another structure than ``like``.
    """
    file = Path(path)
    arrays, manifest = _verified(file)
    saved = {name: entry["kind"] for name, entry in manifest["leaves"].items()}
    wanted = {name: _describe(leaf) for name, leaf in _leaves(like).items()}
    for name in [*wanted, *saved]:
        if saved.get(name) != wanted.get(name):
            raise CheckpointError(
                f"{file} does not fit: leaf {name} is {saved.get(name, 'absent')} there, {wanted.get(name, 'absent')} "
                "here: build the tree from the checkpoint's own configuration (load_config)."
            )

    def restore(path: tuple, leaf: Any) -> Any:
        name = jax.tree_util.keystr(path)
        array = arrays[name]
        if isinstance(leaf, bool | int | float):
            return type(leaf)(array[()])
        if _is_key(leaf):
            return jax.random.wrap_key_data(jnp.asarray(array), impl=manifest["leaves"][name]["key"])
        array = array.view(leaf.dtype)
        if isinstance(leaf, np.generic):
            return array[()]
        return array if isinstance(leaf, np.ndarray) else jnp.asarray(array)

    return jax.tree_util.tree_map_with_path(restore, like), manifest["config"]


def load_config(path: PathLike) -> dict[str, Any]:
    """The configuration alone, to build the tree that :func:`load` asks for.

    Raises:
        CheckpointError: no such file, or truncated or altered bytes.
    """
    return _verified(Path(path))[1]["config"]


def latest(folder: PathLike) -> Path:
    """The newest sound checkpoint of a folder: the highest last number in the name (``step_200``), then by time.

    Damaged ones are passed over with a warning that names them.

    Raises:
        CheckpointError: the folder holds no sound checkpoint.
    """

    def age(path: Path) -> tuple[int, int]:
        numbers = re.findall(r"\d+", path.stem)
        return int(numbers[-1]) if numbers else -1, path.stat().st_mtime_ns

    for path in sorted(Path(folder).glob(f"*{SUFFIX}"), key=age, reverse=True):
        try:
            _verified(path)
        except CheckpointError as error:
            warnings.warn(f"{error} Passed over.", stacklevel=2)
            continue
        return path
    raise CheckpointError(f"no sound checkpoint (*{SUFFIX}) in {folder}: check the name of the run.")
