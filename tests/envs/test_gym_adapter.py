import json
import warnings

import gymnasium as gym
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from gymnasium.utils import seeding
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import lepton_rl
from envs import episodes
from envs.edge_addition import make_edge_addition
from envs.gym_adapter import GymGraphEnv, GymGraphVectorEnv, build_env
from envs.pools import Pool
from lepton_rl.objectives import OBJECTIVES
from tests.envs import toys

ID = "lepton/EdgeAddition-v0"
KEYS = {"adjacency", "node_mask", "selected", "budget_left", "action_mask"}
SMALL = {"objective": "squares", "num_nodes": 8, "num_graphs": 6, "budget": 3}


@pytest.fixture(autouse=True)
def _squares(monkeypatch):
    monkeypatch.setitem(OBJECTIVES, "squares", "tests.envs.toys:SQUARES")


@pytest.fixture(scope="module")
def env():
    return make_edge_addition(toys.pool(), toys.WEIGHTED, 3, "edit")


def same(a, b):
    return data_equivalence(a, b, exact=True)


# Registration


def test_registered_once_with_import_strings_and_json_able_settings():
    lepton_rl._register()  # a second time changes nothing
    spec = gym.spec(ID)
    assert spec.entry_point == "envs.gym_adapter:GymGraphEnv"
    assert spec.vector_entry_point == "envs.gym_adapter:GymGraphVectorEnv"
    assert json.loads(json.dumps(spec.kwargs)) == {"rule": "EdgeAddition"}
    made = gym.make(f"envs:{ID}", **SMALL)
    assert json.loads(made.spec.to_json())["kwargs"] == {"rule": "EdgeAddition", **SMALL}
    again = gym.make(gym.envs.registration.EnvSpec.from_json(made.spec.to_json()))
    assert same(again.reset(seed=1), made.reset(seed=1))


def test_make_by_default():
    made = gym.make(ID)
    observation, _ = made.reset(seed=0)
    assert observation["adjacency"].shape == (20, 20) and observation["adjacency"].sum() == 72
    assert made.unwrapped.env.horizon == 10


def test_a_list_of_files(tmp_path):
    (tmp_path / "a.csv").write_text("source,target\na,b\nb,c\nc,d\n")
    (tmp_path / "b.csv").write_text("source,target\nx,y\ny,z\nz,w\nw,x\n")
    env = build_env(objective="squares", budget=1, graphs=[str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert [toys.edges(graph) for graph in env.pool] == [{(0, 1), (1, 2), (2, 3)}, {(0, 1), (1, 2), (2, 3), (0, 3)}]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bugdet": 3}, "unknown option 'bugdet'. Did you mean 'budget'"),
        ({"objective": "square"}, "Did you mean 'squares'"),
        ({"graphs": "bar"}, "Did you mean 'ba'"),
        ({"rule": "EdgeAdition"}, "Did you mean 'EdgeAddition'"),
        ({"render_mode": "rgb"}, "Did you mean 'rgb_array'"),
        ({"budget": 0}, "give at least 1"),
    ],
)
@pytest.mark.parametrize("face", [GymGraphEnv, GymGraphVectorEnv])
def test_bad_settings_name_the_cure(face, settings, message):
    with pytest.raises(ValueError, match=message):
        face(**{**SMALL, **settings})


def test_a_ready_environment_takes_no_settings(env):
    with pytest.raises(ValueError, match="drop budget"):
        GymGraphEnv(env=env, budget=3)


# One environment


def test_check_env_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(ID, **SMALL).unwrapped)
        made = gym.make(ID, reward="edit", **SMALL, max_episode_steps=4)  # the passive checker is on as well
        made.reset(seed=0)
        ends = [made.step(made.action_space.sample())[2:4] for _ in range(4)]
    assert ends == [(False, False)] * 3 + [(False, True)]


