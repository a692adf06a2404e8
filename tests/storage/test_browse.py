"""Browse gives exactly the reviews that a plain loop over the tables gives, in the order it says."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from core.storage import browse, decisions, gathering, runs
from core.storage.browse import Filter, Order, State
from core.storage.database import Database, annotator_id, project_of
from core.storage.opened import Opened
from core.storage.states import AnnotationState, labelled, states
from core.storage.tables import Decision, Origin, QueueEntry, Review, Suggestion
from tests.conftest import MakeProject

from .corpus import busy, reviews, suggest

COUNT = 120

STATES = (State.ALL, State.OPEN, State.LABELLED, State.NOTED, State.DISAGREED)
"""Those of which the conditions beside the state are tried."""
Row = dict[str, Any]


def rows(database: Database) -> list[Row]:
    """Everything about each review, gathered without any of the queries under test."""
    with database.reading() as session:
        run = project_of(session).run_in_use
        suggested = {one.review_id: one for one in session.exec(select(Suggestion)) if one.run_id == run}
        places = {one.review_id: one.position for one in session.exec(select(QueueEntry))}
        table = session.exec(select(Review)).all()
        known = states(session, [review.id for review in table if review.id is not None])
        return [
            {
                "id": review.id,
                "shuffle": review.shuffle,
                "state": known.get(review.id or 0, AnnotationState(1)),
                "suggested": suggested.get(review.id or 0),
                "place": places.get(review.id or 0),
            }
            for review in table
        ]


def lets_through(row: Row, state: State, label_id: int | None) -> bool:
    annotation, suggested = row["state"], row["suggested"]
    is_open = annotation.decision is None and not annotation.flagged
    is_labelled = annotation.decision is Decision.LABELLED
    fits: bool = {
        State.ALL: True,
        State.OPEN: is_open,
        State.LABELLED: is_labelled,
        State.SKIPPED: annotation.decision is Decision.SKIPPED,
        State.FLAGGED: annotation.flagged,
        State.NOTED: annotation.note != "",
        State.SUGGESTED: is_open and suggested is not None,
        State.DISAGREED: is_labelled and suggested is not None and suggested.label_id not in annotation.label_ids,
    }[state]
    if label_id is None:
        return fits
    if state in (State.OPEN, State.SUGGESTED):
        return bool(fits and suggested is not None and suggested.label_id == label_id)
    return bool(fits and label_id in annotation.label_ids)


def probability(row: Row) -> float:
    return float(row["suggested"].probability)


KEYS: dict[Order, Callable[[Row], Any]] = {
    Order.FILE: lambda row: row["id"],
    Order.QUEUE: lambda row: (row["place"] is None, row["place"] or 0, row["shuffle"]),
    Order.SURE: lambda row: (row["suggested"] is None, -probability(row) if row["suggested"] else 0, row["id"]),
    Order.UNSURE: lambda row: (row["suggested"] is None, probability(row) if row["suggested"] else 0, row["id"]),
}


def in_order(found: list[Row], order: Order) -> list[Row]:
    if order is Order.RECENT:
        by_time = sorted(found, key=lambda row: row["state"].decided_at, reverse=True)
        return [row for _, same in itertools.groupby(by_time, lambda row: row["state"].decided_at) for row in same]
    return sorted(found, key=KEYS[order])


@pytest.fixture(params=["as it comes", "by sorting", "by masks"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes small projects be read in the ways that large ones are."""
    if request.param == "as it comes":
        monkeypatch.setattr(gathering, "FREQUENT", 10)
        monkeypatch.setattr(gathering, "FEW", 15)
    elif request.param == "by sorting":
        monkeypatch.setattr(gathering, "WINDOWS", ())
    elif request.param == "by masks":
        monkeypatch.setattr(gathering, "FEW", -1)
        monkeypatch.setattr(gathering, "FEW_PROBED", -1)
        monkeypatch.setattr(gathering, "WINDOWS", (2, 5))
        monkeypatch.setattr(gathering, "PORTION", 7)


@pytest.fixture
def database(project: MakeProject) -> Database:
    made = project(reviews=reviews(COUNT))
    busy(made, COUNT)
    return made


