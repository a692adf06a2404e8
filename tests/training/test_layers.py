"""What is frozen stays as it is, and each layer learns at the rate it was given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.training.arguments import TrainingArguments
from core.training.base_model import locate
from core.training.classifier import load_base
from core.training.device import Device
from core.training.layers import learning_rates
from core.training.loop import fine_tune
from core.training.progress import Loaded, Progress

from .reviews import separable
from .test_loop import ignore, never


@pytest.mark.parametrize(("layers", "frozen"), [(1, {0}), (9, {0})])
def test_the_lowest_layers_stay_and_the_highest_learns(
    quick: TrainingArguments, cpu: Device, tiny_bert: Path, layers: int, frozen: set[int]
) -> None:
    told: list[Progress] = []
    arguments = replace(quick, epochs=1, freeze_layers=layers, freeze_embeddings=None)
    tuned = fine_tune(separable(), arguments, told.append, never, cpu)
    before = load_file(tiny_bert / "model.safetensors")
    after = tuned.model.state_dict()
    for layer in range(2):
        name = f"encoder.layer.{layer}.attention.self.query.weight"
        assert torch.equal(after[f"bert.{name}"], before[name]) == (layer in frozen)
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(after[f"bert.{name}"], before[name])
    assert isinstance(told[0], Loaded)
    assert told[0].trainable_parameters < told[0].parameters / 2


def test_lower_layers_learn_more_slowly(quick: TrainingArguments, tiny_bert: Path) -> None:
    model, _ = load_base(locate(str(tiny_bert), has_gpu=False), ["bad", "good"], multi_label=False)
    rates = learning_rates(model, replace(quick, learning_rate=1e-3, layer_decay=0.5, head_multiplier=4))
    assert rates["classifier.weight"] == 4e-3
    assert rates["bert.pooler.dense.weight"] == rates["bert.encoder.layer.1.output.dense.weight"] == 1e-3
    assert rates["bert.encoder.layer.0.output.dense.bias"] == 5e-4
    assert rates["bert.embeddings.word_embeddings.weight"] == 2.5e-4
    assert set(learning_rates(model, quick).values()) == {quick.learning_rate}


def test_a_training_with_layer_decay_moves_lower_layers_less(
    quick: TrainingArguments, cpu: Device, tiny_bert: Path
) -> None:
    before = load_file(tiny_bert / "model.safetensors")["encoder.layer.0.output.dense.weight"]

    def moved(decay: float) -> float:
        arguments = replace(quick, epochs=1, layer_decay=decay)
        weights = fine_tune(separable(), arguments, ignore, never, cpu).model.state_dict()
        return float((weights["bert.encoder.layer.0.output.dense.weight"] - before).abs().mean())

    assert moved(0.1) < moved(1.0) / 5
