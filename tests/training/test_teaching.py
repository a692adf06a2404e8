"""A training of few labels learns from reviews without one, by what a teacher says about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import TooFewLabels, TrainingError
from core.training import teaching
from core.training.arguments import TrainingArguments
from core.training.device import Device
from core.training.examples import TrainingSet
from core.training.few_labels import POOL_CHARACTERS, chosen_from_pool, taught_examples, worth_teaching
from core.training.gradient import BatchGradient
from core.training.loop import fine_tune
from core.training.predict import Predictor
from core.training.preparation import prepare
from core.training.progress import FoldDone, Loaded, Progress, StepDone
from core.training.teaching import FEWEST_LABELLED, FOLDS, MOST_LABELLED, Opinion, Taught, counted, teach, trust
from core.training.tuned import FineTuned, Stopped

from .reviews import BAD, GOOD, sentences, separable
from .test_loop import ignore, never

NAMES = ["bad", "good"]
POOL = [*sentences(BAD, 30, 77), *sentences(GOOD, 30, 78)]
POOL_TRUTH = np.array([0] * 30 + [1] * 30)


def sure(truth: np.ndarray[Any, Any], of_truth: float) -> np.ndarray[Any, Any]:
    """Probabilities [n, 2] that give each review's class this much."""
    return np.where(np.eye(2)[truth] == 1, of_truth, 1 - of_truth).astype(np.float32)


# ---------------------------------------------------------------------- the mixture


@pytest.mark.parametrize(("count", "of_right", "of_wrong"), [(1, 0.71, 0.49), (10, 1.0, 0.2), (1_000, 2.0, 0.0)])
def test_the_better_learner_is_trusted_more_the_more_reviews_say_so(
    count: int, of_right: float, of_wrong: float
) -> None:
    """With weights 0.6 + x and 0.6 - x and d = ln 9: n ln(1 + exp(-2 d x)) + 8 x² is least at x = 0.106 for one
    review and at 0.401 for ten; a thousand drive both to their bounds."""
    truth = np.zeros(count, dtype=np.int64)
    right, wrong = sure(truth, 0.9), sure(truth, 0.1)
    assert trust(right, wrong, truth) == pytest.approx((of_right, of_wrong), abs=0.02)
    assert trust(wrong, right, truth) == pytest.approx((of_wrong, of_right), abs=0.02)


def test_with_several_labels_a_review_every_label_counts() -> None:
    truth = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (5, 1))
    right, wrong = (np.tile(np.array([row], dtype=np.float32), (5, 1)) for row in ([0.9, 0.1], [0.1, 0.9]))
    assert trust(right, wrong, truth) == pytest.approx((1.0, 0.2), abs=0.02), "ten answers, as above"


def test_learners_that_are_right_about_different_reviews_are_mixed() -> None:
    truth = np.zeros(400, dtype=np.int64)
    first, second = sure(truth, 0.9), sure(truth, 0.9)
    first[::2], second[1::2] = 0.5, 0.5
    own, other = trust(first, second, truth)
    assert own == pytest.approx(other)
    assert own > 0.6


def test_a_learner_that_is_too_sure_is_trusted_less() -> None:
    truth = np.array([0, 0, 0, 1] * 50)
    certain = sure(np.zeros(200, dtype=np.int64), 0.99)
    knows_nothing = sure(truth, 0.5)
    own, _ = trust(certain, knows_nothing, truth)
    said = 1 / (1 + np.exp(-own * np.log(99)))
    assert said == pytest.approx(0.75, abs=0.02), "as sure as it is right"


# ---------------------------------------------------------------------- the teacher


@pytest.fixture
def short(quick: TrainingArguments) -> TrainingArguments:
    return replace(quick, epochs=None, steps=30, pool_reviews=200)


