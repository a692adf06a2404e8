"""What the labels are called, as a hint where few reviews are labelled.

People name labels by what they mean, and a base model has read those words too: it says which reviews are near
“Sports” before anybody has labelled one (zero-shot classification by embeddings: Yin et al. 2019, “Benchmarking
Zero-shot Text Classification”). The direction to each name is looked for in the unlabelled pool, and sharpened there
by what it says itself (self-training). Names that are for or against something, or grades, point along the word
list's direction of opinion. A hint is a direction for every label; the quick learner believes it as far as it proves
right about the reviews that are labelled, which may be not at all.

Accuracy of the quick learner on held-out training reviews without and with, random labels, eight seeds: ag_news_lower
at 8 labels 54.2 and 73.7, at 64 82.3 and 84.5; trec at 8 30.4 and 42.2, at 64 64.9 and 66.4; banking77 (77 labels) at
8 6.9 and 57.1, at 64 28.0 and 58.8; sst2 at 8 66.3 and 71.4, at 64 77.5 and 77.9; cr, airline_tweets and
amazon_instruments between -1.0 and +1.4; micro-F1 of restaurant_aspects at 16 26.7 and 33.7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.training.quick.opinion_words import opinion
from core.training.quick.space import Space, ridge

Floats = NDArray[np.float32]

MOST = 1_500
"""Rows of the pool that the directions are sought in: a third of a second on one thread; 2,500 gave the same but for
banking77, whose 77 classes had two points more at 8 labels."""

SHARPENED = 0.5
"""Share of the reviews nearest to a name by which its direction is sharpened, the surest of them."""

FOR = {
    "positive": 1.0,
    "pos": 1.0,
    "praise": 1.0,
    "negative": -1.0,
    "neg": -1.0,
    "complaint": -1.0,
    "complaints": -1.0,
}
"""Names of labels that say for or against, beside the word list's."""

NUMBER = re.compile(r"(?:(?<!\S)-)?\d+(?:\.\d+)?")
"""A grade, below zero where the name or a word of it begins with the sign: “-1”, but “grade-1” is 1."""

MOST_GRADES = 11
"""Labels up to which they are taken for grades: 0 to 10."""


def readable(name: str) -> str:
    """A label's name as text: `FOOD#STYLE_OPTIONS` is “food style options”."""
    return " ".join(re.sub(r"[_#/\\|.:;,+&\-]+", " ", name).split()).lower()


def grades(names: Sequence[str]) -> NDArray[np.float64] | None:
    """How much each label is for (to 1) or against (to -1) something, [labels]; None where the names do not say."""
    numbers = [NUMBER.findall(name) for name in names]
    if len(names) > MOST_GRADES:
        return None
    if len(names) > 2 and all(len(found) == 1 for found in numbers):
        values = np.array([float(found[0]) for found in numbers])
        if len(np.unique(values)) == len(values) and np.isfinite(np.ptp(values)):
            return np.asarray(2 * (values - values.min()) / np.ptp(values) - 1)
    words = [readable(name) for name in names]
    said = np.sign([FOR.get(text, 0.0) or opinion(text) for text in words])
    return said if len(np.unique(said)) > 1 else None


def hints(
    space: Space, pool: NDArray[np.floating], names: Sequence[str], vectors: NDArray[np.floating], multi_label: bool
) -> list[Floats]:
    """Directions [features without the opinion, labels], each hint another belief in what the names mean.

    `pool` is [reviews, dimensions], `vectors` [labels, width] what `FeatureExtractor.of_names` says. There are none
    where there is nothing to tell apart.
    """
    if len(pool) < 2 or len(names) < 2:
        return []
    rows = np.asarray(pool[:: -(-len(pool) // MOST)], dtype=np.float32)
    x = space.coordinates(rows, False)
    near = _nearness(rows[:, -1 - vectors.shape[1] : -1], np.asarray(vectors, dtype=np.float32))
    found = []
    if multi_label:
        found.append(ridge(x, near))
    else:
        plain = ridge(x, near - near.mean(axis=1, keepdims=True))
        found += [plain, _sharpened(x, plain)]
    graded = grades(names)
    if graded is not None and space.direction is not None:
        found.append(np.outer(space.direction, graded).astype(np.float32))
    scales = [float((x @ one).std(axis=0).mean()) for one in found]
    return [one / np.float32(scale) for one, scale in zip(found, scales, strict=True) if scale > 0]


def _nearness(texts: Floats, words: Floats) -> Floats:
    """Cosine of each review and each name in the last layer, less the name's mean: [reviews, labels]."""
    near = _unit(texts - texts.mean(axis=0)) @ _unit(words - words.mean(axis=0)).T
    return np.asarray(near - near.mean(axis=0), dtype=np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-6), dtype=np.float32)


def _sharpened(x: Floats, direction: Floats) -> Floats:
    """The direction that tells the surest reviews of each label by `direction` from those of the others."""
    said = x @ direction
    ranked = np.sort(said, axis=1)
    sure, nearest = ranked[:, -1] - ranked[:, -2], said.argmax(axis=1)
    kept = np.zeros(len(x), dtype=np.bool_)
    for label in range(said.shape[1]):
        its = np.flatnonzero(nearest == label)
        kept[its[np.argsort(-sure[its], kind="stable")[: max(round(len(its) * SHARPENED), 1)]]] = True
    return ridge(x[kept], np.eye(said.shape[1], dtype=np.float32)[nearest[kept]])
