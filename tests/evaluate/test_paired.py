"""Better, worse, or not to be told: by hand, by known p-values, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.metrics import indicator
from core.evaluate.paired import MOST_LABELS, Verdict, compare, f1_differences, labels_to_tell, mcnemar, sentence

COUNTS = st.integers(0, 300)


def three(both: int, fixed: int, broken: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, first and second: `both` right by both, `fixed` by the first alone, `broken` by the second alone."""
    size = both + fixed + broken
    first = [[0]] * (both + fixed) + [[1]] * broken
    second = [[0]] * both + [[1]] * fixed + [[0]] * broken
    return indicator([[0]] * size, 2), indicator(first, 2), indicator(second, 2)


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 2 / 32),
        (6, 0, 2 / 64),
        (3, 1, 2 * 5 / 16),
        (10, 2, 2 * 79 / 4096),
        (9, 5, 0.4239501953125),
        (31, 12, 0.005401572654591),
        (121, 59, 4.4344492637551645e-06),
    ],
)
def test_known_p_values(fixed: int, broken: int, p: float) -> None:
    assert mcnemar(fixed, broken) == pytest.approx(p)


@given(fixed=COUNTS, broken=COUNTS)
def test_the_test_is_symmetric_and_an_even_split_says_nothing(fixed: int, broken: int) -> None:
    assert mcnemar(fixed, broken) == mcnemar(broken, fixed)
    assert 0 < mcnemar(fixed, broken) <= 1
    assert mcnemar(fixed, fixed) == 1
    assert mcnemar(fixed + broken + 1, broken) <= mcnemar(fixed + broken, broken) + 1e-12


def test_a_better_run_a_worse_one_and_the_sentences() -> None:
    true, first, second = three(170, 31, 12)
    better = compare(true, first, second)
    assert (better.verdict, better.size, better.fixed, better.broken) == (Verdict.BETTER, 213, 31, 12)
    assert better.more is None
    assert sentence(better, "run 7", "run 3", multi=False) == (
        "Run 7 is better than run 3: 31 reviews of 213 changed from wrong to right, 12 the other way (p = 0.005)."
    )
    worse = compare(true, second, first)
    assert (worse.verdict, worse.fixed, worse.broken, worse.p) == (Verdict.WORSE, 12, 31, better.p)
    assert worse.macro_f1_difference == pytest.approx(-better.macro_f1_difference)
    mirrored = (-better.macro_f1_high, -better.macro_f1_low)
    assert (worse.macro_f1_low, worse.macro_f1_high) == pytest.approx(mirrored, abs=0.005), "but for the draws"
    assert better.macro_f1_low < better.macro_f1_difference < better.macro_f1_high
    assert sentence(worse, "run 3", "run 7", multi=False).startswith("Run 3 is worse than run 7: 12 reviews of 213")


def test_what_cannot_be_told_says_how_many_labels_would() -> None:
    found = compare(*three(46, 9, 5))
    assert found.verdict is Verdict.UNDECIDED
    assert found.more is not None
    assert found.more == labels_to_tell(9, 5, 60) == labels_to_tell(5, 9, 60)
    assert sentence(found, "run 2", "run 1", multi=False) == (
        "Whether run 2 is better than run 1 cannot be told yet: 9 reviews of 60 changed from wrong to right, "
        "5 the other way (p = 0.42). If the difference is what it seems, about "
        f"{found.more:,} more audit labels would probably tell."
    )
    even = compare(*three(40, 5, 5))
    assert even.more is None
    assert "so alike that no number of further labels can be named" in sentence(even, "run 2", "run 1", False)


def test_the_labels_named_do_tell_in_most_cases() -> None:
    """Reviews of which one in five changes, three quarters for the better: the share of samples that show it."""
    more = labels_to_tell(9, 3, 60)
    assert more is not None
    draw = np.random.default_rng(0)
    shown = 0
    for _ in range(400):
        fixed, broken, _ = draw.multinomial(60 + more, [0.15, 0.05, 0.8])
        shown += mcnemar(int(fixed), int(broken)) < 0.05
    assert 0.7 < shown / 400 < 0.97


@given(fixed=st.integers(0, 40), broken=st.integers(0, 40), same=st.integers(0, 500))
def test_a_number_of_labels_is_sensible_or_none(fixed: int, broken: int, same: int) -> None:
    more = labels_to_tell(fixed, broken, fixed + broken + same)
    assert more is None or (0 < more <= MOST_LABELS and more % 10 == 0)
    assert (more is None) if fixed == broken else (more is None or more > 0)


@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40), multi=st.booleans())
def test_a_run_is_identical_to_itself(rows: list[tuple[int, int]], multi: bool) -> None:
    true = indicator([[one] for one, _ in rows], 3)
    said = indicator([[other] if not multi else [other, 0] for _, other in rows], 3)
    found = compare(true, said, said)
    assert (found.verdict, found.fixed, found.broken, found.p) == (Verdict.IDENTICAL, 0, 0, 1.0)
    assert (found.macro_f1_difference, found.macro_f1_low, found.macro_f1_high, found.more) == (0, 0, 0, None)
    assert "give the same labels to all" in sentence(found, "run 2", "run 1", multi)
    assert not f1_differences(true, said, said).any()


def test_with_several_labels_a_review_counts_for_whoever_has_fewer_wrong() -> None:
    true = indicator([[0, 1], [0, 1], [2], []], 3)
    first = indicator([[0, 1], [0], [2], [1]], 3)
    second = indicator([[0], [2], [1], []], 3)
    found = compare(true, first, second)
    assert (found.fixed, found.broken) == (3, 1)
    assert "on 3 of 4 reviews fewer labels are wrong, on 1 more (p = 0.62)" in sentence(found, "run 2", "run 1", True)
    assert f1_differences(true, first, second) == pytest.approx([1 - 2 / 3, 1 / 2 - 0, 1 - 0])


def test_two_runs_that_are_equally_good_are_seldom_told_apart() -> None:
    draw = np.random.default_rng(3)
    told = 0
    for _ in range(150):
        said = [draw.random(80) < 0.8 for _ in range(2)]
        fixed, broken = int((said[0] & ~said[1]).sum()), int((said[1] & ~said[0]).sum())
        told += mcnemar(fixed, broken) < 0.05
    assert told / 150 < 0.08


def test_nothing_to_compare_on_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to measure on"):
        compare(*three(0, 0, 0))
