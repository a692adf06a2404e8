"""Reviews that come a second time, and suggestions that are held back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select, update

from core.consistency import consistency, person
from core.errors import ProjectError
from core.labelling.controls import BEGIN, Shares, is_drawn
from core.labelling.session import LabellingSession
from core.storage import decisions, repeats
from core.storage.database import Database, annotator_id, project_of
from core.storage.states import accepted, labelled, states
from core.storage.tables import Annotation, Repeat, Review
from tests.conftest import MakeProject, learnable
from tests.tui.suggesting import suggest_everything

COUNT = 160
LABELLED = 60


@pytest.fixture
def database(project: MakeProject) -> Database:
    """Sixty reviews were labelled “positive” yesterday, a minute apart."""
    made = project(reviews=[text for text, _ in learnable(COUNT)])
    began = datetime.now(UTC) - timedelta(days=1)
    with made.writing() as session:
        who = annotator_id(session, "ann")
        decisions.decide(session, who, "before", {one: labelled(who, [1]) for one in range(1, LABELLED + 1)})
        for place in range(1, LABELLED + 1):
            at = (began + timedelta(minutes=place)).isoformat(timespec="milliseconds")
            session.execute(update(Annotation).where(col(Annotation.review_id) == place).values(decided_at=at))
    return made


@pytest.fixture
def asking(database: Database) -> Iterator[LabellingSession]:
    """A session in which whatever may come again does, after every decision."""
    session = LabellingSession(database, "ann", shares=Shares(repeated=1.0))
    yield session
    session.close()


def come_again(session: LabellingSession) -> int:
    """Label until a review comes a second time; its id."""
    session.give([1])
    card = session.current
    assert card is not None
    assert card.review_id <= LABELLED
    return card.review_id


def test_a_labelled_review_comes_again_as_if_it_were_new(asking: LabellingSession) -> None:
    come_again(asking)
    card = asking.current
    assert card is not None
    assert card.state is None
    assert card.held_back


def test_the_same_answer_is_entered_and_nothing_else_changes(asking: LabellingSession, database: Database) -> None:
    again = come_again(asking)
    before = asking.counts
    asking.give([1])
    asking.writer.flush()
    with database.reading() as session:
        found = session.exec(select(Repeat)).one()
        assert (found.review_id, found.first, found.second) == (again, [1], [1])
        assert found.first_at < found.second_at
        assert states(session, [again])[again].decided_at == found.first_at
    assert asking.counts == before


def test_another_answer_stands_and_undo_takes_both_back(asking: LabellingSession, database: Database) -> None:
    again = come_again(asking)
    asking.give([2])
    asking.writer.flush()
    with database.reading() as session:
        assert session.exec(select(Repeat)).one().second == [2]
        assert states(session, [again])[again].label_ids == (2,)
    told: list[object] = []
    asking.undo(told.append)
    asking.writer.flush()
    with database.reading() as session:
        assert session.exec(select(Repeat)).all() == []
        assert states(session, [again])[again].label_ids == (1,)
    asking.redo(told.append)
    asking.writer.flush()
    with database.reading() as session:
        assert session.exec(select(Repeat)).one().second == [2]


def test_what_was_labelled_just_now_and_what_was_asked_again_does_not_come(database: Database) -> None:
    with database.writing() as session:
        who = annotator_id(session, "ann")
        # The fifty latest are too fresh in mind; of the ten before them none is asked a third time.
        for _ in range(10):
            found = repeats.draw(session, who)
            assert found is not None
            assert found <= LABELLED - repeats.LATER
            repeats.answer(session, who, "again", found, labelled(who, [1]), states(session, [found])[found])
        assert repeats.draw(session, who) is None
        assert repeats.draw(session, who, datetime.now(UTC) - timedelta(days=2)) is None
        assert repeats.draw(session, annotator_id(session, "bob")) is None


def test_without_shares_nothing_comes_again_and_nothing_is_held_back(database: Database) -> None:
    suggest_everything(database)
    session = LabellingSession(database, "ann")
    for _ in range(20):
        card = session.current
        assert card is not None
        assert card.review_id > LABELLED
        assert not card.withheld
        session.give([1])
    session.close()


def test_suggestions_are_held_back_for_the_share_and_it_is_kept_whether_they_were_followed(
    database: Database,
) -> None:
    suggest_everything(database)
    session = LabellingSession(database, "ann", shares=Shares(hidden=0.5))
    salt = 0
    with database.reading() as reading:
        salt = project_of(reading).salt
    seen: dict[int, bool] = {}
    for _ in range(40):
        card = session.current
        assert card is not None
        assert card.withheld == is_drawn(salt, card.review_id, 0.5)
        seen[card.review_id] = not card.held_back
        session.give([1])
    session.writer.flush()
    with database.reading() as reading:
        known = states(reading, seen)
    assert {one: known[one].suggestion_shown for one in seen} == seen
    assert all(known[one].suggestion_followed for one in seen)
    assert 5 < sum(seen.values()) < 35
    session.close()


def test_before_people_know_the_labels_nothing_is_held_back(project: MakeProject) -> None:
    made = project(reviews=[text for text, _ in learnable(30)])
    suggest_everything(made)
    session = LabellingSession(made, "ann", shares=Shares(hidden=0.5))
    for _ in range(min(20, BEGIN)):
        assert session.current is not None
        assert not session.current.withheld
        session.give([1])
    session.close()


# ---------------------------------------------------------------------- what is made of it


def test_agreement_is_told_by_label_day_and_hour(database: Database) -> None:
    with database.writing() as session:
        who = annotator_id(session, "ann")
        decisions.decide(session, who, "others", {one: labelled(who, [2]) for one in range(1, 31)})
        for one in range(1, LABELLED + 1):
            said = states(session, [one])[one]
            second = 3 - said.label_ids[0] if one % 10 == 0 else said.label_ids[0]
            repeats.answer(session, who, "again", one, labelled(who, [second]), said)
    with database.reading() as session:
        found = consistency(session, person(session, "ann"))
        assert consistency(session).overall == found.overall
        with pytest.raises(ProjectError, match="Nobody called “eve”"):
            person(session, "eve")
    assert found.overall is not None
    assert (found.overall.reviews, found.overall.same) == (LABELLED, LABELLED - 6)
    assert found.overall.kappa == pytest.approx(0.8, abs=0.01)
    assert [part.name for part in found.by_label] == ["negative", "positive"]
    # Of thirty of each, three got the other label the second time.
    assert [(part.given, part.again) for part in found.by_label] == [(30, 27), (30, 27)]
    assert [part.found.reviews for part in found.by_day] == [LABELLED]
    assert found.by_hour[0].name == "hour 1"


def accept_all(database: Database, seconds: float, shown_same: float, hidden_same: float) -> list[str]:
    """Decide about the rest so many seconds apart, following suggestions as often; the warnings that come of it."""
    run_id = suggest_everything(database)
    moment = datetime.now(UTC)
    with database.writing() as session:
        who, salt = annotator_id(session, "ann"), project_of(session).salt
        rest = [one.id or 0 for one in session.exec(select(Review)) if (one.id or 0) > LABELLED and not one.audit]
        counts = {True: 0, False: 0}
        for review_id in rest:
            moment += timedelta(seconds=seconds)
            shown = not is_drawn(salt, review_id, 0.5)
            counts[shown] += 1
            followed = (counts[shown] * 7) % 10 < 10 * (shown_same if shown else hidden_same)
            taken = accepted(who, [1], run_id, 0.9) if shown and followed else labelled(who, [1 if followed else 2])
            at = moment.isoformat(timespec="milliseconds")
            decisions.decide(session, who, "one", {review_id: taken})
            values = {"decided_at": at, "suggestion_shown": shown, "suggestion_followed": followed}
            session.execute(update(Annotation).where(col(Annotation.review_id) == review_id).values(**values))
    with database.reading() as session:
        return consistency(session, hidden_share=0.5).warnings


def test_accepting_unread_is_said_plainly(database: Database) -> None:
    warnings = accept_all(database, 0.2, 1.0, 0.9)
    assert any(one.startswith("Suggestions are being accepted unread: ") for one in warnings)


def test_being_swayed_is_said_plainly(database: Database) -> None:
    warnings = accept_all(database, 5.0, 1.0, 0.5)
    assert [one.split(":")[0] for one in warnings] == ["Suggestions sway you"]


def test_who_reads_and_decides_is_not_warned(database: Database) -> None:
    assert accept_all(database, 5.0, 0.8, 0.8) == []
