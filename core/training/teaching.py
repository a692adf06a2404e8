"""A teacher for the unlabelled reviews: the quick learner and a fine-tuned model, mixed by what they prove worth.

With few labels most of what a model can learn lies in the reviews that nobody has labelled. The teacher says what it
thinks of those, and the model that is kept learns from labels and teacher together (self-training: Scudder 1965; for
text encoders Du et al. 2021, “Self-training Improves Pre-training for Natural Language Understanding”).

Neither learner is the better one everywhere: at 64 labels the quick one wins by some points where opinions are
told apart, and loses by ten where kinds of questions are. So each answers for reviews it had not seen, and is trusted
as far as that proves right: the logits are added with the weights that have the lowest log-loss (stacking: Wolpert
1992, “Stacked generalization”; a logarithmic opinion pool: Genest and Zidek 1986, “Combining probability
distributions”). A weight is an inverse temperature as well: a learner that is too sure is mended by the way.
Against a mean of probabilities, each at its temperature, the teacher's accuracy on held-out training reviews at 64,
256 and 1,024 labels went from 79.4, 82.9 and 86.8 to 79.6, 83.2 and 86.9 %, its log-loss from 0.529, 0.475 and 0.412
to 0.519, 0.458 and 0.359 (14, 4 and 4 sessions of five sets).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.training.arguments import TrainingArguments
from core.training.cross_validation import cross_validate
from core.training.device import Device, choose_device
from core.training.examples import Target, TrainingSet
from core.training.loop import fine_tune
from core.training.predict import PredictionStopped, Predictor
from core.training.progress import FoldDone, Progress
from core.training.targets import target_array
from core.training.temperature import loss, probabilities
from core.training.tuned import Stopped

Probabilities = NDArray[np.float32]

FOLDS = 3
"""Models that answer for labelled reviews they had not seen; one more, of all labels, answers for the pool."""

MOST_LABELLED = 2_000
"""Labelled reviews from which on a teacher is not made: its four models would cost many minutes on a CPU. With 1,024
labels a model that learned from the pool too had right, and one that did not (one seed, held-out training reviews):
sst2 86.2 and 81.8, airline_tweets 84.4 and 83.8, trec 91.0 and 91.8, cr 87.8 and 88.8 %; log-losses 0.38 and 0.62,
0.57 and 0.49, 0.32 and 0.31, 0.36 and 0.40."""

FEWEST_LABELLED = 16
"""Below, three folds of the fine-tuned model say nothing, and the quick learner teaches alone."""

USUAL_TRUST, BELIEF = 0.6, 4.0
"""The weight that each learner is believed to deserve, and nats of summed log-loss that a weight farther from it by
one has to be worth: on 64 reviews differences of 4 are chance. Beliefs of 1 to 4 were alike, 12 was worse."""

MOST_TRUST = 2.0
"""The largest weight; with few labels the largest found was 1."""


FORGIVEN = 0.15
"""Share of the teacher's log-loss up to which a student's divergence from it counts for nothing. A student that has
learned differs to its advantage: of eleven, with divergences of up to a tenth of that, nine had a lower log-loss on
held-out training reviews than their teachers (banking77 0.555 and 0.604, trec 0.520 and 0.555, cr 0.373 and 0.393).
Two that had not learned were off by 30 and by 100 % of it."""


def counted(divergence: float | None, log_loss: float) -> float:
    """By how much a student's log-loss is taken to be above its teacher's."""
    return max((divergence or 0.0) - FORGIVEN * log_loss, 0.0)


@dataclass(frozen=True)
class Opinion:
    """What the quick learner says."""

    out_of_fold: Probabilities
    """[labelled reviews, classes], without having seen the review."""
    pool: Probabilities
    """[pool reviews, classes]."""


@dataclass(frozen=True)
class Taught:
    """What the teacher says, and what it is worth."""

    pool: Probabilities
    """[pool reviews, classes], calibrated."""
    out_of_fold: Probabilities
    """[labelled reviews, classes], without having seen the review."""
    weight: float
    """The fine-tuned model's share of the trust, 0 to 1; the rest is the quick learner's."""
    log_loss: float
    """Of the mixture on reviews it had not seen, nats a review (multi-label: a review and label)."""
    quick_log_loss: float
    tuned_log_loss: float | None
    """None where the quick learner teaches alone."""


def teach(
    texts: Sequence[str],
    targets: Sequence[Target],
    label_names: Sequence[str],
    pool_texts: Sequence[str],
    quick: Opinion,
    arguments: TrainingArguments,
    *,
    multi_label: bool,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    device: Device | None = None,
) -> Taught:
    """Fine-tune models that answer, and mix them with the quick learner.

    `report` gets the trainings' progress, and a `FoldDone` after each of `FOLDS` + 1. Raises `Stopped` (without a
    model), and what `fine_tune` raises.
    """
    truth = target_array(targets, len(label_names), multi_label)
    worth = _loss(quick.out_of_fold, truth)
    alone = Taught(quick.pool, quick.out_of_fold, 0.0, worth, worth, None)
    if len(texts) < FEWEST_LABELLED or _second_largest(truth) < 2:
        report(FoldDone(FOLDS + 1, FOLDS + 1))
        return alone
    arguments = replace(arguments, validation_share=0.0, patience=None)

    def numbered(told: Progress) -> None:
        report(FoldDone(told.fold, FOLDS + 1) if isinstance(told, FoldDone) else told)

    unseen = cross_validate(
        texts,
        targets,
        label_names,
        arguments,
        folds=FOLDS,
        multi_label=multi_label,
        report=numbered,
        should_stop=should_stop,
        device=device,
    )
    own, others = trust(unseen, quick.out_of_fold, truth)
    summed = others * _logits(quick.pool, multi_label)
    if own > 0:
        examples = TrainingSet(texts, targets, [], [], label_names, multi_label)
        said = _answers(examples, pool_texts, arguments, report, should_stop, device)
        summed = own * _logits(said, multi_label) + summed
    report(FoldDone(FOLDS + 1, FOLDS + 1))
    mixed = own * _logits(unseen, multi_label) + others * _logits(quick.out_of_fold, multi_label)
    return Taught(
        probabilities(summed, multi_label),
        probabilities(mixed, multi_label),
        own / max(own + others, 1e-9),
        loss(mixed, truth),
        alone.quick_log_loss,
        _loss(unseen, truth),
    )


def trust(tuned: Probabilities, quick: Probabilities, truth: NDArray[Any]) -> tuple[float, float]:
    """The weights of both learners' logits, 0 to `MOST_TRUST` each, whose sum says `truth` best; that of `tuned` is
    the first.

    Both are [n, classes] of reviews they had not seen. Minimises the summed log-loss + `BELIEF` * (distance from
    `USUAL_TRUST`)², which is convex: a grid finds the neighbourhood, two finer ones the place, to about a
    hundredth where the two do not say nearly the same.
    """
    multi_label = truth.ndim > 1
    own, others = _logits(tuned, multi_label), _logits(quick, multi_label)
    summed = len(truth) * (own.shape[1] if multi_label else 1)

    def cost(pair: tuple[float, float]) -> float:
        away = (pair[0] - USUAL_TRUST) ** 2 + (pair[1] - USUAL_TRUST) ** 2
        return summed * loss(pair[0] * own + pair[1] * others, truth) + BELIEF * away

    best, step = (MOST_TRUST / 2, MOST_TRUST / 2), MOST_TRUST / 10
    for reach in (5, 4, 4):
        steps = [place * step for place in range(-reach, reach + 1)]
        some, more = ([min(max(middle + by, 0.0), MOST_TRUST) for by in steps] for middle in best)
        best = min(((one, other) for one in some for other in more), key=cost)
        step /= 4
    return best


def _answers(
    examples: TrainingSet,
    pool_texts: Sequence[str],
    arguments: TrainingArguments,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    device: Device | None,
) -> Probabilities:
    """What a model trained on all labelled reviews says about the pool."""
    try:
        tuned = fine_tune(examples, arguments, report, should_stop, device)
        return Predictor(
            tuned.model,
            tuned.tokenizer,
            tuned.label_names,
            multi_label=examples.multi_label,
            max_length=tuned.max_length,
            device=(device or choose_device()).with_precision(arguments.precision),
        ).predict(pool_texts, should_stop=should_stop)
    except Stopped as stopped:
        raise Stopped(stopped.step, None) from None
    except PredictionStopped:
        raise Stopped(0, None) from None


def _logits(said: Probabilities, multi_label: bool) -> NDArray[np.float64]:
    sure = np.clip(said.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(sure) - (np.log(1 - sure) if multi_label else 0.0))


def _loss(said: NDArray[np.floating], truth: NDArray[Any]) -> float:
    return loss(_logits(np.asarray(said, dtype=np.float32), truth.ndim > 1), truth)


def _second_largest(truth: NDArray[Any]) -> int:
    """Reviews of the second-largest class, or label set: with one alone a fold would be left with a single class."""
    _, sizes = np.unique(truth, axis=0, return_counts=True)
    return int(np.sort(sizes)[-2]) if len(sizes) > 1 else 0
