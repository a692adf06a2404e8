"""What the next labels will bring, in words; when it is enough, and what holds a score down."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.forecast import Outlook, forecast, rounded, target
from core.evaluate.forecast_limits import Cause, Record, limits
from core.evaluate.forecast_stopping import is_flat, is_stable, kappa, may_stop
from core.evaluate.learning_curve import Point, fit

SIZES = (16, 32, 64, 128, 256)


def points(a: float, b: float, c: float, size: int = 4_000, sizes: tuple[int, ...] = SIZES) -> list[Point]:
    return [Point.counted(n, round((1 - a - b * n**-c) * size), size) for n in sizes]


RISING, FLAT = points(0.05, 1.5, 0.5), points(0.2, 4.0, 1.2, sizes=(16, 32, 64, 128, 256, 512, 1024))


def test_a_rising_curve_says_how_many_labels_how_long_and_for_what() -> None:
    told = forecast(RISING, per_minute=10)
    assert told.outlook is Outlook.HELPS
    assert told.more is not None
    assert told.gain is not None
    truth = 1.5 * (256**-0.5 - (256 + told.more) ** -0.5)
    assert told.gain.low <= truth <= told.gain.high
    assert told.gain.middle >= 0.01 or told.more == 256
    assert told.minutes == told.more / 10
    assert told.sentence.startswith(
        f"About {told.more:,} more labels, {told.minutes:.0f} minutes at your pace, for +"
    )
    assert "points (+" in told.sentence


def test_without_a_pace_no_time_is_named_and_no_more_than_remain_is_proposed() -> None:
    told = forecast(RISING, remaining=30)
    assert told.more is not None
    assert told.more <= 30
    assert "at your pace" not in told.sentence
    assert forecast(RISING, remaining=0).outlook is Outlook.UNTOLD


def test_a_flat_curve_says_what_limits_it_and_needs_stable_predictions_to_say_stop() -> None:
    confusion = np.array([[300, 2, 1], [3, 250, 40], [2, 38, 260]])
    record = Record(["good", "fine", "bad"], [500, 300, 224], confusion)
    told = forecast(FLAT, per_minute=10, record=record)
    assert told.outlook is Outlook.HARDLY
    assert not told.stop
    assert told.sentence.startswith("More labels will hardly help (about ")
    assert "91% of the errors take “fine” and “bad” for each other" in told.sentence
    assert forecast(FLAT, kappas=[0.9, 0.995, 0.992, 0.99]).sentence.startswith("You can stop: more labels")
    assert not forecast(FLAT, kappas=[0.995, 0.995, 0.95]).stop
    assert not forecast(RISING, kappas=[1.0] * 5).stop, "stable predictions of a model that still learns"


def test_too_little_measured_is_said_to_be_too_little() -> None:
    told = forecast(points(0.1, 1.5, 0.5, sizes=(16, 32, 64)))
    assert (told.outlook, told.more, told.stop) == (Outlook.UNTOLD, None, False)
    assert "it takes scores at 4 numbers of labels" in told.sentence
    assert forecast([]).outlook is Outlook.UNTOLD
    few = zip((16, 32, 64, 96, 128), (20, 19, 21, 20, 20), strict=True)
    vague = forecast([Point.counted(labels, right, 25) for labels, right in few])
    assert vague.outlook is Outlook.UNTOLD
    assert "130 more may bring +0.1 to +1.4 points" in vague.sentence


def test_labels_to_a_target_and_targets_that_no_number_reaches() -> None:
    curve = fit(points(0.05, 1.5, 0.5, size=100_000))
    assert curve is not None
    found = target(curve, 0.88)
    assert found.likely > 0.95
    assert found.more is not None
    needed = (1.5 / 0.07) ** 2 - 256
    assert found.more.low <= needed <= found.more.high
    assert abs(found.more.middle - needed) < 0.2 * needed
    reached = target(curve, 0.8).more
    assert reached is not None
    assert reached.high == 0, "it is there already"
    never = target(curve, 0.995)
    assert never.likely < 0.5
    assert never.more is None


@pytest.mark.parametrize(("labels", "told"), [(0.2, 1), (7, 7), (51.2, 52), (243, 250), (1_234, 1_300)])
def test_numbers_of_labels_promise_two_digits(labels: float, told: int) -> None:
    assert rounded(labels) == told


def test_kappa_is_agreement_beyond_chance() -> None:
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    # Observed 3/4, by chance (2·1 + 2·3)/16 = 1/2.
    assert kappa(first, second) == pytest.approx(0.5)
    assert kappa(first, first) == 1
    assert kappa(np.zeros(3), np.zeros(3)) == 0, "one label for everything is no agreement worth the name"
    assert kappa(np.array([[True, False], [False, True]]), np.array([[True, False], [False, True]])) == 1
    assert kappa(np.array([0, 1]), np.array([1, 0])) == pytest.approx(-1)
    with pytest.raises(ValueError, match="2 predictions against 3"):
        kappa(np.zeros(2), np.zeros(3))


def test_predictions_are_stable_after_three_trainings_that_change_next_to_nothing() -> None:
    assert not is_stable([1.0, 1.0])
    assert is_stable([0.5, 0.99, 0.99, 0.99])
    assert not is_stable([1.0, 1.0, 1.0, 0.98, 0.98, 0.98])


def test_the_hint_is_seldom_given_while_labels_still_help() -> None:
    """Looked at after each of eleven trainings, on an audit set of a quarter of the labels."""
    draw = np.random.default_rng(11)
    given, wrong, sizes = 0, 0, (32, 48, 64, 96, 128, 192, 256, 512, 1_024, 2_048, 4_096)
    for _ in range(25):
        first, c = draw.uniform(0.25, 0.7), draw.uniform(0.2, 1.2)
        a = draw.uniform(0, 0.8) * first
        b = (first - a) * 16**c
        seen: list[Point] = []
        for labels in sizes:
            size = max(20, labels // 4)
            seen.append(Point.counted(labels, size - int(draw.binomial(size, a + b * labels**-c)), size))
            if may_stop(fit(seen), labels, [1.0] * 3):
                given += 1
                wrong += b * (labels**-c - (1.2 * labels) ** -c) >= 0.0075
                break
    assert given >= 10, "a hint that never comes is none"
    assert wrong <= 2


def test_a_person_who_contradicts_themself_limits_every_model() -> None:
    confusion = np.array([[90, 10], [10, 90]])
    (limit,) = limits(Record(["a", "b"], [100, 100], confusion, repeats=40, changed=6))
    assert limit.cause is Cause.NOISE
    assert limit.share == pytest.approx(0.75)
    assert "6 of 40 reviews shown twice: no model can be right about more than some 92%" in limit.sentence
    assert limits(Record(["a", "b"], [100, 100], confusion, repeats=19, changed=9)) == ()
    assert limits(Record(["a", "b"], [100, 100], confusion, repeats=40, changed=0)) == ()


def test_labels_with_few_examples_limit_where_their_reviews_are_the_errors() -> None:
    confusion = np.array([[90, 5, 0], [5, 90, 0], [9, 11, 2]])
    first, second = limits(Record(["a", "b", "rare"], [100, 100, 4], confusion))
    assert (first.cause, round(first.share, 2)) == (Cause.RARE, 0.67)
    assert "“rare” (4)" in first.sentence
    assert (second.cause, round(second.share, 2)) == (Cause.CONFUSED, 0.37)
    assert limits(Record(["a", "b", "rare"], [100, 100, 40], np.diag([9, 9, 9]))) == ()
    (several,) = limits(Record(["a", "b"], [100, 4]))
    assert several.cause is Cause.RARE


def test_the_hint_needs_a_curve() -> None:
    assert not may_stop(None, 100, [1.0] * 3)
    curve = fit(RISING)
    assert curve is not None
    assert not is_flat(curve, 256)
