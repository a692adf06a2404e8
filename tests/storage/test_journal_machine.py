"""Whatever a person does and in whatever order: the tables say what the journal says, and history can be walked."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import Session, col, select

from core.errors import SchemeError
from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage import browse, decisions, journal, runs, scheme, scheme_changes
from core.storage.database import Database, annotator_id, create, open_project
from core.storage.states import AnnotationState, accepted, labelled, skipped, states
from core.storage.tables import (
    Annotation,
    AnnotationLabel,
    Batch,
    BatchState,
    Change,
    Decision,
    Label,
    Review,
    Source,
    Subject,
)
from tests.conftest import write_csv

State = dict[str, Any]
TEXTS = st.lists(st.sampled_from(["good", "bad", "so so", "fine", "ünïcode", ""]), min_size=1, max_size=5)


def tables(session: Session) -> State:
    """All that the journal is answerable for, read from the tables."""
    reviews = session.exec(select(Review.id)).all()
    return {
        "annotations": states(session, [review_id for review_id in reviews if review_id is not None]),
        "labels": {label.id: scheme.state_of(label) for label in session.exec(select(Label)) if not label.removed},
        "sources": {source.id for source in session.exec(select(Source)) if not source.withdrawn},
    }


def replayed(session: Session, first: State) -> State:
    """The same, computed from the first state and the changes of the batches that are done."""
    annotations, labels, sources = dict(first["annotations"]), dict(first["labels"]), set(first["sources"])
    done = (
        select(Change)
        .join(Batch, col(Batch.id) == col(Change.batch_id))
        .where(Batch.state == BatchState.DONE)
        .order_by(col(Change.id))
    )
    for change in session.exec(done):
        after = change.after
        if change.subject is Subject.ANNOTATION:
            annotations.pop(change.subject_id, None)
            if after is not None:
                annotations[change.subject_id] = AnnotationState.from_json(after)
        elif change.subject is Subject.LABEL:
            labels.pop(change.subject_id, None)
            if after is not None:
                labels[change.subject_id] = after
        else:
            (sources.discard if after is None else sources.add)(change.subject_id)
    return {"annotations": annotations, "labels": labels, "sources": sources}


class Crash(Exception):
    """Stands for the end of the process."""


class History(RuleBasedStateMachine):
    """A person, and then another, at one project file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.database: Database | None = None
        self.imports = 0

    @initialize(multi=st.booleans())
    def begin(self, multi: bool) -> None:
        kind = SchemeKind.MULTI if multi else SchemeKind.SINGLE
        self.multi = multi
        self.database = create(self.folder / "p.db", kind, new_labels(["positive", "negative"]))
        with self.database.writing() as session:
            self.people = [annotator_id(session, name) for name in ("ann", "bob")]
            self.run = runs.start(session, "tiny", {}, [1, 2])
        with self.database.reading() as session:
            self.first = tables(session)
        self.past: list[State] = [self.first]
        self.future: list[State] = []

    def teardown(self) -> None:
        if self.database is not None:
            self.walk_the_whole_history()
            self.database.close()
        shutil.rmtree(self.folder)

    def shown(self, session: Session) -> list[int]:
        return browse.page(session, browse.Filter(), 0, 1000)

    def note_progress(self, batch: int | None) -> None:
        if batch is None:
            return
        assert self.database is not None
        with self.database.reading() as session:
            self.past.append(tables(session))
        self.future.clear()

    def one(self, session: Session, pick: int) -> int | None:
        shown = self.shown(session)
        return shown[pick % len(shown)] if shown else None

    picks = st.integers(0, 40)
    person = st.integers(0, 1)

    @rule(pick=picks, who=person, label=picks)
    def annotate(self, pick: int, who: int, label: int) -> None:
        assert self.database is not None
        with self.database.writing() as session:
            review_id = self.one(session, pick)
            ids = [row.id for row in scheme.labels(session) if row.id is not None]
            chosen = [ids[label % len(ids)]] if not self.multi else ids[: label % (len(ids) + 1)]
            batch = None
            if review_id is not None:
                wanted = {review_id: labelled(self.people[who], chosen)}
                batch = decisions.decide(session, self.people[who], "label", wanted)
        self.note_progress(batch)

    @rule(pick=picks, who=person, how=st.sampled_from(["accept", "skip", "clear"]))
    def decide(self, pick: int, who: int, how: str) -> None:
        assert self.database is not None
        person = self.people[who]
        with self.database.writing() as session:
            review_id = self.one(session, pick)
            batch = None
            if review_id is not None and how == "clear":
                batch = decisions.clear(session, person, how, [review_id])
            elif review_id is not None:
                state = accepted(person, [1], self.run, 0.9) if how == "accept" else skipped(person)
                batch = decisions.decide(session, person, how, {review_id: state})
        self.note_progress(batch)

    @rule(
        pick=picks, who=person, flagged=st.none() | st.booleans(), note=st.sampled_from([None, "", "see this", "ü"])
    )
    def amend(self, pick: int, who: int, flagged: bool | None, note: str | None) -> None:
        assert self.database is not None
        with self.database.writing() as session:
            review_id = self.one(session, pick)
            batch = None
            if review_id is not None:
                before = states(session, [review_id]).get(review_id)
                batch = decisions.amend(session, self.people[who], "amend", review_id, flagged=flagged, note=note)
                after = states(session, [review_id]).get(review_id)
                assert (before.decision if before else None) == (after.decision if after else None)
                assert (before.label_ids if before else ()) == (after.label_ids if after else ())
        self.note_progress(batch)

    @rule(
        who=person, pick=picks, onto=picks, how=st.sampled_from(["add", "rename", "merge", "archive", "back", "move"])
    )
    def change_the_scheme(self, who: int, pick: int, onto: int, how: str) -> None:
        assert self.database is not None
        person = self.people[who]
        with self.database.writing() as session:
            known = [label.id for label in scheme.labels(session, archived=True) if label.id is not None]
            one, other = known[pick % len(known)], known[onto % len(known)]
            before = tables(session)
            try:
                if how == "add":
                    batch: int | None = scheme_changes.add(session, person, f"new {pick}")
                elif how == "rename":
                    batch = scheme_changes.rename(session, person, one, f"name {onto}")
                elif how == "merge":
                    batch = scheme_changes.merge(session, person, one, other)
                elif how == "archive":
                    batch = scheme_changes.archive(session, person, one)
                elif how == "back":
                    batch = scheme_changes.bring_back(session, person, one)
                else:
                    batch = scheme_changes.move(session, person, one, 1 if onto % 2 else -1)
            except SchemeError:
                batch = None
                assert tables(session) == before, "what is refused changes nothing"
            if how == "merge" and batch is not None:
                assert not any(one in state.label_ids for state in tables(session)["annotations"].values())
        self.note_progress(batch)

    @rule(who=person, every=st.integers(1, 3))
    def many_at_once(self, who: int, every: int) -> None:
        assert self.database is not None
        with self.database.writing() as session:
            wanted = {review_id: labelled(self.people[who], [2]) for review_id in self.shown(session)[::every]}
            batch = decisions.decide(session, self.people[who], "many", wanted)
        self.note_progress(batch)

    @rule(
        texts=TEXTS,
        labels=st.lists(st.sampled_from(["", "positive", "neutral", "odd"]), min_size=5, max_size=5) | st.none(),
    )
    def bring_in_a_file(self, texts: list[str], labels: list[str] | None) -> None:
        assert self.database is not None
        self.imports += 1
        rows = [[f"{self.imports}-{n}", text, labels[n] if labels else ""] for n, text in enumerate(texts)]
        file = write_csv(self.folder / f"{self.imports}.csv", ["id", "text", "mark"], rows)
        import_file(self.database, Choice(file, label_column="mark" if labels else None), "ann")
        self.note_progress(self.imports)

    @rule()
    def undo(self) -> None:
        assert self.database is not None
        with self.database.writing() as session:
            step = journal.undo(session)
        assert (step is None) == (len(self.past) == 1)
        if step is not None:
            self.future.append(self.past.pop())

    @rule()
    def redo(self) -> None:
        assert self.database is not None
        with self.database.writing() as session:
            step = journal.redo(session)
        assert (step is None) == (not self.future)
        if step is not None:
            self.past.append(self.future.pop())

    @precondition(lambda self: self.database is not None)
    @rule()
    def close_and_reopen(self) -> None:
        assert self.database is not None
        self.database.close()
        self.database = open_project(self.folder / "p.db")

    @precondition(lambda self: self.database is not None)
    @rule(who=person)
    def crash_while_writing(self, who: int) -> None:
        """The process dies in mid-transaction: what is on the disk at that moment is opened again."""
        assert self.database is not None
        left = self.folder / "left"
        left.mkdir()
        with contextlib.suppress(Crash), self.database.writing() as session:
            session.connection().exec_driver_sql("PRAGMA cache_size = 1")  # half-written pages reach the log
            wanted = {review_id: skipped(self.people[who]) for review_id in self.shown(session)}
            decisions.decide(session, self.people[who], "lost", wanted)
            for file in self.folder.glob("p.db*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, left)
            raise Crash
        self.database.close()
        for file in self.folder.glob("p.db*"):
            file.unlink()
        for file in left.iterdir():
            file.rename(self.folder / file.name)
        left.rmdir()
        self.database = open_project(self.folder / "p.db")

    @invariant()
    def the_tables_are_where_the_history_says(self) -> None:
        if self.database is None:
            return
        with self.database.reading() as session:
            now = tables(session)
            assert now == self.past[-1]
            assert now == replayed(session, self.first)
            assert bool(journal.next_undo(session)) == (len(self.past) > 1)
            assert bool(journal.next_redo(session)) == bool(self.future)
            annotations = now["annotations"].values()
            assert len(session.exec(select(Annotation)).all()) == len(annotations), "one annotation a review"
            assert len(session.exec(select(AnnotationLabel)).all()) == sum(len(a.label_ids) for a in annotations)
            counted = browse.counts(session)
            reviews = session.exec(select(Review)).all()
            visible = {review.id or 0: review for review in reviews if review.source_id in now["sources"]}
            assert self.shown(session) == sorted(visible)
            assert set(now["annotations"]) <= set(visible), "nothing is said about a review that is not there"
            is_labelled = [
                review_id for review_id, a in now["annotations"].items() if a.decision is Decision.LABELLED
            ]
            assert counted.reviews == len(visible)
            assert counted.labelled == len(is_labelled)
            assert counted.skipped == sum(a.decision is Decision.SKIPPED for a in annotations)
            assert counted.flagged == sum(a.flagged for a in annotations)
            assert counted.audit_labelled == sum(visible[review_id].audit for review_id in is_labelled)
            given = [label_id for a in annotations for label_id in a.label_ids]
            offered = scheme.labels(session)
            keys = [label.key for label in offered if label.key]
            assert len(keys) == len(set(keys)), "no key gives two labels"
            assert len(offered) >= (1 if self.multi else 2)
            assert counted.by_label == {label_id: given.count(label_id) for label_id in set(given)}

    def walk_the_whole_history(self) -> None:
        assert self.database is not None
        last = self.past[-1] if not self.future else self.future[0]
        with self.database.writing() as session:
            while journal.redo(session):
                pass
            assert tables(session) == last
            while journal.undo(session):
                pass
            assert tables(session) == self.first
            while journal.redo(session):
                pass
            assert tables(session) == last


def test_any_history_holds() -> None:
    run_state_machine_as_test(
        History,
        settings=settings(max_examples=12, stateful_step_count=25),
    )
