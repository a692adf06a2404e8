"""The scheme can be changed at any time: annotations go along, and one undo takes all of it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import Session, col, select

from core.errors import SchemeError
from core.files.exporting import export
from core.files.importing import Choice, import_file
from core.report import measure
from core.storage import browse, cards, decisions, journal, learning, runs, scheme, scheme_changes
from core.storage.browse import Filter, State
from core.storage.database import Database, annotator_id, project_of
from core.storage.scheme import Usage
from core.storage.states import accepted, labelled, states
from core.storage.tables import Change, Label, Review, Run, Suggestion
from tests.conftest import MakeProject, write_csv
from tests.tui.suggesting import suggest_everything

Changing = Callable[[Session, int], int | None]


def scheme_now(session: Session) -> list[dict[str, object]]:
    """All of every label, archived ones included, in the scheme's order."""
    return [{"id": label.id, **scheme.state_of(label)} for label in scheme.labels(session, archived=True)]


def everything(session: Session) -> object:
    reviews = [review_id for review_id in session.exec(select(Review.id)) if review_id is not None]
    return scheme_now(session), states(session, reviews)


def give(database: Database, label_ids: dict[int, list[int]]) -> None:
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(
            session, person, "label", {review: labelled(person, given) for review, given in label_ids.items()}
        )


def change(database: Database, work: Changing) -> int | None:
    with database.writing() as session:
        return work(session, annotator_id(session, "bob"))


def given(database: Database) -> dict[int, tuple[int, ...]]:
    with database.reading() as session:
        reviews = [review_id for review_id in session.exec(select(Review.id)) if review_id is not None]
        return {review_id: state.label_ids for review_id, state in states(session, reviews).items()}


