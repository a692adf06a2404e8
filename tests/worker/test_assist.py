"""The quick learner: a process beside the app that learns from every label."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlmodel import Session, col, select

from core import mistakes
from core.labelling.session import LabellingSession
from core.storage import decisions, feature_cache, learning, quick_run, runs, scheme, scheme_changes, versions
from core.storage.cards import Card
from core.storage.database import Database, annotator_id, open_project, project_of
from core.storage.states import labelled
from core.storage.tables import Annotation, QueueEntry, QueueReason, Review, Run, RunKind, RunStatus, Suggestion
from core.worker.client import Worker
from core.worker.events import (
    LAST,
    Cancelled,
    Event,
    Explained,
    Failed,
    FeaturesComputed,
    Finished,
    HeadSuggested,
    Noticed,
    QuickFitted,
    QuickStored,
    QuickWaits,
    SimilarFound,
)
from core.worker.jobs.assist import assist
from core.worker.requests import Assist, Explain, FindSimilar, Question
from tests.conftest import MakeProject, learnable

REVIEWS = 150
PATIENCE = 120.0
"""Seconds a test waits for an event before it fails; a machine may be busy."""

T = TypeVar("T", bound=Event)


class Listening:
    """What a quick learner tells, wherever it runs."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self._news = threading.Condition()

    def hear(self, event: Event) -> None:
        with self._news:
            self.told.append(event)
            self._news.notify_all()

    def until(self, kind: type[T], fits: Callable[[T], bool] = lambda _event: True, after: int = 0) -> T:
        """The first such event after so many; waits for it. A last event that is none ends the wait."""
        end = time.monotonic() + PATIENCE
        with self._news:
            while True:
                for event in self.told[after:]:
                    if isinstance(event, kind) and fits(event):
                        return event
                if any(isinstance(event, LAST) for event in self.told) or not self._news.wait(end - time.monotonic()):
                    pytest.fail(f"no {kind.__name__} came: {self.told}")


class Here(Listening):
    """A quick learner in a thread of the test's process, which has the libraries loaded."""

    def __init__(self, request: Assist) -> None:
        super().__init__()
        self.inbox: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._database = open_project(Path(request.project))
        self._thread = threading.Thread(target=self._run, args=(request,))
        self._thread.start()

    def _run(self, request: Assist) -> None:
        try:
            self.hear(assist(self._database, request, self.hear, self._stop.is_set, "", self.inbox))
        except BaseException as error:
            self.hear(Failed(type(error).__name__, str(error), "", ""))
            raise

    def close(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        self._database.close()


@pytest.fixture
def here(tiny_base: Path) -> Iterator[Callable[[Database], Here]]:
    """Starts quick learners in threads, and ends them."""
    started: list[Here] = []

    def start(database: Database, **wanted: object) -> Here:
        given = {"base_model": str(tiny_base), **wanted}
        started.append(Here(Assist(str(database.path), **given)))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def database(project: MakeProject) -> Database:
    """Reviews whose label one word gives away, none of them labelled."""
    return project(reviews=[text for text, _ in learnable(REVIEWS)])


TRUE = dict(learnable(REVIEWS))


def label_some(session: LabellingSession, many: int, of: Callable[[Card], list[int]] | None = None) -> None:
    """Label what comes up until so many reviews outside the audit set are labelled, as a person would."""
    names = {label.name: label.id or 0 for label in session.scheme}
    while many:
        card = session.current
        assert card is not None
        many -= not card.audit
        session.give(of(card) if of else [names[TRUE[card.text]]])
    session.writer.flush()


def label_these(database: Database, of: dict[int, list[int]]) -> None:
    """Label certain reviews."""
    with database.writing() as session:
        annotator = annotator_id(session, "ann")
        for review_id, label_ids in of.items():
            decisions.decide(session, annotator, "label", {review_id: labelled(annotator, label_ids)})


def trainable(database: Database) -> list[int]:
    """Ids of the reviews outside the audit set."""
    with database.reading() as session:
        found = session.exec(select(Review.id).where(col(Review.audit).is_(False)).order_by(col(Review.id)))
        return [one for one in found if one is not None]


def the_run(database: Database) -> Run:
    with database.reading() as session:
        found = runs.all_runs(session)
    assert [run.kind for run in found] == [RunKind.QUICK]
    return found[0]


def said(database: Database, run_id: int) -> dict[int, Suggestion]:
    with database.reading() as session:
        return {one.review_id: one for one in session.exec(select(Suggestion).where(Suggestion.run_id == run_id))}


# ---------------------------------------------------------------------- a real process


class There(Listening):
    """A quick learner in a process of its own, as the app has it."""

    def __init__(self, request: Assist) -> None:
        super().__init__()
        self._worker = Worker(request)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._follow(),))
        self._thread.start()

    async def _follow(self) -> None:
        async for event in self._worker.events():
            self.hear(event)

    def ask(self, question: FindSimilar) -> None:
        asyncio.run_coroutine_threadsafe(self._worker.ask(question), self._loop).result(PATIENCE)

    def kill(self) -> None:
        assert self._worker.process_id is not None
        os.kill(self._worker.process_id, signal.SIGKILL)
        self._thread.join(PATIENCE)
        self._loop.close()

    def stop(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._worker.stop(), self._loop).result(PATIENCE)
        self._thread.join(PATIENCE)
        self._loop.close()


