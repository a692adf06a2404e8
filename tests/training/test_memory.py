"""However memory runs out, it is halved and said; batches of any parts have the same gradient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import OutOfMemory
from core.training.arguments import ClassWeights, TrainingArguments
from core.training.base_model import locate
from core.training.classifier import load_base
from core.training.device import Device
from core.training.encoding import encode
from core.training.gradient import BatchGradient
from core.training.inference import forward
from core.training.loop import fine_tune
from core.training.memory import peak_memory, ran_out
from core.training.progress import BatchHalved, Loaded, Progress, StepDone
from core.training.targets import balanced_weights

from .reviews import separable
from .test_loop import digest, ignore, never


def test_the_processors_own_failure_to_allocate_is_out_of_memory() -> None:
    """A tensor larger than any machine's memory."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**58, dtype=torch.uint8)
    assert not isinstance(caught.value, torch.OutOfMemoryError)
    assert ran_out(caught.value)
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory."))
    assert ran_out(MemoryError())
    assert not ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied (16x3 and 4x2)"))
    assert not ran_out(ValueError("out of memory"))


class Greedy(torch.nn.Module):
    """Really asks the system for more than there is, for batches of more reviews than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __call__(self, _: torch.nn.Module, _inputs: tuple[object, ...], kept: dict[str, torch.Tensor]) -> None:
        if len(kept["input_ids"]) > self.most and torch.is_grad_enabled():
            torch.empty(2**58, dtype=torch.uint8)


def test_a_cpu_without_memory_halves_the_batch(
    quick: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(*given: object) -> tuple[torch.nn.Module, object]:
        model, tokenizer = load_base(*given)  # type: ignore[arg-type]
        model.register_forward_pre_hook(Greedy(4), with_kwargs=True)
        return model, tokenizer

    monkeypatch.setattr("core.training.preparation.load_base", loaded)
    told: list[Progress] = []
    tuned = fine_tune(separable(), replace(quick, epochs=2), told.append, never, cpu)
    assert [one for one in told if isinstance(one, BatchHalved)] == [BatchHalved(0, 8), BatchHalved(0, 4)]
    assert tuned.total_steps == 6


def test_no_memory_for_the_optimiser_is_said(
    quick: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("torch.optim.AdamW.step", step)
    with pytest.raises(OutOfMemory, match=r"no memory for the base model and its training\. Choose a smaller"):
        fine_tune(separable(), quick, ignore, never, cpu)


def gradient_of(base: Path, device: Device, at_once: int, weights: torch.Tensor | None = None) -> BatchGradient:
    torch.manual_seed(0)
    model, tokenizer = load_base(locate(str(base), has_gpu=False), ["bad", "good"], multi_label=False)
    return BatchGradient(model, tokenizer.pad_token_id, device, False, 0.1, at_once, ignore_size, weights)


def ignore_size(_: int) -> None:
    return None


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 3.0])])
def test_the_parts_of_a_batch_change_nothing_in_its_gradient(
    tiny_bert: Path, cpu: Device, weights: torch.Tensor | None
) -> None:
    examples = separable(20, 0)
    targets = torch.tensor([int(str(label)) for label in examples.train_labels])
    found = []
    for at_once in (20, 7, 1):
        gradient = gradient_of(tiny_bert, cpu, at_once, weights)
        _, tokenizer = load_base(locate(str(tiny_bert), has_gpu=False), ["bad", "good"], multi_label=False)
        value = gradient.compute(encode(tokenizer, examples.train_texts, 64).ids, targets)
        found.append((value, [one.grad for one in gradient.model.parameters()]))
    for value, slopes in found[1:]:
        assert value == pytest.approx(found[0][0], rel=1e-5)
        for one, other in zip(slopes, found[0][1], strict=True):
            assert one is not None
            assert other is not None
            assert torch.allclose(one, other, atol=1e-6)


def test_a_trial_finds_what_fits_and_leaves_no_trace(
    tiny_bert: Path, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(model: torch.nn.Module, ids: list[list[int]], pad_token: int, device: Device) -> torch.Tensor:
        if len(ids) > 6:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(model, ids, pad_token, device)

    monkeypatch.setattr("core.training.gradient.forward", limited)
    gradient = gradient_of(tiny_bert, cpu, 32)
    state = torch.random.get_rng_state()
    assert gradient.fit([[2, 5, 3]] * 32, torch.zeros(32, dtype=torch.long)) == 4
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(one.grad is None for one in gradient.model.parameters())


def test_accumulation_is_a_larger_batch(quick: TrainingArguments, cpu: Device) -> None:
    told: list[Progress] = []
    short = replace(quick, epochs=2, learning_rate=1e-3)
    large = fine_tune(separable(), replace(short, batch_size=16), ignore, never, cpu)
    parts = fine_tune(separable(), replace(short, batch_size=4, accumulation=4), told.append, never, cpu)
    assert isinstance(told[0], Loaded)
    assert (told[0].batch_size, told[0].at_once, told[0].total_steps) == (16, 4, 6)
    assert digest(fine_tune(separable(), short, ignore, never, cpu)) == digest(large)
    for one, other in zip(large.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_steps_tell_rate_and_memory(quick: TrainingArguments, cpu: Device) -> None:
    told: list[Progress] = []
    before = peak_memory(cpu)
    fine_tune(separable(), replace(quick, epochs=1), told.append, never, cpu)
    for one in told:
        if isinstance(one, StepDone):
            assert one.precision == "fp32"
            assert before <= one.memory < cpu.memory
            assert one.tokens_per_second > one.examples_per_second > 0


def test_rare_classes_weigh_more() -> None:
    targets = np.array([0] * 80 + [1] * 20 + [2] * 2)
    weights = balanced_weights(targets, 4)
    assert weights[1] / weights[0] == pytest.approx(4)
    assert weights[2] / weights[0] == pytest.approx(10)
    assert weights[targets].mean() == pytest.approx(1)
    several = np.zeros((50, 3), dtype=np.float32)
    several[:10, 0] = several[:40, 1] = 1
    assert balanced_weights(several, 3).tolist() == [4.0, 1.0, 1.0]


def test_class_weights_find_more_of_a_rare_class(quick: TrainingArguments, cpu: Device) -> None:
    """With labels that contradict each other three to one, the majority is right unless it is weighed."""
    texts = ["phone case", "battery"] * 20
    labels = [0] * 40
    labels[0:20:2] = [1] * 10  # half of the reviews of the first kind
    labels[20:40:2] = [1, 0, 0, 0, 0] * 2
    examples = replace(
        separable(), train_texts=texts, train_labels=labels, validation_texts=texts[:2], validation_labels=[1, 0]
    )
    arguments = replace(quick, epochs=12, fewest_validation=1_000)

    def rare(class_weights: ClassWeights) -> float:
        tuned = fine_tune(examples, replace(arguments, class_weights=class_weights), ignore, never, cpu)
        return float(tuned.validation_probabilities[0, 1])

    assert rare("balanced") > rare("none") + 0.1


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_a_class_without_an_example_in_a_part(
    quick: TrainingArguments, cpu: Device, class_weights: ClassWeights
) -> None:
    """One class has a single review, one has none in training and one none at all."""
    base = separable()
    labels = [2 if place == 0 else label for place, label in enumerate(base.train_labels)]
    examples = replace(
        base,
        train_labels=labels,
        validation_labels=[3, *list(base.validation_labels)[1:]],
        label_names=["bad", "good", "late", "lost", "never"],
    )
    tuned = fine_tune(examples, replace(quick, epochs=3, class_weights=class_weights), ignore, never, cpu)
    assert tuned.validation_probabilities.shape == (20, 5)
    assert np.isfinite(tuned.validation_probabilities).all()
    assert all(np.isfinite(point.validation_loss) for point in tuned.history)
