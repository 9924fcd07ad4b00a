"""Environments of knowledge graphs against plain ones in numpy and Python, and what they refuse."""

import itertools

import gymnasium as gym
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from envs.base import step_batch, whole
from envs.kg_completion import build_kg_completion, make_kg_completion
from envs.kg_walk import build_kg_walk, make_kg_walk
from envs.queries import load_task, make_task
from experiments.benchmarks.minerva_env import PAD, NumpyWalk
from lepton_rl.packed import answer_sets, arcs_of, holds, pack_rows, pagerank
from lepton_rl.triple_graph import to_triples
from tests.envs import toys

N, R = 30, 3


@pytest.fixture(scope="module")
def facts():
    """Random facts with a hub that any small cap cuts, and some ends that share many answers."""
    rng = np.random.default_rng(0)
    drawn = rng.integers((N, R, N), size=(90, 3))
    hub = [(0, r, t) for r in range(R) for t in range(1, 12)]
    return np.unique(np.concatenate([drawn, hub]), axis=0)


@pytest.fixture(scope="module")
def task(facts):
    """All facts are true, some are left out of the graph."""
    left = np.arange(len(facts)) % 7 > 0
    return make_task(facts[left], N, R, known=facts)


# Rows and sets


def test_pagerank_is_networkx_s(facts):
    arcs = arcs_of(facts, R)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(N))
    graph.add_edges_from(arcs[:, ::2].tolist())
    weights = nx.DiGraph()
    weights.add_nodes_from(range(N))
    for u, v in graph.edges():
        weights.add_edge(u, v, weight=graph.number_of_edges(u, v))
    expected = nx.pagerank(weights, tol=1e-10)
    np.testing.assert_allclose(pagerank(arcs, N), [expected[v] for v in range(N)], atol=1e-6)


@pytest.mark.parametrize("cap", [4, 200])
def test_rows_keep_the_neighbours_of_highest_pagerank_and_say_what_is_lost(facts, cap):
    rows, dropped = pack_rows(facts, N, R, cap)
    arcs = arcs_of(facts, R)
    rank, kept = pagerank(arcs, N), set()
    for entity in range(N):
        mine = [tuple(arc) for arc in arcs.tolist() if arc[0] == entity]
        first, count = int(rows.starts[entity]), int(rows.counts[entity])
        row = [(entity, *arc) for arc in np.asarray(rows.arcs)[first : first + count].tolist()]
        assert count == len(set(row)) == min(len(mine), cap - 1) and set(row) <= set(mine)
        worst = min((rank[t] for *_, t in row), default=0)
        assert all(rank[t] <= worst + 1e-12 for *_, t in set(mine) - set(row))
        kept |= {(h, r, t) if r < R else (t, r - R, h) for h, r, t in row}
    assert dropped.of_arcs == 2 * len(facts) and dropped.facts == len(facts) - len(kept)
    assert dropped.arcs == 2 * len(facts) - int(rows.counts.sum())
    assert ("dropped at" in str(dropped)) == (cap == 4) and (str(dropped) == "no neighbour dropped") == (cap == 200)
    with pytest.raises(ValueError, match="a cap of 1 leaves no neighbour"):
        pack_rows(facts, N, R, 1)