def test_observations_are_flat_fresh_and_writable(env):
    face = GymGraphEnv(env=env)
    seen = [face.reset(seed=0)[0], face.reset()[0], face.step(0)[0], face.step(1)[0]]
    for observation in seen:
        assert set(observation) == KEYS and observation in face.observation_space
        assert all(leaf.flags.writeable and leaf.dtype in (np.int8, np.float32) for leaf in observation.values())
        kept = {name: leaf.copy() for name, leaf in seen[0].items()}
        for leaf in observation.values():
            leaf[...] = 0  # spoils nobody else's arrays
        if observation is not seen[0]:
            assert same(kept, seen[0])


def test_node_features_are_shown_where_there_are_any():
    graphs = toys.pool().graphs
    features = jnp.arange(80, dtype=jnp.float32).reshape(4, 10, 2)
    face = GymGraphEnv(env=make_edge_addition(Pool(graphs.replace(node_features=features)), toys.SQUARES, 3))
    observation, _ = face.reset(seed=0, options={"start": 2})
    assert observation in face.observation_space
    np.testing.assert_array_equal(observation["node_features"], features[2])


def test_seeds(env):
    face = GymGraphEnv(env=env)
    first, second, third = face.reset(seed=5), face.reset(), face.reset()
    assert same(face.reset(seed=5), first) and same(face.reset(), second) and same(face.reset(), third)
    draws = [face.reset()[0]["node_mask"].sum() for _ in range(20)]
    assert len(set(draws)) == 4  # every graph of the pool turns up


def test_episode_equals_the_environment_in_jax(env):
    """The contract: three words an episode, two for the key and one for the start graph."""
    face = GymGraphEnv(env=env)
    observation, info = face.reset(seed=9)
    words = seeding.np_random(9)[0].integers(2**32, size=3, dtype=np.uint32)
    start = jnp.int32(words[2] % 4)

    def key():
        return jax.random.fold_in(jax.random.key(words[0]), words[1])

    state, seen = env.reset(start, key())
    step, total = jax.jit(type(env).step), 0.0
    for t, action in enumerate(toys.random_actions([int(start)], env.horizon, seed=0)[:, 0]):
        assert same(observation["adjacency"].astype(bool), np.asarray(toys.adjacency(seen.graph)))
        assert same(observation["selected"].astype(np.float32), np.asarray(seen.marks[:, 0]))
        assert observation["budget_left"][0] == seen.marks[0, 1]
        assert same(info["action_mask"].astype(bool), np.asarray(seen.legal)) and info["action_mask"].dtype == np.int8
        assert same(face.action_masks(), np.asarray(seen.legal))
        assert same(observation["action_mask"], info["action_mask"])
        observation, reward, terminated, truncated, info = face.step(int(action))
        state, outcome = step(env, state, jnp.asarray(action), jax.random.fold_in(key(), t))
        seen = outcome.observation
        np.testing.assert_allclose(reward, outcome.reward, rtol=1e-6)
        assert type(reward) is float and terminated is (t == env.horizon - 1) and truncated is False
        total += reward
    assert total > 0
    # After the end nothing is legal; Discrete.sample needs a one somewhere.
    assert not seen.legal.any() and info["action_mask"].all() and face.action_masks().all()


def test_masked_sampling_is_legal_to_the_end(env):
    face = GymGraphEnv(env=env)
    face.action_space.seed(0)
    observation, info = face.reset(seed=0)
    before, over = observation["adjacency"].sum(), False
    while not over:
        observation, _, over, _, info = face.step(face.action_space.sample(info["action_mask"]))
    assert observation["adjacency"].sum() == before + 2 * env.budget


def test_wild_actions_change_nothing(env):
    face = GymGraphEnv(env=env)
    observation, _ = face.reset(seed=0)
    for action in (-1, 10, 2**32, 2**32 + 1, -(2**40)):
        later, reward, _, _, _ = face.step(action)
        assert reward == 0 and same(later["adjacency"], observation["adjacency"]) and not later["selected"].any()


