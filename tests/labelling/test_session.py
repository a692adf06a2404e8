"""The loop a person is in for hours: nothing is shown twice, nothing is lost, nothing waits."""

from __future__ import annotations

from collections.abc import Callable

from core.labelling.session import LabellingSession
from core.storage import runs
from core.storage.states import states
from core.storage.tables import Origin, QueueReason
from tests.conftest import MakeProject
from tests.storage.corpus import suggest

from .looking import TEXTS, settled, step, stored, up


def test_every_review_comes_up_once_until_none_is_left(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    given: dict[int, int] = {}
    while session.current is not None:
        assert session.current.review_id not in given
        given[session.current.review_id] = 1 + len(given) % 2
        assert session.remaining == 60 - len(given) + 1
        session.give([given[session.current.review_id]])
    assert set(given) == set(range(1, 61))
    assert session.remaining == 0
    assert stored(session) == {review_id: (label_id,) for review_id, label_id in given.items()}
    settled(session)
    assert [one.review_id for one in session.decided] == list(given)
    session.close()


def test_fetching_late_and_in_other_threads_shows_nothing_twice(project: MakeProject) -> None:
    """The background may be slow: what it found may have been decided about in the meantime."""
    waiting: list[Callable[[], object]] = []
    session = LabellingSession(
        project(reviews=[f"review {n}" for n in range(150)]), "ann", in_background=waiting.append
    )
    seen: list[int] = []
    while session.current is not None:
        seen.append(session.current.review_id)
        session.give([1])
        if len(seen) % 47 == 0:
            while waiting:
                waiting.pop()()
    assert sorted(seen) == list(range(1, 151))
    session.close()


def test_moving_about_decides_nothing_and_ends_where_it_began(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    trail = [up(session)]
    for _ in range(4):
        session.move_on()
        trail.append(up(session))
    assert len(set(trail)) == 5
    back = []
    for _ in range(4):
        session.move_back()
        back.append(up(session))
    assert back == trail[3::-1]
    session.move_back()
    assert up(session) == trail[0], "it stays at the first"
    forward = []
    for _ in range(4):
        session.move_on()
        forward.append(up(session))
    assert forward == trail[1:]
    session.move_back()
    session.first_open()
    assert up(session) not in trail
    assert stored(session) == {}
    session.close()


def test_the_front_is_where_one_is_already(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=["a", "b", "c", "d", "e"]), "ann")
    session.move_on()
    here = up(session)
    session.first_open()
    assert up(session) == here
    session.give([1])
    session.move_back()
    session.first_open()
    assert up(session) not in (here, None)
    session.close()


def test_the_front_of_a_walk_is_its_first_review(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=["a", "b", "c", "d", "e"]), "ann")
    session.walk_through([4, 2, 5], "these three")
    session.move_on()
    assert up(session) == 2
    for _ in range(3):
        session.first_open()
        assert up(session) == 4
        assert session.walk is not None
        assert session.walk.shown == 1
    session.move_on()
    assert up(session) == 2
    session.close()


def test_reviews_that_were_passed_over_come_round_again(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=["a", "b", "c"]), "ann")
    seen = [up(session)] + [up(session) for _ in range(8) if session.move_on() or True]
    assert None not in seen
    assert set(seen[-3:]) == {1, 2, 3}
    while session.current is not None:
        session.give([1])
    assert set(stored(session)) == {1, 2, 3}
    session.close()


