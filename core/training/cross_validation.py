"""What models say about reviews they were not trained on, where too few are set aside to measure on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import TooFewLabels
from core.training.arguments import TrainingArguments
from core.training.device import Device, choose_device
from core.training.examples import FEWEST, Target, split
from core.training.loop import fine_tune
from core.training.predict import PredictionStopped, Predictor
from core.training.progress import FoldDone, Progress
from core.training.tuned import Stopped


def cross_validate(
    texts: Sequence[str],
    targets: Sequence[Target],
    label_names: Sequence[str],
    arguments: TrainingArguments,
    *,
    folds: int,
    multi_label: bool,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    device: Device | None = None,
) -> NDArray[np.float32]:
    """Calibrated probabilities [n, classes], each from a model whose training had not seen the review.

    The reviews are parted into `folds` of the same mix of classes; for each a model is fine-tuned on the others, of
    which `arguments.validation_share` chooses and calibrates it. There are fewer folds where a class has fewer
    reviews than that, two at the least; single reviews of a class do not count there. `report` gets every
    training's progress and a `FoldDone` after each. Raises `TooFewLabels`, `Stopped` (without a model), and what
    `fine_tune` raises.
    """
    parts = stratified(targets, folds_for(targets, folds), arguments.seed)
    found = np.zeros((len(texts), len(label_names)), dtype=np.float32)
    for fold, held_out in enumerate(parts, 1):
        left = sorted(set(range(len(texts))) - set(held_out))
        examples = split(
            [texts[place] for place in left],
            [targets[place] for place in left],
            label_names,
            validation_share=arguments.validation_share,
            seed=arguments.seed,
            multi_label=multi_label,
        )
        try:
            tuned = fine_tune(examples, arguments, report, should_stop, device)
            predictor = Predictor(
                tuned.model,
                tuned.tokenizer,
                tuned.label_names,
                multi_label=multi_label,
                max_length=tuned.max_length,
                device=(device or choose_device()).with_precision(arguments.precision),
            )
            found[held_out] = predictor.predict([texts[place] for place in held_out], should_stop=should_stop)
        except Stopped as stopped:
            raise Stopped(stopped.step, None) from None
        except PredictionStopped:
            raise Stopped(tuned.total_steps, None) from None
        report(FoldDone(fold, len(parts)))
    return found


def folds_for(targets: Sequence[Target], folds: int) -> int:
    """How many folds the smallest class allows, from 2 to `folds`.

    Raises `TooFewLabels` unless two classes, or label sets, have two reviews: a fold would leave one class alone.
    """
    sets = Counter(targets)
    if sum(size >= FEWEST for size in sets.values()) < FEWEST:
        raise TooFewLabels(
            "Cross-validation needs two reviews of each of two classes.",
            "Label some more reviews, of at least two classes.",
        )
    sizes = Counter(label for target in targets for label in _labels(target))
    return max(min([folds, *(size for size in sizes.values() if size >= FEWEST)]), FEWEST)


def stratified(targets: Sequence[Target], folds: int, seed: int) -> list[list[int]]:
    """The places of `targets` in `folds` parts with the same share of every label, drawn by `seed`.

    The rarest label's reviews are dealt out first, each to the part that has fewest of that label: Sechidis et al.
    2011, "On the Stratification of Multi-label Data".
    """
    order = list(range(len(targets)))
    random.Random(seed).shuffle(order)
    sizes = Counter(label for target in targets for label in _labels(target))
    parts: list[list[int]] = [[] for _ in range(folds)]
    held: list[Counter[int]] = [Counter() for _ in range(folds)]
    dealt: set[int] = set()
    for label in [*sorted(sizes, key=lambda one: (sizes[one], one)), None]:
        for place in order:
            labels = _labels(targets[place])
            if place in dealt or (label is not None and label not in labels):
                continue
            part = min(range(folds), key=lambda one: (0 if label is None else held[one][label], len(parts[one]), one))
            parts[part].append(place)
            held[part].update(labels)
            dealt.add(place)
    return [sorted(part) for part in parts]


def _labels(target: Target) -> tuple[int, ...]:
    return target if isinstance(target, tuple) else (target,)
