"""A simulated session: labels that are known already, given one by one, as a person would give them.

Everything is the app's own: the queue decides which review comes, the quick learner is fitted as labels come, at
each budget a model is trained as by `train`, and by its log-loss on reviews it had not seen it speaks, or the quick
learner goes on. What both say of the test reviews is compared with their labels, which nothing before has looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelloopError
from core.evaluate.rehearsed import Scores, scores
from core.queue.choice import strategy as strategy_of
from core.queue.plan import plan
from core.queue.pool import Pool
from core.training.arguments import TrainingArguments
from core.training.device import Device, choose_device
from core.training.examples import Target, split
from core.training.few_labels import chosen_from_pool, taught_examples, worth_teaching
from core.training.loop import fine_tune
from core.training.predict import PredictionStopped, Predictor
from core.training.progress import FoldDone, Progress, StepDone
from core.training.quick import learner
from core.training.quick.names import hints
from core.training.quick.space import Space
from core.training.targets import target_array
from core.training.teaching import FOLDS, counted
from core.training.tuned import Stopped

__all__ = ["Measured", "Plan", "Reviews", "Scores", "Session", "looked_at", "scores"]

AUDIT_SHARE = 0.2
"""As in a project."""

SEEN_AHEAD = 5_000
"""Reviews of a session that are looked at, the first in a random order: what a person gets through is far less."""


@dataclass(frozen=True)
class Reviews:
    """Reviews whose labels are known."""

    texts: Sequence[str]
    targets: Sequence[Target]
    features: NDArray[np.float16]
    """[reviews, dimensions]."""


@dataclass(frozen=True)
class Plan:
    """What is rehearsed."""

    label_names: Sequence[str]
    multi_label: bool
    budgets: Sequence[int]
    """Numbers of labels, the audit set's among them, at which is measured; ascending."""
    strategy: str = "auto"
    seed: int = 0
    audit_every: int = 10
    arguments: TrainingArguments = field(default_factory=TrainingArguments)
    train: bool = True
    """Whether a model is fine-tuned at each budget; else the quick learner is alone."""
    word_list: bool = True
    """Whether the quick learner may look at the word list's opinion."""
    name_vectors: NDArray[np.float16] | None = None
    """[labels, width]: what the base model makes of the labels' names; None where they are to say nothing."""


@dataclass(frozen=True)
class Measured:
    """What a number of labels has bought."""

    labels: int
    trained_on: int
    """Of these, outside the audit set."""
    quick: Scores | None
    """None while no quick learner could be fitted."""
    tuned: Scores | None
    speaks: str
    """`quick`, `tuned` or `nothing`: who had the lower log-loss on reviews it had not seen."""
    scores: Scores
    """Of the one that speaks."""
    seconds: float
    """Of all trainings of the session up to here, fits of the quick learner among them; not of the features, which
    are computed once for all sessions."""
    budget: int
    """The number of labels it was to be measured at; `labels` is less where the data ended."""


Tell = Callable[[int, float], None]
"""Told how many labels are given, and how much of the training at this number is done, 0 to 1."""


def looked_at(reviews: int, seed: int) -> NDArray[np.int64]:
    """The places of the reviews that a session with this seed looks at, in its random order."""
    return np.random.default_rng(seed).permutation(reviews)[:SEEN_AHEAD]


