"""A tiny BERT of random weights, so that a training takes a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from core.training.arguments import TrainingArguments
from core.training.device import Device, choose_device

from .reviews import BAD, FILLER, GOOD


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may reach the hub or find a model in the developer's own cache."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model folder: hidden size 32, two layers, no dropout, a WordPiece vocabulary of the words above."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    pieces = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = special + GOOD + BAD + FILLER + pieces
    vocabulary = {word: index for index, word in enumerate(words)}
    BertTokenizerFast(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(
            BertConfig(
                vocab_size=len(words),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=64,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
            )
        ).save_pretrained(folder)
    return folder


@pytest.fixture
def quick(tiny_bert: Path) -> TrainingArguments:
    """Arguments with which the tiny BERT learns the separable reviews in about a second."""
    return TrainingArguments(
        base_model=str(tiny_bert),
        epochs=12,
        learning_rate=3e-3,
        head_multiplier=1,
        freeze_embeddings=False,
        fewest_validation=1,
    )


@pytest.fixture
def cpu() -> Device:
    """The CPU in fp32, where results are exact enough to compare; one thread is quickest for so small a model."""
    return replace(choose_device("cpu"), precision="fp32", threads=1)
