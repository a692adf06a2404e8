"""What a training of few labels learns from: the labels, and a teacher's opinion of reviews without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.training.arguments import TrainingArguments
from core.training.base_model import locate
from core.training.device import Device, choose_device
from core.training.examples import Target, TrainingSet
from core.training.progress import Progress
from core.training.quick import learner
from core.training.quick.features import FeatureExtractor
from core.training.quick.names import hints
from core.training.quick.space import Space
from core.training.targets import target_array
from core.training.teaching import MOST_LABELLED, Opinion, Taught, teach

POOL_CHARACTERS = 400_000
"""Most characters of pool reviews: 100,000 tokens, which a CPU of two cores learns from in about a minute."""

FEWEST_POOL = 100
"""Pool reviews below which it is not worth while."""

Features = Callable[[Sequence[str]], NDArray[np.float16]]
"""Features of texts, [texts, dimensions]."""


def chosen_from_pool(pool_texts: Sequence[str], arguments: TrainingArguments) -> list[int]:
    """The places of the pool reviews that are learned from: the first, as many as there is time for."""
    chosen: list[int] = []
    left = POOL_CHARACTERS
    for place, text in enumerate(pool_texts):
        if len(chosen) >= arguments.pool_reviews or left <= 0:
            break
        if text.strip():
            chosen.append(place)
            left -= min(len(text), 1_000)
    return chosen


def worth_teaching(labelled: int, pool: int, arguments: TrainingArguments) -> bool:
    """Whether a training learns from the pool too."""
    return arguments.pool_reviews > 0 and labelled < MOST_LABELLED and pool >= FEWEST_POOL


def taught_examples(
    texts: Sequence[str],
    targets: Sequence[Target],
    label_names: Sequence[str],
    pool_texts: Sequence[str],
    arguments: TrainingArguments,
    *,
    multi_label: bool,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    device: Device | None = None,
    features: Features | None = None,
    name_vectors: NDArray[np.float16] | None = None,
) -> tuple[TrainingSet, Taught]:
    """Fit the quick learner, have a teacher made (see `teach`), and put labels and its opinions together.

    `features` gives those of texts, and `name_vectors` are those of the labels' names, where somebody has them
    already. Raises as `teach`, and `TooFewLabels`.
    """
    if features is None:
        extractor = _extractor(arguments, device)
        name_vectors = extractor.of_names(label_names)
        features = partial(extractor.extract, should_stop=should_stop)
    known, pool = features(texts), features(pool_texts)
    both = np.concatenate([known, pool])
    space = Space.of(both)
    model = learner.fit(
        known,
        target_array(targets, len(label_names), multi_label),
        len(label_names),
        multi_label,
        space,
        [] if name_vectors is None else hints(space, both, label_names, name_vectors, multi_label),
        seed=arguments.seed,
    )
    taught = teach(
        texts,
        targets,
        label_names,
        pool_texts,
        Opinion(model.out_of_fold, model.predict(pool)),
        arguments,
        multi_label=multi_label,
        report=report,
        should_stop=should_stop,
        device=device,
    )
    return TrainingSet(texts, targets, [], [], label_names, multi_label, pool_texts, taught.pool), taught


def _extractor(arguments: TrainingArguments, device: Device | None) -> FeatureExtractor:
    chosen = (device or choose_device()).with_precision(arguments.precision)
    return FeatureExtractor(locate(arguments.base_model, chosen.kind != "cpu"), chosen)
