"""A saved model is an ordinary Hugging Face folder, whole or not there, and is checked when loaded."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline

from core.errors import ModelError
from core.training.arguments import TrainingArguments
from core.training.base_model import sha256
from core.training.card import ModelCard
from core.training.device import Device
from core.training.loop import fine_tune
from core.training.saved import load, read_facts, save
from core.training.tuned import FineTuned

from .reviews import separable

CARD = ModelCard(date(2026, 3, 1), title="Phone reviews", metrics={"audit accuracy": 0.9123, "a|b": 1.0})


@pytest.fixture
def tuned(quick: TrainingArguments, cpu: Device) -> FineTuned:
    return fine_tune(separable(), quick, lambda _: None, lambda: False, cpu)


@pytest.fixture
def folder(tuned: FineTuned, tmp_path: Path) -> Path:
    target = tmp_path / "models" / "run 1"
    assert save(target, tuned, CARD) == sha256(target / "model.safetensors")
    return target


def test_the_folder_is_complete(folder: Path, tuned: FineTuned) -> None:
    files = {file.name for file in folder.iterdir()}
    assert files >= {"model.safetensors", "config.json", "tokenizer.json", "README.md", "labelloop.json"}
    assert not [file for file in files if file.endswith(".bin")]
    config = json.loads((folder / "config.json").read_text())
    assert config["id2label"] == {"0": "bad", "1": "good"}
    assert config["label2id"] == {"bad": 0, "good": 1}
    assert config["problem_type"] == "single_label_classification"
    assert config["architectures"] == ["BertForSequenceClassification"]
    facts = read_facts(folder)
    assert (facts.max_length, facts.temperature) == (tuned.max_length, tuned.temperature)
    assert facts.arguments["learning_rate"] == tuned.arguments.learning_rate
    assert [entry.name for entry in folder.parent.iterdir()] == ["run 1"]


def test_the_card_says_what_the_model_is(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: transformers\npipeline_tag: text-classification\n")
    for line in ("# Phone reviews", "- Trained: 2026-03-01", "40 for training, 20 for validation", "- good"):
        assert line in card
    assert "| audit accuracy | 0.9123 |" in card
    assert "a\\|b" in card


def test_it_answers_as_plain_transformers_does(folder: Path, tuned: FineTuned, cpu: Device) -> None:
    """Labels and probabilities, temperature included: whoever loads the folder gets the calibrated ones."""
    texts = list(separable().validation_texts)
    ours = load(folder, cpu).predict(texts)
    assert tuned.temperature != 1.0
    assert ours == pytest.approx(tuned.validation_probabilities, abs=1e-4)
    classify = pipeline("text-classification", model=str(folder), device="cpu", top_k=None)
    for row, answers in zip(ours, classify(texts), strict=True):
        theirs = {answer["label"]: answer["score"] for answer in answers}
        assert theirs == pytest.approx({"bad": row[0], "good": row[1]}, abs=1e-3)
    plain = pipeline("text-classification", model=str(folder), device="cpu")
    assert [answer["label"] for answer in plain(texts)] == [("bad", "good")[row.argmax()] for row in ours]


def test_saving_again_replaces_the_model(folder: Path, tuned: FineTuned, cpu: Device) -> None:
    (folder / "old.txt").write_text("from before")
    save(folder, tuned, CARD)
    assert not (folder / "old.txt").exists()
    assert load(folder, cpu).label_names == ("bad", "good")
    assert [entry.name for entry in folder.parent.iterdir()] == ["run 1"]


def test_a_folder_that_cannot_be_written(tuned: FineTuned, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match=r"cannot be saved to .*file"):
        save(tmp_path / "file" / "model", tuned, CARD)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_failed_save_leaves_the_model_there_was(
    folder: Path, tuned: FineTuned, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tuned.tokenizer, "save_pretrained", full_disk)
    with pytest.raises(ModelError, match="No space left on device"):
        save(folder, tuned, CARD)
    assert load(folder, cpu).predict(["love it"]).shape == (1, 2)
    assert [entry.name for entry in folder.parent.iterdir()] == ["run 1"]


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return change


def flip_a_bit(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def swap_labels(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "good", "1": "bad"}
    (folder / "config.json").write_text(json.dumps(config))


def without_digests(folder: Path) -> None:
    """As an earlier version saved it, with a configuration that nobody can read."""
    facts = json.loads((folder / "labelloop.json").read_text())
    del facts["files"]
    (folder / "labelloop.json").write_text(json.dumps(facts))
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (remove("labelloop.json"), "has no labelloop.json"),
        (remove("model.safetensors"), "has no model.safetensors"),
        (remove("config.json"), "config.json in .* is not as it was saved"),
        (swap_labels, "config.json in .* is not as it was saved"),
        (write("labelloop.json", b"{"), "labelloop.json cannot be read"),
        (write("labelloop.json", b'{"sha256": "x"}'), "labelloop.json cannot be read"),
        (write("labelloop.json", b"[]"), "labelloop.json cannot be read"),
        (write("config.json", b"{"), "config.json in .* is not as it was saved"),
        (write("tokenizer.json", b"{"), "tokenizer.json in .* is not as it was saved"),
        (write("model.safetensors", b"short"), "not the ones that were saved"),
        (flip_a_bit, "not the ones that were saved"),
        (without_digests, "cannot be loaded"),
    ],
)
def test_a_damaged_folder_is_said(folder: Path, cpu: Device, damage: Callable[[Path], None], sentence: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=sentence) as caught:
        load(folder, cpu)
    assert caught.value.remedy


def test_a_missing_folder_is_said(tmp_path: Path, cpu: Device) -> None:
    with pytest.raises(ModelError, match="There is no model folder"):
        load(tmp_path / "gone", cpu)


def test_multi_label_agrees_with_plain_transformers(quick: TrainingArguments, cpu: Device, tmp_path: Path) -> None:
    base = separable()
    several = type(base)(
        base.train_texts,
        [(1,) if label == 1 else () for label in base.train_labels],
        base.validation_texts,
        [(1,) if label == 1 else () for label in base.validation_labels],
        ["late", "happy"],
        multi_label=True,
    )
    save(tmp_path / "m", fine_tune(several, quick, lambda _: None, lambda: False, cpu), CARD)
    texts = list(base.validation_texts)[:6]
    ours = load(tmp_path / "m", cpu).predict(texts)
    classify = pipeline("text-classification", model=str(tmp_path / "m"), device="cpu", top_k=None)
    theirs = [{answer["label"]: answer["score"] for answer in answers} for answers in classify(texts)]
    expected = np.array([[row["late"], row["happy"]] for row in theirs])
    assert ours == pytest.approx(expected, abs=1e-3)
    assert ((ours > 0.5) == (expected > 0.5)).all()
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert abs(ours.sum(axis=1) - 1).max() > 0.05  # each label stands for itself


def test_a_full_disk_leaves_the_model_there_was(folder: Path, tuned: FineTuned, cpu: Device) -> None:
    """No file can grow beyond 60 kB, as the system sees to; the weights are larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(ModelError, match=r"cannot be saved to .*: File too large\. Make room"):
            save(folder, tuned, CARD)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert load(folder, cpu).predict(["love it"]).shape == (1, 2)
    assert [entry.name for entry in folder.parent.iterdir()] == ["run 1"]
