"""What is accepted, what is left alone, and what undo gives back, on a project on disk."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from core.accepting.candidates import Gathered, gather
from core.accepting.promises import by_label, in_words, promise
from core.accepting.writing import accept, plan_rest
from core.errors import LabelloopError, ModelError
from core.files.importing import Choice, import_file
from core.storage import decisions, journal, queue, runs, scheme, taking_back
from core.storage.database import Database, annotator_id
from core.storage.states import labelled, skipped, states
from core.storage.tables import Decision, Origin, Review, RunStatus
from tests.conftest import MakeProject, learnable, write_csv

COUNT = 400


def share_of(review_id: int) -> float:
    """The first label's probability that the run gives a review."""
    return round(random.Random(review_id).betavariate(0.4, 0.4), 4)


def suggest(session: Session, ids: Sequence[int], labels: Sequence[int], scores: Sequence[Sequence[float]]) -> int:
    run_id = runs.start(session, "tiny", {}, list(labels))
    rows = []
    for review_id, said in zip(ids, scores, strict=True):
        best = max(range(len(said)), key=said.__getitem__)
        rows.append(
            {
                "run_id": run_id,
                "review_id": review_id,
                "label_id": labels[best],
                "probability": said[best],
                "scores": struct.pack(f"<{len(said)}f", *said),
            }
        )
    runs.add_suggestions(session, rows)
    runs.end(session, run_id, RunStatus.FINISHED)
    runs.publish(session, run_id, len(rows))
    return run_id


@pytest.fixture
def database(project: MakeProject) -> Database:
    """Half of the audit set labelled, a third wrong where the run is unsure; some reviews decided or flagged."""
    made = project(reviews=[text for text, _ in learnable(COUNT)])
    with made.writing() as session:
        person = annotator_id(session, "ann")
        ids = [review_id for review_id in session.exec(select(Review.id)) if review_id is not None]
        suggest(session, ids, [1, 2], [(share_of(one), 1 - share_of(one)) for one in ids])
        audit = list(session.exec(select(Review.id).where(Review.audit)))
        for review_id in audit[::2]:
            assert review_id is not None
            said = 1 if share_of(review_id) > 0.5 else 2
            sure = max(share_of(review_id), 1 - share_of(review_id))
            label = 3 - said if sure < 0.8 and review_id % 3 == 0 else said
            decisions.decide(session, person, "by hand", {review_id: labelled(person, [label])})
        others = [one for one in ids if one not in set(audit)]
        decisions.decide(session, person, "skip", {others[0]: skipped(person)})
        decisions.decide(session, person, "hand", {others[1]: labelled(person, [1])})
        decisions.amend(session, person, "flag", others[2], flagged=True)
        decisions.amend(session, person, "note", others[3], note="look")
    return made


def gathered(database: Database) -> Gathered:
    with database.reading() as session:
        return gather(session)


def take(database: Database, threshold: float, label_id: int | None = None) -> int:
    found = gathered(database)
    with database.writing() as session:
        return accept(session, annotator_id(session, "ann"), found, threshold, label_id).reviews


def test_accepted_is_what_is_open_and_sure_enough_and_nothing_of_the_audit_set(database: Database) -> None:
    with database.reading() as session:
        reviews = {one.id: one for one in session.exec(select(Review))}
        before = states(session, [one for one in reviews if one is not None])
    is_open = {one for one in reviews if one and (one not in before or before[one].note)}
    wanted = {one for one in is_open if not reviews[one].audit and max(share_of(one), 1 - share_of(one)) >= 0.9}
    assert take(database, 0.9) == len(wanted) > 50
    with database.reading() as session:
        after = states(session, [one for one in reviews if one is not None])
    assert {one for one in after if one not in before or after[one] != before[one]} == wanted
    for one in wanted:
        state = after[one]
        assert (state.decision, state.origin, state.run_id) == (Decision.LABELLED, Origin.ACCEPTED, 1)
        assert state.label_ids == ((1,) if share_of(one) > 0.5 else (2,))
        assert state.probability == pytest.approx(max(share_of(one), 1 - share_of(one)), abs=1e-6)
        assert state.note == (before[one].note if one in before else "")


def test_one_undo_takes_all_back_and_redo_brings_it_again(database: Database) -> None:
    with database.reading() as session:
        ids = [one for one in session.exec(select(Review.id)) if one is not None]
        before = states(session, ids)
    many = take(database, 0.8)
    with database.writing() as session:
        after = states(session, ids)
        assert taking_back.accepted_from(session, 1) == many
        step = journal.undo(session)
        assert step is not None
        assert step.changes == many
        assert step.title.startswith(f"accept {many} suggestions of run 1 at 0.8 or more")
        assert states(session, ids) == before
        assert journal.redo(session) is not None
        assert states(session, ids) == after


def test_only_one_label_is_accepted_when_asked_for(database: Database) -> None:
    take(database, 0.7, label_id=2)
    with database.reading() as session:
        given = [one for one in states(session, range(1, COUNT + 1)).values() if one.origin is Origin.ACCEPTED]
    assert {one.label_ids for one in given} == {(2,)}
    with pytest.raises(LabelloopError, match="no such label"):
        gathered(database).evidence(99)


