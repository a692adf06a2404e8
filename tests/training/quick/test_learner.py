"""The quick learner: what it says of reviews it had not seen, and what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import TooFewLabels
from core.training.quick import learner
from core.training.quick.learner import fit
from core.training.quick.space import Space

from .conftest import reviews


def test_it_learns_what_can_be_learned_and_its_probabilities_are_probabilities() -> None:
    pool, _ = reviews(400, 3, seed=5)
    features, classes = reviews(60, 3, seed=1)
    model = fit(features, classes, 3, False, pool)
    new, truth = reviews(500, 3, seed=2)
    said = model.predict(new)
    assert said.dtype == np.float32
    assert said.shape == (500, 3)
    assert said.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert said.min() >= 0
    assert (said.argmax(axis=1) == truth).mean() > 0.9
    assert model.out_of_fold.sum(axis=1) == pytest.approx(1, abs=1e-5)
    loss = float(-np.log(said[np.arange(500), truth]).mean())
    assert model.out_of_sample_log_loss == pytest.approx(loss, abs=0.2), "what it expects is what it gets"


def test_what_it_cannot_learn_it_does_not_claim_to_know() -> None:
    draw = np.random.default_rng(0)
    features = np.column_stack([draw.normal(size=(80, 120)), np.zeros(80)])
    classes = np.array([0] * 60 + [1] * 20)
    model = fit(features, classes, 2, False, features)
    assert model.out_of_sample_log_loss < 0.75, "shares alone give 0.56"
    assert model.predict(draw.normal(size=(200, 121)))[:, 0].mean() == pytest.approx(0.75, abs=0.1)


def test_the_word_list_is_taken_in_where_it_helps() -> None:
    pool, _ = reviews(600, 2, seed=5, opinions=True)
    features, classes = reviews(12, 2, seed=1)
    new, truth = reviews(400, 2, seed=2)
    silent = pool.copy()
    silent[:, -1] = 0
    with_it, without = (fit(features, classes, 2, False, one).predict(new) for one in (pool, silent))
    right = [(said.argmax(axis=1) == truth).mean() for said in (with_it, without)]
    assert right[0] > max(right[1], 0.9)


def directions(of: NDArray[np.floating], classes: NDArray[np.int64], labels: int) -> NDArray[np.float64]:
    """To the middle of each class, [features, labels], each moving an answer by one deviation."""
    x = Space.of(of).coordinates(of, False)
    found = np.column_stack([x[classes == label].mean(axis=0) for label in range(labels)])
    return np.asarray(found / (x @ found).std(axis=0), dtype=np.float64)


def test_a_hint_that_is_right_helps_with_few_labels() -> None:
    pool, truth = reviews(400, 6, seed=5)
    hint = directions(pool, truth, 6)
    new, known = reviews(400, 6, seed=2)
    for count in (6, 12):
        features, classes = reviews(count, 6, seed=1)
        right, losses = [], []
        for hints in ([], [hint]):
            model = fit(features, classes, 6, False, pool, hints)
            right.append((model.predict(new).argmax(axis=1) == known).mean())
            losses.append(model.out_of_sample_log_loss)
        assert right[1] > right[0] + 0.05
        assert losses[1] < losses[0]


def test_a_hint_that_is_wrong_is_not_believed() -> None:
    pool, truth = reviews(400, 3, seed=5)
    wrong = directions(pool, (truth + 1) % 3, 3)
    new, _ = reviews(400, 3, seed=2)
    features, classes = reviews(24, 3, seed=1)
    with_it, without = (fit(features, classes, 3, False, pool, hints) for hints in ([wrong], []))
    assert with_it.predict(new) == pytest.approx(without.predict(new), abs=0.05)


def test_hints_are_thought_of_for_several_labels_a_review_too() -> None:
    pool, truth = reviews(400, 4, seed=5)
    features, classes = reviews(10, 4, seed=1)
    new, known = reviews(400, 4, seed=2)
    losses = []
    for hints in ([], [directions(pool, truth, 4)]):
        said = np.clip(fit(features, np.eye(4)[classes], 4, True, pool, hints).predict(new), 1e-6, 1 - 1e-6)
        held = np.eye(4)[known]
        losses.append(float(-(held * np.log(said) + (1 - held) * np.log(1 - said)).mean()))
    assert losses[1] < losses[0]


def test_with_many_labels_no_hint_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes = reviews(60, 3, seed=1)
    monkeypatch.setattr(learner, "HINTED", 59)
    one, other = (fit(features, classes, 3, False, features, hints) for hints in ([], [np.ones((4, 3))]))
    assert np.array_equal(one.predict(features), other.predict(features))


def test_where_there_is_much_to_compute_a_hint_is_tried_less_finely_not_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool, truth = reviews(400, 6, seed=5)
    hint = directions(pool, truth, 6)
    features, classes = reviews(12, 6, seed=1)
    new, known = reviews(400, 6, seed=2)
    right = {}
    for most, hints in ((12 * 6, [hint]), (12 * 6 - 1, [hint]), (12 * 6, [])):
        monkeypatch.setattr(learner, "MOST_HINTED", most)
        model = fit(features, classes, 6, False, pool, hints)
        right[most, len(hints)] = (model.predict(new).argmax(axis=1) == known).mean()
    close, rough, without = right.values()
    assert rough == pytest.approx(close, abs=0.05)
    assert rough > without + 0.05


def test_several_labels_a_review_each_for_itself() -> None:
    pool, _ = reviews(400, 3, seed=5)
    features, classes = reviews(90, 3, seed=1)
    targets = np.eye(3)[classes]
    targets[:, 2] = 1  # of every review
    model = fit(features, targets, 3, True, pool)
    new, truth = reviews(300, 3, seed=2)
    said = model.predict(new)
    assert ((said[:, 0] > 0.5) == (truth == 0)).mean() > 0.9
    assert said[:, 2].min() > 0.9
    assert not np.allclose(said.sum(axis=1), 1)


def test_a_label_that_no_review_has_yet_is_possible_and_unlikely() -> None:
    pool, _ = reviews(400, 2, seed=5)
    features, classes = reviews(40, 2, seed=1)
    for targets, multi in ((classes, False), (np.eye(4)[classes], True)):
        said = fit(features, targets, 4, multi, pool).predict(reviews(100, 2, seed=2)[0])
        assert said.shape == (100, 4)
        assert said[:, 2:].min() > 0
        assert said[:, 2:].max() < 0.1


@pytest.mark.parametrize(
    ("targets", "multi", "sentence"),
    [
        ([], False, "Too few reviews are labelled"),
        ([1], False, "Too few reviews are labelled"),
        ([1, 1, 1], False, "All labelled reviews are of one class"),
        ([[1, 0], [1, 0]], True, "All labelled reviews are of one class"),
    ],
)
def test_with_nothing_to_tell_apart_it_says_so(targets: list[object], multi: bool, sentence: str) -> None:
    features, _ = reviews(max(len(targets), 1), 2)
    with pytest.raises(TooFewLabels, match=f"{sentence}.*at least two classes"):
        fit(features[: len(targets)], np.array(targets), 2, multi, features)


def test_two_reviews_of_two_classes_are_enough() -> None:
    features, classes = reviews(20, 2, seed=1)
    two = [int(np.flatnonzero(classes == label)[0]) for label in (0, 1)]
    said = fit(features[two], classes[two], 2, False, features).predict(features)
    assert np.isfinite(said).all()


def test_of_very_many_reviews_some_are_drawn_and_all_get_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner, "MOST", 50)
    features, classes = reviews(200, 2, seed=1)
    first, again, other = (fit(features, classes, 2, False, features, seed=seed) for seed in (0, 0, 1))
    assert first.out_of_fold.shape == (200, 2)
    assert (first.out_of_fold.argmax(axis=1) == classes).mean() > 0.85
    assert np.array_equal(first.out_of_fold, again.out_of_fold)
    assert not np.array_equal(first.out_of_fold, other.out_of_fold)
    drawn = np.sort(np.random.default_rng(0).choice(200, 50, replace=False))
    alone = fit(features[drawn], classes[drawn], 2, False, Space.of(features))
    assert first.out_of_fold[drawn].argmax(axis=1).tolist() == alone.out_of_fold.argmax(axis=1).tolist()


def test_the_same_reviews_give_the_same_answers() -> None:
    features, classes = reviews(60, 3, seed=1)
    one, other = (fit(features, classes, 3, False, features) for _ in range(2))
    assert np.array_equal(one.predict(features), other.predict(features))
    assert np.array_equal(one.out_of_fold, other.out_of_fold)
