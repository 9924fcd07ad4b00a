"""RotatE and ComplEx as PyKEEN trains them, where it is installed; their scores are ranked by our evaluator.

Reference: Ali, Berrendorf, Hoyt, Vermue, Sharifzadeh, Tresp & Lehmann, "PyKEEN 1.0", JMLR 2021.
"""

import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from experiments.completing import Task
from experiments.scoreboards.knowledge_options import KG, OTHERS
from lepton_rl.metrics import Protocol, Ranking, Score, evaluate

__all__ = ["check_pykeen", "pykeen_rankings"]

# Reciprocal relations and cross entropy over all tails, as our rankers have them; chosen on validation facts of UMLS,
# one seed. ComplEx with PyKEEN's own start (standard normal) and regulariser hardly learns by that loss.
_SETTINGS: dict[str, dict[str, Any]] = {
    "pykeen-rotate": {"model": "RotatE", "width": 128, "epochs": 60, "rate": 1e-2, "batch": 128},
    "pykeen-complex": {"model": "ComplEx", "width": 128, "epochs": 20, "rate": 1e-2, "batch": 128, "start": 0.1},
}


def check_pykeen(methods: Collection[str]) -> None:
    """Raises ValueError: a method of PyKEEN's where it is not installed."""
    asked = [method for method in methods if method in OTHERS]
    if asked and find_spec("pykeen") is None:
        raise ValueError(f"{asked[0]} needs PyKEEN: pip install pykeen, or leave the method out.")


def pykeen_rankings(
    method: str, task: Task, options: KG, note: Callable[[str], None]
) -> Iterator[tuple[Ranking, float, dict[str, Any]]]:
    """Of every seed: the ranks of the held-out answers, the seconds of training, and the settings."""
    settings = dict(_SETTINGS[method])
    settings["epochs"] = options.epochs or settings["epochs"]
    train, valid = task.splits.train.triples, task.splits.valid.triples
    protocol = Protocol(options.side, options.ties)
    for seed in range(options.seeds):
        begin, best, kept = time.perf_counter(), -1.0, None
        for tenth, (score, copy) in enumerate(_epochs(settings, task, seed), 1):
            mrr = evaluate(score, valid, task.known, protocol).metrics()["mrr"]
            note(f"seed {seed}: {tenth}/10 of {settings['epochs']} epochs, validation {mrr:.4f}")
            if mrr > best:
                best, kept = mrr, copy()
        seconds = time.perf_counter() - begin
        assert kept is not None
        held_out = getattr(task.splits, options.split).triples
        yield evaluate(kept, held_out, task.known, options.protocol, train=train), seconds, settings


def _start(settings: dict[str, Any]) -> dict[str, Any]:
    """Embeddings drawn from a narrower normal distribution, and not regularised, where the settings say so."""
    import torch  # noqa: PLC0415 - optional

    if "start" not in settings:
        return {}
    draw = partial(torch.nn.init.normal_, std=settings["start"])
    return {"entity_initializer": draw, "relation_initializer": draw, "regularizer": None}


def _epochs(settings: dict[str, Any], task: Task, seed: int) -> Iterator[tuple[Score, Callable[[], Score]]]:
    """After every tenth of the epochs: the model's scores now, and how to keep them."""
    import torch  # noqa: PLC0415 - optional
    from pykeen.models import ComplEx, RotatE  # noqa: PLC0415
    from pykeen.training import LCWATrainingLoop  # noqa: PLC0415
    from pykeen.triples import CoreTriplesFactory  # noqa: PLC0415

    N, R = task.graph.capacity, task.graph.num_relations
    torch.manual_seed(seed)
    triples = torch.as_tensor(np.array(task.splits.train.triples), dtype=torch.long)
    factory = CoreTriplesFactory(triples, num_entities=N, num_relations=R, create_inverse_triples=True)
    build = {"RotatE": RotatE, "ComplEx": ComplEx}[settings["model"]]
    width, loss = settings["width"], "crossentropy"  # over all tails, as our rankers are trained
    model = build(triples_factory=factory, embedding_dim=width, random_seed=seed, loss=loss, **_start(settings))
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["rate"])
    loop = LCWATrainingLoop(model=model, triples_factory=factory, optimizer=optimizer)

    def score(h: np.ndarray, r: np.ndarray) -> np.ndarray:
        # PyKEEN numbers relation r and its inverse 2r and 2r + 1.
        asked = np.stack([h, np.where(r < R, 2 * r, 2 * (r - R) + 1)], axis=1)
        with torch.no_grad():
            model.eval()
            return model.score_t(torch.as_tensor(asked, dtype=torch.long)).numpy()

    def copy() -> Score:
        weights = {name: value.clone() for name, value in model.state_dict().items()}

        def kept(h: np.ndarray, r: np.ndarray) -> np.ndarray:
            model.load_state_dict(weights)
            return score(h, r)

        return kept

    every = max(settings["epochs"] // 10, 1)
    for done in range(every, settings["epochs"] + 1, every):
        loop.train(
            factory, num_epochs=done, batch_size=settings["batch"], use_tqdm=False, use_tqdm_batch=False,
            clear_optimizer=False, continue_training=done > every,
        )  # fmt: skip
        yield score, copy
