import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lepton_rl.checkpoint import CheckpointError, latest, load, load_config, save
from lepton_rl.graph import from_edges

CONFIG = {"encoder": "gin", "width": 64, "rates": [0.1, 0.2], "nested": {"seed": None}}


def make_tree():
    return {
        "params": {"w": jnp.linspace(0, 1, 12).reshape(3, 4), "half": jnp.arange(5, dtype=jnp.bfloat16)},
        "keys": jax.random.split(jax.random.key(3), 4),
        "other_key": jax.random.key(1, impl="rbg"),
        "graph": from_edges([(0, 1)], 3),
        "scalar": jnp.int32(-7),
        "numbers": (3, 0.1, True),
        "host": np.arange(6, dtype=np.int64).reshape(2, 3),
        "host_scalar": np.float32(1.5),
        "none": None,
    }


@pytest.fixture
def checkpoint(tmp_path):
    tree = make_tree()
    save(tmp_path / "step_10.safetensors", tree, CONFIG)
    return tmp_path / "step_10.safetensors", tree


def bits(array):
    return np.asarray(array).tobytes()


def assert_same(got, want):
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert type(a) is type(b)
        if isinstance(b, bool | int | float):
            assert a == b
            continue
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if jnp.issubdtype(b.dtype, jax.dtypes.prng_key):
            assert bits(jax.random.key_data(a)) == bits(jax.random.key_data(b))
        else:
            assert bits(a) == bits(b)


def test_round_trip_is_bit_equal(checkpoint):
    path, tree = checkpoint
    got, config = load(path, tree)
    assert_same(got, tree)
    assert config == load_config(path) == CONFIG


def test_restored_keys_continue_the_stream(checkpoint):
    path, tree = checkpoint
    got, _ = load(path, tree)
    draw = jax.vmap(jax.random.bits)
    np.testing.assert_array_equal(draw(got["keys"]), draw(tree["keys"]))


def test_shapes_alone_will_do_as_the_template(tmp_path):
    tree = {"w": jnp.arange(3.0), "key": jax.random.key(5)}
    save(tmp_path / "a.safetensors", tree, {})
    got, _ = load(tmp_path / "a.safetensors", jax.eval_shape(lambda: tree))
    assert_same(got, tree)


def test_a_bare_leaf_and_an_empty_array(tmp_path):
    for leaf in (jnp.arange(3), jnp.zeros((0, 2))):
        save(tmp_path / "a.safetensors", leaf, {})
        assert_same(load(tmp_path / "a.safetensors", leaf)[0], leaf)


def test_no_flipped_byte_goes_unnoticed(checkpoint):
    path, tree = checkpoint
    data = path.read_bytes()
    for position in [*range(0, len(data), 7), len(data) - 1]:
        altered = bytearray(data)
        altered[position] ^= 1
        path.write_bytes(altered)
        with pytest.raises(CheckpointError, match="is damaged"):
            load(path, tree)


def test_no_truncation_goes_unnoticed(checkpoint):
    path, tree = checkpoint
    data = path.read_bytes()
    for size in [*range(0, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(CheckpointError, match="is damaged"):
            load(path, tree)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scalar": jnp.float32(1)}, r"leaf \['scalar'\] is int32\[\] there, float32\[\] here"),
        ({"keys": jnp.zeros((4, 2), jnp.uint32)}, r"\['keys'\] is key<fry>\[4\] there, uint32\[4, 2\] here"),
        ({"host": np.zeros((3, 2), np.int64)}, r"int64\[2, 3\] there, int64\[3, 2\] here"),
        ({"extra": jnp.ones(1)}, r"\['extra'\] is absent there, float32\[1\] here"),
        ({"host": None}, r"\['host'\] is int64\[2, 3\] there, absent here"),
    ],
)
def test_another_structure_is_named(checkpoint, change, message):
    path, tree = checkpoint
    with pytest.raises(CheckpointError, match=message):
        load(path, {**tree, **change})


def test_what_cannot_be_written_leaves_the_old_file(checkpoint):
    path, tree = checkpoint
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="not JSON"):
        save(path, tree, {"bad": object()})
    with pytest.raises(CheckpointError, match="got a str"):
        save(path, {"name": "x"}, {})
    with pytest.raises(CheckpointError, match="cannot be written"):
        save(path.parent / "absent" / "a.safetensors", tree, {})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint .*step_1\.safetensors"):
        load(tmp_path / "step_1.safetensors", {})


def test_latest_falls_back_to_the_newest_sound_one(tmp_path):
    for step in (9, 10, 100):
        save(tmp_path / f"step_{step}.safetensors", {"w": jnp.arange(step)}, {"step": step})
    assert latest(tmp_path).name == "step_100.safetensors"
    damaged = tmp_path / "step_100.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="step_100.*Passed over"):
        assert latest(tmp_path).name == "step_10.safetensors"
    with pytest.raises(CheckpointError, match="no sound checkpoint"):
        latest(tmp_path / "absent")
