"""The loop a person is in for hours: nothing is shown twice, nothing is lost, every step can be taken back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import LabelloopError, ProjectError
from core.files.importing import Choice, import_file
from core.labelling.session import LabellingSession
from core.storage import browse, journal, queue, runs, sqlite
from core.storage.database import Database, annotator_id, open_project
from core.storage.queue import Planned
from core.storage.states import states
from core.storage.tables import Decision, Origin, QueueReason
from tests.conftest import MakeProject, write_csv
from tests.storage.corpus import suggest

TEXTS = [f"review {number}" for number in range(60)]


def step(
    session: LabellingSession, move: Callable[[Callable[[journal.Step | None], None]], None]
) -> journal.Step | None:
    """Undo or redo, and show what it did, as the screen does."""
    told: list[journal.Step | None] = []
    done = threading.Event()

    def hear(taken: journal.Step | None) -> None:
        told.append(taken)
        done.set()

    move(hear)
    assert done.wait(10)
    if told[0] is not None:
        session.show_step(told[0], undone=move.__name__ == "undo")
    return told[0]


def up(session: LabellingSession) -> int | None:
    return session.current.review_id if session.current else None


def settled(session: LabellingSession) -> None:
    """The session's own counts are those of the database."""
    assert session.writer.flush()
    with session.database.reading() as reading:
        counted = browse.counts(reading)
    assert session.counts.by_label | counted.by_label == session.counts.by_label
    assert {key: value for key, value in session.counts.by_label.items() if value} == counted.by_label
    for name in ("reviews", "labelled", "skipped", "flagged", "audit_labelled"):
        assert getattr(session.counts, name) == getattr(counted, name), name


def stored(session: LabellingSession) -> dict[int, tuple[int, ...]]:
    assert session.writer.flush()
    with session.database.reading() as reading:
        known = states(reading, range(1, session.counts.reviews + 100))
    return {review_id: state.label_ids for review_id, state in known.items() if state.decision is Decision.LABELLED}


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
    waiting: list[Callable[[], None]] = []
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


def test_reviews_that_were_passed_over_come_round_again(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=["a", "b", "c"]), "ann")
    seen = [up(session)] + [up(session) for _ in range(8) if session.move_on() or True]
    assert None not in seen
    assert {one for one in seen[-3:]} == {1, 2, 3}
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


def test_copies_are_labelled_together_and_undone_together(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=["same", "other", "same", "same"]), "ann")
    while session.current is not None and session.current.text != "same":
        session.skip()
    assert session.current is not None
    assert session.current.alike == 2
    session.flag()
    session.give([2])
    assert stored(session) == {1: (2,), 3: (2,), 4: (2,)}
    settled(session)
    taken = step(session, session.undo)
    assert taken is not None
    assert taken.changes == 3
    assert stored(session) == {}
    assert session.current is not None
    assert session.current.text == "same"
    settled(session)
    session.close()


def test_a_copy_imported_after_its_text_was_labelled_still_comes_up(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    first = write_csv(tmp_path / "a.csv", ["text", "mark"], [["same", "positive"], ["b", "negative"]])
    import_file(database, Choice(first, label_column="mark"), "ann")
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text"], [["same"], ["new"], ["same"]])), "ann")
    session = LabellingSession(database, "ann")
    seen = []
    while session.current is not None:
        seen.append(session.current.text)
        session.give([2])
        settled(session)
    assert sorted(seen) == ["new", "same"], "once for both copies"
    assert session.remaining == 0
    session.close()


def test_labelling_a_copy_settles_the_one_that_was_fetched_ahead(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=["same", *TEXTS[:10], "same"]), "ann")
    assert session.go_to(12) is not None
    session.give([1])
    while session.current is not None:
        assert session.current.text != "same"
        session.give([2])
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


def test_undo_reaches_back_past_the_session_and_redo_forward_again(project: MakeProject) -> None:
    database = project(reviews=TEXTS)
    first = LabellingSession(database, "ann")
    order = []
    for label_id in (1, 2, 1):
        order.append(up(first))
        first.give([label_id])
    full = stored(first)
    first.close()
    session = LabellingSession(database, "bob")
    order.append(up(session))
    session.skip()
    for expected in reversed(order):
        assert step(session, session.undo) is not None
        assert up(session) == expected
        settled(session)
    assert stored(session) == {}
    for _ in order:
        assert step(session, session.redo) is not None
        settled(session)
    assert step(session, session.redo) is None
    assert stored(session) == full
    assert up(session) not in order
    session.close()


