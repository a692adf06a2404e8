"""Arguments are checked when built and survive JSON."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from core.errors import TrainingError
from core.training.arguments import TrainingArguments


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("base_model", " ", "a model name"),
        ("epochs", 0, "above 0"),
        ("learning_rate", 2.0, "at most 1"),
        ("learning_rate", float("nan"), "at most 1"),
        ("head_multiplier", 0.5, "from 1 to 1000"),
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


@pytest.mark.parametrize("module", ["arguments", "progress", "examples", "base_model"])
def test_the_screen_may_import_these(module: str) -> None:
    heavy = "{'torch', 'transformers', 'tokenizers', 'safetensors', 'huggingface_hub', 'numpy'}"
    code = f"import sys, core.training.{module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