def test_the_promise_counts_as_the_database_does(database: Database) -> None:
    found = gathered(database)
    told = promise(found, at_least=0.9)
    with database.reading() as session:
        audit = {one.id: one.audit for one in session.exec(select(Review))}
        known = states(session, [one for one in audit if one is not None])
    sure = [one for one in audit if one and max(share_of(one), 1 - share_of(one)) >= 0.9]
    assert told.audited == sum(audit[one] and one in known for one in sure)
    assert told.found_wrong == 0, "wrong only below 0.8"
    assert told.accepted == len(found.chosen(0.9)) == take(database, 0.9)
    parts = by_label(found, 0.9)
    assert [part.name for part in parts] == ["positive", "negative"]
    assert sum(part.promise.accepted for part in parts) == told.accepted
    assert in_words(told).startswith(f"{told.accepted} suggestions at 0.9 or more: expect ")
    assert f"at most {told.at_most_wrong} (" in in_words(told)
    assert len(found.open_audit) == sum(audit.values()) - sum(audit[one] for one in known)


def test_a_share_that_cannot_be_promised_says_how_many_labels_are_missing(database: Database) -> None:
    found = gathered(database)
    with pytest.raises(
        LabelloopError, match=r"Cannot promise 2 % yet, with \d+ audit labels\. About [\d,]+0 more"
    ) as told:
        promise(found, max_wrong=0.02)
    assert "left to label" in told.value.remedy, "a small project has not so many"
    kept = promise(found, max_wrong=0.25)
    assert kept.accepted > 50
    assert kept.at_most_wrong <= 0.25 * kept.accepted


def test_copies_go_along_and_count_once(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    texts = [text for text, _ in learnable(60)]
    rows = [[text] for text in [*texts, *texts[:20], texts[0]]]
    import_file(database, Choice(write_csv(tmp_path / "twice.csv", ["text"], rows)), "ann")
    with database.writing() as session:
        ids = [one for one in session.exec(select(Review.id)) if one is not None]
        suggest(session, ids, [1, 2], [(0.95, 0.05)] * len(ids))
        groups = {one.id: one.group_id for one in session.exec(select(Review)) if not one.audit}
        # The newest copy of a text is decided about by itself: the others still stand open.
        apart = next(one for one in groups if one and one > 60)
        decisions.decide(session, 1, "hand", {apart: labelled(1, [2])})
    found = gathered(database)
    assert len(found.chosen(0.9)) == len(set(groups.values()))
    assert found.reviews(0.9) == len(groups) - 1
    assert take(database, 0.9) == len(groups) - 1
    with database.reading() as session:
        assert states(session, [apart])[apart].label_ids == (2,)


def test_what_was_decided_meanwhile_stays(database: Database) -> None:
    found = gathered(database)
    first, second = (int(one) for one in found.likely.review_ids[found.chosen(0.9)][:2])
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "hand", {first: skipped(person)})
        decisions.amend(session, person, "flag", second, flagged=True)
        done = accept(session, person, found, 0.9)
    assert done.groups == len(found.chosen(0.9)) - 2
    with database.reading() as session:
        known = states(session, [first, second])
    assert known[first].decision is Decision.SKIPPED
    assert known[second].decision is None
    with database.writing() as session:
        suggest(session, [1], [1, 2], [(0.5, 0.5)])
        with pytest.raises(ModelError, match="Another run"):
            accept(session, 1, found, 0.9)


def test_labels_that_are_archived_are_not_accepted(database: Database) -> None:
    with database.writing() as session:
        label = scheme.find(session, "negative")
        label.archived = True
        session.add(label)
    found = gathered(database)
    assert [part.name for part in by_label(found, 0.5)] == ["positive"]
    assert not found.likely.given[:, found.columns.ids.index(2)].any()


def test_progress_is_told_and_what_remains_is_put_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "AT_ONCE", 10)
    told: list[tuple[int, int]] = []
    found = gathered(database)
    with database.writing() as session:
        done = accept(session, 1, found, 0.9, progress=lambda _title, at, of: told.append((at, of)))
    assert [at for at, _ in told] == list(range(10, done.reviews + 1, 10))
    assert {of for _, of in told} == {done.reviews}
    with database.writing() as session:
        queue.replace(session, plan_rest(session, 5))
    with database.reading() as session:
        coming = queue.upcoming(session, [], COUNT)
        undecided = set(session.exec(select(Review.id).where(queue.undecided())))
        audit = set(session.exec(select(Review.id).where(col(Review.audit))))
    assert set(coming) == undecided
    chosen = [one for one in coming if one not in audit]
    assert chosen == sorted(chosen, key=lambda one: abs(2 * share_of(one) - 1)), "the most doubtful first"


def test_a_project_without_a_run_has_nothing_to_accept(project: MakeProject) -> None:
    with project(reviews=["one", "two"]).reading() as session, pytest.raises(ModelError, match="No run is in use"):
        gather(session)


def test_several_labels_are_accepted_together(project: MakeProject) -> None:
    """The confidence is that of the label it is least sure to give or not to give."""
    database = project(["good", "late", "dear"], multi=True, reviews=[text for text, _ in learnable(40)])
    with database.writing() as session:
        ids = [one for one in session.exec(select(Review.id)) if one is not None]
        said = {one: (0.97, 0.9 if one % 2 else 0.1, 0.3 if one % 4 == 0 else 0.02) for one in ids}
        suggest(session, ids, [1, 2, 3], [said[one] for one in ids])
        audit = set(session.exec(select(Review.id).where(Review.audit)))
    take(database, 0.85)
    with database.reading() as session:
        known = states(session, ids)
    wanted = {one: (1, 2) if one % 2 else (1,) for one in ids if one % 4 and one not in audit}
    assert {one: state.label_ids for one, state in known.items()} == wanted
