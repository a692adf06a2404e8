"""Every review is predicted by a model that has not seen it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.errors import TooFewLabels
from core.training.arguments import TrainingArguments
from core.training.cross_validation import cross_validate, folds_for, stratified
from core.training.device import Device
from core.training.examples import Target, TrainingSet
from core.training.loop import fine_tune
from core.training.predict import Predictor
from core.training.progress import FoldDone, Loaded, Progress, StepDone
from core.training.tuned import Stopped

from .reviews import separable
from .test_loop import ignore, never


def test_the_models_know_the_class_of_what_they_have_not_seen(quick: TrainingArguments, cpu: Device) -> None:
    base = separable(96, 0)
    told: list[Progress] = []
    probabilities = cross_validate(
        base.train_texts, base.train_labels, base.label_names, replace(quick, epochs=15), folds=3, multi_label=False,
        report=told.append, should_stop=never, device=cpu,
    )  # fmt: skip
    assert probabilities.shape == (96, 2)
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(axis=1) == list(base.train_labels)).mean() >= 0.9
    assert [one for one in told if isinstance(one, FoldDone)] == [FoldDone(fold, 3) for fold in (1, 2, 3)]
    assert [one.train + one.validation for one in told if isinstance(one, Loaded)] == [64, 64, 64]


def test_what_cannot_be_learned_is_not_predicted(quick: TrainingArguments, cpu: Device) -> None:
    """Each review has its label by a letter of its own: a model that had seen it would know, the others cannot."""
    texts = [f"{letter} {letter} {letter}" for letter in "abcdefghijklmnopqrstuvwx"]
    labels = [number % 2 for number in range(24)]
    arguments = replace(quick, epochs=None, steps=60, validation_share=0.0)
    seen = fine_tune(TrainingSet(texts, labels, [], [], ["odd", "even"]), arguments, ignore, never, cpu)
    predictor = Predictor(
        seen.model, seen.tokenizer, seen.label_names, multi_label=False, max_length=seen.max_length, device=cpu
    )
    assert (predictor.predict(texts).argmax(axis=1) == labels).mean() == 1
    probabilities = cross_validate(
        texts, labels, ["odd", "even"], arguments, folds=2, multi_label=False, report=ignore, should_stop=never,
        device=cpu,
    )  # fmt: skip
    assert (probabilities.argmax(axis=1) == labels).mean() < 0.8


def test_several_labels_a_review(quick: TrainingArguments, cpu: Device) -> None:
    base = separable(24, 0)
    targets: list[Target] = [(1,) if label else () for label in base.train_labels]
    probabilities = cross_validate(
        base.train_texts, targets, ["late", "happy"], replace(quick, epochs=2), folds=2, multi_label=True,
        report=ignore, should_stop=never, device=cpu,
    )  # fmt: skip
    assert probabilities.shape == (24, 2)
    assert (probabilities > 0).all()


def test_stop_is_honoured_in_every_fold(quick: TrainingArguments, cpu: Device) -> None:
    base = separable(24, 0)
    told: list[Progress] = []
    with pytest.raises(Stopped) as caught:
        cross_validate(
            base.train_texts, base.train_labels, base.label_names, replace(quick, epochs=2), folds=2,
            multi_label=False, report=told.append, device=cpu,
            should_stop=lambda: any(isinstance(one, FoldDone) for one in told) and isinstance(told[-1], StepDone),
        )  # fmt: skip
    assert caught.value.best is None
    assert [one.fold for one in told if isinstance(one, FoldDone)] == [1]


def test_every_fold_has_its_share_of_every_class() -> None:
    targets: Sequence[Target] = [0] * 50 + [1] * 10 + [2] * 5
    parts = stratified(targets, 5, seed=3)
    assert sorted(place for part in parts for place in part) == list(range(65))
    assert [Counter(targets[place] for place in part) for part in parts] == [Counter({0: 10, 1: 2, 2: 1})] * 5
    assert stratified(targets, 5, seed=3) == parts != stratified(targets, 5, seed=4)
    several: Sequence[tuple[int, ...]] = [(0,)] * 8 + [(0, 1)] * 4 + [()] * 4 + [(2,)] * 4
    for part in stratified(several, 4, seed=0):
        assert Counter(label for place in part for label in several[place]) == Counter({0: 3, 1: 1, 2: 1})
        assert len(part) == 5


def test_rare_classes_make_fewer_folds() -> None:
    assert folds_for([0] * 50 + [1] * 50, 5) == 5
    assert folds_for([0] * 50 + [1] * 3, 5) == 3
    assert folds_for([0] * 50 + [1] * 30 + [2], 5) == 5
    assert folds_for([(0,)] * 9 + [(0, 1)] * 4, 5) == 4
    with pytest.raises(TooFewLabels, match="two reviews of each of two classes"):
        folds_for([0] * 50 + [1], 5)
