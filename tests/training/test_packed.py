"""Without padding, and with the last layer's first token alone, the logits are those of transformers."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

from core.training.ahead import ahead
from core.training.device import Device
from core.training.encoding import packed_batches
from core.training.packed import PackedBert, fits
from core.training.predict import Predictor


def small(**changes: Any) -> Any:
    """A BERT of random weights, large enough that a mistake shows."""
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=90, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=200, num_labels=3, initializer_range=0.3, **changes,
    )  # fmt: skip
    return BertForSequenceClassification(config).eval()


def some_ids(lengths: list[int]) -> list[list[int]]:
    draw = random.Random(0)
    return [[draw.randrange(1, 90) for _ in range(length)] for length in lengths]


def plain(model: Any, ids: list[list[int]]) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([model(input_ids=torch.tensor([one])).logits.float().numpy() for one in ids])


@pytest.mark.parametrize("lengths", [[1], [7, 7, 7], [150, 65, 64, 64, 12, 3, 3, 1]])
def test_the_logits_are_those_of_transformers(lengths: list[int]) -> None:
    model, ids = small(), some_ids(lengths)
    found = PackedBert(model, torch.float32).logits(ids)
    assert found.dtype == np.float32
    assert found == pytest.approx(plain(model, ids), abs=2e-5)


def test_bf16_is_as_near_as_bf16_weights_are() -> None:
    model, ids = small(), some_ids([40, 40, 40, 22, 22, 9, 9, 5, 2])
    exact = plain(model, ids)
    packed = PackedBert(model, torch.bfloat16).logits(ids)
    usual = plain(small().bfloat16(), ids)
    assert np.abs(packed - exact).max() < 2 * np.abs(usual - exact).max() + 0.05


def test_other_models_are_not_packed_but_padded(tiny_bert: Path, cpu: Device) -> None:
    assert fits(small())
    assert not fits(small(hidden_act="relu"))
    torch.manual_seed(0)
    config = DistilBertConfig(vocab_size=200, dim=32, n_layers=2, n_heads=2, hidden_dim=64, num_labels=2)
    other = DistilBertForSequenceClassification(config).eval()
    assert not fits(other)
    with pytest.raises(ValueError, match="plain BERT"):
        PackedBert(other, torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    predictor = Predictor(other, tokenizer, ["a", "b"], multi_label=False, max_length=32, device=cpu)
    texts = ["love it", "the phone is broken and awful", "x"]
    logits = plain(other, [tokenizer(text)["input_ids"] for text in texts])
    assert predictor.predict(texts) == pytest.approx(torch.tensor(logits).softmax(-1).numpy(), abs=1e-5)


def test_a_predictor_packs_and_agrees_with_the_model_itself(tiny_bert: Path, cpu: Device) -> None:
    torch.manual_seed(0)
    model: Any = AutoModelForSequenceClassification.from_pretrained(tiny_bert, num_labels=2).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    predictor = Predictor(model, tokenizer, ["a", "b"], multi_label=False, max_length=32, device=cpu)
    texts = ["love it", "", "the phone is broken and awful", "love it", "battery " * 20]
    logits = plain(model, [tokenizer(text, truncation=True, max_length=32)["input_ids"] for text in texts])
    wanted = torch.tensor(logits).softmax(-1).numpy()
    assert predictor.predict(texts) == pytest.approx(wanted, abs=1e-5)
    predictor.device = replace(cpu, precision="bf16")
    assert predictor.predict(texts) == pytest.approx(wanted, abs=0.05)


def test_packed_batches_hold_everything_once_within_the_budget() -> None:
    lengths = [3, 50, 7, 7, 120, 8, 2]
    batches = list(packed_batches(lengths, 64))
    assert sorted(itertools.chain.from_iterable(batches)) == list(range(7))
    assert batches[0] == [4], "longer than the budget, and alone"
    assert all(len(batch) == 1 or sum(lengths[i] for i in batch) <= 64 for batch in batches)
    assert all(lengths[a] >= lengths[b] for batch in batches for a, b in itertools.pairwise(batch))
    assert list(packed_batches([], 64)) == []


def test_work_ahead_keeps_the_order_and_hands_errors_over() -> None:
    with ahead(range(50), lambda number: number * number) as results:
        assert list(results) == [number * number for number in range(50)]
    with ahead([2, 1, 0], lambda number: 4 // number) as results:
        assert [next(results), next(results)] == [2, 4]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_work_ahead_ends_when_nobody_wants_it_any_more() -> None:
    made: list[int] = []
    with ahead(itertools.count(), lambda number: made.append(number) or number) as results:  # type: ignore[func-returns-value]
        assert next(results) == 0
    many = len(made)
    assert many <= 4
    assert len(made) == many