@pytest.mark.usefixtures("way")
def test_every_filter_in_every_order_is_what_a_plain_loop_gives(database: Database) -> None:
    table = rows(database)
    met = set()
    with database.reading() as session:
        for state, order, label_id in itertools.product(State, Order, (None, 1, 2)):
            wanted = Filter(state, label_id, order=order)
            expected = [row["id"] for row in in_order([r for r in table if lets_through(r, state, label_id)], order)]
            assert browse.page(session, wanted, 0, COUNT) == expected, wanted
            assert browse.page(session, wanted, 0, 3) == expected[:3], wanted
            assert browse.every(session, wanted).tolist() == expected, wanted
            assert browse.total(session, wanted) == len(expected), wanted
            if expected and len(expected) < COUNT:
                met.add((state, label_id))
    assert len(met) >= 3 * len(State) - 3, "the example has something of everything"


def test_pages_put_together_are_the_whole(database: Database) -> None:
    with database.reading() as session:
        for order in Order:
            wanted = Filter(State.OPEN, order=order)
            whole = browse.page(session, wanted, 0, COUNT)
            assert whole == [one for start in range(0, COUNT, 7) for one in browse.page(session, wanted, start, 7)]
            assert len(set(whole)) == len(whole)


def test_counts_are_a_recount(database: Database) -> None:
    table = [row["state"] for row in rows(database)]
    with database.reading() as session:
        counted = browse.counts(session)
    is_labelled = [one for one in table if one.decision is Decision.LABELLED]
    assert counted.reviews == COUNT
    assert counted.labelled == len(is_labelled)
    assert counted.share == len(is_labelled) / COUNT
    assert counted.skipped == sum(one.decision is Decision.SKIPPED for one in table)
    assert counted.flagged == sum(one.flagged for one in table)
    assert counted.by_label == {label: sum(label in one.label_ids for one in is_labelled) for label in (1, 2)}


def test_an_empty_project_has_nothing_in_it(project: MakeProject) -> None:
    database = project()
    with database.reading() as session:
        assert browse.counts(session) == browse.Counts(0, 0, 0, 0, 0, {})
        assert browse.counts(session).share == 0
        for state, order in itertools.product(State, Order):
            assert browse.page(session, Filter(state, words="x", order=order), 0, 10) == []
            assert browse.total(session, Filter(state, order=order)) == 0


def test_model_and_person_who_both_say_no_label_do_not_disagree(project: MakeProject) -> None:
    database = project(multi=True, reviews=["none, none", "none, one", "one, none", "one, one"])
    with database.writing() as session:
        person = annotator_id(session, "ann")
        run = runs.start(session, "tiny", {}, [1, 2])
        suggest(session, run, {1: (0.1, 0.2), 2: (0.1, 0.2), 3: (0.9, 0.2), 4: (0.9, 0.2)}, multi=True)
        decisions.decide(session, person, "x", {1: labelled(person, []), 2: labelled(person, [1])})
        decisions.decide(session, person, "x", {3: labelled(person, []), 4: labelled(person, [1])})
    with database.reading() as session:
        assert browse.page(session, Filter(State.DISAGREED), 0, 10) == [2, 3]


def test_a_review_is_found_by_its_own_id_before_its_row(project: MakeProject) -> None:
    database = project(reviews=["a", "b", "c"])
    with database.writing() as session:
        session.connection().exec_driver_sql("UPDATE review SET external_id = '1' WHERE id = 3")
    with database.reading() as session:
        assert browse.find_by_name(session, "1") == 3
        assert browse.find_by_name(session, "2") == 2
        assert browse.find_by_name(session, "r2") == 2
        for nothing in ("", "4", "R2", "²", "r", "99999999999999999999"):
            assert browse.find_by_name(session, nothing) is None


def flip(database: Database, count: int) -> dict[int, int]:
    """Let a second run, not in use, suggest something for most reviews; its labels by review."""
    draw = random.Random(7)
    said = {review_id: draw.choice([1, 2]) for review_id in range(1, count + 1) if draw.random() < 0.7}
    with database.writing() as session:
        run = runs.start(session, "tiny", {}, [1, 2])
        rows = [
            {"run_id": run, "review_id": one, "label_id": label, "probability": 0.5, "scores": b""}
            for one, label in said.items()
        ]
        runs.add_suggestions(session, rows)
    assert run == 2
    return said


