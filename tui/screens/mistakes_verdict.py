"""A person's verdict about a suspected label: keep it, correct it, or take that back, from a screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.screen import Screen

from core.labels import codes
from core.mistakes import Suspect
from core.phrases import one_line
from core.storage import verdicts
from tui.desk import Desk
from tui.messages import StepTaken, VerdictGiven, VerdictRefused


class Verdicts(Screen[None]):
    """The part of the mistakes screen that writes; it waits for no write."""

    _desk: Desk

    @property
    def suspect(self) -> Suspect | None:
        """The suspect that is up; none at the end."""
        raise NotImplementedError

    def go_on(self, suspect: Suspect, corrected: bool) -> None:
        """A verdict is given: bring the next suspect up."""
        raise NotImplementedError

    def reload(self, review_id: int | None = None) -> None:
        """Read the suspects anew, and be at this one if it is one, else at the one that is up."""
        raise NotImplementedError

    def on_key(self, event: events.Key) -> None:
        """A label's key gives that label; where a review has several, enter takes what the model says."""
        session = self._desk.session
        if session.multi or self.suspect is None:
            return
        code = codes([(label.id, label.key) for label in session.scheme if label.id is not None])
        label_id = next((one for one, key in code.items() if key and key == event.character), None)
        if label_id is not None:
            event.stop()
            event.prevent_default()
            self._give((label_id,))

    def action_correct(self) -> None:
        """Give the review what the model says."""
        if self.suspect is not None:
            self._give(self.suspect.proposed)

    def action_keep(self) -> None:
        """Stand by the label: the review is no suspect any more."""
        if self.suspect is not None:
            self._give(self.suspect.given)

    def _give(self, label_ids: Sequence[int]) -> None:
        """Write in the writer's order, and go on at once."""
        suspect, session = self.suspect, self._desk.session
        if suspect is None:
            return
        review_id, person = suspect.review_id, session.annotator
        corrected, names = set(label_ids) != set(suspect.given), session.names(label_ids) or "no label"
        session.decide_many(
            lambda writing: (
                verdicts.correct(writing, person, review_id, label_ids, names)
                if corrected
                else verdicts.keep(writing, person, review_id, names)
            ),
            lambda _batch: self._post(VerdictGiven(review_id)),
            lambda error: self._post(VerdictRefused(str(error))),
        )
        self.go_on(suspect, corrected)

    def _post(self, message: VerdictGiven | VerdictRefused | StepTaken) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def on_verdict_given(self, _message: VerdictGiven) -> None:
        self._desk.session.keep_place()

    def on_verdict_refused(self, message: VerdictRefused) -> None:
        self.notify(message.reason, title="Not saved", severity="error", timeout=12, markup=False)
        self.reload()

    def action_undo(self) -> None:
        self._desk.session.undo(lambda step: self._post(StepTaken(step, undone=True)))

    def on_step_taken(self, message: StepTaken) -> None:
        """A step is taken back: the suspects are read anew, and the one that it was about is up."""
        step = message.step
        if step is None:
            self.notify("There is nothing to undo.", timeout=3, markup=False)
            return
        self._desk.session.show_step(step, undone=True)
        self.notify(f"Undone: {one_line(step.title, 60)}.", timeout=4, markup=False)
        self.reload(step.review_id)
