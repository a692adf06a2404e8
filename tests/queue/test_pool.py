"""A pool says what is known about which review, and refuses arrays that contradict each other."""

from __future__ import annotations

import numpy as np
import pytest

from core.queue.pool import UNKNOWN, Pool


def test_reviews_without_features_or_probabilities_are_told_apart() -> None:
    said = np.array([[0.5, 0.5], [np.nan, np.nan], [0.9, 0.1]], dtype=np.float32)
    pool = Pool(size=3, features=np.zeros((9, 4)), rows=np.array([7, 8, UNKNOWN]), probabilities=said)
    assert pool.with_features().tolist() == [0, 1]
    assert pool.with_probabilities().tolist() == [0, 2]
    assert Pool(size=2).with_features().tolist() == Pool(size=2).with_probabilities().tolist() == []


def test_a_part_is_numbered_anew_and_keeps_its_features() -> None:
    pool = Pool(size=3, features=np.zeros((3, 4)), groups=np.array([5, 6, 7]), audit=np.array([True, False, True]))
    part = pool.part(np.array([2, 0]))
    assert part.size == 2
    assert part.feature_rows().tolist() == [2, 0]
    assert part.groups is not None
    assert part.groups.tolist() == [7, 5]
    assert part.audit is not None
    assert part.audit.tolist() == [True, True]


def test_the_random_order_is_the_seeds() -> None:
    assert Pool(size=50, seed=1).shuffled().tolist() == Pool(size=50, seed=1).shuffled().tolist()
    assert Pool(size=50, seed=1).shuffled().tolist() != Pool(size=50, seed=2).shuffled().tolist()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"features": np.zeros((3, 2))}, "rows: 3 for 2 reviews"),
        ({"probabilities": np.zeros((1, 2), dtype=np.float32)}, "probabilities: 1 for 2 reviews"),
        ({"audit": np.zeros(3, dtype=np.bool_)}, "audit: 3 for 2 reviews"),
        ({"labelled_rows": np.zeros(3, dtype=np.int64)}, "labelled_rows: one for each row of labelled"),
        (
            {
                "probabilities": np.zeros((2, 3), dtype=np.float32),
                "labelled": np.zeros((9, 2), dtype=np.bool_),
            },
            r"about \[2, 3\] labels",
        ),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pool(size=2, **wrong)  # type: ignore[arg-type]