def test_stepping_before_reset_and_bad_options_are_refused(env):
    face = GymGraphEnv(env=env)
    with pytest.raises(gym.error.ResetNeeded):
        face.step(0)
    with pytest.raises(ValueError, match="give indices from 0 to 3"):
        face.reset(options={"start": 4})
    with pytest.raises(ValueError, match="Did you mean 'start'"):
        face.reset(options={"stat": 1})


def test_text_shows_the_selected_node_and_the_edits():
    face = GymGraphEnv(env=make_edge_addition(toys.pool(), toys.SQUARES, 3), render_mode="ansi")
    face.reset(seed=0, options={"start": 2})  # a path of 7 nodes
    face.step(0)
    assert face.render() == "step 1/6 | budget left 100% | selected 0 | value 0.2200 -> 0.2200"
    face.step(6)
    assert face.render() == "step 2/6 | budget left 67% | added 0-6 | value 0.2200 -> 0.2800"


def test_picture_shows_the_selected_node_and_the_edits():
    face = GymGraphEnv(env=make_edge_addition(toys.pool(), toys.SQUARES, 3), render_mode="rgb_array")
    face.reset(seed=0, options={"start": 2})
    frames = [face.render()]
    for action in (0, 6):
        face.step(action)
        frames.append(face.render())
    assert all(frame.shape == (500, 500, 3) and frame.dtype == np.uint8 for frame in frames)
    blue, orange = (np.array(colour) for colour in ((0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00)))

    def pixels(frame, colour):
        return int((np.abs(frame.astype(int) - colour).sum(-1) < 12).sum())

    assert [pixels(frame, orange) > 100 for frame in frames] == [False, True, False]
    assert [pixels(frame, blue) > 100 for frame in frames] == [False, False, True]


# Many environments


def test_another_pool_of_the_same_shapes_costs_no_compile(env):
    other = make_edge_addition(toys.pool((9, 6, 6, 8)), toys.WEIGHTED, 3, "edit")
    counts = []
    for pool_env in (env, other):
        face = GymGraphVectorEnv(3, env=pool_env)
        face.reset(seed=0)
        for _ in range(env.horizon):
            face.step(np.zeros(3, int))
        counts.append((episodes._begin._cache_size(), episodes._step._cache_size()))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("limit", [None, 5])
def test_vector_equals_gymnasiums_own(env, limit):
    def one():
        face = GymGraphEnv(env=env)
        return face if limit is None else gym.wrappers.TimeLimit(face, limit)

    ours = GymGraphVectorEnv(4, env=env, max_episode_steps=limit)
    theirs = SyncVectorEnv([one] * 4, autoreset_mode=AutoresetMode.SAME_STEP)
    assert ours.observation_space == theirs.observation_space and ours.action_space == theirs.action_space
    assert same(ours.reset(seed=3), theirs.reset(seed=3))
    ended = []
    for t in range(20):
        if t == 9:  # some begin anew out of step with the others
            mask = np.array([True, False, False, True])
            new, expected = ours.reset(options={"reset_mask": mask}), theirs.reset(options={"reset_mask": mask})
            assert same(new[0], expected[0]) and same(new[1]["_action_mask"], expected[1]["_action_mask"])
        actions = toys.random_actions([0] * 4, 1, seed=t)[0]
        got, expected = ours.step(actions), theirs.step(actions)
        assert same(got[:4], expected[:4])
        assert same(got[4], expected[4])
        ended.append((got[2].any(), got[3].any()))
    assert np.any(ended, axis=0).tolist() == [limit is None, limit is not None]


@pytest.fixture
def _no_checks():
    """Without the checks of reused keys and of shapes, which cost more than the 10^5 single steps themselves."""
    jaxtyping.config.update("jaxtyping_disable", True)
    with jax.debug_key_reuse(False):
        yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("_no_checks")
