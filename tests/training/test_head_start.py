"""Where the classifier starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.training import head_start
from core.training.arguments import TrainingArguments
from core.training.classifier import last_linear
from core.training.device import Device
from core.training.examples import Target, TrainingSet
from core.training.inference import batched_logits
from core.training.preparation import Prepared, prepare

from .reviews import BAD, GOOD, sentences, separable


def logits(prepared: Prepared) -> np.ndarray:
    found = np.zeros((len(prepared.train.ids), len(prepared.examples.label_names)))
    for places, batch in batched_logits(prepared.model, prepared.train.ids, prepared.pad_token, prepared.device):
        found[places] = batch
    return found


@pytest.fixture
def at_full_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_start, "LENGTH_A_CLASS", 100.0)
    monkeypatch.setattr(head_start, "MANY_CLASSES", 2)


@pytest.mark.usefixtures("at_full_length")
@pytest.mark.parametrize("frozen", [0, 1])
def test_before_the_first_step_it_knows_what_is_linear(quick: TrainingArguments, cpu: Device, frozen: int) -> None:
    prepared = prepare(separable(train=200), replace(quick, freeze_layers=frozen, freeze_embeddings=None), cpu)
    right = logits(prepared).argmax(axis=1) == np.array(prepared.examples.train_labels)
    assert right.mean() > 0.7, "at random it is a half"


@pytest.mark.usefixtures("at_full_length")
def test_each_of_several_labels_begins_at_its_share(quick: TrainingArguments, cpu: Device) -> None:
    base = separable(train=200)
    labels = [
        (int(str(label)), 2) if place % 20 == 0 else (int(str(label)),)
        for place, label in enumerate(base.train_labels)
    ]
    examples = TrainingSet(base.train_texts, labels, [], [], ["bad", "good", "rare"], multi_label=True)
    said = 1 / (1 + np.exp(-logits(prepare(examples, quick, cpu))))
    assert said[:, 2].mean() == pytest.approx(0.05, abs=0.03), "not at a half, from where a rare label has far to go"
    assert ((said[:, :2] > 0.5) == np.eye(2, dtype=bool)[[int(str(one)) for one in base.train_labels]]).mean() > 0.7


def test_with_few_classes_the_rows_stay_as_drawn_but_for_several_labels_a_review(
    quick: TrainingArguments, cpu: Device
) -> None:
    base = separable(train=200)
    one = last_linear(prepare(base, quick, cpu).model)
    assert not one.bias.detach().any()
    assert float(one.weight.detach().std()) == pytest.approx(0.02, rel=0.5), "as transformers draws it"
    several: list[Target] = [(int(str(label)),) for label in base.train_labels]
    several[0] = (int(str(base.train_labels[0])), 2)
    examples = TrainingSet(base.train_texts, several, [], [], ["bad", "good", "rare"], multi_label=True)
    bias = last_linear(prepare(examples, quick, cpu).model).bias.detach()
    assert float(bias[2]) < float(bias[:2].min()) - 1, "what is rare begins as rare"


def test_the_more_classes_the_longer_the_rows(quick: TrainingArguments, cpu: Device) -> None:
    base, lengths = separable(train=120), []
    for classes in (10, 20):
        labels = [int(str(label)) + 2 * (place % (classes // 2)) for place, label in enumerate(base.train_labels)]
        examples = TrainingSet(base.train_texts, labels, [], [], [f"class {at}" for at in range(classes)])
        rows = last_linear(prepare(examples, quick, cpu).model).weight.detach()
        lengths.append(float(rows.norm(dim=1).mean()))
    assert lengths[0] <= 10 * head_start.LENGTH_A_CLASS * 1.01
    assert lengths[0] < lengths[1] <= 20 * head_start.LENGTH_A_CLASS * 1.01


def test_classes_that_no_review_has_do_not_count(quick: TrainingArguments, cpu: Device) -> None:
    base = separable(train=60)
    examples = replace(base, label_names=[f"class {at}" for at in range(12)])
    drawn = last_linear(prepare(examples, quick, cpu).model)
    assert not drawn.bias.detach().any(), "two of twelve classes are in use: the rows stay as transformers draws them"


@pytest.mark.usefixtures("at_full_length")
def test_the_pool_says_where_it_begins(quick: TrainingArguments, cpu: Device) -> None:
    both = zip(sentences(BAD, 60, 301), sentences(GOOD, 60, 302), strict=True)
    base, texts = separable(train=4), [text for pair in both for text in pair]
    truth = np.array([0, 1] * 60)
    targets = np.where(np.eye(2)[truth] > 0, 0.9, 0.1).astype(np.float32)
    examples = replace(base, validation_texts=[], validation_labels=[], pool_texts=texts, pool_targets=targets)
    assert (logits(prepare(examples, quick, cpu))[4:].argmax(axis=1) == truth).mean() > 0.7


@pytest.mark.usefixtures("at_full_length")
def test_what_is_kept_back_to_measure_by_does_not_say_where_it_begins(quick: TrainingArguments, cpu: Device) -> None:
    base, texts = separable(train=20), sentences(BAD, 120, 301)
    rows, targets = [], np.full((120, 2), 0.5, dtype=np.float32)
    targets[::3] = (0.9, 0.1)
    for changed in (slice(0, 0), slice(108, 120), slice(96, 108)):
        given = targets.copy()
        given[changed] = (0.0, 1.0)
        examples = replace(base, validation_texts=[], validation_labels=[], pool_texts=texts, pool_targets=given)
        torch.manual_seed(1)
        rows.append(last_linear(prepare(examples, quick, cpu).model).weight.detach())
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])


@pytest.mark.usefixtures("at_full_length")
def test_the_same_reviews_give_the_same_start_and_training_mode_is_not_left_on(
    quick: TrainingArguments, cpu: Device
) -> None:
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(logits(prepare(separable(), quick, cpu)))
    assert found[0] == pytest.approx(found[1], abs=1e-4), "nothing of it is drawn"


@pytest.mark.usefixtures("at_full_length")
def test_a_stop_leaves_the_drawn_classifier(quick: TrainingArguments, cpu: Device) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return True

    stopped, done = (
        last_linear(prepare(separable(train=600), quick, cpu, should_stop).model).weight.detach()
        for should_stop in (stop, lambda: False)
    )
    assert asked
    assert float(stopped.std()) == pytest.approx(0.02, rel=0.5), "as transformers draws it"
    assert not torch.equal(stopped, done)
