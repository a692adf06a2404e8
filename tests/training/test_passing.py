"""Frozen layers are asked once, and the training comes out as if they were asked at every step."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, ElectraConfig, ElectraModel

from core.training import passing
from core.training.arguments import TrainingArguments
from core.training.base_model import locate
from core.training.classifier import load_base
from core.training.device import Device
from core.training.gradient import BatchGradient
from core.training.layers import freeze
from core.training.loop import fine_tune
from core.training.passing import Computed, forward
from core.training.progress import StepDone
from core.training.tuned import FineTuned, Stopped

from .reviews import separable
from .test_encoders import SMALL, folder_of
from .test_loop import digest, ignore, never

IDS = [[2, 7, 8, 3], [2, 9, 3], [2, 11, 12, 13, 14, 15, 3], [2, 20, 3]]


@pytest.fixture
def frozen(quick: TrainingArguments) -> TrainingArguments:
    """One of two layers is frozen, and the embeddings below it."""
    return replace(quick, epochs=4, freeze_layers=1, freeze_embeddings=None)


def model_of(arguments: TrainingArguments, device: Device, **more: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, _ = load_base(locate(arguments.base_model, False), ["bad", "good"], multi_label=False)
    freeze(model, replace(arguments, **more), device, few=True)
    return model.train()


def is_asked_once(computed: Computed) -> bool:
    return isinstance(computed.train[0], torch.Tensor)


def gradients(computed: Computed, model: nn.Module, device: Device) -> dict[str, torch.Tensor]:
    gradient = BatchGradient(computed.model, 0, device, False, 0.0, at_once=2, halved=lambda _: None)
    gradient.compute(computed.part([0, 1, 2, 3]), torch.tensor([0, 1, 1, 0]))
    return {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The norm of the difference, against the other's norm."""
    assert one.keys() == other.keys()
    apart = sum(float((one[name] - other[name]).square().sum()) for name in other)
    return math.sqrt(apart / sum(float(gradient.square().sum()) for gradient in other.values()))


def test_the_gradient_is_that_of_the_whole_model(frozen: TrainingArguments, cpu: Device) -> None:
    model = model_of(frozen, cpu)
    computed = Computed.of(model, IDS, 1, 0, cpu)
    assert is_asked_once(computed)
    assert [tuple(one.shape) for one in computed.train if isinstance(one, torch.Tensor)] == [
        (len(ids), 32) for ids in IDS
    ]
    exact = gradients(Computed(model, IDS), model, cpu)
    model.zero_grad()
    assert distance(gradients(computed, model, cpu), exact) < 1e-4
    rough = replace(cpu, precision="bf16")
    model.zero_grad()
    as_ever = distance(gradients(Computed(model, IDS), model, rough), exact)
    model.zero_grad()
    found = distance(gradients(Computed.of(model, IDS, 1, 0, rough), model, rough), exact)
    assert 0 < found < 3 * as_ever, "keeping them in bf16 rounds no worse than computing in it"


