"""Near-duplicates are labelled as one, until a person takes them apart."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import col, select

from core.files.importing import Choice, import_file
from core.labelling.session import LabellingSession
from core.storage.tables import Review
from tests.conftest import MakeProject, write_csv
from tests.files.test_alike import LONG, NEARLY

from .looking import settled, step, stored

TEXTS = ["something", LONG, "other", NEARLY, LONG + "!!"]


def group_ids(session: LabellingSession) -> list[int]:
    """Group ids by review, on disk."""
    session.writer.flush()
    with session.database.reading() as reading:
        return list(reading.exec(select(Review.group_id).order_by(col(Review.id))))


def at_group(session: LabellingSession) -> None:
    """Go to the review that stands for the group."""
    card = session.go_to(2)
    assert card is not None
    assert card.alike == 2


def test_one_label_labels_them_all_and_is_undone_as_one(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    at_group(session)
    session.give([1])
    assert stored(session) == {2: (1,), 4: (1,), 5: (1,)}
    assert session.remaining == 2
    settled(session)
    taken = step(session, session.undo)
    assert taken is not None
    assert taken.changes == 3
    assert stored(session) == {}
    session.close()


def test_unfolded_they_come_up_one_by_one(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    at_group(session)
    assert session.unfold() == 2
    assert group_ids(session) == [1, 2, 3, 4, 5]
    seen = {}
    while session.current is not None:
        assert session.current.alike == 0
        seen[session.current.review_id] = session.current.text
        session.give([1 if session.current.review_id == 2 else 2])
    assert [seen[number] for number in (1, 2, 3, 4, 5)] == TEXTS
    assert list(seen)[-5:][list(seen).index(2) + 1 :][:2] == [4, 5], "the others come at once"
    assert stored(session)[2] == (1,)
    assert stored(session)[4] == (2,)
    settled(session)
    session.close()


def test_unfolding_is_undone_and_done_again(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    at_group(session)
    session.give([1])
    at_group(session)
    decided = list(session.decided)
    assert session.unfold() == 2
    assert stored(session) == {2: (1,), 4: (1,), 5: (1,)}, "what was decided stays"
    taken = step(session, session.undo)
    assert taken is not None
    assert (taken.title, taken.review_id) == ("unfold", 2)
    assert group_ids(session) == [1, 2, 3, 2, 2]
    assert list(session.decided) == decided
    assert session.current is not None
    assert (session.current.review_id, session.current.alike) == (2, 2)
    step(session, session.redo)
    assert group_ids(session) == [1, 2, 3, 4, 5]
    assert session.current.review_id == 2
    settled(session)
    session.close()


def test_a_review_without_others_has_nothing_to_unfold(project: MakeProject) -> None:
    session = LabellingSession(project(reviews=TEXTS), "ann")
    session.go_to(1)
    assert session.unfold() == 0
    assert step(session, session.undo) is not None, "the import"
    session.close()


def test_what_was_unfolded_stays_in_its_part_of_the_audit_set(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=TEXTS)
    session = LabellingSession(database, "ann")
    at_group(session)
    session.unfold()
    session.close()
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text"], [[NEARLY], [LONG + "!!"]])), "ann")
    with database.reading() as reading:
        reviews = list(reading.exec(select(Review).order_by(col(Review.id))))
    assert [one.group_id for one in reviews] == [1, 2, 3, 4, 5, 4, 5]
    assert len({(reviews[at].shuffle, reviews[at].audit) for at in (1, 3, 4, 5, 6)}) == 1


def test_a_near_copy_that_comes_later_is_not_labelled_by_itself(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=TEXTS[:2])
    session = LabellingSession(database, "ann")
    session.go_to(2)
    session.give([1])
    session.close()
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text"], [[NEARLY]])), "ann")
    session = LabellingSession(database, "ann")
    assert stored(session) == {2: (1,)}
    seen = set()
    while session.current is not None:
        seen.add(session.current.review_id)
        session.give([2])
    assert 3 in seen
    session.close()
