"""What labels' names say before anybody has labelled."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.training.quick.learner import fit
from core.training.quick.names import MOST, grades, hints, readable
from core.training.quick.solving import log_loss
from core.training.quick.space import Space

WIDTH = 60


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Sports", "sports"),
        ("FOOD#STYLE_OPTIONS", "food style options"),
        ("lost-or-stolen_card", "lost or stolen card"),
        ("Sci/Tech", "sci tech"),
        ("  5   stars ", "5 stars"),
        ("Größe & Passform", "größe passform"),
        ("___", ""),
    ],
)
def test_a_name_is_read_as_words(name: str, text: str) -> None:
    assert readable(name) == text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], [-1, -0.5, 0, 0.5, 1]),
        (["5", "1", "3"], [1, -1, 0]),
        (["0.5", "1.0", "2.0"], [-1, -1 / 3, 1]),
        (["-1", "0", "1"], [-1, 0, 1]),
        (["score -2", "score 0", "score 2"], [-1, 0, 1]),
        (["grade-1", "grade-2", "grade-3"], [-1, 0, 1]),
        (["9" * 400, "1", "2"], None),
        (["negative", "neutral", "positive"], [-1, 0, 1]),
        (["POS", "NEG"], [1, -1]),
        (["not recommended", "recommended"], [-1, 1]),
        (["complaint", "other"], [-1, 0]),
        (["Sports", "World"], None),
        (["0", "1"], None),
        (["version 1", "version 1"], None),
        ([f"topic {number}" for number in range(12)], None),
        ([], None),
    ],
)
def test_names_that_are_grades_are_known(names: list[str], expected: list[float] | None) -> None:
    found = grades(names)
    assert (None if found is None else found.tolist()) == (None if expected is None else pytest.approx(expected))


def pool(
    count: int, names: int, opinions: bool = False, seed: int = 0
) -> tuple[NDArray[np.float16], NDArray[np.int64], NDArray[np.float16]]:
    """Features whose last layer is near the name of the review's class, the classes, and the names' vectors."""
    draw, of_names = np.random.default_rng(seed), np.random.default_rng(99).normal(size=(names, WIDTH)) * 0.3
    truth = draw.integers(0, names, count)
    last = of_names[truth] + draw.normal(size=(count, WIDTH)) * 0.8
    lower = np.concatenate([last, draw.normal(size=(count, WIDTH))], axis=1) @ draw.normal(size=(2 * WIDTH, WIDTH))
    said = np.where(truth == names - 1, 1.0, -1.0) if opinions else np.zeros(count)
    features = np.concatenate([lower, last, said[:, None]], axis=1).astype(np.float16)
    return features, truth, of_names.astype(np.float16)


def right(features: NDArray[np.float16], truth: NDArray[np.int64], hint: NDArray[np.float32]) -> float:
    x = Space.of(features).coordinates(features, False)
    return float(((x @ hint).argmax(axis=1) == truth).mean())


def test_the_directions_to_the_names_are_found_in_the_pool_and_sharpened() -> None:
    features, truth, vectors = pool(1_200, 4)
    names = ["Sports", "World", "Business", "Science"]
    plain, sharpened = hints(Space.of(features), features, names, vectors, False)
    assert plain.shape == sharpened.shape == (2 * WIDTH, 4)
    x = Space.of(features).coordinates(features, False)
    for one in (plain, sharpened):
        assert (x @ one).std(axis=0).mean() == pytest.approx(1, rel=1e-3)
        assert right(features, truth, one) > 0.7, "chance is 0.25"
    other = np.random.default_rng(1).normal(size=vectors.shape).astype(np.float16)
    assert right(features, truth, hints(Space.of(features), features, names, other, False)[0]) < 0.6


def test_each_of_several_labels_a_review_has_its_own_direction() -> None:
    features, truth, vectors = pool(1_200, 4)
    (hint,) = hints(Space.of(features), features, ["FOOD", "PRICE", "PLACE", "SERVICE"], vectors, True)
    said = Space.of(features).coordinates(features, False) @ hint
    for label in range(4):
        assert said[truth == label, label].mean() > said[truth != label, label].mean() + 0.5


def test_grades_point_along_opinion() -> None:
    features, truth, vectors = pool(1_200, 2, opinions=True)
    graded = hints(Space.of(features), features, ["negative", "positive"], vectors, False)[-1]
    assert right(features, truth, graded) > 0.9
    assert len(hints(Space.of(features), features, ["one", "two"], vectors, False)) == 2, "no grades, no such hint"
    silent = features.copy()
    silent[:, -1] = 0
    assert len(hints(Space.of(silent), silent, ["negative", "positive"], vectors, False)) == 2, "no opinions, none"


def test_of_a_large_pool_some_rows_are_looked_at() -> None:
    features, _, vectors = pool(2 * MOST, 3)
    space, names = Space.of(features), ["Sports", "World", "Business"]
    every, second = hints(space, features, names, vectors, False), hints(space, features[::2], names, vectors, False)
    assert np.array_equal(every[0], second[0])


def test_where_nothing_can_be_told_apart_there_is_no_hint() -> None:
    features, _, vectors = pool(300, 3)
    space = Space.of(features)
    assert hints(space, features[:1], ["a", "b", "c"], vectors, False) == []
    assert hints(space, features, ["a"], vectors[:1], False) == []
    same = np.ones_like(vectors)
    assert hints(space, features, ["a", "a", "a"], same, False) == []


def test_no_review_is_told_its_own_label_by_a_hint() -> None:
    """What is said of a labelled review is what a fit without it would say; here most labels have one example."""
    features, truth, vectors = pool(1_000, 77)
    space = Space.of(features)
    found = hints(space, features, [f"name {at}" for at in range(77)], vectors, False)
    labelled = np.arange(16)
    model = fit(features[labelled], truth[labelled], 77, False, space, found)
    refitted = []
    for one in labelled:
        rest = np.delete(labelled, one)
        refitted.append(fit(features[rest], truth[rest], 77, False, space, found).predict(features[one : one + 1])[0])
    loss = log_loss(np.stack(refitted), np.eye(77)[truth[labelled]], False)
    assert model.out_of_sample_log_loss == pytest.approx(loss, rel=0.3)
