"""A last layer that averages is a mean-pooled classifier, and an ordinary model file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, pipeline

from core.errors import ModelError
from core.training.arguments import TrainingArguments
from core.training.base_model import LocatedModel, locate
from core.training.card import ModelCard
from core.training.classifier import load_base
from core.training.device import Device
from core.training.loop import fine_tune
from core.training.pooling import MEAN_WEIGHT, POOLED_SCALE, average_tokens, can_average, reads_mean
from core.training.saved import save

from .reviews import GOOD, sentences, separable
from .test_encoders import folder_of
from .test_loop import ignore, never

TEXTS = ["the phone is great", "broken", *sentences(GOOD, 6, 3)]


def config(layers: int = 3) -> BertConfig:
    return BertConfig(
        vocab_size=120,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )


@pytest.fixture(scope="module")
def three_layers(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a BERT of random weights with three layers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config())
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape)
    return Path(folder_of(model, tiny_bert, tmp_path_factory.mktemp("three") / "base"))


def loaded(folder: Path) -> tuple[Any, Any]:
    model, tokenizer = load_base(locate(str(folder), has_gpu=False), ["bad", "good"], multi_label=False)
    return model.eval(), tokenizer


def test_its_logits_are_those_of_a_classifier_on_the_mean_of_the_tokens(three_layers: Path) -> None:
    model, tokenizer = loaded(three_layers)
    average_tokens(model)
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        found = model(**inputs).logits
        below = model.bert(**inputs, output_hidden_states=True).hidden_states[-2]
    for row, said in enumerate(found):
        tokens = below[row, : int(inputs["attention_mask"][row].sum())]
        mixed = MEAN_WEIGHT * tokens.mean(dim=0) + tokens[0]
        normal = (mixed - mixed.mean()) / mixed.std(correction=0)
        expected = model.classifier(torch.tanh(POOLED_SCALE * normal))
        assert torch.allclose(said, expected, atol=1e-4)
    assert (found[0] - found[1]).abs().max() > 1e-3


def test_every_part_of_the_last_layer_but_where_it_looks_learns(three_layers: Path) -> None:
    model, tokenizer = loaded(three_layers)
    average_tokens(model)
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    model(**inputs, labels=torch.tensor([0, 1] * 4)).loss.backward()
    last = model.bert.encoder.layer[-1]
    for part in (last.attention.self.value, last.attention.output.dense, last.output.dense, model.bert.pooler.dense):
        assert part.weight.grad.abs().max() > 0


@pytest.fixture(scope="module")
def tuned_folder(three_layers: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    from core.training.device import choose_device

    arguments = TrainingArguments(
        base_model=str(three_layers),
        pooling="mean",
        learning_rate=3e-3,
        epochs=35,
        precision="fp32",
        freeze_embeddings=False,
    )
    tuned = fine_tune(separable(), arguments, ignore, never, replace(choose_device("cpu"), threads=1))
    folder = tmp_path_factory.mktemp("saved") / "model"
    save(folder, tuned, ModelCard(date=date(2026, 1, 1), metrics={}))
    return folder, tuned


def test_it_learns_and_a_plain_pipeline_agrees_with_it(tuned_folder: tuple[Path, Any]) -> None:
    folder, tuned = tuned_folder
    texts = list(separable().validation_texts)
    said = pipeline("text-classification", model=str(folder), top_k=None)(texts)
    with torch.no_grad():
        inputs = tuned.tokenizer(texts, padding=True, return_tensors="pt")
        expected = tuned.model(**inputs).logits.softmax(dim=1)
    names = [{one["label"]: one["score"] for one in row} for row in said]
    assert [row["good"] for row in names] == pytest.approx(expected[:, 1].tolist(), abs=1e-4)
    right = [
        (row["good"] > 0.5) == bool(label) for row, label in zip(names, separable().validation_labels, strict=True)
    ]
    assert sum(right) >= 18


def located(folder: Path, name: str) -> LocatedModel:
    return replace(locate(str(folder), has_gpu=False), name=name)


def test_the_mean_is_for_few_labels_and_sentence_encoders_unless_asked_for(
    three_layers: Path, tmp_path: Path
) -> None:
    model, _ = loaded(three_layers)
    plain, sentence = located(three_layers, "some/bert"), located(three_layers, "sentence-transformers/some")
    assert reads_mean(model, sentence, "auto", few=True)
    assert not reads_mean(model, sentence, "auto", few=False)
    assert not reads_mean(model, sentence, "first", few=True)
    assert not reads_mean(model, plain, "auto", few=True)
    assert reads_mean(model, plain, "mean", few=False)
    (tmp_path / "modules.json").write_text("[]", encoding="utf-8")
    marked = replace(plain, folder=tmp_path)
    assert reads_mean(model, marked, "auto", few=True)


@pytest.mark.parametrize(
    "model",
    [
        BertModel(config(layers=2)),
        DistilBertModel(DistilBertConfig(vocab_size=120, dim=32, n_layers=3, n_heads=2, hidden_dim=64)),
    ],
    ids=["two layers", "distilbert"],
)
def test_a_model_that_cannot_average_says_so_when_asked_and_is_left_alone_by_itself(
    model: nn.Module, quick: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path
) -> None:
    folder = folder_of(model, tiny_bert, tmp_path / "base")
    arguments = replace(quick, base_model=folder, epochs=None, steps=1, pooling="mean")
    with pytest.raises(ModelError, match=r"cannot be made to average.*Set pooling to first, or to auto"):
        fine_tune(separable(), arguments, ignore, never, cpu)
    classifier, _ = loaded(Path(folder))
    assert not can_average(classifier)
    assert not reads_mean(classifier, located(Path(folder), "sentence-transformers/x"), "auto", few=True)
