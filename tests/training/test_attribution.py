"""The words named are the ones that carry the answer: without them it changes, without others it does not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.phrases import WORD, word_form
from core.training.arguments import TrainingArguments
from core.training.attribution import Explainable, OfFineTuned, OfQuick, attribute, without
from core.training.base_model import locate
from core.training.device import Device
from core.training.examples import TrainingSet
from core.training.loop import fine_tune
from core.training.predict import Predictor
from core.training.quick.features import FeatureExtractor
from core.training.quick.learner import fit

from .reviews import BAD, FILLER, GOOD, separable

TEXTS = [
    "the phone arrived today and it is Great, really great",
    "battery was very broken and the case is useless",
    "it is the case, excellent phone and very happy",
]
ALONE = [TEXTS[0], "battery was very broken and the case is here", "it is the case, excellent phone and very much"]
"""Where one word decides: without one of two the fine-tuned model is as sure."""
LONG = " ".join([*FILLER[:6], "perfect", *FILLER[6:], *FILLER[:4]])
"""More different words than are tried one by one with a budget of eight."""


def with_neither(count: int) -> TrainingSet:
    """Reviews that are bad, good or neither: what says nothing is no sign of either."""
    base, draw = separable(count), random.Random(1)
    empty = [" ".join(draw.sample(FILLER, draw.randint(2, 9))) for _ in range(count // 2)]
    return TrainingSet(
        [*base.train_texts, *empty], [*base.train_labels, *[2] * len(empty)], [], [], ["bad", "good", "neither"]
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Explainable]:
    """Filled by `explainable`: a training of each kind serves all tests."""
    return {}


@pytest.fixture(params=["fine-tuned", "quick"])
def explainable(
    request: pytest.FixtureRequest,
    models: dict[str, Explainable],
    quick: TrainingArguments,
    tiny_bert: Path,
    cpu: Device,
) -> Explainable:
    kind = str(request.param)
    if kind not in models:
        data = with_neither(100) if kind == "fine-tuned" else separable(300)
        if kind == "fine-tuned":
            tuned = fine_tune(data, quick, lambda _: None, lambda: False, cpu)
            predictor = Predictor(
                tuned.model, tuned.tokenizer, data.label_names, multi_label=False, max_length=64, device=cpu
            )
            models[kind] = OfFineTuned(predictor)
        else:
            extractor = FeatureExtractor(locate(str(tiny_bert), has_gpu=False), cpu)
            features = extractor.extract(data.train_texts)
            labels = np.array(data.train_labels)
            # Some are wrong, so that it is not so sure that nothing shows.
            labels[::12] = 1 - labels[::12]
            models[kind] = OfQuick(extractor, fit(features, labels, 2, False, features))
    return models[kind]


def texts_for(model: Explainable) -> list[str]:
    return ALONE if isinstance(model, OfFineTuned) else TEXTS


def words_of(text: str) -> list[str]:
    return list(dict.fromkeys(word_form(found[0]) for found in WORD.finditer(text)))


def test_removing_the_named_words_changes_more_than_removing_others(explainable: Explainable) -> None:
    draw = random.Random(0)
    by_named, by_others = [], []
    for text in texts_for(explainable):
        column = int(explainable.answer([text])[0].argmax())
        found = attribute(explainable, text, column)
        assert 0 < len(found.words) <= 5
        others = [word for word in words_of(text) if word not in found.words[:1]]
        drawn = [{draw.choice(others)} for _ in range(6)]
        said = explainable.answer([text, without(text, {found.words[0]}), *(without(text, one) for one in drawn)])
        by_named.append(said[0, column] - said[1, column])
        by_others.append(abs(said[0, column] - said[2:, column]).mean())
    assert np.mean(by_named) > 2 * np.mean(by_others)


def test_the_words_that_give_the_label_away_are_named_first(explainable: Explainable) -> None:
    for text in texts_for(explainable):
        column = int(explainable.answer([text])[0].argmax())
        assert attribute(explainable, text, column).words[0] in (GOOD if column else BAD)


def test_each_effect_is_what_removing_the_word_does(explainable: Explainable) -> None:
    found = attribute(explainable, TEXTS[0], 1)
    assert found.words
    said = explainable.answer([TEXTS[0], without(TEXTS[0], {found.words[0]})])[:, 1].astype(float)
    assert found.probability == pytest.approx(said[0], abs=1e-3)
    odds = np.log(said) - np.log1p(-said)
    assert found.effects[0] == pytest.approx(odds[0] - odds[1], abs=0.05)
    assert list(found.effects) == sorted(found.effects, reverse=True)


def test_in_a_long_review_only_words_worth_it_are_removed(
    explainable: Explainable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.attribution.TOKENS", 1)
    asked: list[int] = []
    answer = type(explainable).answer

    def counted(self: Explainable, texts: Sequence[str]) -> NDArray[np.float32]:
        asked.append(len(texts))
        return answer(self, texts)

    monkeypatch.setattr(type(explainable), "answer", counted)
    found = attribute(explainable, LONG, 1)
    assert asked == [1 + 8]
    assert "perfect" in found.words


def test_words_go_with_all_their_forms_and_nothing_else() -> None:
    assert without("Great! It’s great, greater.", {"great"}) == "! It’s , greater."
    assert without("It’s not it's", {"it's"}) == " not "
