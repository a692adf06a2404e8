"""A promise about accepted reviews is kept as often as it says, whatever the reviews are like."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate import risk
from core.evaluate.hypergeometric import at_most
from core.evaluate.risk import Evidence, at_least, at_most_share, missing_labels, most_wrong


@given(st.integers(1, 60), st.data())
def test_the_tail_is_the_sum_of_counted_chances(population: int, data: st.DataObject) -> None:
    marked, drawn = data.draw(st.integers(0, population)), data.draw(st.integers(0, population))
    found = data.draw(st.integers(-1, drawn + 1))
    counted = range(min(found, drawn) + 1)
    ways = sum(comb(marked, number) * comb(population - marked, drawn - number) for number in counted)
    assert at_most(found, population, marked, drawn) == pytest.approx(ways / comb(population, drawn), abs=1e-9)


def test_the_tail_of_a_million_is_near_the_normal_one() -> None:
    assert at_most(1_000, 1_000_000, 100_000, 10_000) == pytest.approx(0.5, abs=0.02)
    assert at_most(500, 1_000_000, 100_000, 10_000) < 1e-50
    assert at_most(9_999, 1_000_000, 100_000, 10_000) == 1.0
    with pytest.raises(ValueError, match="no sample"):
        at_most(1, 10, 11, 5)


def test_the_bound_is_the_largest_number_that_the_sample_does_not_refute() -> None:
    for found, audited, accepted in ((0, 59, 1_000), (3, 100, 400), (7, 20, 30), (0, 0, 12), (5, 5, 9)):
        most = most_wrong(found, audited, accepted)
        assert at_most(found, audited + accepted, found + most, audited) > 0.05
        if most < accepted:
            assert at_most(found, audited + accepted, found + most + 1, audited) <= 0.05
    assert most_wrong(0, 0, 12) == 12, "without an audit review nothing is promised"
    assert most_wrong(0, 59, 10**6) == pytest.approx(0.05 * 10**6, rel=0.01), "Clopper and Pearson's bound"


def test_a_small_rest_is_bounded_more_closely_than_a_large_one() -> None:
    shares = [most_wrong(2, 100, accepted) / accepted for accepted in (50, 500, 50_000)]
    assert shares[0] > shares[2], "few scatter more about a rate"
    assert most_wrong(2, 100, 500, 0.99) > most_wrong(2, 100, 500, 0.9)


def drawn(
    draw: np.random.Generator, wrong: np.ndarray, sure: np.ndarray, audited: int
) -> tuple[Evidence, np.ndarray]:
    """An audit set drawn at random, and which of the others are wrong, ordered as the evidence's pool."""
    audit = np.zeros(len(wrong), dtype=np.bool_)
    audit[draw.permutation(len(wrong))[:audited]] = True
    rest = np.flatnonzero(~audit)
    order = rest[np.argsort(-sure[rest], kind="stable")]
    return Evidence.of(sure[~audit], sure[audit], wrong[audit]), wrong[order]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("shape", ["honest", "flat", "steps", "upside down"])
def test_both_promises_are_kept_in_as_many_sessions_as_they_say(shape: str, share: float) -> None:
    """The worst for a threshold chosen by the data is a rate of wrong ones just above the share, everywhere."""
    draw = np.random.default_rng(7)
    sure = np.round(1 - 0.5 * draw.beta(0.5, 1.5, 1_200), 3)
    rate = {
        "honest": 1 - sure,
        "flat": np.full(1_200, share * 1.05),
        "steps": np.where(sure > 0.95, share * 0.9, share * 1.5),
        "upside down": np.where(sure > 0.9, share * 1.5, share * 0.5),
    }[shape]
    wrong = draw.random(1_200) < rate
    sessions, broken_share, broken_bound = 200, 0, 0
    for _ in range(sessions):
        evidence, rest = drawn(draw, wrong, sure, 150)
        found = at_most_share(evidence, share)
        if found is not None:
            assert found.at_most_wrong <= share * found.accepted
            broken_share += rest[: found.accepted].sum() > found.at_most_wrong
        bounded = at_least(evidence, 0.9)
        broken_bound += rest[: bounded.accepted].sum() > bounded.at_most_wrong
    # 5 of 100 may be broken; of 200 sessions more than 19 would be at 1 in 200 only.
    assert broken_share <= 19
    assert broken_bound <= 19


