"""What a model has to beat is simple, and does exactly what it says."""

from __future__ import annotations

import json

import pytest

from core.evaluate.baselines import Frequencies, KeywordRule, majority_class, split_words
from core.evaluate.metrics import indicator
from core.labels import WORDS_FILE, default_keywords

NAMES = ["positive", "negative"]
WORDS = [["good", "great", "works"], ["bad", "not", "don't"]]


def given_by_rule(text: str, multi: bool = False, majority: int = 1) -> list[str]:
    row = KeywordRule(NAMES, WORDS, multi).predict([text], majority)[0]
    return [name for name, has in zip(NAMES, row, strict=True) if has]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Good, great!", "positive"),
        ("GREAT", "positive"),
        ("don't", "negative"),
        ("Don’t", "negative"),
        ("good but bad and not great: don't", "negative"),
        ("good, bad", "negative"),
        ("bad, good", "negative"),
        ("nothing known", "negative"),
        ("", "negative"),
        ("goodness", "negative"),
        ("'good'", "positive"),
        ("good/great", "positive"),
        ("good_great", "positive"),
        ("nogood", "negative"),
    ],
)
def test_the_label_with_most_words_wins_and_otherwise_the_majority(text: str, label: str) -> None:
    assert given_by_rule(text, majority=1) == [label]


def test_a_tie_or_no_word_takes_whichever_label_is_the_majority() -> None:
    assert given_by_rule("good, bad", majority=0) == given_by_rule("", majority=0) == ["positive"]


def test_with_several_labels_every_label_with_a_word_is_given() -> None:
    assert given_by_rule("good, bad, bad", multi=True) == ["positive", "negative"]
    assert given_by_rule("great", multi=True) == ["positive"]
    assert given_by_rule("nothing known", multi=True) == []


def test_a_label_without_words_stands_for_its_name() -> None:
    rule = KeywordRule(["delivery time", "price"], [[], []], multi=False)
    assert rule.counts("The delivery took a long TIME").tolist() == [2, 0]
    assert rule.predict(["price!"], 0).tolist() == [[False, True]]


def test_a_word_of_two_labels_speaks_for_both() -> None:
    assert KeywordRule(["a", "b"], [["x", "y"], ["x"]], multi=True).counts("x y x").tolist() == [3, 2]


def test_every_shipped_word_can_be_met_in_a_text() -> None:
    for sentiment in json.loads(WORDS_FILE.read_text(encoding="utf-8")).values():
        for word in sentiment["words"]:
            assert split_words(f"Well, {word.upper()}!")[1:] == [word], word
    assert not set(default_keywords("positive")) & set(default_keywords("negative"))


def test_the_majority() -> None:
    true = indicator([[1], [1], [0], [1, 2]], 3)
    assert Frequencies.of(true).majority == 1
    assert Frequencies.of(indicator([[2], [0]], 3)).majority == 0, "the first of equals"
    assert majority_class(Frequencies.of(true), 2, multi=False).tolist() == [[False, True, False]] * 2
    assert majority_class(Frequencies.of(true), 2, multi=True).tolist() == [[False, True, False]] * 2
    assert majority_class(Frequencies.of(indicator([[0], [1]], 3)), 1, multi=True).tolist() == [[False, False, False]]
