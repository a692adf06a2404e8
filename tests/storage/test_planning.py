"""The queue by a run's suggestions: the same however many are looked at together."""

from __future__ import annotations

import random
import struct

import pytest
from sqlmodel import col, select

from core.storage import decisions, planning, runs, scheme_changes
from core.storage.database import Database, annotator_id
from core.storage.states import labelled
from core.storage.tables import QueueReason, Review, Run, Suggestion
from tests.conftest import MakeProject, learnable


@pytest.fixture
def database(project: MakeProject) -> Database:
    """Two hundred reviews, with suggestions of three labels that often tie."""
    database = project(["a", "b", "c"], reviews=[text for text, _ in learnable(200)])
    draw = random.Random(4)
    rows = []
    for review_id in range(1, 201):
        shares = [draw.randint(1, 4) for _ in range(3)]
        scores = [share / sum(shares) for share in shares]
        best = scores.index(max(scores))
        packed = struct.pack("<3f", *scores)
        rows.append(
            {"run_id": 1, "review_id": review_id, "label_id": best + 1, "probability": scores[best], "scores": packed}
        )
    with database.writing() as session:
        runs.start(session, "tiny", {}, [1, 2, 3])
        runs.add_suggestions(session, rows)
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "label", {number: labelled(person, [1]) for number in range(1, 200, 7)})
    return database


def planned(database: Database) -> list[tuple[int, QueueReason, float | None]]:
    with database.reading() as session:
        run = session.get(Run, 1)
        assert run is not None
        return [(one.review_id, one.reason, one.number) for one in planning.plan(session, run)]


@pytest.mark.parametrize("portion", [1, 7, 64])
def test_the_size_of_a_portion_changes_nothing(
    portion: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = planned(database)
    monkeypatch.setattr(planning, "PORTION", portion)
    assert planned(database) == whole


def test_the_queue_has_the_smallest_margins_and_ties_come_in_random_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = planned(database)
    with database.reading() as session:
        place = {review.id: (review.shuffle, review.audit) for review in session.exec(select(Review))}
    chosen = [(margin, place[one][0]) for one, reason, margin in whole if reason is QueueReason.MARGIN]
    assert chosen == sorted(chosen)
    assert {one for one, reason, _ in whole if reason is QueueReason.AUDIT} == {
        one for one, (_, audit) in place.items() if audit and (one is not None and one % 7 != 1)
    }
    assert len(whole) == 200 - len(range(1, 200, 7))
    monkeypatch.setattr(planning, "QUEUE_LENGTH", 20)
    monkeypatch.setattr(planning, "PORTION", 9)
    assert planned(database) == whole[:20], "the first of many are those of all"


def test_one_review_of_so_many_as_the_settings_say_is_drawn_at_random(database: Database) -> None:
    for drawn_every in (2, 3, 10):
        with database.reading() as session:
            run = session.get(Run, 1)
            assert run is not None
            reasons = [one.reason for one in planning.plan(session, run, drawn_every)]
        first = reasons[: drawn_every * 3]
        assert first.count(QueueReason.AUDIT) == 3
        assert all(
            first[at : at + drawn_every].count(QueueReason.AUDIT) == 1 for at in range(0, len(first), drawn_every)
        )


def test_labels_merged_since_count_as_one(database: Database) -> None:
    chosen = next(one for one, reason, _ in planned(database) if reason is QueueReason.MARGIN)
    with database.writing() as session:
        scheme_changes.merge(session, annotator_id(session, "ann"), 1, 2)
        packed = session.exec(select(Suggestion.scores).where(col(Suggestion.review_id) == chosen)).one()
    first, second, third = struct.unpack("<3f", packed)
    margins = {one: margin for one, _, margin in planned(database)}
    assert margins[chosen] == pytest.approx(abs(first + second - third), abs=1e-6)
