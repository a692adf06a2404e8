"""Every step can be taken back; copies go together; what others do meanwhile is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import LabelloopError, ProjectError
from core.files.importing import Choice, import_file
from core.labelling.session import LabellingSession
from core.storage import journal, queue, runs, sqlite, writer
from core.storage.database import Database, annotator_id, open_project
from core.storage.queue import Planned
from core.storage.tables import QueueReason
from tests.conftest import MakeProject, write_csv
from tests.storage.corpus import suggest

from .looking import TEXTS, settled, step, stored, up


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
    assert up(session) is None
    assert (session.counts.reviews, session.remaining) == (0, 0)
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
        assert (session.current.review_id, session.current.reason, session.current.number) == (
            review_id,
            "margin",
            0.5,
        )
    settled(session)
    session.close()


def test_a_label_that_could_not_be_written_brings_its_review_back(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project(reviews=TEXTS).path
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(writer, "PATIENCE", 0.0)
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
