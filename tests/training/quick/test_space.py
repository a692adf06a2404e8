"""The quick learner's coordinates: standardised by the pool, with its direction of opinion where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from core.training.quick import space
from core.training.quick.space import CLEAR, FEWEST_CLEAR, OPINION_SCALE, Space

from .conftest import WIDTH, reviews


def test_the_pool_is_standardised() -> None:
    pool, _ = reviews(300, 2)
    made = Space.of(pool * np.float16(3) + np.float16(1))
    x = made.coordinates(pool * np.float16(3) + np.float16(1), with_opinion=False)
    assert x.shape == (300, WIDTH)
    assert x.mean(axis=0) == pytest.approx(np.zeros(WIDTH), abs=1e-3)
    assert x.std(axis=0) == pytest.approx(np.ones(WIDTH), abs=1e-2)


def test_without_clear_texts_there_is_no_direction() -> None:
    pool, _ = reviews(300, 2)
    made = Space.of(pool)
    assert not made.has_opinion
    assert made.coordinates(pool, with_opinion=True).shape == (300, WIDTH)
    unclear = pool.copy()
    unclear[:, -1] = np.where(np.arange(300) % 2, CLEAR - 0.01, 0.01 - CLEAR)
    assert not Space.of(unclear).has_opinion


@pytest.mark.parametrize(
    ("praise", "blame", "found"),
    [
        (FEWEST_CLEAR // 2, FEWEST_CLEAR // 2, True),
        (FEWEST_CLEAR // 2, FEWEST_CLEAR // 2 - 1, False),
        (200, 10, True),
        (200, 9, False),
    ],
)
def test_it_takes_enough_clear_texts_on_both_sides(praise: int, blame: int, found: bool) -> None:
    pool, _ = reviews(300, 2)
    pool[:praise, -1], pool[praise : praise + blame, -1] = 1, -1
    assert Space.of(pool).has_opinion is found


def test_the_direction_tells_texts_apart_that_the_word_list_is_silent_about() -> None:
    pool, classes = reviews(600, 2, opinions=True)
    made = Space.of(pool)
    assert made.has_opinion
    new, truth = reviews(200, 2, seed=1)
    assert not new[:, -1].any()
    coordinates = made.coordinates(new, with_opinion=True)
    along = coordinates[:, -1]
    assert ((along > 0) == (truth == 1)).mean() > 0.9
    assert made.coordinates(pool, with_opinion=True)[:, -1].std() == pytest.approx(OPINION_SCALE, rel=0.01)
    assert np.array_equal(coordinates[:, :-1], made.coordinates(new, with_opinion=False))
    assert classes.any()


def test_of_a_large_pool_some_rows_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, _ = reviews(300, 2)
    monkeypatch.setattr(space, "MOST", 100)
    assert np.array_equal(Space.of(pool).mean, Space.of(pool[::3]).mean)


@pytest.mark.parametrize("rows", [60, 500])
def test_either_system_of_equations_gives_the_same_direction(rows: int) -> None:
    x = np.random.default_rng(0).normal(size=(rows, 80)).astype(np.float32)
    signs = np.sign(x[:, 0])
    direct = x.T @ np.linalg.solve(x @ x.T + space.SMOOTHING * np.eye(rows), signs - signs.mean())
    assert space.ridge(x, signs) == pytest.approx(direct, rel=1e-3, abs=1e-6)