@pytest.mark.usefixtures("way")
def test_the_further_conditions_are_what_a_plain_loop_gives(database: Database) -> None:
    table = rows(database)
    with database.reading() as session:
        audit = {review.id: review.audit for review in session.exec(select(Review))}
        words = {review.id: review.text.casefold().split() for review in session.exec(select(Review))}
    said = flip(database, COUNT)
    times = sorted(row["state"].decided_at for row in table if row["state"].decided_at)
    middle = times[len(times) // 2]
    conditions: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
        ({"audit": True}, lambda row: bool(audit[row["id"]])),
        ({"audit": False}, lambda row: not audit[row["id"]]),
        ({"source_id": 1}, lambda _row: True),
        ({"source_id": 2}, lambda _row: False),
        ({"suggested_id": 2}, lambda row: row["suggested"] is not None and row["suggested"].label_id == 2),
        ({"at_least": 0.75}, lambda row: row["suggested"] is not None and probability(row) >= 0.75),
        ({"at_most": 0.75}, lambda row: row["suggested"] is not None and probability(row) <= 0.75),
        *(
            ({"origin": origin}, lambda row, origin=origin: row["state"].decision and row["state"].origin is origin)
            for origin in Origin
        ),
        ({"since": middle}, lambda row: row["state"].decided_at >= middle),
        (
            {"until": middle},
            lambda row: bool(row["state"].decided_at) and row["state"].decided_at[: len(middle)] <= middle,
        ),
        ({"until": times[0][:10]}, lambda row: row["state"].decided_at[:10] == times[0][:10]),
        ({"words": "late"}, lambda row: "late" in words[row["id"]]),
        ({"words": "-late"}, lambda row: "late" not in words[row["id"]]),
        (
            {"words": "deliver* NOT late"},
            lambda row: (
                any(word.startswith("deliver") for word in words[row["id"]]) and "late" not in words[row["id"]]
            ),
        ),
        (
            {"words": "late", "label_id": 1, "at_least": 0.6},
            lambda row: (
                "late" in words[row["id"]]
                and row["suggested"] is not None
                and probability(row) >= 0.6
                and 1 in (row["state"].label_ids or (row["suggested"].label_id,))
            ),
        ),
        (
            {"flipped": (1, 2)},
            lambda row: (
                row["id"] in said and row["suggested"] is not None and row["suggested"].label_id != said[row["id"]]
            ),
        ),
    ]
    with database.reading() as session:
        for (fields, lets), state, order in itertools.product(conditions, STATES, Order):
            wanted = Filter(state, order=order, **fields)
            found = [row for row in table if lets_through(row, state, wanted.label_id) and lets(row)]
            expected = [row["id"] for row in in_order(found, order)]
            assert browse.page(session, wanted, 0, COUNT) == expected, wanted
            assert list(browse.every(session, wanted)) == expected, wanted


def test_a_list_that_is_no_longer_wanted_is_not_gathered_to_its_end(database: Database) -> None:
    with database.reading() as session, pytest.raises(browse.Abandoned):
        browse.every(session, Filter(order=Order.QUEUE), still=lambda: False)
    opened = Opened(database, Filter(order=Order.QUEUE), multi=False)
    opened.close()
    assert not opened.gather()
    assert opened.ids is None


def test_an_opened_list_keeps_its_order_and_shows_its_reviews_as_they_are_now(database: Database) -> None:
    opened = Opened(database, Filter(State.OPEN, order=Order.SURE), multi=False)
    first = [card.review_id for card in opened.first(10)]
    assert opened.gather()
    assert opened.ids is not None
    assert first == opened.ids[:10].tolist()
    assert not opened.is_stale()
    third = first[2]
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "positive", {third: labelled(person, [1])})
    assert opened.is_stale()
    shown = opened.page(0, 10)
    assert [card.review_id for card in shown] == first
    assert shown[2].state is not None
    assert shown[2].state.label_ids == (1,)
    assert opened.gather()
    assert not opened.is_stale()
    assert third not in (opened.ids or ())
    assert opened.place(first[3], 0) == 2
    assert opened.place(third, 2) == 2
