"""A trained model answering: probabilities for many texts, in the order they were given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.training.ahead import ahead
from core.training.device import Device
from core.training.encoding import Encoded, encode
from core.training.inference import Batches, answerer
from core.training.temperature import probabilities

CHUNK = 4_096
"""Texts a chunk of `predict`: enough for good sorting by length, a few seconds to a minute on a CPU."""

Id = TypeVar("Id")


@dataclass(frozen=True)
class Predicted:
    """How far a prediction is."""

    done: int
    total: int


@dataclass(frozen=True)
class PredictedChunk(Generic[Id]):
    """The answers of one chunk."""

    ids: Sequence[Id]
    probabilities: NDArray[np.float32]
    """[texts of the chunk, classes], in the chunk's order."""
    truncated: int
    """Different texts of the chunk that were longer than the model reads."""


@dataclass(frozen=True)
class _Window(Generic[Id]):
    """A chunk whose different texts are tokenised."""

    ids: Sequence[Id]
    encoded: Encoded
    where: list[int]
    """Place of each text among the different ones."""
    repeats: NDArray[np.int64]
    """How often each different one occurs."""


class PredictionStopped(Exception):
    """A prediction was asked to stop; what was yielded before stays right."""


class Predictor:
    """A classifier with its tokenizer on a device.

    The probabilities of a text depend on the other texts by rounding alone: up to 1e-5 in fp32, 2e-2 in bf16.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Any,
        label_names: Sequence[str],
        *,
        multi_label: bool,
        max_length: int,
        device: Device,
    ) -> None:
        self.model = model.to(device.torch_device).eval()
        self.tokenizer = tokenizer
        self.label_names = tuple(label_names)
        self.multi_label = multi_label
        self.max_length = max_length
        self.device = device
        self._answers: tuple[str, Callable[[Sequence[list[int]]], Batches]] | None = None
        """What computes, and in which precision."""
        device.prepare()

    def predict(
        self,
        texts: Sequence[str],
        report: Callable[[Predicted], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> NDArray[np.float32]:
        """Probabilities [texts, classes]: rows sum to 1, or for multi-label every class stands for itself.

        Raises `PredictionStopped` when `should_stop` says so, `OutOfMemory` when not even one text fits.
        """
        chunks = ((range(start, min(start + CHUNK, len(texts))), texts[start : start + CHUNK])
                  for start in range(0, len(texts), CHUNK))  # fmt: skip
        result = np.zeros((len(texts), len(self.label_names)), dtype=np.float32)
        done = 0

        def batch_done(count: int) -> None:
            if report is not None:
                report(Predicted(min(done + count, len(texts)), len(texts)))

        for chunk in self._chunks(chunks, batch_done, should_stop):
            result[done : done + len(chunk.ids)] = chunk.probabilities
            done += len(chunk.ids)
        return result

    def predict_chunks(
        self,
        chunks: Iterable[tuple[Sequence[Id], Sequence[str]]],
        should_stop: Callable[[], bool] | None = None,
    ) -> Iterator[PredictedChunk[Id]]:
        """The same for `(ids, texts)` chunks, which are read and tokenised in a thread, two ahead at most.

        Chunks of a few thousand texts are right: within one they are sorted by length. Raises as `predict`.
        """
        return self._chunks(chunks, None, should_stop)

    def _chunks(
        self,
        chunks: Iterable[tuple[Sequence[Id], Sequence[str]]],
        batch_done: Callable[[int], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> Iterator[PredictedChunk[Id]]:
        answer = self._answerer()
        with ahead(chunks, self._window) as windows:
            for window in windows:
                logits = np.zeros((len(window.repeats), len(self.label_names)), dtype=np.float32)
                count = 0
                for batch, answers in answer(window.encoded.ids):
                    if should_stop is not None and should_stop():
                        raise PredictionStopped
                    logits[batch] = answers
                    count += int(window.repeats[batch].sum())
                    if batch_done is not None:
                        batch_done(count)
                said = probabilities(logits, self.multi_label)[window.where]
                yield PredictedChunk(window.ids, said, window.encoded.truncated)

    def _window(self, chunk: tuple[Sequence[Id], Sequence[str]]) -> _Window[Id]:
        """Tokenise each different text of a chunk once."""
        ids, texts = chunk
        places: dict[str, int] = {}
        where = [places.setdefault(text, len(places)) for text in texts]
        repeats = np.bincount(where, minlength=len(places)) if where else np.zeros(0, dtype=np.int64)
        return _Window(ids, encode(self.tokenizer, list(places), self.max_length), where, repeats)

    def _answerer(self) -> Callable[[Sequence[list[int]]], Batches]:
        precision = self.device.precision
        if self._answers is None or self._answers[0] != precision:
            self._answers = precision, answerer(self.model, self.tokenizer.pad_token_id, self.device)
        return self._answers[1]
