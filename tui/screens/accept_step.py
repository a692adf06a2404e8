"""Accepting many suggestions as one step, and taking a step back, from a screen."""

from __future__ import annotations

from sqlmodel import Session
from textual.screen import Screen

from core.accepting import writing
from core.accepting.candidates import Gathered
from core.phrases import count, one_line
from core.storage import queue
from tui.desk import Desk
from tui.messages import AcceptRefused, StepMoved, StepTaken, SuggestionsTaken
from tui.widgets.step_strip import StepStrip


class AcceptStep(Screen[None]):
    """The part of the accept screen that writes; it waits for no write."""

    _desk: Desk

    def reload(self) -> None:
        """Read anew what can be accepted."""
        raise NotImplementedError

    @property
    def _strip(self) -> StepStrip:
        return self.query_one(StepStrip)

    def accept_all(self, gathered: Gathered, threshold: float, label_id: int | None, reviews: int) -> None:
        """Accept so many reviews in the writer's order; then what remains is put in order."""
        session, wanted = self._desk.session, self._desk.settings.drawn_every
        self._strip.show("accepting suggestions", 0, reviews)

        def tell(title: str, done: int, total: int) -> None:
            self._post(StepMoved(title, done, total, undone=False))

        def write(writing_session: Session) -> int:
            return writing.accept(writing_session, session.annotator, gathered, threshold, label_id, tell).reviews

        def done(many: int) -> None:
            """In the writer's thread, which is free again."""
            with session.database.reading() as reading:
                planned = writing.plan_rest(reading, wanted)
            session.writer.submit(
                lambda writing_session: queue.replace(writing_session, planned),
                lambda _none: self._post(SuggestionsTaken(many)),
                lambda error: self._post(AcceptRefused(str(error))),
            )

        session.decide_many(write, done, lambda error: self._post(AcceptRefused(str(error))))

    def action_undo(self) -> None:
        """Take the last step back, whatever it was."""
        self._desk.session.undo(
            lambda step: self._post(StepTaken(step, undone=True)),
            lambda title, done, total: self._post(StepMoved(title, done, total, undone=True)),
        )

    def _post(self, message: SuggestionsTaken | AcceptRefused | StepMoved | StepTaken) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def on_step_moved(self, message: StepMoved) -> None:
        self._strip.show(f"{'undoing ' if message.undone else ''}{message.title}", message.done, message.total)

    def on_suggestions_taken(self, message: SuggestionsTaken) -> None:
        self._strip.clear()
        self._desk.session.keep_place()
        self.reload()
        told = f"{count(message.reviews, 'review')} accepted, as one step. u undoes it."
        self.notify(f"{told} What remains comes up most useful first.", timeout=8, markup=False)

    def on_accept_refused(self, message: AcceptRefused) -> None:
        self._strip.clear()
        self.notify(message.reason, title="Not accepted", severity="error", timeout=12, markup=False)
        self.reload()

    def on_step_taken(self, message: StepTaken) -> None:
        self._strip.clear()
        step = message.step
        if step is None:
            self.notify("There is nothing to undo.", timeout=3, markup=False)
            return
        self._desk.session.show_step(step, undone=True)
        self.notify(f"Undone: {one_line(step.title, 80)}.", timeout=5, markup=False)
        self.reload()