class Session:
    """One rehearsal."""

    def __init__(
        self,
        found: Reviews,
        test: Reviews,
        plan_: Plan,
        device: Device | None = None,
        tell: Tell = lambda _labels, _share: None,
    ) -> None:
        """Draw the audit set's share, as an import does, and begin with no labels.

        Raises SettingsError for a strategy that does not exist or needs a label.
        """
        self._plan, self._test, self._tell = plan_, test, tell
        self._strategy = strategy_of(plan_.strategy)
        self._device = device or choose_device()
        rng = np.random.default_rng(plan_.seed)
        order = rng.permutation(len(found.texts))[:SEEN_AHEAD]
        self._texts = [found.texts[place] for place in order]
        self._targets = [found.targets[place] for place in order]
        self._features = found.features[order]
        if not plan_.word_list:
            self._features[:, -1] = 0  # a copy: indexing with places makes one
            self._test = replace(test, features=_without_opinion(test.features))
        self._audit = rng.random(len(order)) < AUDIT_SHARE
        self._labelled: list[int] = []
        self._space: Space | None = None
        self._hints: Sequence[NDArray[np.float32]] = ()
        self._quick: learner.QuickModel | None = None
        self._since_audit = 0
        self._seconds = 0.0

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Measured]:
        """Label up to each budget, and measure there; ends when all is labelled or `should_stop` says so."""
        measured_at = 0
        for budget in self._plan.budgets:
            while len(self._labelled) < budget:
                if should_stop():
                    return
                if not self._label(min(self._portion(), budget - len(self._labelled))):
                    break
                began = time.monotonic()
                self._fit()
                self._seconds += time.monotonic() - began
                self._tell(len(self._labelled), 0.0)
            if len(self._labelled) == measured_at:
                return
            try:
                measured = self._measure(budget, should_stop)
            except (Stopped, PredictionStopped):
                return
            measured_at = measured.labels
            yield measured

    def _portion(self) -> int:
        """Labels until the queue is made anew: at first every few, later more; a person is ahead of it as well."""
        return max(len(self._labelled) // 8, 4)

    def _label(self, count: int) -> int:
        """Take the first of the queue and look at their labels; how many there were."""
        undecided = np.setdiff1d(np.arange(len(self._texts)), self._labelled)
        if not len(undecided):
            return 0
        said = self._quick.predict(self._features[undecided]) if self._quick else None
        trained = self._trained
        pool = Pool(
            size=len(undecided),
            features=self._features,
            rows=undecided,
            probabilities=said,
            labelled=self._given(trained),
            labelled_rows=np.array(trained, dtype=np.int64),
            audit=self._audit[undecided],
            multi=self._plan.multi_label,
            seed=self._plan.seed,
        )
        planned = plan(pool, self._strategy, count, self._plan.audit_every, self._since_audit)
        taken: list[int] = undecided[planned.positions[:count]].tolist()
        for place in taken:
            self._labelled.append(place)
            self._since_audit = 0 if self._audit[place] else self._since_audit + 1
        return len(taken)

    @property
    def _trained(self) -> list[int]:
        return [place for place in self._labelled if not self._audit[place]]

    def _given(self, places: Sequence[int]) -> NDArray[np.bool_]:
        given = np.zeros((len(places), len(self._plan.label_names)), dtype=np.bool_)
        for row, place in enumerate(places):
            target = self._targets[place]
            given[row, list(target) if isinstance(target, tuple) else target] = True
        return given

    def _fit(self) -> None:
        names, multi_label = self._plan.label_names, self._plan.multi_label
        if self._space is None:
            self._space = Space.of(self._features)
            if self._plan.name_vectors is not None:
                self._hints = hints(self._space, self._features, names, self._plan.name_vectors, multi_label)
        places, classes = self._trained, len(names)
        targets = target_array([self._targets[place] for place in places], classes, multi_label)
        try:
            self._quick = learner.fit(self._features[places], targets, classes, multi_label, self._space, self._hints)
        except LabelloopError:
            self._quick = None

    def _measure(self, budget: int, should_stop: Callable[[], bool]) -> Measured:
        quick = self._scores(self._quick.predict(self._test.features)) if self._quick else None
        tuned: Scores | None = None
        speaks = "quick" if quick else "nothing"
        if self._plan.train and self._quick is not None:
            began = time.monotonic()
            said, log_loss, quicks = self._train(should_stop, self._quick.out_of_sample_log_loss)
            self._seconds += time.monotonic() - began
            tuned = self._scores(said)
            speaks = "tuned" if log_loss <= quicks else "quick"
        chosen = tuned if speaks == "tuned" else quick
        if chosen is None:
            counts = self._given(self._labelled).mean(axis=0).astype(np.float32)
            chosen = self._scores(np.tile(counts, (len(self._test.texts), 1)))
        labels, trained = len(self._labelled), len(self._trained)
        return Measured(labels, trained, quick, tuned, speaks, chosen, self._seconds, budget)

    def _train(self, should_stop: Callable[[], bool], quicks: float) -> tuple[NDArray[np.float32], float, float]:
        """What a model trained now says of the test reviews, its log-loss on reviews it had not seen, and the quick
        learner's: where both were measured by the same training, that one."""
        plan_, places = self._plan, self._trained
        texts, targets = [self._texts[place] for place in places], [self._targets[place] for place in places]
        arguments = replace(plan_.arguments, seed=plan_.seed)
        rest = [place for place in range(len(self._texts)) if not self._audit[place]]
        rest = [place for place in rest if place not in set(self._labelled)]
        rest = [rest[place] for place in chosen_from_pool([self._texts[place] for place in rest], arguments)]
        log_loss = float("inf")
        if worth_teaching(len(texts), len(rest), arguments):
            known = {self._texts[place]: place for place in [*rest, *places]}
            examples, taught = taught_examples(
                texts,
                targets,
                plan_.label_names,
                [self._texts[place] for place in rest],
                arguments,
                multi_label=plan_.multi_label,
                report=self._shares(0, FOLDS + 2),
                should_stop=should_stop,
                device=self._device,
                features=lambda asked: self._features[[known[text] for text in asked]],
                name_vectors=plan_.name_vectors,
            )
            log_loss, quicks = taught.log_loss, taught.quick_log_loss
        else:
            examples = split(
                texts,
                targets,
                plan_.label_names,
                validation_share=arguments.validation_share,
                seed=arguments.seed,
                multi_label=plan_.multi_label,
            )
        before = FOLDS + 1 if log_loss < float("inf") else 0
        tuned = fine_tune(examples, arguments, self._shares(before, before + 1), should_stop, self._device)
        if tuned.divergence is not None:
            log_loss += counted(tuned.divergence, log_loss)
        if tuned.history:
            log_loss = min(point.validation_loss for point in tuned.history)
        predictor = Predictor(
            tuned.model,
            tuned.tokenizer,
            tuned.label_names,
            multi_label=plan_.multi_label,
            max_length=tuned.max_length,
            device=self._device,
        )
        return predictor.predict(self._test.texts, should_stop=should_stop), log_loss, quicks

    def _shares(self, done: int, models: int) -> Callable[[Progress], None]:
        """Takes a training's progress and tells how much of it is done, `done` of so many models being there."""

        def report(told: Progress) -> None:
            nonlocal done
            if isinstance(told, FoldDone):
                done = told.fold
            elif isinstance(told, StepDone):
                share = told.step / max(told.total_steps, 1)
                self._tell(len(self._labelled), min((done + share) / models, 1.0))

        return report

    def _scores(self, said: NDArray[np.float32]) -> Scores:
        classes = len(self._plan.label_names)
        truth = target_array(self._test.targets, classes, self._plan.multi_label)
        return scores(said, truth)


def _without_opinion(features: NDArray[np.float16]) -> NDArray[np.float16]:
    blank = features.copy()
    blank[:, -1] = 0
    return blank