@pytest.mark.parametrize("entities", [N, 40_000])
def test_sets_of_answers_equal_sets(facts, entities):
    """In few entities all are bitmaps; in many, all are tables, spread over the numbers that there are."""
    spread = facts * (1, 1, entities // N)
    queries = arcs_of(spread, R)
    sets, pairs = answer_sets(queries, spread, entities, R)
    assert bool(sets.mapped.all()) == (entities == N) and bool(sets.mapped.any()) == (entities == N)
    asked = np.unique(np.append(spread[:, 2], [0, 1, entities - 1]))
    found = np.asarray(jax.vmap(holds, in_axes=(None, 0, None))(sets, pairs, jnp.asarray(asked)))
    true = {tuple(arc) for arc in queries.tolist()}
    expected = [[(int(h), int(r), int(t)) in true for t in asked] for h, r, _ in queries]
    assert (found == expected).all() and 0 < found.mean() < 1


# Walks


def play_both(env, task, seed):
    """Random legal walks in both environments; every mask, candidate, position and reward of one is the other's."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(env.pool.size)
    plain, keys = NumpyWalk(env, task), toys.keys_of(0, len(numbers))
    actions = plain.reset(numbers)
    state, seen = jax.jit(jax.vmap(env.reset))(jnp.asarray(numbers), keys)
    step, stuck = jax.jit(step_batch), 0
    for _ in range(env.horizon):
        expected = actions[..., 0] != PAD
        nowhere = ~expected.any(1)  # MINERVA's paths then go to a padding entity; ours stay
        stuck += nowhere.sum()
        expected[nowhere, 0] = True
        legal = np.asarray(seen.legal)
        assert (legal == expected).all()
        there = legal & ~nowhere[:, None]
        columns = np.asarray(seen.candidates)
        assert (columns[there][:, 2:] == actions[there][:, ::-1]).all()
        assert (columns[there][:, 1] == np.broadcast_to(plain.at[:, None], there.shape)[there]).all()
        picks = np.array([rng.choice(np.flatnonzero(row)) for row in legal], np.int32)
        before = plain.at
        actions, rewards = plain.step(picks)
        plain.at = np.where(nowhere, before, plain.at)
        state, outcome = step(env, state, picks, keys)
        seen = outcome.observation
        assert (np.asarray(state.at) == plain.at).all()
        assert (np.asarray(outcome.reward) == np.where(nowhere, 0, rewards)).all()
    return rewards.sum(), stuck


@pytest.mark.parametrize("cap", [4, 200])
def test_walks_are_minerva_s(task, cap):
    env = make_kg_walk(task, 2, cap=cap)
    arrived, stuck = map(sum, zip(*(play_both(env, task, seed) for seed in range(4)), strict=True))
    assert arrived > 0 and (stuck > 0 or cap == 200)


def test_without_a_protocol_every_answer_may_be_entered_and_is_rewarded(task):
    env, step = make_kg_walk(task, 1, protocol="plain"), jax.jit(step_batch)
    true, keys = {tuple(fact) for fact in arcs_of(task.known, R).tolist()}, toys.keys_of(0, env.pool.size)
    states, seen = jax.jit(jax.vmap(env.reset))(jnp.arange(env.pool.size), keys)
    candidates, legal, counts = (np.asarray(x) for x in (seen.candidates, seen.legal, env.rows.counts))
    for action in range(env.num_actions):
        rewards = np.asarray(step(env, states, np.full(env.pool.size, action, np.int32), keys)[1].reward)
        for i, (h, r, answer) in enumerate(task.queries.tolist()):
            op, _, relation, target = candidates[i, action].tolist()
            neighbour = action <= counts[h] and (relation, target) != (r, answer)
            assert legal[i, action] == neighbour and op == (action > 0)
            assert rewards[i] == (neighbour and (h, r, target) in true)


def test_a_walk_commits_what_it_found():
    task = make_task(np.array([(0, 0, 1), (1, 1, 2)]), 3, 3, queries=np.array([(0, 2, 2), (2, 5, 0)]))
    env = make_kg_walk(task, 2, commit=True)
    for start, picks in ((0, (1, None)), (1, (1, None))):
        state, seen = env.reset(jnp.int32(start), toys.key_of(0, 0))
        for pick in picks:
            goal = int(task.queries[start, 2])
            slots = np.flatnonzero(np.asarray(seen.legal) & (np.asarray(seen.candidates)[:, 3] == goal))
            state, outcome = env.step(state, jnp.int32(slots[0] if pick is None else pick), toys.key_of(0, 1))
            seen = outcome.observation
        assert outcome.reward == 1 and to_triples(env.graph(state)).tolist() == [[0, 0, 1], [1, 1, 2], [0, 2, 2]]
    assert len(to_triples(env.graph(env.reset(jnp.int32(0), toys.key_of(0, 2))[0]))) == 2


# Completion


@pytest.mark.parametrize("hide", [(0.1, 0.2), None])
def test_completion_is_that_of_sets(task, hide):
    env = make_kg_completion(task, 6, penalty=0.25, hide=hide)
    true = {tuple(fact) for fact in task.known.tolist()}
    graph = {tuple(fact) for fact in task.facts.tolist()}
    rng, hidden_facts, rewards = np.random.default_rng(1), [], []
    reset, step = jax.jit(type(env).reset), jax.jit(type(env).step)
    for start in range(0, env.pool.size, 25):
        key = toys.key_of(5, start)
        state, seen = reset(env, np.int32(start), key)
        known = {tuple(fact) for fact in to_triples(env.graph(state)).tolist()}
        assert known <= graph
        hidden_facts.append(len(graph - known))
        agenda = [task.queries[number] for number in np.asarray(state.agenda)]
        assert (agenda[0] == task.queries[start]).all()
        if hide is None:
            assert (np.array(agenda) == np.roll(task.queries, -start, 0)[:6]).all()
        for h, r, t in agenda:
            assert ((h, r, t) if r < R else (t, r - R, h)) not in known
        for t, (h, r, answer) in enumerate(agenda):
            assert seen.context.tolist() == [h, r]
            fact_of = lambda tail, h=h, r=r: (h, r, tail) if r < R else (tail, r - R, h)  # noqa: E731
            assert np.asarray(seen.legal).tolist() == [fact_of(x) not in known for x in range(N)] + [True]
            action = int(rng.choice([answer, rng.integers(N), N]))
            legal, fact = bool(np.asarray(seen.legal)[action]), fact_of(action)
            state, outcome = step(env, state, np.int32(action), key)
            expected = 0.0 if action == N or not legal else 1.0 if fact in true else -0.25
            assert float(outcome.reward) == expected and bool(outcome.terminated) == (t == 5)
            rewards.append(expected)
            known |= {fact} if legal and action < N else set()
            assert {tuple(fact) for fact in to_triples(env.graph(state)).tolist()} == known
            seen = outcome.observation
        assert not seen.legal.any()
    assert set(rewards) == {0.0, 1.0, -0.25}
    share = np.mean(hidden_facts) / len(graph)
    assert 0.1 < share < 0.3 if hide else max(hidden_facts) <= 6


def test_answers_to_one_query_are_seen_with_the_next(task):
    env = make_kg_completion(task, 2, answers=3, penalty=0.5, hide=(0.2, 0.4))
    assert (env.horizon, env.steps_per_edit) == (6, 3)
    true, key = {tuple(fact) for fact in task.known.tolist()}, toys.key_of(5, 0)
    rng, actions = np.random.default_rng(2), []
    reset, step, rebuild = (jax.jit(getattr(type(env), name)) for name in ("reset", "step", "rebuild"))

    def seen_now(seen):
        return {tuple(fact) for fact in to_triples(whole(env, seen).graph).tolist()}

    state, seen = reset(env, np.int32(4), key)
    settled = seen_now(seen)
    for t in range(6):
        h, r, answer = task.queries[int(state.agenda[t // 3])].tolist()
        again = rebuild(env, np.int32(4), key, np.array(actions + [0] * (6 - t), np.int32), np.int32(t))
        pairs = zip(*(jax.tree.leaves(one) for one in (again, state)), strict=True)
        assert all((np.asarray(a) == np.asarray(b)).all() for a, b in pairs)
        # A guess, the query's own answer, nothing; then an answer twice, which is no answer the second time.
        actions.append([int(rng.choice(np.flatnonzero(seen.legal))), answer, N, answer, answer, N][t])
        fact = (h, r, actions[-1]) if r < R else (actions[-1], r - R, h)
        new = actions[-1] < N and bool(seen.legal[actions[-1]])
        assert new == (t in (0, 1, 3))
        state, outcome = step(env, state, np.int32(actions[-1]), key)
        assert float(outcome.reward) == (0.0 if not new else 1.0 if fact in true else -0.5)
        seen = outcome.observation
        if t in (1, 4):  # the second answer is in the graph, and not seen
            assert seen_now(seen) == settled and seen.context.tolist() == [h, r]
        inserted = {fact} if t in (0, 3) else inserted | ({fact} if new else set())
        if t in (2, 5):
            settled |= inserted
            assert seen_now(seen) == settled == {tuple(fact) for fact in to_triples(env.graph(state)).tolist()}
    assert outcome.terminated


def test_proposed_tails_are_the_environment_s_whose_actions_are_all(task):
    rng = np.random.default_rng(3)
    proposed = np.array([rng.choice(N, 5, replace=False) for _ in task.queries])
    proposed[:, 2] = task.queries[:, 2]
    settings = {"answers": 3, "penalty": 0.5, "hide": (0.2, 0.4)}
    envs = make_kg_completion(task, 2, **settings), make_kg_completion(task, 2, **settings, proposed=proposed)
    assert envs[1].num_actions == 6
    key, made, rewards = toys.key_of(5, 0), [], []
    step, rebuild = jax.jit(type(envs[0]).step), jax.jit(type(envs[0]).rebuild)
    (whole_state, all_seen), (state, seen) = (env.reset(np.int32(4), key) for env in envs)
    for t, action in enumerate([2, 2, 5, 0, 6, 2]):  # 6 is none of the actions, and wrong as an entity would be
        number = int(state.agenda[t // 3])
        h, r, _ = task.queries[number].tolist()
        assert seen.context.tolist() == all_seen.context.tolist() == [h, r]
        tails = [*proposed[number], h]
        assert seen.candidates.tolist() == [[int(i < 5), h, r, tail] for i, tail in enumerate(tails)]
        assert seen.legal.tolist() == [*np.asarray(all_seen.legal)[proposed[number]], True]
        again = rebuild(envs[1], np.int32(4), key, np.array(made + [0] * (6 - t), np.int32), np.int32(t))
        pairs = zip(*(jax.tree.leaves(one) for one in (again, state)), strict=True)
        assert all((np.asarray(a) == np.asarray(b)).all() for a, b in pairs)
        meant = proposed[number][action] if action < 5 else N
        whole_state, all_seen = ((new := step(envs[0], whole_state, np.int32(meant), key))[0], new[1].observation)
        state, outcome = step(envs[1], state, np.int32(action), key)
        rewards.append(float(outcome.reward))
        assert float(state.gained) == float(whole_state.gained) and sum(rewards) == float(state.gained)
        assert (to_triples(envs[1].graph(state)) == to_triples(envs[0].graph(whole_state))).all()
        seen = outcome.observation
        made.append(action)
    assert rewards[0] == 1 and rewards[1] == rewards[2] == rewards[4] == 0 and not seen.legal.any()
    for wrong, message in ((proposed[1:], "entities for each of"), (proposed + N, r"must lie in \[0, 30\)")):
        with pytest.raises(ValueError, match=message):
            make_kg_completion(task, 2, proposed=wrong)


def test_counted_rankers_propose_in_an_environment_made_by_name(tmp_path):
    folder = write(tmp_path, train=["a\tr\tb", "c\tr\tb", "d\tr\ta", "e\tr\tf"], valid=["d\tr\tb"], test=["e\tr\ta"])
    task = load_task(folder, "train", "tail")
    usual = [np.bincount(task.facts[:, 2], minlength=6)] * 4
    env = gym.make("lepton/KGCompletion-v0", data=folder, side="tail", proposer="frequency", candidates=2)
    assert env.action_space.n == 3 and env.observation_space["targets"].shape == (3,)
    seen, _ = env.reset(seed=0, options={"start": 0})
    assert seen in env.observation_space
    assert seen["targets"][:2].tolist() == np.argsort(-usual[0], kind="stable")[:2].tolist()
    asked = build_kg_completion(data=folder, part="valid", side="tail", proposer="frequency", candidates=6)
    h, _, answer = load_task(folder, "valid", "tail").queries[0]
    stated = task.facts[task.facts[:, 0] == h][:, 2]
    assert np.asarray(asked.proposed)[0, 0] == answer and np.asarray(asked.proposed)[0, -1] == stated
    with pytest.raises(ValueError, match="'complex' must be trained before it proposes"):
        build_kg_completion(data=folder, proposer="complex")


def test_episodes_hide_other_facts_and_the_same_key_the_same(task):
    env = make_kg_completion(task, 2)
    shown = [np.asarray(env.reset(jnp.int32(0), toys.key_of(7, i))[0].graph.shown) for i in (0, 0, 1)]
    assert (shown[0] == shown[1]).all() and (shown[0] != shown[2]).any()


# Data


def write(folder, **parts):
    for name, lines in parts.items():
        (folder / f"{name}.tsv").write_text("".join(f"{line}\n" for line in lines))
    return str(folder)


SPLIT = {"train": ["a\tr\tb", "b\tr\tc", "c\ts\ta"], "valid": ["a\tr\tc"], "test": ["b\ts\ta"]}


def test_parts_of_a_data_set(tmp_path):
    folder = write(tmp_path, **SPLIT)
    train, valid, test = (load_task(folder, part, "tail") for part in ("train", "valid", "test"))
    assert (train.facts == train.queries).all() and len(train.known) == 3, "training knows no other part"
    assert valid.queries.tolist() == [[0, 0, 2]] and len(valid.known) == 4, "validation knows nothing of the test"
    assert test.queries.tolist() == [[1, 1, 0]] and len(test.known) == 5
    assert all((task.facts == train.facts).all() for task in (valid, test))
    assert load_task(folder, "test", "head").queries.tolist() == [[0, 1 + 2, 1]]
    assert len(load_task(folder, "train", "both").queries) == 6
    world = load_task()
    assert world.num_entities > 500 and len(world.facts) < len(load_task(part="test").known)


def test_one_file_is_split(tmp_path):
    facts = [f"n{a}\t{'rs'[a % 2]}\tn{b}" for a, b in itertools.permutations(range(6), 2)]
    write(tmp_path, facts=facts)
    file = str(tmp_path / "facts.tsv")
    task = load_task(file)
    assert len(task.facts) == 24 and task.num_entities == 6
    assert not np.array_equal(load_task(file, split_seed=1).facts, task.facts)


@pytest.mark.parametrize(("parts", "message"), [
    (SPLIT | {"train": ["a\tr", "b\tr"]}, r"train.tsv:1: 2 column\(s\).* head, relation and tail"),
    (SPLIT | {"train": ["a\tr\tb\tc\td"]}, r"train.tsv:1: 5 column\(s\).* head, relation and tail"),
    (SPLIT | {"train": ["a\tr\tb", "b\t\tc"]}, r"train.tsv:2.*relation"),
    (SPLIT | {"test": ["a\tr\tb", "b\ts\ta"]}, "1 test fact.* also in train.*a r b.*"),
    (SPLIT | {"test": []}, "test.tsv is empty: give a file with at least one"),
])  # fmt: skip
def test_files_that_are_no_facts_are_refused(tmp_path, parts, message):
    with pytest.raises(ValueError, match=message):
        load_task(write(tmp_path, **parts), "test")


@pytest.mark.parametrize(("settings", "message"), [
    ({"part": "tets"}, "unknown part 'tets'. Did you mean 'test'?"), ({"side": "tails"}, "Did you mean 'tail'?"),
    ({"data": "wrld"}, "Did you mean 'world'?"), ({"data": "karate"}, "karate is a graph without relations"),
])  # fmt: skip
def test_unknown_names_are_refused(settings, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        build_kg_walk(**settings)


def test_a_relation_without_a_fact_and_a_graph_of_one_triple():
    """Both can be played: what nobody states is masked nowhere and true nowhere."""
    task = make_task(np.array([(0, 0, 1)]), 2, 2)
    walk, completion = make_kg_walk(task, 2), make_kg_completion(task, 2)
    state, seen = walk.reset(jnp.int32(0), toys.key_of(0, 0))
    assert np.asarray(seen.legal).tolist() == [True, False], "its only edge is the query's own"
    state, seen = completion.reset(jnp.int32(0), toys.key_of(0, 0))
    assert np.asarray(seen.legal).all() and len(to_triples(completion.graph(state))) == 0
    _, outcome = completion.step(state, jnp.int32(1), toys.key_of(0, 1))
    assert outcome.reward == 1
    with pytest.raises(ValueError, match="at least one fact; got none"):
        make_task(np.zeros((0, 3)), 2, 1)


@pytest.mark.parametrize(("build", "settings", "message"), [
    (make_kg_walk, {"horizon": 0}, "a walk of 0 steps"),
    (make_kg_walk, {"protocol": "minrva"}, "Did you mean 'minerva'"),
    (make_kg_completion, {"queries": 0}, "an agenda of 0 queries"),
    (make_kg_completion, {"answers": 0}, "with 0 answers each"),
    (make_kg_completion, {"penalty": -1.0}, "a penalty of -1.0"),
    (make_kg_completion, {"hide": (0.5, 0.1)}, "share of facts to hide"),
])  # fmt: skip
def test_settings_out_of_range_are_refused(task, build, settings, message):
    with pytest.raises(ValueError, match=message):
        build(task, **settings)
    with pytest.raises(ValueError, match=r"relations in \[0, 3\)"):
        make_task(np.array([(0, 3, 1)]), N, R)


def test_outside_training_nothing_is_hidden_but_what_is_asked(tmp_path):
    env = build_kg_completion(data=write(tmp_path, **SPLIT), part="test", budget=2)
    state, _ = env.reset(jnp.int32(0), toys.key_of(0, 0))
    assert env.hide is None and len(to_triples(env.graph(state))) == 3
