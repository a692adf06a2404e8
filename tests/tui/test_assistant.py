"""The quick learner on the screens: what it does in a line, why reviews come, and more like the one that is up."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from sqlmodel import col, select
from textual.pilot import Pilot

from core.storage import queue, quick_run
from core.storage.database import Database
from core.storage.queue import Planned
from core.storage.tables import QueueReason, Review
from core.worker import events
from core.worker.client import WorkerLike
from core.worker.requests import Assist, Request, Train
from core.worker.scripted import Scripted, ScriptedWorker
from tests.conftest import MakeProject, learnable
from tests.tui.conftest import card_of, screen_text, session_of, settle, walk_to
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp

REVIEWS = 40


@pytest.fixture
def database(project: MakeProject) -> Database:
    return project(reviews=[text for text, _ in learnable(REVIEWS)])


class Started:
    """Starts scripted quick learners, and remembers them."""

    def __init__(self, script: list[Scripted]) -> None:
        self.script = script
        self.workers: list[ScriptedWorker] = []

    def __call__(self, request: Request) -> WorkerLike:
        self.workers.append(ScriptedWorker(request, self.script, step_by_step=True))
        return self.workers[-1]


async def begin(pilot: Pilot[None], app: LabelloopApp) -> None:
    """Have the quick learner started now rather than a moment after the first frame."""
    await settle(pilot, app)
    app._assistant.start()
    await pilot.pause()


async def play(pilot: Pilot[None], app: LabelloopApp, started: Started, entries: int = 1) -> None:
    started.workers[-1].advance(entries)
    for _ in range(3):
        await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def say(database: Database) -> Callable[[], None]:
    """Store what the quick learner says about every review, and put it in use."""

    def store() -> None:
        run_id = quick_run.prepare(database, "tiny", {"recipe": "layers"}, [1, 2], "CPU", "fp32")
        scores = struct.pack("<2f", 0.17, 0.83)
        said = {"run_id": run_id, "label_id": 2, "probability": 0.83, "scores": scores}
        with database.writing() as session:
            quick_run.fitted(session, run_id, 12, "d", 0.5, 0.1)
            quick_run.store(session, run_id, [{**said, "review_id": one} for one in range(1, REVIEWS + 1)])
            quick_run.publish_if_first(session, run_id)

    return store


async def test_the_strip_says_what_it_does_and_its_first_suggestions_appear(database: Database) -> None:
    started = Started(
        [
            events.Started("assist", None, ""),
            events.FeaturesComputed(23, 40, 100.0),
            events.QuickWaits(3, "3 reviews are labelled; the quick learner suggests from 8 on.", 8),
            say(database),
            events.QuickFitted(1, 12, 0.5, 0.1),
            events.HeadSuggested(1, 40),
            events.Failed("killed", "The worker was ended by signal 9.", "", ""),
        ]
    )
    app = LabelloopApp(database.path, start_assist=started)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(pilot, app)
        assert isinstance(started.workers[0].request, Assist)
        assert (started.workers[0].request.project, started.workers[0].request.drawn_every) == (
            str(database.path),
            10,
        )
        assert "quick learner: loading the base model" in screen_text(app)
        await play(pilot, app, started, 2)
        assert "features 23 of 40" in screen_text(app)
        await play(pilot, app, started)
        assert "quick learner: 3 of the 8 labels it needs, features 23 of 40" in screen_text(app)
        await walk_to(pilot, app, lambda card: not card.audit)
        assert "83 %" not in screen_text(app)
        await play(pilot, app, started, 3)
        assert "quick learner: 12 labels, features 23 of 40" in screen_text(app)
        assert "83 %" in screen_text(app)
        assert "Suggestion of the quick learner." in screen_text(app)
        await play(pilot, app, started)
        assert "ended by signal 9" in screen_text(app)
        await pilot.press("1")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 1, "labelling goes on without it"


async def test_more_like_this_walks_through_what_the_quick_learner_finds(database: Database) -> None:
    started = Started([events.Started("assist", None, ""), events.SimilarFound(0, [])])
    app = LabelloopApp(database.path, start_assist=started)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(pilot, app)
        card = card_of(app)
        others = [one for one in range(1, REVIEWS + 1) if one != card.review_id][:3]
        started.workers[0]._script[1] = events.SimilarFound(card.review_id, others)
        await pilot.press("g")
        await settle(pilot, app)
        assert [one.review_id for one in started.workers[0].asked] == [card.review_id]
        await play(pilot, app, started, 2)
        assert card_of(app).review_id == others[0]
        assert f"1/3 like {card.name}" in screen_text(app)
        if not card_of(app).audit:
            assert f"Like the review {card.name}." in screen_text(app)
        await pilot.press("escape")
        await settle(pilot, app)
        assert session_of(app).walk is None


async def test_without_a_quick_learner_the_key_says_so(database: Database) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await begin(pilot, app)
        before = card_of(app).review_id
        await pilot.press("g")
        await settle(pilot, app)
        assert card_of(app).review_id == before
        assert "which knows what is alike" in " ".join(screen_text(app).replace("▌", " ").split())


async def test_it_is_started_otherwise_when_a_setting_is_and_ends_with_the_project(database: Database) -> None:
    started = Started([events.Started("assist", None, "")])
    app = LabelloopApp(database.path, start_assist=started)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(pilot, app)
        app.change_settings({"theme": "labelloop-light"})
        await settle(pilot, app)
        assert len(started.workers) == 1
        app.change_settings({"strategy": "margin"})
        await settle(pilot, app)
        assert [worker.stopped for worker in started.workers] == [True, False]
        request = started.workers[1].request
        assert isinstance(request, Assist)
        assert request.strategy == "margin"
        app.change_settings({"quick_learner": False})
        await settle(pilot, app)
        assert [worker.stopped for worker in started.workers] == [True, True]
        assert "quick learner" not in screen_text(app)


async def test_beside_a_job_it_takes_few_words(database: Database) -> None:
    started = Started([events.Started("assist", None, ""), events.FeaturesComputed(10, 40, 9.0)])
    app = LabelloopApp(
        database.path,
        start_worker=lambda request: ScriptedWorker(request, [events.Started("train", 1, "")]),
        start_assist=started,
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(pilot, app)
        await play(pilot, app, started, 2)
        app._jobs.start(Train(str(database.path)))
        await settle(pilot, app)
        assert "train: loading the base model · quick: 0 labels, 25 %" in screen_text(app)


REASONS = [
    (QueueReason.RANDOM, None, None, "Drawn at random, to see what there is."),
    (QueueReason.COVER, 0.07, None, "Stands for 7 % of the reviews, none of which is labelled yet."),
    (QueueReason.DISTANCE, 0.62, None, "Unlike everything labelled so far: distance 0.62."),
    (QueueReason.DENSITY, 0.7, None, "Many reviews are like it: similarity 0.70."),
    (QueueReason.CONFIDENCE, 0.34, None, "The model is unsure: it gives its best label 34 %."),
    (QueueReason.ENTROPY, 0.9, None, "spread over the labels: 90 % of the most possible."),
    (QueueReason.MARGIN, 0.9, None, "The model is fairly sure, but there are few that it doubts more."),
    (QueueReason.RARE, 0.41, 2, "May be “negative”, which few reviews have so far: 41 %."),
    (QueueReason.LABEL, 0.8, 1, "May be “positive”, which was asked for: 80 %."),
    (QueueReason.DISAGREEMENT, 0.3, None, "The two learners disagree about it: 0.30 of 1."),
    (QueueReason.REPEAT, None, None, "Drawn at random, to see what there is."),
]


@pytest.mark.parametrize(
    ("planned", "said", "told"),
    [
        (0.12, 0.55, "hesitates between “positive” and “negative”: 10 points apart."),
        (0.12, 0.81, "The model hesitated over it, and has learned since."),
        (0.7, 0.81, "The model is fairly sure, but there are few that it doubts more."),
        (0.3, 0.502, "“negative”: a tie."),
    ],
)
async def test_the_reason_goes_with_the_bars_also_where_the_queue_is_older(
    database: Database, planned: float, said: float, told: str
) -> None:
    suggest_everything(database, said)
    with database.writing() as session:
        review = session.exec(select(Review).where(col(Review.audit).is_(False))).first()
        assert review is not None
        queue.replace(session, [Planned(review.id or 0, QueueReason.MARGIN, planned)])
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        assert told in screen_text(app)


async def test_the_screen_says_why_each_review_comes(database: Database) -> None:
    with database.writing() as session:
        ids = session.exec(select(Review.id).where(col(Review.audit).is_(False))).all()
        places = [
            Planned(review_id or 0, reason, number, label)
            for review_id, (reason, number, label, _) in zip(ids, REASONS, strict=False)
        ]
        queue.replace(session, places)
    assert {reason for reason, *_ in REASONS} | {QueueReason.AUDIT, QueueReason.SIMILAR} == set(QueueReason)
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        for place, (_, _, _, told) in zip(places, REASONS, strict=True):
            assert card_of(app).review_id == place.review_id
            assert told in screen_text(app)
            await pilot.press("space")
            await settle(pilot, app)
