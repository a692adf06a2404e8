"""What was fetched beforehand follows the queue and the suggestions, and nothing changes under a person's hands."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from sqlmodel import col, select

from core.labelling.ahead import FETCHED, KEPT
from core.labelling.session import LabellingSession
from core.storage import queue, runs
from core.storage.database import Database
from core.storage.queue import Planned
from core.storage.states import states
from core.storage.tables import QueueReason, Review
from tests.conftest import MakeProject
from tests.storage.corpus import suggest

REVIEWS = 100


@pytest.fixture
def database(project: MakeProject) -> Database:
    return project(reviews=[" ".join(f"w{number}{letter}" for letter in "abcdefgh") for number in range(REVIEWS)])


def say(database: Database, first: float) -> None:
    """A run in use that gives every review the first label with this probability."""
    with database.writing() as session:
        run_id = runs.start(session, "tiny", {}, [1, 2])
        suggest(session, run_id, dict.fromkeys(range(1, REVIEWS + 1), (first, 1 - first)), False)
        runs.publish(session, run_id, REVIEWS)


def plan(database: Database, order: list[int]) -> None:
    with database.writing() as session:
        queue.replace(session, [Planned(one, QueueReason.DISTANCE, 0.7) for one in order])


def test_the_next_few_stay_and_the_others_follow_the_new_queue(database: Database) -> None:
    order = list(range(1, REVIEWS + 1))
    plan(database, order)
    session = LabellingSession(database, "ann")
    seen = [session.current.review_id] if session.current else []
    say(database, 0.8)
    plan(database, order[::-1])
    session.renew_ahead()
    for _ in range(KEPT + 10):
        session.give([1])
        assert session.current is not None
        assert session.current.suggested is not None, "what was fetched before says what is said now"
        assert (session.current.reason, session.current.number) == (QueueReason.DISTANCE, 0.7)
        seen.append(session.current.review_id)
    with database.reading() as reading:
        audit = set(reading.exec(select(Review.id).where(col(Review.audit))))
    followed = [one for one in [*order[: KEPT + 1], *order[::-1]] if one not in audit]
    others = [one for one in seen if one not in audit]
    assert others == followed[: len(others)]
    assert seen[: KEPT + 1] == order[: KEPT + 1]
    session.close()


def test_audit_reviews_keep_their_share_however_often_the_queue_is_planned_anew(database: Database) -> None:
    """The queue is planned after every decision, in an order that has nothing to do with the one before."""
    every = 10
    with database.reading() as reading:
        drawn = [one for one in reading.exec(select(Review.id).where(col(Review.audit))) if one is not None]
    chosen = [one for one in range(1, REVIEWS + 1) if one not in drawn]
    session = LabellingSession(database, "ann")
    asked: list[bool] = []
    chance = Random(3)
    while len(asked) < 62:
        card = session.current
        assert card is not None
        asked.append(card.audit)
        session.give([1])
        session.writer.flush()
        since = asked[::-1].index(True) if True in asked else len(asked)
        with database.writing() as writing:
            decided = set(states(writing, range(1, REVIEWS + 1)))
            order = [one for one in chance.sample(chosen, len(chosen)) if one not in decided]
            for number, one in enumerate(one for one in drawn if one not in decided):
                order.insert(max(every - 1 - since, 0) + every * number, one)
            queue.replace(writing, [Planned(one, QueueReason.RANDOM) for one in order])
        session.renew_ahead()
    places = [at for at, audit in enumerate(asked) if audit][-4:]
    assert [later - earlier for earlier, later in pairwise(places)] == [every] * 3, asked
    session.close()


def test_a_suggestion_appears_where_there_was_none_and_never_changes_under_the_hands(database: Database) -> None:
    told: list[None] = []
    session = LabellingSession(database, "ann", on_renewed=lambda: told.append(None))
    card = session.current
    assert card is not None
    assert card.suggested is None
    say(database, 0.8)
    session.renew_ahead()
    assert told == [None]
    assert session.show_renewed()
    assert session.current is not None
    assert session.current.suggested is not None
    assert session.current.suggested.label_ids == (1,)
    say(database, 0.1)
    session.renew_ahead()
    assert not session.show_renewed()
    assert session.current.suggested.label_ids == (1,), "a key on its way would accept something else"
    session.give([1])
    assert session.current.suggested is not None
    assert session.current.suggested.label_ids == (2,)
    session.close()


def test_a_slow_renewal_brings_nothing_back_that_has_come_up_meanwhile(database: Database) -> None:
    waiting: list[Callable[[], object]] = []
    session = LabellingSession(database, "ann", in_background=waiting.append)
    seen: list[int] = []
    while session.current is not None:
        seen.append(session.current.review_id)
        session.give([1])
        session.renew_ahead()
        if len(seen) % 7 == 0:
            while waiting:
                waiting.pop()()
    assert sorted(seen) == list(range(1, REVIEWS + 1))
    session.close()


def test_a_walk_keeps_its_order_and_its_place(database: Database) -> None:
    session = LabellingSession(database, "ann")
    wanted = list(range(90, 10, -1))
    session.walk_through(wanted, "like row 3", "Like the review row 3.")
    assert session.walk is not None
    assert session.walk.because == "Like the review row 3."
    seen = []
    for number in range(len(wanted)):
        assert session.current is not None
        seen.append(session.current.review_id)
        if number % 9 == 0:
            say(database, 0.6)
            session.renew_ahead()
        session.give([1])
    assert seen == wanted
    assert len(wanted) > FETCHED
    session.close()


@pytest.mark.parametrize("put_aside", [False, True])
def test_whether_the_suggestion_was_seen_and_followed_is_kept(database: Database, put_aside: bool) -> None:
    session = LabellingSession(database, "ann")
    without = session.current
    session.give([1])
    say(database, 0.8)
    session.refresh()
    given: dict[int, tuple[bool, bool]] = {}
    for number in range(30):
        card = session.current
        assert card is not None
        label = 1 + number % 2
        session.give([label], put_aside)
        given[card.review_id] = (not card.audit and not put_aside, label == 1)
    skipped = session.current
    session.skip()
    session.writer.flush()
    with database.reading() as reading:
        found = states(reading, range(1, REVIEWS + 1))
        audit = set(reading.exec(select(Review.id).where(col(Review.audit))))
    assert without is not None
    assert skipped is not None
    assert (found[without.review_id].suggestion_shown, found[without.review_id].suggestion_followed) == (None, None)
    assert {one: (found[one].suggestion_shown, found[one].suggestion_followed) for one in given} == given
    assert found[skipped.review_id].suggestion_followed is False
    assert audit & set(given), "some were of the audit set"
    session.undo(lambda _step: None)
    session.redo(lambda _step: None)
    session.writer.flush()
    with database.reading() as reading:
        assert states(reading, range(1, REVIEWS + 1)) == found, "undone and done again"
    session.close()