def test_undoing_the_import_itself_takes_its_reviews_off_the_screen(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    rows = [["one", "positive"], ["two", ""], ["three", ""]]
    import_file(database, Choice(write_csv(tmp_path / "a.csv", ["text", "mark"], rows), label_column="mark"), "ann")
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text"], [["four"]])), "ann")
    session = LabellingSession(database, "ann")
    session.go_to(4)
    assert step(session, session.undo) is not None
    assert session.current is not None
    assert session.current.text in ("two", "three"), "what was up is gone, the next is up"
    session.move_back()
    assert up(session) != 4
    assert session.go_to(4) is None
    assert step(session, session.undo) is not None
    assert (session.current, session.counts.reviews, session.remaining) == (None, 0, 0)
    assert step(session, session.redo) is not None
    assert session.current is not None
    settled(session)
    session.close()


def test_the_review_that_was_up_is_up_again(project: MakeProject) -> None:
    database = project(reviews=TEXTS)
    session = LabellingSession(database, "ann")
    session.give([1])
    session.move_on()
    place = up(session)
    session.close()
    database.close()
    reopened = open_project(database.path)
    again = LabellingSession(reopened, "ann")
    assert up(again) == place
    assert (again.counts.labelled, again.remaining) == (1, 59)
    again.close()
    reopened.close()


def test_a_review_whose_import_was_undone_meanwhile_is_not_up_again(project: MakeProject) -> None:
    database = project(reviews=TEXTS)
    LabellingSession(database, "ann").close()
    with database.writing() as writing:
        journal.undo(writing)
    session = LabellingSession(database, "ann")
    assert session.current is None
    session.close()


def test_new_suggestions_and_a_new_queue_are_shown_after_a_refresh(project: MakeProject) -> None:
    database = project(reviews=TEXTS)
    session = LabellingSession(database, "ann")
    here = up(session)
    assert here is not None
    assert session.current is not None
    assert session.current.suggested is None
    wanted = [review_id for review_id in (50, 10, 30) if review_id != here]
    with database.writing() as writing:
        run = runs.start(writing, "tiny", {}, [1, 2])
        suggest(writing, run, dict.fromkeys(range(1, 61), (0.75, 0.25)))
        queue.replace(writing, [Planned(review_id, QueueReason.MARGIN, 0.5) for review_id in wanted])
    session.refresh()
    assert up(session) == here
    assert session.current.suggested is not None
    for review_id in wanted:
        session.give([1])
        assert session.current is not None
        assert (session.current.review_id, session.current.reason, session.current.margin) == (
            review_id,
            "margin",
            0.5,
        )
    settled(session)
    session.close()


def test_a_queue_that_has_run_out_goes_on_at_random_and_names_the_audit_set(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    while session.current is not None:
        assert session.current.reason == (QueueReason.AUDIT if session.current.audit else QueueReason.RANDOM)
        session.give([1])
    assert session.counts.audit_labelled > 0
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


def test_a_label_that_could_not_be_written_brings_its_review_back(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project(reviews=TEXTS).path
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    database: Database = open_project(path)
    failures: list[tuple[int, LabelloopError]] = []
    session = LabellingSession(database, "ann", on_failure=lambda review, error: failures.append((review, error)))
    lost = up(session)
    assert lost is not None
    other = open_project(path)
    with other.writing() as writing:
        annotator_id(writing, "someone who takes long")
        session.give([1])
        session.writer.flush()
    assert [review for review, _ in failures] == [lost]
    assert isinstance(failures[0][1], ProjectError)
    session.forget(lost)
    settled(session)
    assert session.decided.maxlen is not None
    assert not session.decided
    card = session.go_to(lost)
    assert card is not None
    assert card.state is None
    session.give([2])
    assert stored(session) == {lost: (2,)}
    session.close()
    database.close()
    other.close()


def test_an_empty_project_has_nothing_up_and_no_key_fails(project: MakeProject) -> None:
    session = LabellingSession(project(), "ann")
    for move in (session.move_on, session.move_back, session.first_open, session.accept, session.skip, session.flag):
        assert move() is None
    assert session.give([1]) is None
    assert session.note("x") is None
    assert step(session, session.undo) is None
    assert step(session, session.redo) is None
    session.close()
