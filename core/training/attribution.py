"""Which words of a review carried what a model says about it.

A word's effect is what its removal does to the log-odds of the label: leave-one-out, or erasure (Li, Monroe and
Jurafsky, “Understanding neural networks through representation erasure”, 2016). It is measured, not estimated: of
every word that is named it is known that the model says less without it. Of a long review, where removing each word
would take too long, a single backward pass says which words are worth removing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.phrases import WORD, word_form
from core.training.encoding import encode
from core.training.inference import batched_logits
from core.training.predict import Predictor
from core.training.quick.features import FeatureExtractor
from core.training.quick.learner import QuickModel
from core.training.temperature import probabilities

TOKENS = 2_048
"""Tokens of all texts with a word removed: half a second of one core, with fp32."""

FEWEST, MOST = 8, 64
"""Words that are removed, whatever the length."""

NAMED = 5
"""Words that are named at most."""

LEAST = 0.05
"""Log-odds below which a word carried nothing."""

STEPS = (1 / 6, 1 / 2, 5 / 6)
"""Points at which gradients are taken, between no text and the text."""

SHARE = 0.15
"""Of the largest effect, below which a word is not worth naming."""


@dataclass(frozen=True)
class Attribution:
    """The words that carried a label."""

    probability: float
    """Of the label, with all words."""
    words: tuple[str, ...]
    """In lower case, the one that matters most first; all occurrences of each count together."""
    effects: tuple[float, ...]
    """How much lower the log-odds of the label are without each."""


class Explainable:
    """A model as attribution sees it: it answers for texts, and guesses which words matter."""

    def answer(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities [texts, classes]."""
        raise NotImplementedError

    def tokens(self, text: str) -> int:
        """How many tokens of the text the model reads."""
        raise NotImplementedError

    def guess(self, text: str, column: int) -> list[tuple[int, int, float]]:
        """Tokens by where they begin and end in the text, with how much each speaks for the class, roughly."""
        raise NotImplementedError


def attribute(model: Explainable, text: str, column: int) -> Attribution:
    """The words of a text that speak for a class; none where no single word carries it."""
    known = dict.fromkeys(word_form(found[0]) for found in WORD.finditer(text))
    many = min(MOST, max(FEWEST, TOKENS // max(model.tokens(text), 1)))
    tried = list(known) if len(known) <= many else _worth_removing(model, text, column, many)
    said = model.answer([text, *(without(text, {word}) for word in tried)])[:, column].astype(np.float64)
    odds = _log_odds(said)
    effects = odds[0] - odds[1:]
    order = np.argsort(-effects, kind="stable")
    largest = float(effects.max(initial=0.0))
    named = [at for at in order.tolist() if effects[at] >= max(LEAST, SHARE * largest)][:NAMED]
    return Attribution(float(said[0]), tuple(tried[at] for at in named), tuple(float(effects[at]) for at in named))


def without(text: str, words: set[str]) -> str:
    """The text without these words, given as `word_form` has them."""
    kept, end = [], 0
    for found in WORD.finditer(text):
        if word_form(found[0]) in words:
            kept.append(text[end : found.start()])
            end = found.end()
    return " ".join("".join([*kept, text[end:]]).split(" "))


def _worth_removing(model: Explainable, text: str, column: int, many: int) -> list[str]:
    """The words that the guess gives most; of one that occurs often, which is mostly an empty one, less counts."""
    parts: dict[str, list[float]] = {}
    spoken = model.guess(text, column)
    for found in WORD.finditer(text):
        word = word_form(found[0])
        mine = [score for begin, end, score in spoken if begin < found.end() and end > found.start()]
        if mine:
            parts.setdefault(word, []).append(sum(mine))
    scores = {word: sum(each) / math.sqrt(len(each)) for word, each in parts.items()}
    return sorted(scores, key=lambda word: -scores[word])[:many]


def _log_odds(said: NDArray[np.float64]) -> NDArray[np.float64]:
    sure = np.clip(said, 1e-7, 1 - 1e-7)
    odds: NDArray[np.float64] = np.log(sure) - np.log1p(-sure)
    return odds


class OfFineTuned(Explainable):
    """A fine-tuned model, computed in fp32: rounding in bf16 is as large as the effect of a small word."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._device = predictor.device.with_precision("fp32")

    def answer(self, texts: Sequence[str]) -> NDArray[np.float32]:
        predictor = self._predictor
        ids = encode(predictor.tokenizer, texts, predictor.max_length).ids
        logits = np.zeros((len(texts), len(predictor.label_names)), dtype=np.float32)
        for batch, answers in batched_logits(predictor.model, ids, predictor.tokenizer.pad_token_id, self._device):
            logits[batch] = answers
        return probabilities(logits, predictor.multi_label)

    def tokens(self, text: str) -> int:
        return len(encode(self._predictor.tokenizer, [text], self._predictor.max_length).ids[0])

    def guess(self, text: str, column: int) -> list[tuple[int, int, float]]:
        """Integrated gradients from empty embeddings (Sundararajan et al., “Axiomatic attribution for deep networks”,
        2017), at three points between: enough to choose words by, whose effects are measured then."""
        predictor = self._predictor
        read = predictor.tokenizer(
            text, truncation=True, max_length=predictor.max_length, return_offsets_mapping=True, return_tensors="pt"
        )
        offsets = read.pop("offset_mapping")[0].tolist()
        read = {name: value.to(self._device.torch_device) for name, value in read.items()}
        model: Any = predictor.model.eval()
        embedded = model.get_input_embeddings()(read.pop("input_ids")).detach()
        steps = torch.tensor(STEPS, device=embedded.device)[:, None, None]
        points = (embedded * steps).requires_grad_()
        read = {name: value.expand(len(STEPS), -1) for name, value in read.items()}
        logits = model(inputs_embeds=points, **read).logits.float()
        rest = torch.cat([logits[:, :column], logits[:, column + 1 :]], dim=1)
        alone = predictor.multi_label or not rest.shape[1]
        said = logits[:, column].sum() if alone else (logits[:, column] - rest.logsumexp(1)).sum()
        (gradients,) = torch.autograd.grad(said, points)
        scores = (gradients.mean(dim=0) * embedded[0]).sum(dim=1).tolist()
        return [(begin, end, score) for (begin, end), score in zip(offsets, scores, strict=True) if end > begin]


class OfQuick(Explainable):
    """The quick learner: linear on the means of token vectors, so that its answer is a sum over the tokens."""

    def __init__(self, extractor: FeatureExtractor, model: QuickModel) -> None:
        self._extractor, self._model = extractor, model

    def answer(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._model.predict(self._extractor.extract(texts))

    def tokens(self, text: str) -> int:
        return self._extractor.tokens(text)

    def guess(self, text: str, column: int) -> list[tuple[int, int, float]]:
        """Each token's share of the answer; exact but for what its neighbours have made of it."""
        offsets, vectors = self._extractor.token_vectors(text)
        scores = self._model.speaks_for(vectors, column)
        return [(begin, end, float(one)) for (begin, end), one in zip(offsets, scores, strict=True) if end > begin]
