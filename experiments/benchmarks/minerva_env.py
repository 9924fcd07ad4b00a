"""A walk environment in numpy, in the manner of MINERVA's own code (Das et al., ICLR 2018): a batch of paths."""

import numpy as np

from envs.kg_walk import KGWalk
from envs.queries import Task

__all__ = ["NumpyWalk"]

PAD = -1


class NumpyWalk:
    """B paths over arrays [N, A, 2] (target, relation) of every entity's neighbours, staying first.

    Takes its neighbours from a :class:`~envs.kg_walk.KGWalk` of the protocol "minerva", so that both walk the same
    graph; an action without a neighbour has PAD for its target.
    """

    def __init__(self, env: KGWalk, task: Task) -> None:
        N, stay = task.num_entities, 2 * task.num_relations
        self.horizon, self.queries = env.horizon, task.queries
        self.store = np.full((N, env.num_actions, 2), PAD, np.int32)
        starts, counts, arcs = (np.asarray(x) for x in (env.rows.starts, env.rows.counts, env.rows.arcs))
        for entity in range(N):
            self.store[entity, 0] = entity, stay
            self.store[entity, 1 : counts[entity] + 1] = arcs[starts[entity] : starts[entity] + counts[entity], ::-1]
        self.correct: dict[tuple[int, int], set[int]] = {}
        for h, r, t in task.known.tolist():
            self.correct.setdefault((h, r), set()).add(t)
            self.correct.setdefault((t, r + task.num_relations), set()).add(h)

    def reset(self, numbers: np.ndarray) -> np.ndarray:
        """Begin at the entities of queries i[B]; the actions there, i32[B, A, 2]."""
        self.start, self.relation, self.answer = self.queries[numbers].T
        self.all_correct = [self.correct[pair] for pair in zip(self.start, self.relation, strict=True)]
        self.at, self.t = self.start.copy(), 0
        return self._actions()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Follow ``actions`` i[B]; the next actions i32[B, A, 2], and after the last step rewards f32[B], else 0."""
        self.at = self.seen[np.arange(len(actions)), actions, 0]
        self.t += 1
        reward = (self.at == self.answer) & (self.t == self.horizon)
        return self._actions() if self.t < self.horizon else self.seen, reward.astype(np.float32)

    def _actions(self) -> np.ndarray:
        self.seen = self.store[self.at].copy()
        last = self.t == self.horizon - 1
        for i, at in enumerate(self.at.tolist()):
            targets, relations = self.seen[i, :, 0], self.seen[i, :, 1]
            if at == self.start[i]:
                own = (relations == self.relation[i]) & (targets == self.answer[i])
                targets[own] = relations[own] = PAD
            if last:
                answer, correct = self.answer[i], self.all_correct[i]
                for j, target in enumerate(targets.tolist()):
                    if target in correct and target != answer:
                        targets[j] = relations[j] = PAD
        return self.seen
