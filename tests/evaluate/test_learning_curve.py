"""A power law through measured scores: what it says of later ones, and how sure it is."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from core.evaluate.learning_curve import Band, Curve, Point, fit

SIZES = (16, 32, 64, 96, 128, 192, 256)

Law = tuple[float, float, float]


def error(law: Law, labels: float) -> float:
    a, b, c = law
    return float(a + b * labels**-c)


def any_law(draw: np.random.Generator) -> Law:
    """A law whose error at 16 labels lies between 25 and 70 %, of which up to four fifths never go away."""
    first, c = draw.uniform(0.25, 0.7), draw.uniform(0.2, 1.2)
    a = draw.uniform(0, 0.8) * first
    return a, (first - a) * 16**c, c


def measured(law: Law, draw: np.random.Generator, audit: int, alike: float) -> list[Point]:
    """Scores on a growing audit set: one review in four of those labelled and at least `audit` of them.

    `alike` is how much being right about a review before and after depends on the review (0: a new draw each time).
    """
    hardness = draw.standard_normal(2_000)
    points = []
    for labels in SIZES:
        size = max(audit, labels // 4)
        drawn = np.sqrt(alike) * hardness[:size] + np.sqrt(1 - alike) * draw.standard_normal(size)
        wrong = int((drawn < NormalDist().inv_cdf(error(law, labels))).sum())
        points.append(Point.counted(labels, size - wrong, size))
    return points


def exact(law: Law, width: float = 0.004) -> list[Point]:
    return [
        Point(labels, 1 - error(law, labels), 1 - error(law, labels) - width / 2, 1 - error(law, labels) + width / 2)
        for labels in SIZES
    ]


def holds(band: Band, truth: float) -> bool:
    return band.low <= truth <= band.high


@pytest.mark.parametrize("law", [(0.1, 1.5, 0.5), (0.0, 1.0, 0.3), (0.25, 4.0, 0.9)])
def test_a_curve_measured_exactly_is_found_again(law: Law) -> None:
    curve = fit(exact(law))
    assert curve is not None
    for labels in (16, 256, 512, 1024):
        assert abs(curve.score(labels).middle - (1 - error(law, labels))) < 0.01
    gain = curve.gain(256, 512)
    assert abs(gain.middle - (error(law, 256) - error(law, 512))) < 0.005
    assert gain.low <= gain.middle <= gain.high
    assert abs(curve.ceiling().middle - (1 - law[0])) < 0.05


@pytest.mark.parametrize(("audit", "alike"), [(20, 0.8), (500, 0.0)])
def test_the_interval_holds_its_share_of_the_cases(audit: int, alike: float) -> None:
    draw = np.random.default_rng(7)
    scores, gains, cases = 0, 0, 60
    for _ in range(cases):
        law = any_law(draw)
        curve = fit(measured(law, draw, audit, alike))
        assert curve is not None
        scores += holds(curve.score(512, 0.8), 1 - error(law, 512))
        gains += holds(curve.gain(256, 512, 0.8), error(law, 256) - error(law, 512))
    # Three standard deviations of 60 draws below the nominal 80 %, and not so wide as to hold everything.
    assert 0.64 <= scores / cases <= 0.98
    assert 0.64 <= gains / cases <= 0.98


def test_a_flat_curve_promises_nothing_and_an_inverted_one_neither() -> None:
    flat = fit([Point.counted(labels, 1600, 2000) for labels in SIZES])
    assert flat is not None
    assert flat.gain(256, 512).high < 0.01
    falling = fit([Point.counted(labels, 1600 - at * 20, 2000) for at, labels in enumerate(SIZES)])
    assert falling is not None
    assert 0 <= falling.gain(256, 512).low <= falling.gain(256, 512).high < 0.05


def test_more_reviews_to_measure_on_make_the_forecast_surer() -> None:
    law = (0.1, 1.5, 0.5)
    widths = []
    for size in (60, 600, 6_000):
        curve = fit([Point.counted(n, round((1 - error(law, n)) * size), size) for n in SIZES])
        assert curve is not None
        band = curve.gain(256, 512)
        widths.append(band.high - band.low)
    assert widths[0] > 1.2 * widths[1] > 1.5 * widths[2]


def test_points_that_scatter_more_than_they_say_make_it_less_sure() -> None:
    law = (0.1, 1.5, 0.5)
    calm = fit(exact(law, 0.02))
    bent = [
        Point(point.labels, point.score + sign * 0.04, point.low + sign * 0.04, point.high + sign * 0.04)
        for point, sign in zip(exact(law, 0.02), (1, -1, 1, -1, 1, -1, 1), strict=True)
    ]
    wild = fit(bent)
    assert calm is not None
    assert wild is not None
    first, second = calm.score(512), wild.score(512)
    assert second.high - second.low > 2 * (first.high - first.low)


def test_too_little_to_tell() -> None:
    assert fit([]) is None
    assert fit([Point.counted(labels, 40, 50) for labels in (16, 32, 64)]) is None
    assert fit([Point.counted(labels, 40, 50) for labels in (100, 110, 120, 130)]) is None
    assert fit([Point.counted(64, 40, 50)] * 9) is None, "the same number of labels again is no second point"
    assert isinstance(fit([Point.counted(labels, 40, 50) for labels in (16, 24, 32, 48)]), Curve)


def test_perfect_and_hopeless_scores_are_no_error() -> None:
    for right in (0, 50):
        curve = fit([Point.counted(labels, right, 50) for labels in SIZES])
        assert curve is not None
        band = curve.score(1_000)
        assert 0 <= band.low <= band.high <= 1
    exactly = fit([Point(labels, 1.0, 1.0, 1.0) for labels in SIZES])
    assert exactly is not None
    assert exactly.score(1_000).low > 0.99


def test_the_same_points_and_seed_give_the_same_curve() -> None:
    points = measured((0.1, 1.5, 0.5), np.random.default_rng(0), 50, 0.5)
    first, second = fit(points, seed=3), fit(list(reversed(points)), seed=3)
    assert first is not None
    assert second is not None
    assert first.score(999) == second.score(999)


@pytest.mark.parametrize("wrong", [(0, 0.5, 0.4, 0.6), (9, 0.5, 0.6, 0.4), (9, 1.5, 0.4, 0.6), (9, 0.5, -1, 0.6)])
def test_what_is_no_score_is_refused(wrong: tuple[int, float, float, float]) -> None:
    with pytest.raises(ValueError, match="no measured score"):
        Point(*wrong)
