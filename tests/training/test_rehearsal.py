"""Simulated sessions on reviews that one word sorts, with a tiny BERT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import SettingsError
from core.evaluate.rehearsed import rows, scores
from core.training.arguments import TrainingArguments
from core.training.base_model import locate
from core.training.device import Device, choose_device
from core.training.examples import Target
from core.training.quick.features import FeatureExtractor
from core.training.rehearsal import Measured, Plan, Reviews, Session, looked_at
from tests.training.reviews import BAD, FILLER, GOOD, sentences

NAMES = ["negative", "positive"]


def sorted_by_a_word(count: int) -> list[tuple[str, Target]]:
    """Reviews of either kind in turn."""
    kinds = zip(sentences(BAD, count // 2, 1), sentences(GOOD, count // 2, 2), strict=True)
    return [(text, target) for pair in kinds for target, text in enumerate(pair)]


MakeReviews = Callable[[Sequence[tuple[str, Target]]], Reviews]


@pytest.fixture(scope="module")
def device() -> Device:
    return replace(choose_device("cpu"), precision="fp32", threads=1)


@pytest.fixture(scope="module")
def make(tiny_base: Path, device: Device) -> MakeReviews:
    """Reviews with their features."""
    extractor = FeatureExtractor(locate(str(tiny_base), False), device)

    def reviews(pairs: Sequence[tuple[str, Target]]) -> Reviews:
        texts = [text for text, _ in pairs]
        return Reviews(texts, [target for _, target in pairs], extractor.extract(texts))

    return reviews


@pytest.fixture(scope="module")
def parts(make: MakeReviews) -> tuple[Reviews, Reviews]:
    """120 reviews to label and 40 to measure on."""
    pairs = sorted_by_a_word(160)
    return make(pairs[:120]), make(pairs[120:])


@pytest.fixture(scope="module")
def trained(parts: tuple[Reviews, Reviews], tiny_base: Path, device: Device) -> list[Measured]:
    """A session that fine-tunes, for three steps, at 16 and 32 labels."""
    return list(Session(*parts, _training(tiny_base, [16, 32]), device).run())


def _training(base: Path, budgets: Sequence[int]) -> Plan:
    arguments = TrainingArguments(base_model=str(base), steps=3, pool_reviews=0, freeze_layers=0)
    return Plan(NAMES, False, budgets, arguments=arguments, audit_every=5)


def _quick(budgets: Sequence[int], **changes: object) -> Plan:
    return replace(Plan(NAMES, False, budgets, train=False, audit_every=5), **changes)  # type: ignore[arg-type]


def _told(measured: Sequence[Measured]) -> list[Measured]:
    return [replace(one, seconds=0.0) for one in measured]


def test_both_learners_are_measured_and_one_of_them_speaks(trained: list[Measured]) -> None:
    assert [one.labels for one in trained] == [16, 32]
    for one in trained:
        assert one.quick is not None
        assert one.tuned is not None
        assert one.scores == (one.tuned if one.speaks == "tuned" else one.quick)
        assert one.trained_on < one.labels  # some of them measure
    assert trained[0].seconds < trained[1].seconds


def test_the_same_seed_gives_the_same_numbers(
    trained: list[Measured], parts: tuple[Reviews, Reviews], tiny_base: Path, device: Device
) -> None:
    assert _told(list(Session(*parts, _training(tiny_base, [16, 32]), device).run())) == _told(trained)


def test_another_seed_gives_other_labels(parts: tuple[Reviews, Reviews]) -> None:
    assert looked_at(120, 0).tolist() != looked_at(120, 1).tolist()
    first, second = (list(Session(*parts, _quick([16], seed=seed)).run()) for seed in (0, 1))
    assert _told(first) != _told(second)


def test_nothing_is_chosen_by_the_test_labels(
    trained: list[Measured], parts: tuple[Reviews, Reviews], tiny_base: Path, device: Device
) -> None:
    """With every test label turned round the same answers are wrong that were right."""
    found, test = parts
    turned = replace(test, targets=[0 if target else 1 for target in test.targets])
    for one, other in zip(trained, Session(found, turned, _training(tiny_base, [16, 32]), device).run(), strict=True):
        assert (one.speaks, one.trained_on) == (other.speaks, other.trained_on)
        assert one.scores.accuracy == pytest.approx(1 - other.scores.accuracy)


def test_more_labels_are_worth_more_than_a_guess(parts: tuple[Reviews, Reviews]) -> None:
    (measured,) = Session(*parts, _quick([64])).run()
    assert measured.scores.accuracy > 0.7
    assert measured.speaks == "quick"
    assert measured.tuned is None


def test_a_budget_beyond_the_data_is_measured_once_with_all_of_it(parts: tuple[Reviews, Reviews]) -> None:
    measured = list(Session(*parts, _quick([64, 500, 900])).run())
    assert [(one.budget, one.labels) for one in measured] == [(64, 64), (500, 120)]
    assert [one.labels for one in Session(*parts, _quick([120, 500])).run()] == [120]


def test_without_an_audit_set_every_label_is_learned_from(parts: tuple[Reviews, Reviews]) -> None:
    measured = list(Session(*parts, _quick([32, 500], audit_every=0)).run())
    assert measured[0].trained_on == measured[0].labels == 32
    assert 32 < measured[1].labels < 120  # the audit set's share is never asked for


def test_one_class_alone_is_measured_by_how_frequent_labels_were(make: MakeReviews) -> None:
    same: list[tuple[str, Target]] = [(text, 1) for text, _ in sorted_by_a_word(40)]
    (measured,) = Session(make(same), make(same[:10]), _quick([16])).run()
    assert measured.speaks == "nothing"
    assert measured.quick is None
    assert measured.scores.accuracy == 1.0


def test_several_labels_a_review(make: MakeReviews) -> None:
    pairs: list[tuple[str, Target]] = [(text, (1,) if good else (0, 2)) for text, good in sorted_by_a_word(160)]
    plan = replace(_quick([64]), label_names=["negative", "positive", "complaint"], multi_label=True)
    (measured,) = Session(make(pairs[:120]), make(pairs[120:]), plan).run()
    assert measured.scores.micro_f1 > 0.7


def test_labels_names_are_a_hint_where_labels_are_few(make: MakeReviews) -> None:
    kinds = [(word, number) for number, word in enumerate([*GOOD, *BAD])]
    pairs: list[tuple[str, Target]] = [
        (f"{FILLER[place % len(FILLER)]} {word} {FILLER[place // len(FILLER) % len(FILLER)]}", number)
        for place in range(60)
        for word, number in kinds
    ]
    found, test, names = make(pairs[:500]), make(pairs[500:]), [word for word, _ in kinds]
    width = (found.features.shape[1] - 1) // 2  # the tiny base model has two layers
    alone = make(kinds).features[:, -1 - width : -1]
    right = [
        next(Session(found, test, replace(_quick([16]), label_names=names, name_vectors=vectors)).run())
        for vectors in (None, alone, alone[::-1])
    ]
    assert right[1].scores.accuracy > right[0].scores.accuracy + 0.1
    assert right[2].scores.accuracy > right[0].scores.accuracy - 0.1, "names that say something else do no harm"


def test_the_word_list_can_be_left_out(parts: tuple[Reviews, Reviews]) -> None:
    found, test = parts
    before = found.features.copy()
    list(Session(found, test, _quick([16], word_list=False)).run())
    assert np.array_equal(found.features, before)  # other sessions use them too


def test_a_session_stops_in_the_middle(parts: tuple[Reviews, Reviews], tiny_base: Path, device: Device) -> None:
    measured: list[Measured] = []
    for one in Session(*parts, _training(tiny_base, [8, 16, 32]), device).run(lambda: bool(measured)):
        measured.append(one)
    assert [one.labels for one in measured] == [8]


@dataclass
class _Asked:
    """Says stop from the n-th question on."""

    after: int
    times: int = 0

    def __call__(self) -> bool:
        self.times += 1
        return self.times > self.after


def test_a_session_stops_in_the_middle_of_a_training(
    parts: tuple[Reviews, Reviews], tiny_base: Path, device: Device
) -> None:
    told: list[tuple[int, float]] = []
    plan = _training(tiny_base, [8])
    session = Session(*parts, plan, device, lambda labels, share: told.append((labels, share)))
    assert list(session.run(_Asked(after=4))) == []
    assert told[-1][0] == 8


def test_an_unknown_strategy_is_refused(parts: tuple[Reviews, Reviews]) -> None:
    with pytest.raises(SettingsError, match="no strategy “best”"):
        Session(*parts, _quick([16], strategy="best"))


def test_scores_by_hand() -> None:
    said = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]], dtype=np.float32)
    found = scores(said, np.array([0, 1, 1, 0]))
    assert found.accuracy == 0.75
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.log_loss == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.9]).mean(), abs=1e-6)
    several = scores(np.array([[0.9, 0.6], [0.2, 0.1]], dtype=np.float32), np.array([[1, 0], [0, 0]]))
    assert several.accuracy == 0.5
    assert several.micro_f1 == pytest.approx(2 / 3)


@dataclass(frozen=True)
class _Result:
    method: str
    seed: int
    budget: int
    labels: int
    scores: dict[str, float]
    seconds: float


def test_mean_and_deviation_over_the_seeds() -> None:
    found = rows(
        [
            _Result("random", 0, 64, 64, {"accuracy": 0.5}, 1.0),
            _Result("auto", 0, 256, 256, {"accuracy": 0.9}, 9.0),
            _Result("auto", 0, 64, 64, {"accuracy": 0.7}, 1.0),
            _Result("auto", 1, 64, 64, {"accuracy": 0.8}, 3.0),
        ]
    )
    assert [(row.method, row.budget, row.seeds) for row in found] == [
        ("random", 64, 1),
        ("auto", 64, 2),
        ("auto", 256, 1),
    ]
    assert found[0].scores["accuracy"].deviation is None
    assert found[1].scores["accuracy"].mean == pytest.approx(0.75)
    assert found[1].scores["accuracy"].deviation == pytest.approx(0.0707, abs=1e-4)
    assert found[1].seconds.mean == 2.0
