"""Arguments are checked when built and survive JSON."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from core.errors import TrainingError
from core.training.arguments import PRESETS, TrainingArguments, preset
from core.training.schedule import Schedule


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("base_model", " ", "a model name"),
        ("epochs", 0, "above 0"),
        ("learning_rate", 2.0, "at most 1"),
        ("learning_rate", float("nan"), "at most 1"),
        ("head_multiplier", 0.5, "from 1 to 1000"),
        ("steps", 0, "a whole number from 1 to 1000000, or null"),
        ("length_factor", 0.01, "from 0.05 to 10"),
        ("layer_decay", 1.1, "from 0.1 to 1"),
        ("accumulation", 0, "from 1 to 1024"),
        ("class_weights", "even", "none or balanced"),
        ("freeze_layers", 101, "from 0 to 100"),
        ("batch_size", 0, "a whole number from 1 to 1024"),
        ("batch_size", 2.5, "a whole number"),
        ("batch_size", True, "a whole number"),
        ("max_length", 4, "from 8 to 8192, or null"),
        ("warmup_share", 1, "from 0 to 0.9"),
        ("weight_decay", -0.1, "from 0 to 1"),
        ("gradient_clip", 0, "above 0"),
        ("label_smoothing", 0.6, "0.49"),
        ("validation_share", 0.9, "0.5"),
        ("patience", 0, "from 1"),
        ("min_steps", None, "from 1 to 100000"),
        ("seed", -1, "from 0"),
        ("seed", "7", "a whole number"),
        ("precision", "fp8", "auto, fp32 or bf16"),
        ("freeze_embeddings", "yes", "true, false"),
    ],
)
def test_a_wrong_value_is_named_with_its_range(field: str, value: Any, allowed: str) -> None:
    with pytest.raises(TrainingError) as caught:
        TrainingArguments(**{field: value})
    assert f"{field} is {value!r}" in str(caught.value)
    assert allowed in caught.value.remedy


def test_json_round_trip() -> None:
    arguments = TrainingArguments(epochs=2.5, max_length=64, freeze_embeddings=True, seed=7)
    assert TrainingArguments.from_json(arguments.to_json()) == arguments
    assert TrainingArguments.from_json("{}") == TrainingArguments()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"epoch": 3}', "Unknown training argument epoch"),
        ("{", "not valid JSON"),
        ("[1]", "no JSON object"),
        ('{"seed": -3}', "seed is -3"),
    ],
)
def test_wrong_json_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(TrainingError, match=sentence):
        TrainingArguments.from_json(text)


@pytest.mark.parametrize(
    "module", ["arguments", "progress", "examples", "base_model", "checkpoint_folder", "schedule"]
)
def test_the_screen_may_import_these(module: str) -> None:
    heavy = "{'torch', 'transformers', 'tokenizers', 'safetensors', 'huggingface_hub', 'numpy'}"
    code = f"import sys, core.training.{module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_presets_differ_in_length() -> None:
    steps = {name: Schedule.of(400, preset(name)).total_steps for name in PRESETS}
    assert steps == {"quick": 125, "balanced": 250, "thorough": 375}
    assert preset("balanced") == TrainingArguments()
    changed = preset("quick", seed=3, length_factor=1.0)
    assert (changed.seed, changed.length_factor, changed.pool_reviews) == (3, 1.0, 500)


def test_a_wrong_preset_is_said() -> None:
    with pytest.raises(TrainingError, match=r"no preset 'fast'\. Choose one of: quick, balanced, thorough"):
        preset("fast")
    with pytest.raises(TrainingError, match="Unknown training argument epoch"):
        preset("quick", epoch=3)
    with pytest.raises(TrainingError, match="seed is -1"):
        preset("quick", seed=-1)


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ({"epochs": 2}, 50),
        ({"steps": 7}, 7),
        ({"steps": 7, "epochs": 2}, 7),
        ({"steps": 70, "epochs": 2}, 50),
        ({"epochs": 2, "length_factor": 0.5}, 50),
        ({"epochs": 2, "accumulation": 4}, 14),
        ({"epochs": 2, "batch_size": 32, "accumulation": 2}, 14),
        ({}, 250),
    ],
)
def test_the_number_of_steps(given: dict[str, Any], steps: int) -> None:
    assert Schedule.of(400, TrainingArguments(**given)).total_steps == steps