def test_twelve_labels_give_suggestions_for_all_and_its_features_outlive_it(
    database: Database, tiny_base: Path
) -> None:
    request = Assist(str(database.path), str(tiny_base))
    quick = There(request)
    session = LabellingSession(database, "ann")
    quick.until(FeaturesComputed, lambda event: event.done == event.total == REVIEWS)
    quick.until(HeadSuggested, lambda event: event.run_id is None)
    label_some(session, 12)
    stored = quick.until(QuickStored)
    run = the_run(database)
    assert (run.id, run.status, run.name) == (stored.run_id, RunStatus.FINISHED, quick_run.NAME)
    assert run.metrics[quick_run.LOG_LOSS] > 0
    assert (run.train_size, run.metrics["labels"]) == (12, 12)
    with database.reading() as reading:
        assert project_of(reading).run_in_use == run.id
        assert runs.running(reading) is None, "it does not count as a training"
        wanted = {one for one, _ in learning.to_suggest(reading, 0, REVIEWS)}
    assert wanted == set(said(database, stored.run_id)), "every review without a decision has a suggestion"
    session.renew_ahead()
    card = session.move_on()
    assert card is not None
    assert card.suggested is not None
    assert card.suggested.quick

    quick.ask(FindSimilar(card.review_id, 5))
    found = quick.until(SimilarFound)
    assert len(set(found.review_ids)) == 5
    assert card.review_id not in found.review_ids

    folder = database.models / feature_cache.FOLDER
    before = {path.name: path.read_bytes() for path in folder.glob("*.[ri]*")}
    quick.kill()
    assert isinstance(quick.told[-1], Failed)
    again = There(request)
    fitted = again.until(QuickFitted)
    assert (fitted.run_id, fitted.labels) == (stored.run_id, 12), "the same run goes on"
    again.until(QuickStored)
    again.stop()
    assert isinstance(again.told[-1], Cancelled)
    assert {path.name: path.read_bytes() for path in folder.glob("*.[ri]*")} == before, "nothing was computed again"
    session.close()


# ---------------------------------------------------------------------- in a thread


def test_the_queue_covers_what_there_is_before_the_first_label(database: Database, here: Callable[..., Here]) -> None:
    quick = here(database, drawn_every=4)
    quick.until(FeaturesComputed, lambda event: event.done == REVIEWS)
    heard = len(quick.told)
    quick.until(HeadSuggested, after=heard - 1)
    with database.reading() as session:
        entries = session.exec(select(QueueEntry).order_by(col(QueueEntry.position))).all()
        audit = {review.id: review.audit for review in session.exec(select(Review))}
    assert len({entry.review_id for entry in entries}) == len(entries) == REVIEWS
    assert [entry.position for entry in entries[:40] if entry.reason is QueueReason.AUDIT] == list(range(3, 40, 4))
    assert {entry.reason for entry in entries} & {QueueReason.COVER, QueueReason.DISTANCE, QueueReason.DENSITY}
    assert all(audit[entry.review_id] == (entry.reason is QueueReason.AUDIT) for entry in entries)


def test_a_class_that_appears_later_and_labels_that_are_renamed_and_merged(
    database: Database, here: Callable[..., Here]
) -> None:
    ids = trainable(database)
    label_these(database, {one: [1 + number % 2] for number, one in enumerate(ids[:10])})
    quick = here(database)
    quick.until(QuickStored)
    run = the_run(database)
    assert run.label_ids == [1, 2]
    with database.writing() as session:
        scheme_changes.add(session, 1, "third")
        third = scheme.find(session, "third").id or 0
        scheme_changes.rename(session, 1, 1, "fine")
    label_these(database, {one: [third] for one in ids[10:14]})
    heard = len(quick.told)
    quick.until(QuickStored, lambda event: event.count > 0, after=heard)
    run = the_run(database)
    assert run.label_ids == [1, 2, third]
    assert {len(one.scores) for one in said(database, run.id or 0).values()} == {12}, (
        "all say something of each label"
    )
    with database.writing() as session:
        scheme_changes.merge(session, 1, third, 2)
    heard = len(quick.told)
    quick.until(QuickStored, after=heard)
    run = the_run(database)
    assert run.label_ids == [1, 2]
    assert {len(one.scores) for one in said(database, run.id or 0).values()} == {8}
    assert run.suggested == len(said(database, run.id or 0))


