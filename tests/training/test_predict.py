"""Answers come in input order, whatever the batches, and can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.errors import OutOfMemory
from core.training import predict
from core.training.arguments import TrainingArguments
from core.training.device import Device
from core.training.loop import fine_tune
from core.training.packed import PackedBert
from core.training.predict import Predicted, PredictionStopped, Predictor

from .reviews import BAD, GOOD, sentences, separable


@pytest.fixture
def predictor(quick: TrainingArguments, cpu: Device) -> Predictor:
    """The tiny BERT, trained until it tells good from bad."""
    tuned = fine_tune(separable(), quick, lambda _: None, lambda: False, cpu)
    return Predictor(tuned.model, tuned.tokenizer, tuned.label_names, multi_label=False, max_length=32, device=cpu)


def test_batches_do_not_change_the_answers(predictor: Predictor) -> None:
    texts = [*sentences(GOOD, 60, 1), "", "phone " * 90, *sentences(BAD, 60, 2)]
    together = predictor.predict(texts)
    assert together.dtype == np.float32
    assert together.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert len(np.unique(together.argmax(axis=1))) > 1
    one_by_one = np.concatenate([predictor.predict([text]) for text in texts])
    assert together == pytest.approx(one_by_one, abs=1e-5)
    assert predictor.predict(texts[::-1])[::-1] == pytest.approx(together, abs=1e-5)


def test_bf16_stays_near_fp32(predictor: Predictor) -> None:
    texts = sentences(GOOD, 30, 1)
    exact = predictor.predict(texts)
    predictor.device = replace(predictor.device, precision="bf16")
    assert predictor.predict(texts) == pytest.approx(exact, abs=0.05)


def test_nothing_gives_nothing(predictor: Predictor) -> None:
    assert predictor.predict([]).shape == (0, 2)
    ids: list[int] = []
    (chunk,) = predictor.predict_chunks([(ids, [])])
    assert chunk.probabilities.shape == (0, 2)


def test_chunks_are_read_a_little_ahead(predictor: Predictor) -> None:
    read: list[int] = []

    def chunks() -> Iterator[tuple[list[str], list[str]]]:
        for number in range(9):
            read.append(number)
            yield [f"{number}.0", f"{number}.1"], ["love it", "phone " * (number + 50)]

    answers = predictor.predict_chunks(chunks())
    first = next(answers)
    assert (first.ids, first.truncated) == (["0.0", "0.1"], 1)
    assert len(read) <= 4, "one in hand, one that waits, one being tokenised, one being read"
    assert [chunk.ids[0] for chunk in answers] == [f"{number}.0" for number in range(1, 9)]


def test_the_same_text_is_computed_once(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = 0

    logits = PackedBert.logits

    def counted(packed: PackedBert, ids: list[list[int]]) -> NDArray[np.float32]:
        nonlocal computed
        computed += len(ids)
        return logits(packed, ids)

    monkeypatch.setattr(PackedBert, "logits", counted)
    answers = predictor.predict(["love it", "broken", "love it", "love it"])
    assert computed == 2
    assert (answers[0] == answers[2]).all()
    assert (answers[0] == answers[3]).all()


def test_progress_reaches_the_end(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "CHUNK", 10)
    told: list[Predicted] = []
    texts = [*sentences(GOOD, 22, 0), "love it", "love it"]
    predictor.predict(texts, told.append)
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[-1] == Predicted(24, 24)


def test_stop_is_honoured(predictor: Predictor) -> None:
    with pytest.raises(PredictionStopped):
        predictor.predict(["love it"], should_stop=lambda: True)
    chunks = predictor.predict_chunks([([1], ["love it"]), ([2], ["broken"])], iter([False, True]).__next__)
    assert next(chunks).ids == [1]
    with pytest.raises(PredictionStopped):
        next(chunks)


@pytest.mark.parametrize(("room", "works"), [(3, True), (0, False)])
def test_out_of_memory(predictor: Predictor, monkeypatch: pytest.MonkeyPatch, room: int, works: bool) -> None:
    texts = sentences(GOOD, 20, 0)
    expected = predictor.predict(texts)

    logits = PackedBert.logits

    def limited(packed: PackedBert, ids: list[list[int]]) -> NDArray[np.float32]:
        if len(ids) > room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return logits(packed, ids)

    monkeypatch.setattr(PackedBert, "logits", limited)
    if works:
        assert predictor.predict(texts) == pytest.approx(expected, abs=1e-5)
    else:
        with pytest.raises(OutOfMemory, match="even one text"):
            predictor.predict(texts)
