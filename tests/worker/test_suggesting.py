"""Suggesting computes each text once, goes on where it was stopped, and takes only what is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from core.files.importing import Choice, import_file
from core.storage import decisions, journal, learning
from core.storage.database import Database, project_of
from core.storage.states import labelled
from core.storage.tables import Annotation, Decision, Review, Run, Suggestion
from core.training.packed import PackedBert
from core.worker.events import Cancelled, Event, Finished, Progressed, SuggestionsStored
from core.worker.requests import Request, Suggest, Train
from tests.conftest import MakeProject, learnable, write_csv

MakeTrain = Callable[..., Train]


def do(request: Request, should_stop: Callable[[], bool] = lambda: False) -> tuple[list[Event], Event]:
    from core.worker import jobs

    told: list[Event] = []
    last = jobs.run(request, told.append, should_stop, "")
    return told, last


def stored(told: list[Event]) -> SuggestionsStored:
    (event,) = [one for one in told if isinstance(one, SuggestionsStored)]
    return event


def wanted(session: Session) -> set[int]:
    return {review_id for review_id, _ in learning.to_suggest(session, 0, 10_000)}


def said(session: Session, run_id: int) -> dict[int, Suggestion]:
    return {one.review_id: one for one in session.exec(select(Suggestion).where(Suggestion.run_id == run_id))}


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of texts that went through the model, batch by batch."""
    sizes: list[int] = []
    logits = PackedBert.logits

    def counted(self: PackedBert, ids: Any) -> Any:
        sizes.append(len(ids))
        return logits(self, ids)

    monkeypatch.setattr(PackedBert, "logits", counted)
    return sizes


@pytest.fixture
def database(project: MakeProject, tmp_path: Path, training: MakeTrain, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A trained run, whose suggestions are stored; windows of 50 texts, every tenth review a copy."""
    monkeypatch.setattr("core.worker.jobs.suggest.CHUNK", 50)
    monkeypatch.setattr("core.worker.jobs.suggest.PORTION", 20)
    made = project()
    pairs = learnable(400)
    rows = [[text, label if number < 60 else ""] for number, (text, label) in enumerate(pairs)]
    rows += [[pairs[60 + 8 * number][0], ""] for number in range(40)]
    import_file(made, Choice(write_csv(tmp_path / "a.csv", ["text", "mark"], rows), label_column="mark"), "ann")
    do(training(made, epochs=1))
    return made


def test_each_text_is_computed_once_and_its_copies_get_what_is_said_of_it(
    database: Database, computed: list[int]
) -> None:
    with database.writing() as session:
        first = said(session, 1)
        assert set(first) == wanted(session)
        texts = {one.id: one.text for one in session.exec(select(Review))}
        for one in first.values():
            session.delete(one)
    told, last = do(Suggest(str(database.path)))
    assert isinstance(last, Finished)
    with database.reading() as session:
        again = said(session, 1)
        assert set(again) == set(first) == wanted(session)
    distinct = {texts[one] for one in again}
    assert len(distinct) < len(again)
    assert sum(computed) == len(distinct)
    scores: dict[str | None, set[bytes]] = {}
    for review_id, one in again.items():
        scores.setdefault(texts[review_id], set()).add(one.scores)
        assert one.probability == pytest.approx(first[review_id].probability, abs=0.03)
    assert all(len(found) == 1 for found in scores.values()), "copies have the same"
    last_progress = [one for one in told if isinstance(one, Progressed)][-1]
    assert last_progress.done <= last_progress.total == len(again)


def test_what_was_stopped_goes_on_where_it_was(database: Database, computed: list[int]) -> None:
    with database.writing() as session:
        for one in said(session, 1).values():
            session.delete(one)
    asked = iter([False, False, False])
    _, last = do(Suggest(str(database.path)), lambda: next(asked, True))
    assert isinstance(last, Cancelled)
    with database.reading() as session:
        kept = said(session, 1)
        open_still = wanted(session) - set(kept)
    assert 0 < len(kept) < len(kept) + len(open_still)
    computed.clear()
    told, _ = do(Suggest(str(database.path)))
    assert sum(computed) <= len(open_still)
    assert f"of {stored(told).count} are new." in stored(told).message
    with database.reading() as session:
        now = said(session, 1)
        assert set(now) == wanted(session)
    assert {one: now[one].scores for one in kept} == {one: kept[one].scores for one in kept}


def test_only_what_is_new_is_computed(database: Database, computed: list[int], tmp_path: Path) -> None:
    told, _ = do(Suggest(str(database.path)))
    assert computed == []
    assert " 0 suggestions of " in stored(told).message
    fresh = [[f"{text} once more", ""] for text, _ in learnable(7)]
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text", "mark"], fresh), label_column="mark"), "ann")
    with database.writing() as session:
        query = select(Annotation.review_id).join(Review).where(Annotation.decision == Decision.LABELLED)
        opened = session.exec(query.where(~col(Review.audit))).first()
        assert opened is not None
        decisions.clear(session, 1, "open again", [opened])
    told, _ = do(Suggest(str(database.path)))
    assert sum(computed) == 8
    with database.reading() as session:
        assert wanted(session) <= set(said(session, 1))
        assert project_of(session).run_in_use == 1
        run = session.get(Run, 1)
        assert run is not None
        assert run.suggested == stored(told).count == len(said(session, 1))


def test_a_label_given_meanwhile_and_undone_needs_no_computing(database: Database, computed: list[int]) -> None:
    with database.writing() as session:
        one = min(review_id for review_id in wanted(session) if review_id > 60)
        decisions.decide(session, 1, "hand", {one: labelled(1, [1])})
    do(Suggest(str(database.path)))
    with database.writing() as session:
        journal.undo(session)
    do(Suggest(str(database.path)))
    assert computed == []
