"""Scores by hand, and the same scores by another library."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.metrics import Scores, indicator, scores

NAMES = ["a", "b", "c"]


def single(true: str, predicted: str) -> Scores:
    """Scores of one label a review, written as letters."""
    rows = [[[NAMES.index(letter)] for letter in text] for text in (true, predicted)]
    return scores("test", NAMES, indicator(rows[0], 3), indicator(rows[1], 3), multi=False)


def test_single_label_scores_worked_out_by_hand() -> None:
    found = single("aaaabb", "aaabba")
    assert (found.name, found.size) == ("test", 6)
    assert found.accuracy == 4 / 6
    assert found.confusion == ((3, 1, 0), (1, 1, 0), (0, 0, 0))
    assert [(one.label, one.precision, one.recall, one.support) for one in found.labels] == [
        ("a", 3 / 4, 3 / 4, 4),
        ("b", 1 / 2, 1 / 2, 2),
        ("c", 0.0, 0.0, 0),
    ]
    assert [one.f1 for one in found.labels] == pytest.approx([3 / 4, 1 / 2, 0])
    assert found.macro_f1 == pytest.approx((3 / 4 + 1 / 2) / 2), "a label that never occurs does not count"
    assert found.accuracy_low < found.accuracy < found.accuracy_high


def test_a_label_that_is_only_predicted_counts_against() -> None:
    found = single("aa", "ac")
    assert [one.f1 for one in found.labels] == pytest.approx([2 / 3, 0, 0])
    assert found.macro_f1 == pytest.approx(1 / 3)


def test_several_labels_worked_out_by_hand() -> None:
    true = indicator([[0, 1], [], [2], [0]], 3)
    predicted = indicator([[0], [], [2, 1], [0]], 3)
    found = scores("test", NAMES, true, predicted, multi=True)
    assert found.accuracy == 2 / 4, "all labels of a review must be right"
    assert found.confusion == ()
    assert [(one.precision, one.recall, one.f1) for one in found.labels] == [(1, 1, 1), (0, 0, 0), (1, 1, 1)]


def test_all_right_and_all_wrong() -> None:
    assert (single("abc", "abc").accuracy, single("abc", "abc").macro_f1) == (1, 1)
    assert (single("abc", "bca").accuracy, single("abc", "bca").macro_f1) == (0, 0)


def test_nothing_to_measure_on_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to measure on"):
        scores("test", NAMES, indicator([], 3), indicator([], 3), multi=False)


LABELS = st.integers(1, 30).flatmap(
    lambda size: st.tuples(*[st.lists(st.integers(0, 2), min_size=size, max_size=size)] * 2)
)
SETS = st.integers(1, 20).flatmap(
    lambda size: st.tuples(*[st.lists(st.lists(st.integers(0, 2), unique=True), min_size=size, max_size=size)] * 2)
)


@given(both=LABELS)
def test_single_label_scores_are_those_of_scikit_learn(both: tuple[list[int], list[int]]) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    true, predicted = both
    found = scores("x", NAMES, indicator([[i] for i in true], 3), indicator([[i] for i in predicted], 3), multi=False)
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(
        true, predicted, labels=[0, 1, 2], zero_division=0
    )
    assert [one.precision for one in found.labels] == pytest.approx(precision)
    assert [one.recall for one in found.labels] == pytest.approx(recall)
    assert [one.f1 for one in found.labels] == pytest.approx(f1)
    assert [one.support for one in found.labels] == support.tolist()
    assert found.accuracy == pytest.approx(sklearn.accuracy_score(true, predicted))
    assert found.macro_f1 == pytest.approx(sklearn.f1_score(true, predicted, average="macro", zero_division=0))
    assert np.array_equal(found.confusion, sklearn.confusion_matrix(true, predicted, labels=[0, 1, 2]))


@given(both=SETS)
def test_multi_label_scores_are_those_of_scikit_learn(both: tuple[list[list[int]], list[list[int]]]) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    true, predicted = (indicator(rows, 3) for rows in both)
    found = scores("x", NAMES, true, predicted, multi=True)
    _, recall, f1, _ = sklearn.precision_recall_fscore_support(true, predicted, zero_division=0)
    assert [one.recall for one in found.labels] == pytest.approx(recall)
    assert [one.f1 for one in found.labels] == pytest.approx(f1)
    assert found.accuracy == pytest.approx(sklearn.accuracy_score(true, predicted))


@given(both=LABELS)
def test_scores_come_back_from_json_as_they_went(both: tuple[list[int], list[int]]) -> None:
    true, predicted = (indicator([[i] for i in rows], 3) for rows in both)
    for multi in (False, True):
        found = scores("x", NAMES, true, predicted, multi)
        assert Scores.from_json(json.loads(json.dumps(found.to_json()))) == found
