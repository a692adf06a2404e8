"""What the word list makes of sentences, worked by hand: words for less words against, over the root of both."""

from __future__ import annotations

from math import sqrt

import pytest

from core.training.quick.opinion_words import TURNED, opinion


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0.0),
        ("It arrived on Tuesday in a box.", 0.0),
        ("Great.", 1.0),
        ("GREAT, simply Excellent!", 2 / sqrt(2)),
        ("terrible", -1.0),
        ("A great screen, a terrible battery.", 0.0),
        ("great great terrible", 1 / sqrt(3)),
        ("not good", TURNED),
        ("not bad at all", -TURNED),
        ("It is not a very good book", TURNED),
        ("not that it is any good", 1.0),  # the fourth word after the negation
        ("I don't love it", TURNED),
        ("I don’t love it", TURNED),
        ("I do n't love it", TURNED),
        ("never great, terrible", (TURNED - TURNED) / sqrt(2)),
        ("good but not great", (1 + TURNED) / sqrt(2)),
        ("goodness and greatly", 0.0),  # whole words
    ],
)
def test_sentences(text: str, expected: float) -> None:
    assert opinion(text) == pytest.approx(expected)


def test_whatever_people_type_is_a_number() -> None:
    for text in ("\x00\x1b[31m", "'''", "n't", "😀" * 1_000, "not", "très bon"):
        assert opinion(text) == 0.0
    assert opinion("good " * 100) == pytest.approx(10.0)