def test_the_logits_of_a_part_are_in_its_order(frozen: TrainingArguments, cpu: Device) -> None:
    model = model_of(frozen, cpu).eval()
    computed = Computed.of(model, IDS, 1, 0, cpu)
    computed.model.eval()
    with torch.no_grad():
        found = forward(computed.model, computed.part([2, 0]), 0, cpu)
        expected = forward(model, [IDS[2], IDS[0]], 0, cpu)
    assert found.dtype is torch.float32
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_training_ends_with_the_weights_it_would_have_without(
    frozen: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = fine_tune(separable(), frozen, ignore, never, cpu)
    monkeypatch.setattr(passing, "ROOM", 0)
    always = fine_tune(separable(), frozen, ignore, never, cpu)
    for (name, one), other in zip(once.model.named_parameters(), always.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-3), name
    start = model_of(frozen, cpu).state_dict()
    moved = (once.model.state_dict()["classifier.weight"] - start["classifier.weight"]).abs().max()
    assert moved > 0.01, "there was something to differ in"


def test_no_more_is_kept_than_there_is_room_for(
    frozen: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = sum(len(ids) for ids in IDS)
    model = model_of(frozen, cpu)
    monkeypatch.setattr(passing, "ROOM", tokens * 32 * 4)
    assert is_asked_once(Computed.of(model, IDS, 1, 0, cpu))
    assert is_asked_once(Computed.of(model, IDS, 1, 0, replace(cpu, memory=0))), "unknown"
    monkeypatch.setattr(passing, "ROOM", tokens * 32 * 4 - 1)
    assert not is_asked_once(Computed.of(model, IDS, 1, 0, cpu))
    assert is_asked_once(Computed.of(model, IDS, 1, 0, replace(cpu, precision="bf16"))), "takes half"
    monkeypatch.undo()
    assert not is_asked_once(Computed.of(model, IDS, 1, 0, replace(cpu, memory=8 * (tokens * 32 * 4 - 1))))


def test_what_still_learns_is_asked_at_every_step(quick: TrainingArguments, cpu: Device, tiny_bert: Path) -> None:
    """A frozen layer above embeddings that learn says something else at every step."""
    arguments = replace(quick, epochs=1, freeze_layers=1, freeze_embeddings=False)
    assert not is_asked_once(Computed.of(model_of(arguments, cpu), IDS, 1, 0, cpu))
    name = "bert.embeddings.word_embeddings.weight"
    before = model_of(arguments, cpu).state_dict()[name]
    assert not torch.equal(fine_tune(separable(), arguments, ignore, never, cpu).model.state_dict()[name], before)


@pytest.mark.parametrize(
    "base",
    [
        DistilBertModel(DistilBertConfig(vocab_size=120, dim=32, n_layers=2, n_heads=2, hidden_dim=64)),
        ElectraModel(ElectraConfig(**SMALL, embedding_size=16, max_position_embeddings=40)),
    ],
    ids=["distilbert", "electra"],
)
def test_frozen_layers_of_other_encoders_stay_and_all_else_learns(
    frozen: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path, base: Any
) -> None:
    arguments = replace(frozen, epochs=1, base_model=folder_of(base, tiny_bert, tmp_path / "base"))
    model = model_of(arguments, cpu)
    learns = {name for name, one in model.named_parameters() if one.requires_grad}
    after = fine_tune(separable(), arguments, ignore, never, cpu).model.state_dict()
    before = model.state_dict()
    head = {name for name in learns if "classif" in name}
    assert {name for name in learns - head if torch.equal(before[name], after[name])} == set()
    assert {name for name in set(before) - learns if not torch.equal(before[name], after[name])} == set()


def test_stopped_and_resumed_with_frozen_layers_it_ends_with_the_very_same_weights(
    frozen: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path
) -> None:
    """With dropout, whose random numbers have to come again too."""
    base = BertModel(BertConfig(**SMALL, max_position_embeddings=64, hidden_dropout_prob=0.1))
    arguments = replace(frozen, base_model=folder_of(base, tiny_bert, tmp_path / "base"), epochs=None, steps=10)

    def training(stop_at: int, resume: bool = False) -> FineTuned:
        steps = []
        return fine_tune(
            separable(), arguments, lambda one: steps.append(one) if isinstance(one, StepDone) else None,
            lambda: len(steps) >= stop_at, cpu, checkpoints=tmp_path / "kept", resume=resume,
        )  # fmt: skip

    with pytest.raises(Stopped) as stopped:
        training(4)
    assert stopped.value.resumable
    resumed = training(99, resume=True)
    whole = fine_tune(separable(), arguments, ignore, never, cpu)
    assert resumed.total_steps == whole.total_steps == 10
    assert digest(resumed) == digest(whole)


def test_few_labels_freeze_the_lower_half_by_themselves(quick: TrainingArguments, cpu: Device) -> None:
    """The embeddings and one of two layers stay as they are; asked for, they do not."""
    usual = replace(quick, epochs=None, steps=2, freeze_embeddings=None)
    few, many = separable(), separable(train=400)
    name = "bert.encoder.layer.0.output.dense.weight"
    before = model_of(quick, cpu).state_dict()[name]

    def stays(examples: Any, **more: Any) -> bool:
        tuned = fine_tune(examples, replace(usual, **more), ignore, never, cpu)
        return torch.equal(tuned.model.state_dict()[name], before)

    assert stays(few)
    assert not stays(few, freeze_layers=0)
    assert not stays(few, freeze_embeddings=False)
    assert not stays(many)
    assert stays(separable(train=399))


def test_a_stop_is_heard_while_the_frozen_layers_are_asked(frozen: TrainingArguments, cpu: Device) -> None:
    model, many = model_of(frozen, cpu), IDS * 5_000
    heard: list[bool] = []

    def third_time() -> bool:
        heard.append(len(heard) == 2)
        return heard[-1]

    computed = Computed.of(model, many, 1, 0, cpu, third_time)
    assert heard == [False, False, True], "and not asked on after that"
    assert not is_asked_once(computed)
    with pytest.raises(Stopped) as stopped:
        fine_tune(separable(), frozen, ignore, lambda: True, cpu)
    assert stopped.value.step == 0
