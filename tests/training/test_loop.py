"""A training learns, repeats itself exactly, keeps its best weights, stops when asked and says what is wrong."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.errors import LossNotFinite, ModelError, OutOfMemory, TooFewLabels, TrainingError
from core.training.arguments import TrainingArguments
from core.training.device import Device
from core.training.examples import TrainingSet, split
from core.training.inference import forward
from core.training.loop import fine_tune
from core.training.progress import (
    BatchHalved,
    Calibrated,
    Evaluated,
    Loaded,
    Progress,
    StepDone,
    StoppedEarly,
)
from core.training.targets import target_array
from core.training.temperature import loss
from core.training.tuned import FineTuned, Stopped

from .reviews import separable


def never() -> bool:
    return False


def ignore(_: Progress) -> None:
    return None


def digest(tuned: FineTuned) -> str:
    """Of all weights, bit for bit."""
    total = hashlib.sha256()
    for name, tensor in sorted(tuned.model.state_dict().items()):
        total.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return total.hexdigest()


def config_of(tuned: FineTuned) -> Any:
    return tuned.model.config


def test_it_learns_and_tells(quick: TrainingArguments, cpu: Device) -> None:
    told: list[Progress] = []
    tuned = fine_tune(separable(), quick, told.append, never, cpu)
    loaded, steps = told[0], [one for one in told if isinstance(one, StepDone)]
    assert isinstance(loaded, Loaded)
    assert (loaded.train, loaded.validation, loaded.precision) == (40, 20, "fp32")
    assert [one.step for one in steps] == list(range(1, loaded.total_steps + 1))
    assert steps[-1].seconds_left == 0
    assert isinstance(told[-1], Calibrated)
    assert tuned.history[-1].validation_accuracy >= 0.95
    right = tuned.validation_probabilities.argmax(axis=1) == np.array(separable().validation_labels)
    assert right.mean() >= 0.95
    assert tuned.validation_probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert set(tuned.versions) >= {"torch", "transformers"}


def test_the_same_seed_gives_the_same_weights(quick: TrainingArguments, cpu: Device) -> None:
    short = replace(quick, epochs=2)
    state = torch.random.get_rng_state()
    first = fine_tune(separable(), short, ignore, never, cpu)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    again = fine_tune(separable(), short, ignore, never, cpu)
    other = fine_tune(separable(), replace(short, seed=1), ignore, never, cpu)
    assert digest(first) == digest(again) != digest(other)


def test_the_best_weights_are_returned(quick: TrainingArguments, cpu: Device) -> None:
    """With a learning rate far too high the loss rises again; the returned model must not be the last one."""
    wild = replace(quick, learning_rate=0.05, patience=None, epochs=20)
    examples = separable(validation=40)
    tuned = fine_tune(examples, wild, ignore, never, cpu)
    losses = {point.step: point.validation_loss for point in tuned.history}
    assert losses[tuned.best_step] == min(losses.values()) < tuned.history[-1].validation_loss
    with torch.inference_mode():
        inputs = tuned.tokenizer(list(examples.validation_texts), padding=True, return_tensors="pt")
        logits = tuned.model(**inputs).logits.numpy()
    targets = target_array(examples.validation_labels, 2, multi_label=False)
    assert loss(logits, targets) == pytest.approx(min(losses.values()), rel=1e-3, abs=1e-6)


def test_it_ends_early_when_the_loss_stays(quick: TrainingArguments, cpu: Device) -> None:
    told: list[Progress] = []
    wild = replace(quick, learning_rate=0.05, patience=1, epochs=60)
    tuned = fine_tune(separable(), wild, told.append, never, cpu)
    ended = [one for one in told if isinstance(one, StoppedEarly)]
    assert len(ended) == 1
    assert ended[0].best_step == tuned.best_step < ended[0].step == tuned.total_steps < 60 * 3


@pytest.mark.parametrize(("stop_at", "has_best"), [(0, False), (2, False), (10, False), (25, True)])
def test_stop_is_honoured_at_the_next_step(
    quick: TrainingArguments, cpu: Device, stop_at: int, has_best: bool
) -> None:
    steps: list[Progress] = []

    def report(one: Progress) -> None:
        if isinstance(one, StepDone):
            steps.append(one)

    with pytest.raises(Stopped) as caught:
        fine_tune(separable(), quick, report, lambda: len(steps) >= stop_at, cpu)
    assert caught.value.step == len(steps) == stop_at
    assert (caught.value.best is not None) == has_best
    if caught.value.best is not None:
        assert caught.value.best.history
        assert caught.value.best.best_step <= stop_at


def test_without_validation_the_last_weights_are_kept(quick: TrainingArguments, cpu: Device) -> None:
    examples = replace(separable(), validation_texts=[], validation_labels=[])
    tuned = fine_tune(examples, replace(quick, epochs=2), ignore, never, cpu)
    assert (tuned.temperature, tuned.history, tuned.best_step) == (1.0, (), tuned.total_steps)
    assert tuned.validation_probabilities.shape == (0, 2)
    told: list[Progress] = []
    with pytest.raises(Stopped) as caught:
        fine_tune(examples, quick, told.append, lambda: any(isinstance(one, StepDone) for one in told), cpu)
    assert caught.value.best is not None
    assert caught.value.best.best_step == 1


def test_several_labels_a_review(quick: TrainingArguments, cpu: Device) -> None:
    base = separable(60, 20)
    names = ["bad", "good", "short"]

    def several(texts: list[str], labels: list[int]) -> list[tuple[int, ...]]:
        return [(label, 2) if len(text.split()) < 6 else (label,) for text, label in zip(texts, labels, strict=True)]

    examples = TrainingSet(
        base.train_texts,
        several(list(base.train_texts), [int(str(one)) for one in base.train_labels]),
        base.validation_texts,
        several(list(base.validation_texts), [int(str(one)) for one in base.validation_labels]),
        names,
        multi_label=True,
    )
    tuned = fine_tune(examples, replace(quick, epochs=25), ignore, never, cpu)
    assert config_of(tuned).problem_type == "multi_label_classification"
    truth = target_array(examples.validation_labels, 3, multi_label=True)
    assert ((tuned.validation_probabilities > 0.5) == truth.astype(bool)).mean() > 0.85


def test_the_model_knows_the_label_names(quick: TrainingArguments, cpu: Device) -> None:
    tuned = fine_tune(separable(), replace(quick, epochs=1), ignore, never, cpu)
    assert config_of(tuned).id2label == {0: "bad", 1: "good"}
    assert config_of(tuned).label2id == {"bad": 0, "good": 1}
    assert config_of(tuned).problem_type == "single_label_classification"


def test_frozen_embeddings_do_not_move(quick: TrainingArguments, cpu: Device, tiny_bert: Path) -> None:
    tuned = fine_tune(separable(), replace(quick, epochs=2, freeze_embeddings=None), ignore, never, cpu)
    before = load_file(tiny_bert / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert torch.equal(tuned.model.state_dict()["bert.embeddings.word_embeddings.weight"], before)
    assert all(parameter.requires_grad for parameter in tuned.model.parameters())


def limit_memory(monkeypatch: pytest.MonkeyPatch, reviews: int) -> None:
    """From here on a training pass over more than `reviews` reviews runs out of memory."""

    def limited(model: torch.nn.Module, ids: list[list[int]], pad_token: int, device: Device) -> torch.Tensor:
        if len(ids) > reviews:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(model, ids, pad_token, device)

    monkeypatch.setattr("core.training.gradient.forward", limited)


def test_out_of_memory_halves_the_batch_and_changes_nothing(
    quick: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(quick, epochs=3, learning_rate=1e-3)
    whole = fine_tune(separable(), short, ignore, never, cpu)
    limit_memory(monkeypatch, 4)
    told: list[Progress] = []
    parts = fine_tune(separable(), short, told.append, never, cpu)
    assert [one for one in told if isinstance(one, BatchHalved)] == [BatchHalved(0, 8), BatchHalved(0, 4)]
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_out_of_memory_for_one_review_is_said(
    quick: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_memory(monkeypatch, 0)
    with pytest.raises(OutOfMemory, match="no memory for even one review"):
        fine_tune(separable(), quick, ignore, never, cpu)


def test_a_base_model_with_broken_weights_is_found_before_training(
    quick: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_bert, broken)
    weights = load_file(broken / "model.safetensors")
    weights["pooler.dense.bias"] = torch.full_like(weights["pooler.dense.bias"], float("nan"))
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    told: list[Progress] = []
    with pytest.raises(LossNotFinite, match="NaN or infinite at step 0"):
        fine_tune(separable(), replace(quick, base_model=str(broken)), told.append, never, cpu)
    assert told == []


def test_a_loss_that_becomes_nan_ends_the_training(
    quick: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Progress] = []

    def later_nan(model: torch.nn.Module, ids: list[list[int]], pad_token: int, device: Device) -> torch.Tensor:
        logits = forward(model, ids, pad_token, device)
        return logits * float("nan") if len([one for one in steps if isinstance(one, StepDone)]) == 3 else logits

    monkeypatch.setattr("core.training.gradient.forward", later_nan)
    with pytest.raises(LossNotFinite, match="at step 3"):
        fine_tune(separable(), quick, steps.append, never, cpu)


def test_a_damaged_base_model_is_said(quick: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_bert, damaged)
    (damaged / "model.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(ModelError, match="cannot be loaded"):
        fine_tune(separable(), replace(quick, base_model=str(damaged)), ignore, never, cpu)


def test_loading_says_nothing(
    quick: TrainingArguments, cpu: Device, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    fine_tune(separable(), replace(quick, epochs=1), ignore, never, cpu)
    assert capfd.readouterr() == ("", "")
    assert not list(recwarn)


def test_reviews_that_cannot_be_trained_on() -> None:
    with pytest.raises(TooFewLabels, match="All labelled reviews are of one class: good"):
        TrainingSet(["a", "b"], [1, 1], [], [], ["bad", "good"])
    with pytest.raises(TooFewLabels, match="of one class: no label"):
        TrainingSet(["a", "b"], [(), ()], [], [], ["bad", "good"], multi_label=True)
    with pytest.raises(TooFewLabels, match=r"There are 0 labelled reviews to train on\. Label some more"):
        split([], [], ["bad", "good"], validation_share=0.2)
    with pytest.raises(TooFewLabels, match="There are 1 labelled reviews"):
        TrainingSet(["a"], [1], [], [], ["bad", "good"])
    with pytest.raises(TrainingError, match="2 training reviews and 1 labels"):
        TrainingSet(["a", "b"], [1], [], [], ["bad", "good"])
    with pytest.raises(TrainingError, match="does not fit a scheme of 2 labels"):
        TrainingSet(["a", "b"], [0, 2], [], [], ["bad", "good"])
    with pytest.raises(TrainingError, match="Use a tuple of label indices"):
        TrainingSet(["a", "b"], [0, 1], [], [], ["bad", "good"], multi_label=True)


def test_split_keeps_every_class_in_training() -> None:
    labels = [0] * 30 + [1] * 8 + [2]
    texts = [f"review {index}" for index in range(39)]
    parts = split(texts, labels, ["a", "b", "c"], validation_share=0.2, seed=3)
    assert len(parts.validation_texts) == 8
    assert set(parts.train_labels) == {0, 1, 2}
    assert set(parts.validation_labels) == {0, 1}
    assert sorted([*parts.train_texts, *parts.validation_texts]) == sorted(texts)
    assert parts == split(texts, labels, ["a", "b", "c"], validation_share=0.2, seed=3)
    assert not split(texts, labels, ["a", "b", "c"], validation_share=0).validation_texts


def test_evaluations_are_reported(quick: TrainingArguments, cpu: Device) -> None:
    told: list[Progress] = []
    tuned = fine_tune(separable(), quick, told.append, never, cpu)
    evaluated = [one for one in told if isinstance(one, Evaluated)]
    assert [(one.step, one.validation_loss) for one in evaluated] == [
        (point.step, point.validation_loss) for point in tuned.history
    ]
    assert [one.step for one in evaluated if one.best][-1] == tuned.best_step


def test_few_validation_reviews_do_not_choose(quick: TrainingArguments, cpu: Device) -> None:
    few = replace(quick, fewest_validation=21, learning_rate=0.05, patience=1, epochs=10)
    tuned = fine_tune(separable(validation=20), few, ignore, never, cpu)
    assert tuned.best_step == tuned.total_steps == 30  # 3 steps an epoch; patience would have ended it sooner
    assert len(tuned.history) == 3
    right = tuned.validation_probabilities[np.arange(20), list(separable(validation=20).validation_labels)]
    assert float(np.mean(-np.log(right))) == pytest.approx(tuned.history[-1].validation_loss, rel=1e-3)
