"""Label names are checked before they enter a scheme, and get keys, colours and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SchemeError
from core.labels import COLOURS, KEYS, LONGEST_NAME, check_names, default_keywords, new_labels, parse_names


def test_names_are_split_and_trimmed() -> None:
    assert parse_names("positive, negative ,so so") == ["positive", "negative", "so so"]
    assert parse_names("schön,批評,👍") == ["schön", "批評", "👍"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ("", "has no name"),
        ("a,,b", "has no name"),
        ("a,b,", "has no name"),
        ("a,b,a", "“a” is named twice"),
        ("Good,good", "“good” is named twice"),
        ("STRASSE,straße", "“straße” is named twice"),
        ("a,b|c", "“|”"),
        ("a,b\x1b[31m", "control character"),
        ("a,b\u200b", "control character"),
        ("x" * (LONGEST_NAME + 1), f"{LONGEST_NAME + 1} characters long"),
    ],
)
def test_names_that_cannot_be_are_refused(names: str, says: str) -> None:
    with pytest.raises(SchemeError) as caught:
        parse_names(names)
    assert says in str(caught.value)
    assert caught.value.remedy
    assert "\x1b" not in str(caught.value)


@given(names=st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20), max_size=30))
def test_every_label_has_a_key_of_its_own_as_long_as_there_are_keys(names: list[str]) -> None:
    unique = list({name.casefold(): name for name in names}.values())
    labels = new_labels(unique)
    assert [label.name for label in labels] == check_names(unique)
    keys = [label.key for label in labels]
    assert keys == [*KEYS[: len(labels)], *[""] * (len(labels) - len(KEYS))]
    assert all(label.colour in COLOURS for label in labels)
    assert len({label.colour for label in labels[: len(COLOURS)]}) == min(len(labels), len(COLOURS))


def test_labels_that_come_later_go_on_with_keys_and_colours() -> None:
    (third,) = new_labels(["neutral"], taken=2)
    assert (third.key, third.colour) == (KEYS[2], COLOURS[2])


def test_sentiment_labels_bring_their_words_and_others_none() -> None:
    assert {"good", "great"} <= set(default_keywords("Positive"))
    assert {"bad", "don't"} <= set(default_keywords("NEGATIVE"))
    assert default_keywords("delivery") == ()
