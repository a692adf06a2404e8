"""Texts become ids once, and batches are of similar length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from core.training.encoding import (
    automatic_max_length,
    encode,
    encode_for_training,
    pad,
    prediction_batches,
    training_batches,
)


@pytest.fixture
def tokenizer(tiny_bert: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_bert)


def test_encoding_equals_the_tokenizers_own_truncation(tokenizer: Any) -> None:
    texts = ["", "love it", "the phone " * 20, "battery " * 200, "\x1b[31m <b>weird</b> \u202e"]
    encoded = encode(tokenizer, texts, 16)
    assert encoded.ids == tokenizer(texts, truncation=True, max_length=16)["input_ids"]
    assert encoded.truncated == sum(len(tokenizer.encode(text, verbose=False)) > 16 for text in texts) == 2


def test_the_length_comes_from_the_training_reviews(tokenizer: Any) -> None:
    train, validation = encode_for_training(tokenizer, ["good"], ["phone " * 100], None, 64)
    assert train.max_length == validation.max_length == 64
    assert validation.truncated == 1


@pytest.mark.parametrize(
    ("lengths", "positions", "expected"),
    [([5, 9], 512, 64), ([70] * 200, 512, 72), ([400] * 9, 512, 256), ([400], 128, 128), ([], 512, 64)],
)
def test_automatic_max_length(lengths: list[int], positions: int, expected: int) -> None:
    assert automatic_max_length(lengths, positions) == expected


def test_training_batches_hold_everything_once_and_pad_little() -> None:
    lengths = torch.randint(5, 60, (500,), generator=torch.Generator().manual_seed(1)).tolist()
    batches = training_batches(lengths, 16, torch.Generator().manual_seed(0))
    assert sorted(index for batch in batches for index in batch) == list(range(500))
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    assert padded < 1.15 * sum(lengths)
    assert batches == training_batches(lengths, 16, torch.Generator().manual_seed(0))
    assert batches != training_batches(lengths, 16, torch.Generator().manual_seed(1))


def test_prediction_batches_keep_to_the_token_budget() -> None:
    lengths = [3, 50, 7, 7, 120, 8, 2]
    batches = list(prediction_batches(lengths, 100))
    assert sorted(index for batch in batches for index in batch) == list(range(7))
    assert batches[0] == [4]
    assert all(len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 100 for batch in batches)
    assert list(prediction_batches([], 100)) == []


def test_padding_is_masked() -> None:
    padded = pad([[1, 2, 3], [4]], pad_token=9, device=torch.device("cpu"))
    assert padded["input_ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert padded["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