def taught_by(
    quick_says: float,
    arguments: TrainingArguments,
    device: Device,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> Taught:
    """What a teacher of 40 labelled reviews says, when the quick learner gives every truth that much."""
    examples = separable()
    truth = np.array(examples.train_labels)
    return teach(
        examples.train_texts, examples.train_labels, NAMES, POOL,
        Opinion(sure(truth, quick_says), sure(POOL_TRUTH, quick_says)),
        arguments, multi_label=False, report=report, should_stop=should_stop, device=device,
    )  # fmt: skip


def test_where_the_quick_learner_knows_nothing_the_models_teach(short: TrainingArguments, cpu: Device) -> None:
    told: list[Progress] = []
    taught = taught_by(0.5, replace(short, steps=50), cpu, told.append)
    assert taught.weight > 0.5
    assert taught.tuned_log_loss is not None
    assert taught.log_loss < taught.quick_log_loss == pytest.approx(np.log(2), abs=1e-4)
    assert (taught.pool.argmax(axis=1) == POOL_TRUTH).mean() > 0.9
    for said, count in ((taught.pool, 60), (taught.out_of_fold, 40)):
        assert said.shape == (count, 2)
        assert said.dtype == np.float32
        assert said.sum(axis=1) == pytest.approx(1, abs=1e-5)
    right = taught.out_of_fold[np.arange(40), list(separable().train_labels)]
    assert taught.log_loss == pytest.approx(float(-np.log(right).mean()), abs=1e-3)
    folds = [(one.fold, one.folds) for one in told if isinstance(one, FoldDone)]
    assert folds == [(number, FOLDS + 1) for number in range(1, FOLDS + 2)]
    trained_on = [one.train for one in told if isinstance(one, Loaded)]
    assert len(trained_on) == FOLDS + 1
    assert sum(40 - count for count in trained_on[:FOLDS]) == 40, "each labelled review was left out once"
    assert trained_on[-1] == 40


def test_where_the_quick_learner_is_right_it_teaches(short: TrainingArguments, cpu: Device) -> None:
    taught = taught_by(0.99, replace(short, steps=1, learning_rate=1e-6), cpu)
    assert taught.weight < 0.5
    assert taught.log_loss < 0.3
    assert (taught.pool.argmax(axis=1) == POOL_TRUTH).all()


def test_a_quick_learner_that_is_too_sure_teaches_with_less(
    short: TrainingArguments, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the fine-tuned model is not listened to at all."""
    monkeypatch.setattr(teaching, "trust", lambda *_: (0.0, 0.25))
    taught = taught_by(0.97, replace(short, steps=1), cpu)
    said = 1 / (1 + (0.03 / 0.97) ** 0.25)
    assert taught.pool.max(axis=1) == pytest.approx(said, abs=1e-3)
    assert taught.out_of_fold.max(axis=1) == pytest.approx(said, abs=1e-3)


@pytest.mark.parametrize(
    ("targets", "multi"),
    [
        ([0, 1] * (FEWEST_LABELLED // 2 - 1) + [0], False),
        ([1] * 20, False),
        ([0] * 19 + [1], False),
        ([(0,)] * 19 + [(0, 1)], True),
        ([(0,)] * 20, True),
        ([()] * 20, True),
    ],
    ids=["few", "one class", "one of the other", "one of the other set", "one set", "no label"],
)
def test_with_too_few_labels_for_models_the_quick_learner_teaches_alone(
    short: TrainingArguments, targets: Sequence[Any], multi: bool
) -> None:
    told: list[Progress] = []
    quick = Opinion(np.full((len(targets), 2), 0.4, np.float32), np.full((3, 2), 0.4, np.float32))
    taught = teach(
        ["phone"] * len(targets), targets, NAMES, ["a", "b", "c"], quick, short,
        multi_label=multi, report=told.append, should_stop=never,
    )  # fmt: skip
    assert (taught.weight, taught.tuned_log_loss) == (0.0, None)
    assert np.array_equal(taught.pool, quick.pool)
    assert np.array_equal(taught.out_of_fold, quick.out_of_fold)
    assert taught.log_loss == taught.quick_log_loss > 0
    assert told == [FoldDone(FOLDS + 1, FOLDS + 1)], "there is no part left to wait for"


@pytest.mark.parametrize("fold", [0, 1, FOLDS])
def test_it_stops_in_the_middle(short: TrainingArguments, cpu: Device, fold: int) -> None:
    told: list[Progress] = []

    def reached() -> bool:
        folds = [one for one in told if isinstance(one, FoldDone)]
        return len(folds) >= fold and bool(told) and isinstance(told[-1], StepDone) and told[-1].step >= 2

    with pytest.raises(Stopped) as stopped:
        taught_by(0.5, short, cpu, told.append, reached)
    assert stopped.value.best is None, "a teacher is no model of this project"
    assert not stopped.value.resumable
    assert len([one for one in told if isinstance(one, FoldDone)]) == fold


def test_it_stops_while_it_looks_at_the_pool(short: TrainingArguments, cpu: Device) -> None:
    told: list[Progress] = []

    def reached() -> bool:
        trainings = [one for one in told if isinstance(one, StepDone) and one.step == one.total_steps]
        return len(trainings) > FOLDS

    with pytest.raises(Stopped) as stopped:
        taught_by(0.5, short, cpu, told.append, reached)
    assert stopped.value.best is None


# ---------------------------------------------------------------------- labels and teacher together


def test_labels_and_the_teachers_opinions_come_together(short: TrainingArguments, cpu: Device) -> None:
    examples = separable()
    given = examples.train_texts, examples.train_labels, NAMES, POOL
    data, taught = taught_examples(
        *given, short, multi_label=False, report=ignore, should_stop=never, device=cpu
    )  # fmt: skip
    assert list(data.train_texts) == list(examples.train_texts)
    assert list(data.pool_texts) == POOL
    assert data.pool_targets is taught.pool
    assert not data.validation_texts
    assert (taught.pool.argmax(axis=1) == POOL_TRUTH).mean() > 0.85
    _, again = taught_examples(*given, short, multi_label=False, report=ignore, should_stop=never, device=cpu)
    assert np.array_equal(taught.pool, again.pool)
    with pytest.raises(TooFewLabels):
        taught_examples(
            ["a", "b"], [1, 1], NAMES, POOL, short, multi_label=False, report=ignore, should_stop=never, device=cpu
        )
    with pytest.raises(Stopped):
        taught_examples(*given, short, multi_label=False, report=ignore, should_stop=lambda: True, device=cpu)


def test_how_much_of_the_pool_is_learned_from(short: TrainingArguments) -> None:
    texts = ["one", " ", "", "two", "three", "\n", "four"]
    assert chosen_from_pool(texts, replace(short, pool_reviews=3)) == [0, 3, 4]
    assert chosen_from_pool(texts, replace(short, pool_reviews=0)) == []
    long = replace(short, pool_reviews=2_000)
    assert len(chosen_from_pool(["x" * 1_000] * 1_000, long)) == POOL_CHARACTERS // 1_000
    assert len(chosen_from_pool(["x" * 50_000] * 1_000, long)) == POOL_CHARACTERS // 1_000, "no more of one is read"
    assert worth_teaching(MOST_LABELLED - 1, 100, short)
    assert not worth_teaching(MOST_LABELLED, 100, short)
    assert not worth_teaching(MOST_LABELLED - 1, 99, short)
    assert not worth_teaching(100, 100, replace(short, pool_reviews=0))


# ---------------------------------------------------------------------- learning from a pool


def with_pool(labelled: int, of_truth: float = 0.9, **more: Any) -> TrainingSet:
    base = separable(train=labelled)
    return TrainingSet(
        base.train_texts, base.train_labels, [], [], NAMES, pool_texts=POOL, pool_targets=sure(POOL_TRUTH, of_truth)
    )


def right_about_new_reviews(tuned: FineTuned, cpu: Device) -> float:
    texts = [*sentences(BAD, 40, 501), *sentences(GOOD, 40, 502)]
    predictor = Predictor(
        tuned.model, tuned.tokenizer, tuned.label_names, multi_label=False, max_length=tuned.max_length, device=cpu
    )
    return float((predictor.predict(texts).argmax(axis=1) == np.array([0] * 40 + [1] * 40)).mean())


def test_it_learns_from_the_pool_what_its_labels_do_not_say(short: TrainingArguments, cpu: Device) -> None:
    longer = replace(short, steps=70)
    examples = with_pool(4)
    told: list[Progress] = []
    taught = fine_tune(examples, longer, told.append, never, cpu)
    alone = fine_tune(replace(examples, pool_texts=(), pool_targets=None), longer, ignore, never, cpu)
    assert right_about_new_reviews(taught, cpu) > max(right_about_new_reviews(alone, cpu), 0.9)
    assert isinstance(told[0], Loaded)
    assert told[0].train == taught.train == 4


@pytest.mark.parametrize("of_truth", [0.65, 0.95])
def test_it_is_as_sure_as_its_teacher(short: TrainingArguments, cpu: Device, of_truth: float) -> None:
    tuned = fine_tune(with_pool(20, of_truth), replace(short, steps=80), ignore, never, cpu)
    predictor = Predictor(
        tuned.model, tuned.tokenizer, tuned.label_names, multi_label=False, max_length=tuned.max_length, device=cpu
    )
    assert tuned.temperature != 1.0
    assert predictor.predict(POOL).max(axis=1).mean() == pytest.approx(of_truth, abs=0.08)


@pytest.mark.parametrize(("labelled", "times"), [(10, 1), (5, 2), (3, 3), (200, 1)])
def test_labelled_reviews_have_their_share_of_an_epoch(
    short: TrainingArguments, cpu: Device, labelled: int, times: int
) -> None:
    prepared = prepare(with_pool(labelled), short, cpu)
    pool = range(labelled, labelled + 54)  # of 60 a tenth is kept back
    assert sorted(prepared.places) == sorted([*list(range(labelled)) * times, *pool])
    assert torch.equal(prepared.targets[:labelled].argmax(dim=1), torch.tensor(prepared.examples.train_labels))
    assert torch.equal(prepared.targets[labelled:], torch.from_numpy(sure(POOL_TRUTH, 0.9)))
    automatic = prepare(with_pool(labelled), replace(short, steps=None, min_steps=1), cpu).schedule
    assert automatic.total_steps == 2 * automatic.steps_per_epoch, "the pool is seen twice"


@pytest.mark.parametrize(("labelled", "epochs"), [(398, 2), (400, 4)])
def test_beside_many_labelled_reviews_the_pool_is_seen_more_often(
    short: TrainingArguments, cpu: Device, labelled: int, epochs: int
) -> None:
    schedule = prepare(with_pool(labelled), replace(short, steps=None, min_steps=1), cpu).schedule
    assert schedule.total_steps == epochs * schedule.steps_per_epoch


def test_it_tells_how_far_it_is_from_its_teacher_where_it_did_not_learn(
    short: TrainingArguments, cpu: Device
) -> None:
    sense, longer = with_pool(20), replace(short, steps=80)
    learned = fine_tune(sense, longer, ignore, never, cpu)
    assert learned.divergence is not None
    assert 0 <= learned.divergence < 0.1
    assert sense.pool_targets is not None
    targets = sense.pool_targets.copy()
    targets[-6:] = targets[-6:, ::-1]
    misled = fine_tune(replace(sense, pool_targets=targets), longer, ignore, never, cpu)
    assert misled.divergence is not None
    assert misled.divergence > learned.divergence + 0.2, "those it did not learn from say the contrary"
    assert fine_tune(separable(), short, ignore, never, cpu).divergence is None


@pytest.mark.parametrize(
    ("divergence", "log_loss", "expected"), [(None, 0.5, 0.0), (0.05, 0.5, 0.0), (0.1, 0.2, 0.07), (1.4, 1.4, 1.19)]
)
def test_what_a_student_did_not_learn_counts_against_it(
    divergence: float | None, log_loss: float, expected: float
) -> None:
    assert counted(divergence, log_loss) == pytest.approx(expected)


def test_several_labels_a_review_are_learned_from_a_pool(short: TrainingArguments, cpu: Device) -> None:
    base = separable(train=20)
    targets = np.column_stack([sure(POOL_TRUTH, 0.9), np.full(60, 0.8, np.float32)])
    examples = TrainingSet(
        base.train_texts, [(int(str(label)), 2) for label in base.train_labels], [], [], [*NAMES, "text"],
        multi_label=True, pool_texts=POOL, pool_targets=targets,
    )  # fmt: skip
    tuned = fine_tune(examples, replace(short, steps=80, class_weights="balanced"), ignore, never, cpu)
    said = Predictor(
        tuned.model, tuned.tokenizer, tuned.label_names, multi_label=True, max_length=tuned.max_length, device=cpu
    ).predict(POOL)
    assert ((said[:, :2] > 0.5) == np.eye(2)[POOL_TRUTH].astype(bool)).mean() > 0.9
    assert said[:, 2].min() > 0.5


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 2.0])])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_probabilities_that_are_sure_are_labels(cpu: Device, weights: torch.Tensor | None, smoothing: float) -> None:
    class Linear(nn.Module):
        """As a classifier of two-token texts."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([[0.3, -0.2], [0.1, 0.4]]))

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return type("Said", (), {"logits": input_ids.float() @ self.weight * attention_mask.float().mean()})

    ids, labels = [[1, 2], [3, 1], [2, 2]], torch.tensor([0, 1, 1])
    found = []
    for targets in (labels, torch.eye(2)[labels]):
        model = Linear()
        gradient = BatchGradient(model, 0, cpu, False, smoothing, 2, lambda _: None, class_weights=weights)
        loss = gradient.compute(ids, targets)
        assert model.weight.grad is not None
        found.append((loss, model.weight.grad))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-6)


def test_a_pool_needs_an_opinion_of_each_review() -> None:
    base = separable()
    for targets in (None, np.zeros((3, 2), np.float32)):
        with pytest.raises(TrainingError, match="differ in number"):
            replace(base, pool_texts=["a", "b"], pool_targets=targets)
