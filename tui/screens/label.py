"""The label screen: where people spend their hours."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer

from core.labelling.ahead import Walk
from core.labels import codes
from core.phrases import count, one_line
from core.storage import browse
from core.worker.events import Explained
from core.worker.state import JobState
from tui import forecasting
from tui.bindings import bindings
from tui.desk import Desk
from tui.messages import StepMoved, StepTaken, WriteFailed
from tui.screens.ask import Ask, FindLabel
from tui.widgets.forecast_note import ForecastNote
from tui.widgets.job_strip import JobStrip
from tui.widgets.label_board import LabelBoard, Shown
from tui.widgets.label_list import LabelList
from tui.widgets.review_panel import ReviewPanel
from tui.widgets.step_strip import StepStrip
from tui.widgets.top_bar import TopBar
from tui.widgets.trail import Trail


class LabelScreen(Screen[None]):
    """One review, the labels with their keys, the last decisions."""

    BINDINGS = bindings("label")
    CSS_PATH = "../styles/label.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._session = desk.session
        self._chosen: set[int] = set()
        self._hidden = False
        self._typed = ""
        """First digits of the number of a label, where there are many."""
        self._marking = desk.settings.mark_words
        self._why: Explained | None = None
        """Why something is suggested for the review that is up, if somebody asked."""

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="desk"):
            with Vertical(id="work"):
                yield LabelBoard()
                yield ReviewPanel()
            with Vertical(id="aside"):
                yield Trail()
                yield ForecastNote()
                yield LabelList()
        yield StepStrip()
        yield JobStrip()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._desk.job_changed.subscribe(self, self._job_changed)
        self._desk.project_changed.subscribe(self, self._project_changed)
        self._review, self._board = self.query_one(ReviewPanel), self.query_one(LabelBoard)
        self._trail, self._list = self.query_one(Trail), self.query_one(LabelList)
        self._bar, self._strip = self.query_one(TopBar), self.query_one(JobStrip)
        self.call_after_refresh(self._show_all)
        forecasting.keep_up(self, self._session, self.query_one(ForecastNote).show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_all)

    def on_screen_resume(self) -> None:
        self._show_all()

    # ------------------------------------------------------------------ drawing

    def _show_all(self) -> None:
        self._strip.show(self._desk.job)
        self._strip.show_quick(self._desk.assist)
        self._show_review()

    def _show_review(self) -> None:
        """Draw everything that depends on the review that is up."""
        session = self._session
        with self.app.batch_update():
            self._review.show(session.current, self._marked(), self._desk.settings.shown_columns)
            self._show_labels()
            self._trail.show(session.decided, session.scheme)
            pace = session.pace
            self._bar.show(
                session.name if session.walk is None else f"{session.name} › {_walking(session.walk)}",
                session.counts,
                pace.per_minute,
                pace.minutes_left(session.remaining),
                pace.streak,
            )

    def _show_labels(self) -> None:
        session = self._session
        self._board.show(
            Shown(
                session.current,
                session.scheme,
                session.counts.by_label,
                self._chosen,
                self._hidden,
                session.multi,
                self._typed,
                self._because(),
            )
        )
        self._list.show(session.scheme, self._typed)

    def _because(self) -> str:
        """Why the suggestion is what it is, or why the review comes up, where a person has asked for it."""
        if self._why is not None:
            words = ", ".join(one_line(word, 20) for word in self._why.words)
            return f"Suggested “{self._session.names([self._why.label_id or 0])}” because of: {words}."
        return self._session.walk.because if self._session.walk is not None else ""

    def _marked(self) -> dict[str, str]:
        """Words to mark in the review, with their styles: those of the keyword rule, then those searched for."""
        marked: dict[str, str] = {}
        if self._marking:
            for label in self._session.scheme:
                marked.update(dict.fromkeys(label.keywords, f"underline $label-{label.colour}"))
        if self._why is not None:
            found = self._session.label_by_id(self._why.label_id or 0)
            colour = f"$label-{found.colour}" if found is not None else "$accent"
            marked.update(dict.fromkeys(self._why.words, f"bold underline {colour}"))
        marked.update(dict.fromkeys(self._desk.words, "bold reverse $accent"))
        return marked

    def _next_review(self) -> None:
        self._chosen.clear()
        self._typed = ""
        self._hidden = False
        self._why = None
        self._show_review()
        self._suggest_rest()

    def _suggest_rest(self) -> None:
        """After long work without a break, say so once; the settings say after how long."""
        now, pace, after = time.monotonic(), self._session.pace, self._desk.settings.rest_minutes
        if after and pace.minutes_at_work(now) >= after:
            pace.rest(now)
            self.notify(
                f"{after} minutes without a break, {pace.streak:,} decisions. Look out of the window for a while: "
                "tired people mislabel.",
                title="Time for a rest",
                timeout=12,
                markup=False,
            )

    # ------------------------------------------------------------------ labels

    def on_key(self, event: events.Key) -> None:
        """A label's key gives the label, or in a multi-label project toggles it; numbers may take two digits."""
        code = codes([(label.id, label.key) for label in self._session.scheme if label.id is not None])
        if self._typed and event.key in ("backspace", "escape"):
            self._typed = ""
        elif event.character is None or not event.character.isprintable():
            return
        else:
            typed = self._typed + event.character
            label_id = next((label_id for label_id, key in code.items() if key and key == typed), None)
            if label_id is None and not any(key.startswith(typed) for key in code.values()):
                self._typed = ""
                return
            self._typed = "" if label_id is not None else typed
            if label_id is not None:
                event.stop()
                event.prevent_default()
                self._label(label_id)
                return
        event.stop()
        event.prevent_default()
        self._show_labels()

    @on(LabelBoard.Clicked)
    def _clicked(self, event: LabelBoard.Clicked) -> None:
        self._label(event.label_id)

    def _label(self, label_id: int) -> None:
        card = self._session.current
        if card is None:
            return
        if not self._session.multi:
            self._session.give([label_id], self._hidden)
            self._next_review()
            return
        if not self._chosen and card.state is not None:
            self._chosen.update(card.state.label_ids)
        self._chosen ^= {label_id}
        self._show_labels()

    def action_accept(self) -> None:
        """Take the suggestion; in a multi-label project confirm what is chosen."""
        session, card = self._session, self._session.current
        if card is None:
            return
        if session.multi and self._chosen:
            session.give(sorted(self._chosen), self._hidden)
        elif card.suggested is None:
            how = "Press the keys of its labels, then enter." if session.multi else "Press the key of a label."
            self.notify(f"There is no suggestion for this review yet. {how}", timeout=4, markup=False)
            return
        elif card.held_back or self._hidden:
            why = "is held back: this review measures the model" if card.audit else "is put aside"
            why = "is held back, to see whether suggestions sway you" if card.withheld else why
            self.notify(f"The suggestion {why}. Press the key of a label.", timeout=4, markup=False)
            return
        else:
            session.accept()
        self._next_review()

    def action_other(self) -> None:
        """With two labels, give the one that is not suggested; else put the suggestion aside."""
        session, card = self._session, self._session.current
        if card is None or card.suggested is None or card.held_back:
            return
        others = [label.id for label in session.scheme if label.id not in card.suggested.label_ids]
        if not session.multi and len(session.scheme) == 2 and len(others) == 1 and others[0] is not None:
            session.give([others[0]])
            self._next_review()
        else:
            self._hidden = not self._hidden
            self._show_labels()

    def action_skip(self) -> None:
        self._session.skip(self._hidden)
        self._next_review()

    def action_flag(self) -> None:
        self._session.flag()
        self._show_review()

    def action_note(self) -> None:
        card = self._session.current
        if card is None:
            return
        known = card.state.note if card.state is not None else ""

        def write(note: str | None) -> None:
            if note is not None:
                self._session.note(note.strip())
                self._show_review()

        self.app.push_screen(Ask("Note on this review", known, "enter saves · esc leaves it as it was"), write)

    def action_unfold(self) -> None:
        """Take the group of near-duplicates apart, so that each gets a label of its own."""
        others = self._session.unfold()
        told = f"Unfolded: {count(others, 'review')} come up by themselves now." if others else "No review is alike."
        self.notify(told, timeout=4, markup=False)
        self._show_review()

    def action_find(self) -> None:
        """Find a label by a part of its name."""

        def give(label_id: int | None) -> None:
            if label_id is not None:
                self._label(label_id)

        self.app.push_screen(FindLabel(self._session.scheme), give)

    # ------------------------------------------------------------------ moving

    def action_previous(self) -> None:
        self._session.move_back()
        self._next_review()

    def action_next(self) -> None:
        self._session.move_on()
        self._next_review()

    def action_first(self) -> None:
        self._session.first_open()
        self._next_review()

    def walk_through(self, review_ids: Sequence[int], what: str) -> None:
        """Let just these reviews come up."""
        self._session.walk_through(review_ids, what)
        self.refresh_bindings()
        self._next_review()

    def walk_through_similar(self, review_id: int, review_ids: Sequence[int]) -> None:
        """Let the reviews come up that are most like one, if that is still up."""
        card = self._session.current
        if card is None or card.review_id != review_id:
            return
        self._session.walk_through(review_ids, f"like {card.name}", f"Like the review {card.name}.")
        self.refresh_bindings()
        self._next_review()

    def action_similar(self) -> None:
        """Let reviews come up that are like this one."""
        card = self._session.current
        if card is not None and not self._desk.similar(card.review_id):
            self.notify("The quick learner, which knows what is alike, is not there.", timeout=4, markup=False)

    def action_likely(self) -> None:
        """Let the reviews come up that most likely have a label: how the rare ones are found."""

        def look(label_id: int | None) -> None:
            if label_id is not None:
                self.run_worker(lambda: self._look_for(label_id), thread=True, group="likely", exclusive=True)

        self.app.push_screen(FindLabel(self._session.scheme), look)

    def _look_for(self, label_id: int) -> None:
        """In a thread: read the suggestions for all undecided reviews."""
        from core.storage.likely import likely  # brings arrays, which the first frame does not wait for

        with self._session.database.reading() as session:
            found = likely(session, label_id)
        self.app.call_from_thread(self._walk_through_likely, label_id, found)

    def _walk_through_likely(self, label_id: int, found: Sequence[int]) -> None:
        name = one_line(self._session.names([label_id]), 30)
        if not found:
            self.notify(f"Nothing is suggested yet, so that nothing can be likely “{name}”.", timeout=4, markup=False)
            return
        self._session.walk_through(found, f"likely {name}", f"Among the reviews most likely to be “{name}”.")
        self.refresh_bindings()
        self._next_review()

    def action_leave_walk(self) -> None:
        self._session.leave_walk()
        self.refresh_bindings()
        self._next_review()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """A walk can be left while there is one."""
        return self._session.walk is not None if action == "leave_walk" else True

    def action_jump(self) -> None:
        """Go to a review by its id or row."""

        def go(name: str | None) -> None:
            if not name or not name.strip():
                return
            with self._session.database.reading() as session:
                review_id = browse.find_by_name(session, name.strip())
            if review_id is None:
                self.notify(f"No review has the id or row “{name.strip()}”.", severity="warning", markup=False)
                return
            self.open_review(review_id)

        self.app.push_screen(Ask("Go to the review with this id or row", "", "enter goes · esc stays"), go)

    def open_review(self, review_id: int) -> None:
        """Bring a certain review up."""
        self._session.go_to(review_id)
        self._next_review()

    def action_columns(self) -> None:
        self._review.toggle_columns()

    def action_mark(self) -> None:
        """Mark the words of the keyword rule, or leave them as they are."""
        self._marking = not self._marking
        self._show_review()

    def action_why(self) -> None:
        """Ask which words carried the suggestion, or leave them as they are."""
        card = self._session.current
        if self._why is not None:
            self._why = None
            self._show_review()
        elif card is None or card.suggested is None or card.held_back or self._hidden:
            self.notify("No suggestion is shown for this review.", timeout=3, markup=False)
        elif not self._desk.explain(card.review_id):
            self.notify("The quick learner, which can tell, is not there.", timeout=4, markup=False)

    def show_why(self, found: Explained) -> None:
        """Underline the words, if the review is still up and its suggestion in sight."""
        card = self._session.current
        if card is None or card.review_id != found.review_id or card.held_back or self._hidden:
            return
        if not found.words:
            self.notify(found.message, timeout=5, markup=False)
            return
        self._why = found
        self._show_review()

    def action_down(self) -> None:
        self._review.scroll_page_down(animate=False)

    def action_up(self) -> None:
        self._review.scroll_page_up(animate=False)

    # ------------------------------------------------------------------ undoing

    def action_undo(self) -> None:
        self._session.undo(
            lambda step: self._post(StepTaken(step, undone=True)),
            lambda title, done, total: self._post(StepMoved(title, done, total, undone=True)),
        )

    def action_redo(self) -> None:
        self._session.redo(
            lambda step: self._post(StepTaken(step, undone=False)),
            lambda title, done, total: self._post(StepMoved(title, done, total, undone=False)),
        )

    def _post(self, message: StepTaken | StepMoved) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def on_step_moved(self, message: StepMoved) -> None:
        """A large step is under way; labelling goes on meanwhile."""
        if message.done < message.total:
            doing = f"{'undoing' if message.undone else 'redoing'} {message.title}"
            self.query_one(StepStrip).show(doing, message.done, message.total)

    def on_step_taken(self, message: StepTaken) -> None:
        """An undo or redo is on disk: show what it changed."""
        step = message.step
        what = "undo" if message.undone else "redo"
        self.query_one(StepStrip).clear()
        if step is None:
            self.notify(f"There is nothing to {what}.", timeout=3, markup=False)
            return
        self._session.show_step(step, message.undone)
        self._next_review()
        if step.changes > 1:
            done = "Undone" if message.undone else "Done again"
            self.notify(f"{done}: {step.title} ({step.changes:,} changes).", timeout=4, markup=False)

    def on_counted(self) -> None:
        """The counts are others."""
        self._show_review()

    def on_renewed(self) -> None:
        """Something is said about the review that is up, where nothing was."""
        if self._session.show_renewed():
            self._show_labels()

    def on_write_failed(self, message: WriteFailed) -> None:
        """A decision did not reach the disk: bring its review back with the reason."""
        self._session.forget(message.review_id)
        card = self._session.go_to(message.review_id) if message.review_id else None
        title = f"Not saved: {one_line(card.name, 40)}" if card is not None else "Not saved"
        self.notify(message.reason, title=title, severity="error", timeout=20, markup=False)
        self._next_review()

    # ------------------------------------------------------------------ the worker and the others

    def _job_changed(self, job: JobState) -> None:
        self._strip.show(job)

    def _project_changed(self, _nothing: None) -> None:
        self._session.refresh()
        self._chosen &= {label.id for label in self._session.scheme if label.id is not None}
        self._show_review()


def _walking(walk: Walk) -> str:
    return one_line(f"{walk.shown:,}/{len(walk.review_ids):,} {walk.what}", 40)
