"""A labelling session: the loop that a person is in for hours.

Nothing here waits for the disk. A decision is handed to the ordered writer and the next review, fetched
beforehand, is up at once; a write that fails brings its review back with the reason.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlmodel import Session

from core.errors import LabelloopError, ProjectMoved
from core.labelling.ahead import FETCHED, Ahead, Walk
from core.labelling.controls import Controls, Shares
from core.labelling.pace import Pace
from core.labelling.tally import Tally
from core.labelling.track import LONGEST, Track
from core.labels import SchemeKind
from core.storage import browse, cards, decisions, groups, journal, pending, queue, repeats, scheme
from core.storage.browse import Counts
from core.storage.cards import Card
from core.storage.database import Database, annotator_id, project_of
from core.storage.states import AnnotationState, accepted, labelled, skipped, states
from core.storage.tables import Decision, Label
from core.storage.writer import OrderedWriter

T = TypeVar("T")

RECALLED = 40
"""Decisions of earlier sessions that are brought back into sight."""

NO_DECISIONS = ("flag", "unflag", "note", groups.UNFOLD)
"""Titles of batches that are no decisions."""

LARGE = 1_000
"""Changes from which a step takes long enough that people may label on meanwhile."""


@dataclass(frozen=True)
class Decided:
    """One of the last decisions, as shown beside the review."""

    review_id: int
    title: str
    text: str


def _at_once(work: Callable[[], object]) -> None:
    work()


class LabellingSession:
    """The state of one person's labelling of one project. All methods are called in one thread."""

    def __init__(
        self,
        database: Database,
        annotator: str,
        on_failure: Callable[[int, LabelloopError], None] = lambda _review, _error: None,
        in_background: Callable[[Callable[[], object]], None] = _at_once,
        on_counted: Callable[[], None] = lambda: None,
        on_renewed: Callable[[], None] = lambda: None,
        shares: Shares = Shares(),  # noqa: B008 - frozen
    ) -> None:
        """Open a session.

        `on_failure` is told, in the writer's thread, which review could not be written and why.
        `in_background` runs fetching and counting work; it may do so in another thread. `on_counted` is told, in
        that thread, that the counts are others; `on_renewed`, that something new is known of the review that is up.
        """
        self.database = database
        self._on_renewed = on_renewed
        self._renewed: Card | None = None
        pending.recover(database)
        self._pending = pending.Pending(database.path)
        self._closing = False
        self.writer = OrderedWriter(database)
        self._on_failure = on_failure
        self._in_background = in_background
        with database.writing() as session:
            self.annotator = annotator_id(session, annotator)
        with database.reading() as session:
            project = project_of(session)
            self.multi = project.kind is SchemeKind.MULTI
            self.name = project.name
            self.scheme: list[Label] = scheme.labels(session)
            last, salt = project.current_review, project.salt
        self.pace = Pace()
        self._tally = Tally(database, self.writer, on_counted)
        self._track = Track(database, self.multi)
        self._controls = Controls(database, self.annotator, self.multi, salt, shares, in_background)
        self._ahead = Ahead(database, self.multi, in_background, self._track.settled, self._track.visited)
        self._forget_until_step: Callable[[], None] = self._track.forget_all
        """Forgets what was decided when the last undo or redo was asked for."""
        self._moves_before_step = 0
        self.decided: deque[Decided] = deque(maxlen=LONGEST)
        self._recall()
        self._start(last)
        self._in_background(self._tally.recount)

    # ------------------------------------------------------------------ looking

    @property
    def current(self) -> Card | None:
        """The review that is up, as it is to be seen; none when nothing is left."""
        card = self._track.current
        if card is None or self._ahead.walk is not None:
            return card
        return self._controls.seen(card, self._tally.counts.labelled)

    @property
    def counts(self) -> Counts:
        """How far the project is."""
        return self._tally.counts

    @property
    def walk(self) -> Walk | None:
        """The reviews that come up instead of the queue, if any."""
        return self._ahead.walk

    @property
    def remaining(self) -> int:
        """Reviews without a decision."""
        return max(0, self.counts.reviews - self.counts.labelled - self.counts.skipped)

    def label_by_id(self, label_id: int) -> Label | None:
        """A label of the scheme; none when it is archived or removed."""
        return next((label for label in self.scheme if label.id == label_id), None)

    def names(self, label_ids: Sequence[int]) -> str:
        """Label names, joined for reading."""
        return ", ".join(scheme.names(self.scheme, label_ids))

    def control(self, shares: Shares) -> None:
        """Hold back suggestions and ask again as often as this from now on."""
        self._controls.shares = shares

    # ------------------------------------------------------------------ moving

    def move_on(self) -> Card | None:
        """Go to the review after this one: forward on the track, at its end to the next of the queue."""
        if self._track.forward():
            return self.current
        again = self._controls.take() if self.walk is None else None
        card = again or self._ahead.next()
        if card is not None:
            self._track.visit(self._track.with_fresh(card))
        else:
            self._track.current = None
        self._ahead.top_up()
        return self.current

    def move_back(self) -> Card | None:
        """Go to the review before this one; stays at the first."""
        self._track.back()
        return self.current

    def go_to(self, review_id: int) -> Card | None:
        """Go to a certain review; moving on from there continues with the queue."""
        card = self._track.load(review_id)
        if card is None:
            return None
        if self.current is None or self.current.review_id != review_id:
            self._track.visit(card)
        self._track.current = card
        return card

    def first_open(self) -> Card | None:
        """Go to the front of the queue, or of the walk, leaving the reviews gone back to behind."""
        if self.walk is not None:
            return self.walk_through(self.walk.review_ids, self.walk.what, self.walk.because)
        state = self._track.state_of(self.current) if self.current is not None else None
        if self.current is not None and self._track.is_at_the_end and (state is None or state.decision is None):
            return self.current
        self._track.to_the_end()
        return self.move_on()

    # ------------------------------------------------------------------ deciding

    def give(self, label_ids: Sequence[int], put_aside: bool = False) -> Card | None:
        """Give the current review these labels and move on; `put_aside`: its suggestion was not to be seen."""
        card = self.current
        if card is None:
            return None
        return self._decide(labelled(self.annotator, label_ids), put_aside)

    def accept(self) -> Card | None:
        """Take the suggestion as the label and move on; stays when there is none."""
        card = self.current
        if card is None or card.suggested is None or (not card.suggested.label_ids and not self.multi):
            return card
        said = card.suggested
        if any(self.label_by_id(label_id) is None for label_id in said.label_ids):
            return card
        return self._decide(accepted(self.annotator, said.label_ids, said.run_id, said.probability))

    def skip(self, put_aside: bool = False) -> Card | None:
        """Pass the current review over for good and move on; `put_aside` as with `give`."""
        return self._decide(skipped(self.annotator), put_aside) if self.current else None

    def flag(self) -> Card | None:
        """Flag the current review, or take its flag off; stays on it."""
        card = self._track.current
        if card is None:
            return None
        state = self._track.state_of(card) or AnnotationState(self.annotator)
        on = not state.flagged
        title = "flag" if on else "unflag"
        return self._amend(
            card,
            replace(state, flagged=on),
            lambda session: decisions.amend(session, self.annotator, title, card.review_id, flagged=on),
        )

    def note(self, text: str) -> Card | None:
        """Write a note on the current review, or take it away with an empty text; stays on it."""
        card = self._track.current
        if card is None:
            return None
        state = self._track.state_of(card) or AnnotationState(self.annotator)
        return self._amend(
            card,
            replace(state, note=text),
            lambda session: decisions.amend(session, self.annotator, "note", card.review_id, note=text),
        )

    def unfold(self) -> int:
        """Take the current review's group apart; its other members come up next. Returns how many there are."""
        card = self.current
        if card is None or not card.alike:
            return 0
        with self.database.reading() as session:
            others = queue.group(session, card.review_id)[1:]
        self._submit(card.review_id, lambda session: groups.unfold(session, self.annotator, card.review_id))
        self.writer.flush()
        with self.database.reading() as session:
            members = cards.cards(session, others[:FETCHED], self.multi)
        self._ahead.put_first(one for one in members if one.state is None or one.state.decision is None)
        self._track.look_again()
        return len(others)

    def _decide(self, state: AnnotationState, put_aside: bool = False) -> Card | None:
        seen, card = self.current, self._track.current
        assert seen is not None
        assert card is not None
        first = self._controls.answered(card.review_id)
        if card.suggested is not None:
            same = state.decision is Decision.LABELLED and set(state.label_ids) == set(card.suggested.label_ids)
            shown = not seen.held_back and not put_aside
            state = replace(state, suggestion_shown=shown, suggestion_followed=same)
        title = self._title(state)

        def write(session: Session) -> None:
            if first is not None and state.decision is Decision.LABELLED:
                repeats.answer(session, self.annotator, title, card.review_id, state, first)
                return
            wanted = dict.fromkeys(queue.group(session, card.review_id), state)
            decisions.decide(session, self.annotator, title, wanted)

        known = self._states_alike(card)
        with self._tally.lock:
            self._pending.note(title, card.review_id, state, beside=False)
            self._submit(card.review_id, write, self._pending.settled)
            for review_id, before in known.items():
                kept = replace(state, flagged=before.flagged, note=before.note) if before else state
                self._track.remember(review_id, kept)
                self._tally.move(before, kept, card.audit)
        self.pace.decide(time.monotonic())
        self.decided.append(Decided(card.review_id, title, card.text))
        self._controls.consider()
        return self.move_on()

    def _states_alike(self, card: Card) -> dict[int, AnnotationState | None]:
        """States of the reviews with the same text, this one last. Copies may have been decided about apart."""
        if not card.alike:
            return {card.review_id: self._track.state_of(card)}
        with self.database.reading() as session:
            ids = queue.group(session, card.review_id)
            known = states(session, ids)
        return self._track.over({review_id: known.get(review_id) for review_id in reversed(ids)})

    def _title(self, state: AnnotationState) -> str:
        if state.decision is Decision.SKIPPED:
            return "skip"
        return self.names(state.label_ids) or "no label"

    def _amend(self, card: Card, state: AnnotationState, write: Callable[[Session], object]) -> Card:
        """Change what stands beside the decision, and stay on the review."""
        with self._tally.lock:
            self._pending.note("note" if state.note else "flag", card.review_id, state, beside=True)
            self._submit(card.review_id, write, self._pending.settled)
            self._tally.move(self._track.state_of(card), state, card.audit)
        self._track.remember(card.review_id, state)
        self._track.current = replace(card, state=state)
        return self._track.current

    # ------------------------------------------------------------------ undoing

    def undo(self, done: Callable[[journal.Step | None], None], progress: journal.Progress | None = None) -> None:
        """Take back the last batch; `done` and `progress` are called in the writer's thread."""
        self._submit_step(lambda session: journal.undo(session, progress), done)

    def redo(self, done: Callable[[journal.Step | None], None], progress: journal.Progress | None = None) -> None:
        """Do again what was undone last; `done` and `progress` as with `undo`."""
        self._submit_step(lambda session: journal.redo(session, progress), done)

    def give_all(
        self,
        wanted: browse.Filter,
        label_id: int,
        done: Callable[[int], None],
        progress: journal.Progress | None = None,
    ) -> None:
        """Give a label to every review that a filter lets through, as one batch.

        `done`, with how many reviews are different now, and `progress` are called in the writer's thread.
        """

        def write(session: Session) -> int:
            ids = list(browse.every(session, replace(wanted, order=browse.Order.FILE)))
            title = f"{len(ids):,} reviews: {self.names([label_id])}"
            state = labelled(self.annotator, [label_id])
            return decisions.decide_all(session, self.annotator, title, ids, state, progress)

        self.decide_many(write, done, lambda error: self._on_failure(0, error))

    def decide_many(
        self, write: Callable[[Session], T], done: Callable[[T], None], failed: Callable[[LabelloopError], None]
    ) -> None:
        """Decide about many reviews in the writer's thread while labelling goes on; `keep_place` is to follow."""
        self._forget_until_step = self._track.moment()
        self.writer.submit(write, done, failed)

    # ------------------------------------------------------------------ walking through some

    def walk_through(self, review_ids: Sequence[int], what: str, because: str = "") -> Card | None:
        """Let just these reviews come up, in their order, decided or not; until they end, or `leave_walk`."""
        self._ahead.walk = Walk(review_ids, what, because=because)
        self.drop_ahead()
        self._track.cut()
        return self.move_on()

    def leave_walk(self) -> Card | None:
        """Let the queue come up again."""
        self._ahead.walk = None
        self.drop_ahead()
        return self.first_open()

    def _submit_step(
        self, step: Callable[[Session], journal.Step | None], done: Callable[[journal.Step | None], None]
    ) -> None:
        self._forget_until_step = self._track.moment()
        self._moves_before_step = self._tally.moves
        self.writer.submit(step, done, lambda error: self._on_failure(0, error))

    def keep_place(self) -> Card | None:
        """After a large step during which labelling went on: keep the place, forget what the step overtook."""
        self._forget_until_step()
        self.reload_scheme()
        self.drop_ahead()
        self._in_background(self.recount)
        self._track.look_again()
        return self.current or self.first_open()

    def show_step(self, step: journal.Step, undone: bool) -> Card | None:
        """Bring the review up that an undo or redo changed; after a redo, move on from it."""
        if step.changes >= LARGE and self._tally.moves != self._moves_before_step:
            return self.keep_place()
        self._track.forget_all()
        unfolding = step.title == groups.UNFOLD
        if undone and not unfolding and self.decided and self.decided[-1].review_id == step.review_id:
            self.decided.pop()
        self.reload_scheme()
        self._in_background(self.recount)
        self.drop_ahead()
        card = self._track.load(step.review_id) if step.review_id is not None else None
        if card is None:
            return self._look_again()
        if not undone and step.changes == 1:
            self.decided.append(Decided(card.review_id, step.title, card.text))
        if not self._track.return_to(card.review_id):
            self._track.visit(card)
        if not undone and not unfolding and self.current is not None and self.current.state is not None:
            return self.move_on()
        return self.current

    # ------------------------------------------------------------------ keeping up

    def recount(self) -> bool:
        """Count anew; see `Tally.recount`."""
        return self._tally.recount()

    def keep_up(self) -> None:
        """Count anew if somebody else has changed the project."""
        self._tally.keep_up()

    def reload_scheme(self) -> None:
        """Read the labels anew."""
        with self.database.reading() as session:
            self.scheme = scheme.labels(session)

    def drop_ahead(self) -> None:
        """Forget the reviews fetched beforehand: the queue or the suggestions have changed."""
        self._ahead.drop()

    def renew_ahead(self) -> None:
        """The queue or the suggestions are others: read what comes up anew, in the background.

        What is said about the review that is up is not changed under the person's hands: only where nothing was said
        about it, `show_renewed` shows what is said now.
        """
        card = self.current

        def work() -> None:
            self._ahead.renew()
            if card is not None and card.suggested is None:
                with self.database.reading() as session:
                    found = cards.cards(session, [card.review_id], self.multi)
                if found and found[0].suggested is not None:
                    self._renewed = found[0]
                    self._on_renewed()

        self._in_background(work)

    def show_renewed(self) -> bool:
        """Show what is said about the review that is up, if nothing was; whether anything is other than before."""
        found, card = self._renewed, self._track.current
        self._renewed = None
        if found is None or card is None or found.review_id != card.review_id or card.suggested is not None:
            return False
        self._track.current = replace(card, suggested=found.suggested)
        return True

    def forget(self, review_id: int) -> None:
        """A decision about this review could not be written: it is as it was before."""
        self._track.forget(review_id)
        self.decided = deque((one for one in self.decided if one.review_id != review_id), maxlen=LONGEST)
        self.recount()

    def refresh(self) -> Card | None:
        """Show the current review with what is now said about it, and fetch the queue anew."""
        self.writer.flush()
        self._track.forget_all()
        self.reload_scheme()
        self.recount()
        self.drop_ahead()
        return self._look_again()

    def _look_again(self) -> Card | None:
        """Show the current review anew, or the next one when there is none or its import was undone."""
        self._track.keep_shown()
        return self.current or self.first_open()

    def close(self) -> str:
        """Remember the place, and wait until everything is on disk; a sentence about what is not, or nothing."""
        self._closing = True
        review_id = self.current.review_id if self.current else None

        def remember(session: Session) -> None:
            project = project_of(session)
            project.current_review = review_id
            session.add(project)

        unwritten: list[str] = []
        self.writer.submit(remember, failed=lambda error: unwritten.append(str(error)))
        self.writer.close()
        return " ".join([*unwritten, self._pending.close()]).strip()

    # ------------------------------------------------------------------ coming up

    def _recall(self) -> None:
        """Bring the last decisions of earlier sessions back into sight, to be stepped back into."""
        with self.database.reading() as session:
            steps = [step for step in journal.recent(session, RECALLED) if step[0] not in NO_DECISIONS]
            texts = {
                card.review_id: card.text for card in cards.cards(session, [one for _, one in steps], self.multi)
            }
        for title, review_id in reversed(steps):
            if review_id in texts:
                self.decided.append(Decided(review_id, title, texts[review_id]))
                self._track.recall(review_id)

    def _start(self, last: int | None) -> None:
        card = self._track.load(last) if last is not None else None
        if card is not None and (card.state is None or card.state.decision is None):
            self._track.visit(card)
            self._ahead.top_up()
        else:
            self.move_on()

    def _submit(
        self, review_id: int, work: Callable[[Session], object], settled: Callable[[], None] = lambda: None
    ) -> None:
        def failed(error: LabelloopError) -> None:
            if self._closing and not isinstance(error, ProjectMoved):
                return  # nobody can be told any more: it stays noted, for this file and no other
            settled()
            self._on_failure(review_id, error)

        self.writer.submit(work, lambda _result: settled(), failed)