def test_going_to_a_review_and_on_from_there(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    first = up(session)
    wanted = 1 + (first or 0) % 60
    assert session.go_to(wanted) is not None
    assert up(session) == wanted
    assert session.go_to(999) is None
    assert up(session) == wanted, "a review that is not there moves nothing"
    session.move_back()
    assert up(session) == first
    session.close()


def test_a_decision_can_be_changed_by_going_back(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    first = up(session)
    assert first is not None
    session.give([1])
    session.move_back()
    assert session.current is not None
    assert session.current.state is not None
    assert session.current.state.label_ids == (1,), "shown at once, whether or not it is on disk yet"
    session.give([2])
    assert stored(session) == {first: (2,)}
    settled(session)
    session.close()


def test_accepting_keeps_which_run_said_so_and_how_sure_it_was(project: MakeProject) -> None:
    database = project(reviews=["a", "b"])
    with database.writing() as writing:
        run = runs.start(writing, "tiny", {}, [1, 2])
        suggest(writing, run, {1: (0.25, 0.75)})
    session = LabellingSession(database, "ann")
    session.go_to(2)
    assert session.accept() is session.current
    assert up(session) == 2, "without a suggestion it stays"
    session.go_to(1)
    assert session.current is not None
    assert session.current.suggested is not None
    assert (session.current.suggested.label_ids, session.current.suggested.scores) == ((2,), {1: 0.25, 2: 0.75})
    session.accept()
    session.writer.flush()
    with database.reading() as reading:
        state = states(reading, [1])[1]
    assert (state.label_ids, state.origin, state.run_id, state.probability) == ((2,), Origin.ACCEPTED, run, 0.75)
    session.close()


def test_in_a_multi_label_project_no_label_can_be_accepted_too(project: MakeProject) -> None:
    database = project(["price", "service"], multi=True, reviews=["a", "b"])
    with database.writing() as writing:
        run = runs.start(writing, "tiny", {}, [1, 2])
        suggest(writing, run, {1: (0.625, 0.75), 2: (0.25, 0.125)}, multi=True)
    session = LabellingSession(database, "ann")
    for review_id in (1, 2):
        session.go_to(review_id)
        session.accept()
    assert stored(session) == {1: (1, 2), 2: ()}
    session.close()


def test_flags_and_notes_stay_on_the_review_and_through_its_decision(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    review = up(session)
    assert review is not None
    session.note("odd")
    session.flag()
    assert up(session) == review
    settled(session)
    session.give([1])
    settled(session)
    session.move_back()
    assert session.current is not None
    assert session.current.state is not None
    assert (session.current.state.flagged, session.current.state.note) == (True, "odd")
    session.flag()
    session.note("")
    settled(session)
    assert session.current.state.label_ids == (1,)
    session.close()


def test_a_flagged_review_is_put_aside_and_a_noted_one_is_not(project: MakeProject) -> None:
    database = project(reviews=["a", "b", "c"])
    session = LabellingSession(database, "ann")
    flagged = up(session)
    session.flag()
    session.move_on()
    noted = up(session)
    session.note("later")
    session.move_on()
    session.skip()
    assert up(session) == noted
    session.close()
    again = LabellingSession(database, "ann")
    assert up(again) == noted
    again.give([1])
    assert again.current is None
    assert again.go_to(flagged or 0) is not None
    again.close()


def test_a_queue_that_has_run_out_goes_on_at_random_and_names_the_audit_set(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    while session.current is not None:
        assert session.current.reason == (QueueReason.AUDIT if session.current.audit else QueueReason.RANDOM)
        session.give([1])
    assert session.counts.audit_labelled > 0
    settled(session)
    session.close()


def test_before_there_is_a_queue_few_of_the_first_reviews_are_kept_from_the_model(project: MakeProject) -> None:
    for name in ("a.db", "b.db", "c.db"):
        session = LabellingSession(project(reviews=[f"review {number}" for number in range(60)], name=name), "ann")
        audit: list[bool] = []
        while session.current is not None:
            audit.append(session.current.audit)
            session.give([1])
        assert len(audit) == 60, "none is lost"
        assert not any(audit[:9])
        assert sum(audit[:20]) <= 2 < sum(audit)
        settled(session)
        session.close()


def test_two_projects_have_two_orders(project: MakeProject) -> None:
    orders = []
    for name in ("a.db", "b.db"):
        session = LabellingSession(project(reviews=TEXTS, name=name), "ann")
        orders.append([up(session)] + [up(session) for _ in range(20) if session.move_on()])
        session.close()
    assert orders[0] != orders[1]
    assert orders[0] != sorted(one or 0 for one in orders[0])


def test_an_empty_project_has_nothing_up_and_no_key_fails(project: MakeProject) -> None:
    session = LabellingSession(project(), "ann")
    for move in (session.move_on, session.move_back, session.first_open, session.accept, session.skip, session.flag):
        assert move() is None
    assert session.give([1]) is None
    assert session.note("x") is None
    assert step(session, session.undo) is None
    assert step(session, session.redo) is None
    session.close()
