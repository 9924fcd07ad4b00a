"""Where the names of nodes go in a picture: beside their node, on the side that covers least."""

import numpy as np

__all__ = ["box_of", "free_place"]


def box_of(centre: np.ndarray, width: float, height: float) -> np.ndarray:
    """``[left, bottom, right, top]`` in points."""
    half = np.array([width, height]) / 2
    return np.concatenate([centre - half, centre + half])


def free_place(
    point: np.ndarray, text: str, font: float, radius: float, taken: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The offset of a label below, above, right or left of its node that covers least of what is there, and its box.

    Args:
        point: f64[2] the node. ``radius``: of its disc. ``text``, ``font``: what is written, and its size.
        taken: boxes f64[4] that had better stay free. All in points.
    """
    width, height = 0.68 * font * len(text), 1.3 * font  # of DejaVu Sans in bold, on average
    down, aside = np.array([0, radius + height / 2]), np.array([radius + width / 2 + 1, 0])
    boxes = [(offset, box_of(point + offset, width, height)) for offset in (-down, down, aside, -aside)]
    others = np.stack(taken)

    def covered(box: np.ndarray) -> float:
        sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
        return float(np.maximum(sides, 0).prod(1).sum())

    return min(boxes, key=lambda place: round(covered(place[1])))