def test_more_audit_labels_accept_more_and_tell_before_how_many_it_takes() -> None:
    draw = np.random.default_rng(1)
    sure = 1 - 0.5 * draw.beta(0.3, 2.0, 4_000)
    wrong = draw.random(4_000) < 1 - sure
    few, _ = drawn(draw, wrong, sure, 60)
    many, _ = drawn(draw, wrong, sure, 600)
    assert at_most_share(few, 0.02) is None
    missing = missing_labels(few, 0.02)
    assert missing is not None
    assert 100 <= missing <= 1_000
    assert missing % 10 == 0
    found = at_most_share(many, 0.05)
    assert found is not None
    assert found.accepted > 1_500
    assert found.expected_wrong <= found.at_most_wrong


def test_the_number_of_missing_labels_is_about_right() -> None:
    """Where the surest are never wrong, as many labels as are said to be missing are enough."""
    sure = 1 - 0.5 * np.linspace(0, 1, 3_000) ** 3
    wrong = sure < 0.6
    draw = np.random.default_rng(2)
    few, _ = drawn(draw, wrong, sure, 30)
    assert at_most_share(few, 0.03) is None
    missing = missing_labels(few, 0.03)
    assert missing is not None
    enough = [at_most_share(drawn(draw, wrong, sure, 30 + missing)[0], 0.03) is not None for _ in range(20)]
    assert sum(enough) >= 15


def test_where_the_surest_are_wrong_too_often_no_number_of_labels_is_named() -> None:
    draw = np.random.default_rng(3)
    sure = draw.uniform(0.9, 1.0, 1_000)
    evidence, _ = drawn(draw, draw.random(1_000) < 0.3, sure, 200)
    assert at_most_share(evidence, 0.05) is None
    assert missing_labels(evidence, 0.05) is None


def test_which_thresholds_are_tested_does_not_depend_on_the_labels() -> None:
    draw = np.random.default_rng(4)
    sure = draw.uniform(0.5, 1.0, 500)
    evidence, _ = drawn(draw, np.zeros(500, dtype=np.bool_), sure, 100)
    other = Evidence(evidence.pool, evidence.audit, ~evidence.wrong)
    assert risk._tested(evidence, 0.1, 0.95) == risk._tested(other, 0.1, 0.95)
    again, _ = drawn(draw, np.zeros(500, dtype=np.bool_), sure, 100)
    assert evidence.rungs() == again.rungs(), "nor on which reviews the audit has drawn"


def test_one_mislabelled_audit_review_does_not_end_the_tests_where_there_are_many() -> None:
    """One in seventeen is wrong everywhere, so that at most a fifth is easily promised by 400 audit reviews."""
    draw = np.random.default_rng(5)
    sure = draw.uniform(0.6, 0.95, 1_500)
    wrong = draw.random(1_500) < 0.06
    promised = [at_most_share(drawn(draw, wrong, sure, 400)[0], 0.2) for _ in range(60)]
    # With one mistake borne it would be some 34.
    assert sum(one is not None and one.accepted > 1_000 for one in promised) >= 50
    assert [risk._mistakes_borne(labelled, 0.2, 0.95) for labelled in (20, 60, 130, 170, 400)] == [0, 1, 2, 3, 5]


def test_nothing_to_go_by_promises_nothing() -> None:
    nothing, none = np.zeros(0), np.zeros(0, dtype=np.bool_)
    empty = Evidence.of(nothing, nothing, none)
    assert at_most_share(empty, 0.1) is None
    assert at_least(empty, 0.5).at_most_wrong == 0
    alone = Evidence.of(np.array([0.9, 0.8]), nothing, none)
    assert at_most_share(alone, 0.1) is None
    assert (at_least(alone, 0.85).accepted, at_least(alone, 0.85).at_most_wrong) == (1, 1)
    with pytest.raises(ValueError, match="no share"):
        at_most_share(alone, 1.0)
    with pytest.raises(ValueError, match="audit reviews"):
        Evidence.of(nothing, nothing, np.ones(2, dtype=np.bool_))