@pytest.mark.parametrize("steps", [160, pytest.param(1600, marks=pytest.mark.long)])
def test_vector_equals_a_loop_of_single_environments_over_1e4_and_1e5_steps(steps):
    env = make_edge_addition(toys.pool((6, 5, 6, 6), 6), toys.WEIGHTED, 3, "edit")
    count = 64
    vector, singles = GymGraphVectorEnv(count, env=env), [GymGraphEnv(env=env) for _ in range(count)]
    observations, _ = vector.reset(seed=0)
    for i, single in enumerate(singles):
        assert same(single.reset(seed=i)[0], {name: leaf[i] for name, leaf in observations.items()})
    actions = np.random.default_rng(0).integers(-1, 7, (steps, count))
    episodes_ended = 0
    for row in actions:
        observations, rewards, over, _, infos = vector.step(row)
        outcomes = [single.step(action) for single, action in zip(singles, row.tolist(), strict=True)]
        if over.any():
            episodes_ended += over.sum()
            assert all(same(infos["final_obs"][i], outcomes[i][0]) for i in np.flatnonzero(over))
            outcomes = [
                (singles[i].reset()[0] if outcome[2] else outcome[0], *outcome[1:])
                for i, outcome in enumerate(outcomes)
            ]
        assert all(np.array_equal(leaf, [o[0][name] for o in outcomes]) for name, leaf in observations.items())
        np.testing.assert_allclose(rewards, [o[1] for o in outcomes], rtol=1e-6)
        assert np.array_equal(over, [o[2] for o in outcomes])
    assert episodes_ended == count * (steps // env.horizon)


def test_make_vec_and_wrappers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = gym.make_vec(ID, num_envs=8, **SMALL, max_episode_steps=4)
    assert isinstance(made, GymGraphVectorEnv) and made.spec.kwargs["num_envs"] == 8
    assert made.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    recorded = gym.wrappers.vector.RecordEpisodeStatistics(made)
    recorded.reset(seed=0)
    recorded.action_space.seed(0)
    for t in range(8):
        _, _, terminated, truncated, infos = recorded.step(recorded.action_space.sample())
        assert not terminated.any() and truncated.all() == (t % 4 == 3)
    assert infos["episode"]["l"].tolist() == [4] * 8


def test_vector_seeds_starts_and_frames(env):
    vector = GymGraphVectorEnv(3, env=env, render_mode="ansi")
    first = vector.reset(seed=[7, 8, 9])
    assert same(vector.reset(seed=7), first)
    assert not same(vector.reset(), first)
    observations, _ = vector.reset(options={"start": [0, 1, 2]})
    assert observations["node_mask"].sum(-1).tolist() == [6, 8, 7]
    assert len(vector.render()) == 3 and all(text.startswith("step 0/6") for text in vector.render())
    with pytest.raises(ValueError, match="2 seeds for 3"):
        vector.reset(seed=[1, 2])
    with pytest.raises(ValueError, match="reset_mask must be bool"):
        vector.reset(options={"reset_mask": np.zeros(3, bool)})
    with pytest.raises(gym.error.ResetNeeded, match="reset all"):
        GymGraphVectorEnv(2, env=env).reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(ValueError, match="give at least 1"):
        GymGraphVectorEnv(0, env=env)


# Others' libraries


def test_a_masked_agent_of_sb3_contrib_trains():
    contrib = pytest.importorskip("sb3_contrib")
    face = GymGraphEnv(**SMALL)
    agent = contrib.MaskablePPO("MultiInputPolicy", face, n_steps=500, n_epochs=1, batch_size=250, seed=0)
    agent.learn(2000)
    assert agent.num_timesteps == 2000
    observation, _ = face.reset(seed=0)
    action, _ = agent.predict(observation, action_masks=face.action_masks())
    assert face.action_masks()[action]