CHANGES: dict[str, Changing] = {
    "add": lambda session, who: scheme_changes.add(session, who, " refunds "),
    "rename": lambda session, who: scheme_changes.rename(session, who, 1, "praise"),
    "case": lambda session, who: scheme_changes.rename(session, who, 1, "Positive"),
    "recolour": lambda session, who: scheme_changes.recolour(session, who, 2, "cyan"),
    "key": lambda session, who: scheme_changes.set_key(session, who, 2, "w", {"a", "b"}),
    "no key": lambda session, who: scheme_changes.set_key(session, who, 2, ""),
    "describe": lambda session, who: scheme_changes.describe(session, who, 3, "Late,\nlost or   broken."),
    "words": lambda session, who: scheme_changes.set_keywords(session, who, 3, ["Late", "late", "didn’t", " "]),
    "up": lambda session, who: scheme_changes.move(session, who, 3, -1),
    "down": lambda session, who: scheme_changes.move(session, who, 1, 1),
    "archive": lambda session, who: scheme_changes.archive(session, who, 3),
    "merge": lambda session, who: scheme_changes.merge(session, who, 2, 1),
    "split": lambda session, who: scheme_changes.split_off(session, who, 1, "joy", [1, 2, 3, 3, 99]),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("multi", [False, True])
def test_a_change_is_one_step_that_undo_and_redo_take_exactly(project: MakeProject, name: str, multi: bool) -> None:
    database = project(labels=("positive", "negative", "delivery"), multi=multi, reviews=["a", "b", "c", "d"])
    give(database, {1: [1, 2] if multi else [1], 2: [2], 3: [1]})
    with database.reading() as session:
        before = everything(session)
    batch = change(database, CHANGES[name])
    assert batch is not None
    with database.writing() as session:
        after = everything(session)
        assert after != before
        step = journal.undo(session)
        assert step is not None
        assert step.batch_id == batch
        assert scheme_changes.is_about_scheme(session, batch)
        assert everything(session) == before
        journal.redo(session)
        assert everything(session) == after


def test_what_each_change_does(project: MakeProject) -> None:
    database = project(labels=("positive", "negative", "delivery"), reviews=["a"])
    for name in ("add", "rename", "key", "describe", "words", "up", "archive"):
        change(database, CHANGES[name])
    with database.reading() as session:
        now = {label["name"]: label for label in scheme_now(session)}
    assert list(now) == ["praise", "delivery", "negative", "refunds"]
    assert (now["refunds"]["key"], now["refunds"]["colour"]) == ("4", "orange")
    assert now["negative"]["key"] == "w"
    assert now["delivery"]["archived"] is True
    assert now["delivery"]["description"] == "Late, lost or broken."
    assert now["delivery"]["keywords"] == ["late", "didn't"]


def test_what_is_the_same_already_is_no_step(project: MakeProject) -> None:
    database = project(labels=("positive", "negative"), reviews=["a"])
    same: list[Changing] = [
        lambda session, who: scheme_changes.rename(session, who, 1, "positive"),
        lambda session, who: scheme_changes.set_key(session, who, 1, "1"),
        lambda session, who: scheme_changes.describe(session, who, 1, " "),
        lambda session, who: scheme_changes.move(session, who, 1, -1),
        lambda session, who: scheme_changes.move(session, who, 2, 1),
        lambda session, who: scheme_changes.bring_back(session, who, 2),
    ]
    assert [change(database, one) for one in same] == [None] * len(same)


REFUSED: dict[str, tuple[Changing, str]] = {
    "empty": (lambda s, who: scheme_changes.add(s, who, "  "), "has no name"),
    "long": (lambda s, who: scheme_changes.rename(s, who, 1, "x" * 61), "61 characters long"),
    "control": (lambda s, who: scheme_changes.add(s, who, "a|b"), "control character or"),
    "twice": (lambda s, who: scheme_changes.add(s, who, "NEGATIVE"), "There is a label “negative” already"),
    "archived name": (lambda s, who: scheme_changes.rename(s, who, 1, "Old"), "“old” is an archived label"),
    "split name": (lambda s, who: scheme_changes.split_off(s, who, 1, "negative", [1]), "There is a label"),
    "key taken": (lambda s, who: scheme_changes.set_key(s, who, 1, "2"), "The key “2” gives “negative”"),
    "key reserved": (lambda s, who: scheme_changes.set_key(s, who, 1, "a", {"a"}), "means something else"),
    "two keys": (lambda s, who: scheme_changes.set_key(s, who, 1, "12"), "'12' is not one key"),
    "no such label": (lambda s, who: scheme_changes.rename(s, who, 77, "x"), "not in the scheme any more"),
    "itself": (lambda s, who: scheme_changes.merge(s, who, 1, 1), "merged into itself"),
    "too few left by a merge": (lambda s, who: scheme_changes.merge(s, who, 1, 2), "needs two labels"),
    "too few left by archiving": (lambda s, who: scheme_changes.archive(s, who, 1), "needs two labels"),
    "into an archived one": (lambda s, who: scheme_changes.merge(s, who, 1, 3), "“old” is archived"),
    "archived and moved": (lambda s, who: scheme_changes.move(s, who, 3, -1), "has no place"),
    "archived and split": (lambda s, who: scheme_changes.split_off(s, who, 3, "x", [1]), "“old” is archived"),
    "no hits": (lambda s, who: scheme_changes.split_off(s, who, 1, "x", [2]), "None of these reviews"),
    "colour": (lambda s, who: scheme_changes.recolour(s, who, 1, "pink"), "no colour “pink”"),
    "words": (lambda s, who: scheme_changes.set_keywords(s, who, 1, ["so-so"]), "not a word"),
    "description": (lambda s, who: scheme_changes.describe(s, who, 1, "x" * 301), "301 characters"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_contradict_itself_is_refused_with_a_sentence(project: MakeProject, name: str) -> None:
    database = project(labels=("positive", "negative", "old"), reviews=["a", "b"])
    give(database, {1: [1]})
    change(database, lambda session, who: scheme_changes.archive(session, who, 3))
    with database.reading() as session:
        before = everything(session)
    work, told = REFUSED[name]
    with pytest.raises(SchemeError, match=told):
        change(database, work)
    with database.reading() as session:
        assert everything(session) == before


def test_a_multi_label_scheme_may_shrink_to_one_label(project: MakeProject) -> None:
    database = project(labels=("a", "b"), multi=True, reviews=["x"])
    change(database, lambda session, who: scheme_changes.archive(session, who, 1))
    with pytest.raises(SchemeError, match="A scheme needs a label"):
        change(database, lambda session, who: scheme_changes.archive(session, who, 2))


def test_merging_thousands_is_one_step_and_keeps_who_decided_when(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheme_changes, "PORTION", 700)
    database = project(labels=("a", "b", "c"), reviews=[f"review {number}" for number in range(6_000)])
    with database.writing() as session:
        run_id = runs.start(session, "tiny", {}, [1, 2, 3])
        ann = annotator_id(session, "ann")
        wanted = {number: accepted(ann, [1], run_id, 0.9) for number in range(1, 5_001)}
        decisions.decide(session, ann, "accept", wanted)
        decisions.decide(session, ann, "label", {number: labelled(ann, [2]) for number in range(5_001, 6_001)})
        decisions.amend(session, ann, "note", 7, note="see this")
        before = states(session, range(1, 6_001))
    batch = change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    with database.writing() as session:
        after = states(session, range(1, 6_001))
        assert {state.label_ids for state in after.values()} == {(2,)}
        assert (after[7].note, after[7].origin, after[7].run_id) == ("see this", "accepted", run_id)
        assert after[7].decided_at == before[7].decided_at
        assert browse.counts(session).by_label == {2: 6_000}
        assert len(session.exec(select(Change.id).where(col(Change.batch_id) == batch)).all()) == 5_001
        journal.undo(session)
        assert states(session, range(1, 6_001)) == before
        assert browse.counts(session).by_label == {1: 5_000, 2: 1_000}


def test_a_multi_label_merge_leaves_no_label_twice(project: MakeProject) -> None:
    database = project(labels=("a", "b", "c"), multi=True, reviews=["w", "x", "y", "z"])
    give(database, {1: [1, 2], 2: [1, 3], 3: [2], 4: []})
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    assert given(database) == {1: (2,), 2: (2, 3), 3: (2,), 4: ()}
    with database.writing() as session:
        journal.undo(session)
    assert given(database) == {1: (1, 2), 2: (1, 3), 3: (2,), 4: ()}


def test_merging_on_takes_earlier_merges_along_and_a_label_comes_back_empty(project: MakeProject) -> None:
    database = project(labels=("a", "b", "c", "d"), reviews=["x", "y"])
    give(database, {1: [1], 2: [2]})
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    change(database, lambda session, who: scheme_changes.merge(session, who, 2, 3))
    with database.reading() as session:
        assert scheme.standing(session) == {1: 3, 2: 3, 3: 3, 4: 4}
    with pytest.raises(SchemeError, match="merged away already"):
        change(database, lambda session, who: scheme_changes.merge(session, who, 1, 4))
    change(database, lambda session, who: scheme_changes.set_key(session, who, 4, "1"))
    change(database, lambda session, who: scheme_changes.bring_back(session, who, 1))
    assert given(database) == {1: (3,), 2: (3,)}
    with database.reading() as session:
        assert scheme.standing(session) == {1: 1, 2: 3, 3: 3, 4: 4}
        assert [label.key for label in scheme.labels(session)] == ["", "3", "1"], "its key has gone to another"


def test_keywords_go_along_with_a_merge(project: MakeProject) -> None:
    database = project(labels=("late", "parcel service", "c"), reviews=["x"])
    change(database, lambda session, who: scheme_changes.set_keywords(session, who, 1, ["slow", "parcel"]))
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    with database.reading() as session:
        assert scheme.find(session, "parcel service").keywords == ["parcel", "service", "slow"]


def test_what_is_split_off_is_what_a_search_finds(project: MakeProject) -> None:
    texts = ["battery dead", "screen dead", "battery fine", "battery swollen"]
    database = project(labels=("bad", "good"), reviews=texts)
    give(database, {1: [1], 2: [1], 3: [2], 4: [1]})
    with database.reading() as session:
        hits = browse.page(session, Filter(label_id=1, words="battery"), 0, 100)
    change(database, lambda session, who: scheme_changes.split_off(session, who, 1, "battery", hits))
    assert given(database) == {1: (3,), 2: (1,), 3: (2,), 4: (3,)}
    with database.reading() as session:
        assert scheme.usage(session) == {1: Usage(1), 2: Usage(1), 3: Usage(2)}
        assert journal.recent(session, 5)[0][0] == "label", "a change of the scheme is no decision"


# ---------------------------------------------------------------------- what was said with the labels of before


def test_an_older_runs_suggestion_counts_for_the_label_it_was_merged_into(project: MakeProject) -> None:
    database = project(labels=("a", "b", "c"), reviews=["w", "x", "y"])
    run_id = suggest_everything(database, 0.5)
    with database.writing() as session:
        scores = np.array([0.3, 0.3, 0.4], dtype="<f4")
        close = session.get(Suggestion, (run_id, 3))
        assert close is not None
        close.label_id, close.probability, close.scores = 3, 0.4, scores.tobytes()
        session.add(close)
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    with database.reading() as session:
        said = cards.suggestions(session, [1, 3], multi=False)
        assert said[1].label_ids == (2,)
        assert said[1].probability == pytest.approx(0.75)
        assert said[1].scores == pytest.approx({2: 0.75, 3: 0.25})
        assert said[3].label_ids == (2,), "added up, the merged label is the most probable"
        assert said[3].probability == pytest.approx(0.6)
        wanted = Filter(state=State.SUGGESTED, label_id=2)
        assert browse.page(session, wanted, 0, 10) == [1, 2]
        assert scheme.usage(session) == {2: Usage(0, 2), 3: Usage(0, 1)}
    give(database, {1: [2], 2: [3]})
    with database.reading() as session:
        assert browse.page(session, Filter(state=State.DISAGREED), 0, 10) == [2]


def test_a_suggestion_of_an_archived_label_is_not_shown(project: MakeProject) -> None:
    database = project(labels=("a", "b", "c"), reviews=["w"])
    suggest_everything(database, 0.8)
    change(database, lambda session, who: scheme_changes.archive(session, who, 1))
    with database.reading() as session:
        assert cards.suggestions(session, [1], multi=False) == {}
    change(database, lambda session, who: scheme_changes.bring_back(session, who, 1))
    with database.reading() as session:
        assert cards.suggestions(session, [1], multi=False)[1].label_ids == (1,)


def test_in_a_multi_label_scheme_either_half_suggests_the_merged_label(project: MakeProject) -> None:
    database = project(labels=("a", "b", "c"), multi=True, reviews=["w"])
    suggest_everything(database, 0.8)
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 3))
    with database.reading() as session:
        said = cards.suggestions(session, [1], multi=True)[1]
    assert said.label_ids == (3,)
    assert said.scores == pytest.approx({3: 0.8, 2: 0.1})


def test_an_older_run_is_measured_with_the_labels_of_now(project: MakeProject) -> None:
    database = project(labels=("a", "b", "c"), reviews=[f"number {number}" for number in range(200)])
    run_id = suggest_everything(database, 0.8)
    with database.reading() as session:
        audit = [review.id for review in session.exec(select(Review)) if review.audit and review.id]
    give(database, {review_id: [2 if number % 4 else 3] for number, review_id in enumerate(audit)})

    def accuracy() -> float:
        with database.reading() as session:
            model = measure(session, session.get(Run, run_id)).model
            assert model is not None
            return model.accuracy

    assert accuracy() == 0
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    right = sum(number % 4 > 0 for number in range(len(audit)))
    assert accuracy() == pytest.approx(right / len(audit))


def test_a_label_given_with_the_scheme_of_before_is_learned_as_the_merged_one(project: MakeProject) -> None:
    """Another process may not have noticed the merge yet."""
    database = project(labels=("a", "b", "c"), reviews=["x"])
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    give(database, {1: [1]})
    with database.reading() as session:
        assert {one: ids for audit in (True, False) for one, ids in learning.label_ids(session, audit).items()} == {
            1: (2,)
        }


@pytest.mark.parametrize("multi", [False, True])
def test_a_file_with_a_merged_name_brings_the_label_it_was_merged_into(
    project: MakeProject, tmp_path: Path, multi: bool
) -> None:
    database = project(labels=("late", "delivery", "old"), multi=multi, reviews=["x"])
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    change(database, lambda session, who: scheme_changes.rename(session, who, 3, "new"))
    cells = ["late|delivery" if multi else "late", "delivery", "old"]
    rows = [(f"text {number}", cell) for number, cell in enumerate(cells)]
    file = write_csv(tmp_path / "more.csv", ["text", "mark"], rows)
    report = import_file(database, Choice(file, label_column="mark"), "ann")
    assert report.new_labels == ["old"], "a name that is no longer used is a new label"
    assert given(database) == {2: (2,), 3: (2,), 4: (4,)}


def test_an_imported_label_takes_no_key_that_is_in_use(project: MakeProject, tmp_path: Path) -> None:
    database = project(labels=("a", "b"), reviews=["x"])
    change(database, lambda session, who: scheme_changes.set_key(session, who, 1, "3"))
    file = write_csv(tmp_path / "more.csv", ["text", "mark"], [("one", "c"), ("two", "d")])
    import_file(database, Choice(file, label_column="mark"), "ann")
    with database.reading() as session:
        assert [label.key for label in scheme.labels(session)] == ["3", "2", "1", "4"]


def test_an_export_has_the_names_of_now(project: MakeProject, tmp_path: Path) -> None:
    database = project(labels=("a", "b", "c"), reviews=["one", "two", "three"])
    give(database, {1: [1], 2: [2], 3: [3]})
    change(database, lambda session, who: scheme_changes.merge(session, who, 1, 2))
    change(database, lambda session, who: scheme_changes.rename(session, who, 2, "both"))
    change(database, lambda session, who: scheme_changes.add(session, who, "d"))
    change(database, lambda session, who: scheme_changes.archive(session, who, 3))
    export(database, tmp_path / "out.csv")
    written = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[2] for line in written] == ["label", "both", "both", "c"]


def test_a_run_of_before_may_name_labels_that_undo_took_out(project: MakeProject) -> None:
    database = project(labels=("a", "b"), reviews=["x"])
    change(database, lambda session, who: scheme_changes.add(session, who, "c"))
    suggest_everything(database, 0.8, first=2)
    with database.writing() as session:
        assert project_of(session).run_in_use is not None
        assert cards.suggestions(session, [1], multi=False)[1].label_ids == (3,)
        journal.undo(session)
        assert cards.suggestions(session, [1], multi=False) == {}
        assert [label.name for label in session.exec(select(Label)) if label.removed] == ["c"]