def test_labels_all_of_one_class_are_waited_with_in_a_sentence(database: Database, here: Callable[..., Here]) -> None:
    ids = trainable(database)
    label_these(database, {one: [1] for one in ids[:10]})
    quick = here(database)
    waits = quick.until(QuickWaits)
    assert waits.labels == 10
    assert "one class" in waits.message
    with database.reading() as session:
        assert runs.all_runs(session) == []
    label_these(database, {one: [2] for one in ids[10:14]})
    assert quick.until(QuickFitted).labels == 14


def test_several_labels_a_review(project: MakeProject, here: Callable[..., Here]) -> None:
    database = project(labels=("food", "price", "service"), multi=True, reviews=[text for text, _ in learnable(60)])
    sets: list[list[int]] = [[1], [2], [1, 2], [], [3], [1, 3]]
    label_these(database, {one: sets[number % 6] for number, one in enumerate(trainable(database)[:18])})
    quick = here(database)
    stored = quick.until(QuickStored)
    found = said(database, stored.run_id)
    assert {len(one.scores) for one in found.values()} == {12}
    assert all((one.label_id is None) == (one.probability < 0.5) for one in found.values())


def test_one_quick_learner_a_project_however_many_windows(database: Database, here: Callable[..., Here]) -> None:
    first = here(database)
    first.until(FeaturesComputed)
    second = here(database)
    assert "another window" in second.until(QuickWaits).message
    first.close()
    second.until(FeaturesComputed, lambda event: event.done == REVIEWS)


def test_a_base_model_that_is_not_there_is_not_fetched(database: Database, tmp_path: Path) -> None:
    told: list[Event] = []
    request = Assist(str(database.path), str(tmp_path / "none"))
    last = assist(database, request, told.append, lambda: False, "", queue.SimpleQueue())
    assert isinstance(last, Finished)
    assert any(isinstance(event, Noticed) and "base model" in event.message for event in told)


def test_it_takes_the_place_of_a_run_that_measures_worse_and_of_no_other(
    database: Database, here: Callable[..., Here]
) -> None:
    """By the out-of-sample log-loss that is stored with each; not of one that a person has chosen."""
    ids = trainable(database)
    label_these(database, {one: [1 + number % 2] for number, one in enumerate(ids[:10])})
    with database.writing() as session:
        trained = runs.start(session, "tiny", {}, [1, 2])
        runs.end(session, trained, RunStatus.FINISHED)
        runs.change(session, trained, metrics={quick_run.LOG_LOSS: 1e-6})
        scores = b"\x00\x00\x80\x3f" * 2
        rows = [
            {"run_id": trained, "review_id": one, "label_id": 1, "probability": 1.0, "scores": scores} for one in ids
        ]
        runs.add_suggestions(session, rows)
        runs.publish(session, trained, len(rows))
    quick = here(database)
    assert not quick.until(QuickStored).in_use
    with database.writing() as session:
        runs.change(session, trained, metrics={quick_run.LOG_LOSS: 100.0})
        versions.promote(session, trained)
    heard = len(quick.told)
    label_these(database, {ids[10]: [1]})
    assert not quick.until(QuickStored, after=heard).in_use, "a person has chosen the other"
    with database.writing() as session:
        runs.change(session, trained, metrics={quick_run.LOG_LOSS: 100.0})
    heard = len(quick.told)
    label_these(database, {ids[11]: [2]})
    stored = quick.until(QuickStored, after=heard)
    assert stored.in_use
    assert "quick learner" in stored.message
    with database.reading() as session:
        assert project_of(session).run_in_use == stored.run_id
        assert scheme.usage(session)[1].suggested > 0


def test_it_tells_which_words_carried_a_suggestion(here: Callable[[Database], Here], database: Database) -> None:
    """The quick learner’s own, and for want of a suggestion says that there is nothing to explain."""
    learner = here(database)
    session = LabellingSession(database, "ann")
    label_some(session, 40)
    session.close()
    learner.until(QuickStored)
    with database.reading() as reading:
        asked = next(one.review_id for one in reading.exec(select(Suggestion)) if one.review_id not in seen(reading))
        text = reading.get(Review, asked).text  # type: ignore[union-attr]
        # It has answered for every labelled review without having seen the label: mistakes can be looked for.
        assert mistakes.find(reading).answered >= 40
    learner.inbox.put(Explain(asked))
    found = learner.until(Explained)
    assert found.review_id == asked
    assert found.words or found.message
    assert set(found.words) <= {word.casefold() for word in text.split()}
    assert found.effects == sorted(found.effects, reverse=True)
    learner.inbox.put(Explain(10_000_000))
    assert "nothing to explain" in learner.until(Explained, lambda event: event.review_id == 10_000_000).message


def seen(session: Session) -> set[int]:
    """Reviews that somebody has decided about."""
    return set(session.exec(select(Annotation.review_id)))
