"""Changing runs: which is in use, their names and notes, deleting one, taking back what one decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlmodel import Session
from textual.content import Content
from textual.screen import Screen

from core.errors import LabelloopError
from core.phrases import count
from core.storage import runs, taking_back, versions
from core.storage.tables import Run
from core.worker.requests import Suggest
from tui.desk import Desk
from tui.messages import RunChanged, RunRefused, StepMoved, StepTaken
from tui.run_facts import name_of
from tui.screens.ask import Ask
from tui.screens.choose import Choose
from tui.widgets.step_strip import StepStrip

Result = TypeVar("Result")


class RunChanges(Screen[None]):
    """The actions on the run under the cursor of a screen that lists runs."""

    _desk: Desk
    _in_use: int | None
    """The number of the run in use."""
    _strip: StepStrip

    @property
    def run_under_cursor(self) -> Run | None:
        """The run that actions are about."""
        raise NotImplementedError

    def reload(self) -> None:
        """Read all runs anew."""
        raise NotImplementedError

    def _write(self, work: Callable[[Session], Result], told: Callable[[Result], str], other: bool = False) -> None:
        """Write in the writer's order, then read anew; `other`: what is suggested may be other than shown."""

        # Messages, because the app may be waiting for the writer's thread, which must not wait for the app then.
        self._desk.session.writer.submit(
            work,
            lambda result: self._post(RunChanged(told(result), other)),
            lambda error: self._post(RunRefused(str(error))),
        )

    def on_run_changed(self, message: RunChanged) -> None:
        self._strip.clear()
        if message.told:
            self.notify(message.told, timeout=5, markup=False)
        if message.other:
            self._desk.project_changed.publish(None)
        else:
            self.reload()

    def on_run_refused(self, message: RunRefused) -> None:
        self.notify(message.reason, severity="warning", timeout=10, markup=False)

    def action_promote(self) -> None:
        """Put the run in use; one whose suggestions are no longer stored suggests anew first."""
        run = self.run_under_cursor
        if run is None or run.id is None:
            return
        run_id = run.id
        if run_id == self._in_use:
            self.notify(f"{name_of(run).capitalize()} is in use already.", timeout=4, markup=False)
        elif run.folder and not run.suggested:
            self.notify(f"Run {run_id} suggests anew, then it is in use.", timeout=5, markup=False)
            self._desk.start_job(Suggest(str(self._desk.session.database.path), run_id))
        else:
            self._write(
                lambda session: versions.promote(session, run_id, self._desk.settings.drawn_every),
                lambda _none: f"Run {run_id} is in use: its suggestions are shown from now on.",
                other=True,
            )

    def action_roll_back(self) -> None:
        self._write(
            lambda session: versions.roll_back(session, self._desk.settings.drawn_every),
            lambda run_id: f"Run {run_id} is in use again.",
            other=True,
        )

    def action_rename(self) -> None:
        run = self.run_under_cursor
        if run is None or run.id is None:
            return
        run_id = run.id

        def rename(name: str | None) -> None:
            if name is not None:
                self._write(lambda session: runs.rename(session, run_id, name), lambda _none: "")

        self.app.push_screen(Ask(f"Name of run {run_id}", run.name, "enter saves · empty takes the name off"), rename)

    def action_note(self) -> None:
        run = self.run_under_cursor
        if run is None or run.id is None:
            return
        run_id = run.id

        def write(note: str | None) -> None:
            if note is not None:
                self._write(lambda session: runs.write_note(session, run_id, note), lambda _none: "")

        self.app.push_screen(Ask(f"Note on run {run_id}", run.note, "enter saves · esc leaves it as it was"), write)

    def action_delete(self) -> None:
        """Ask, then delete in a thread."""
        run = self.run_under_cursor
        if run is None or run.id is None:
            return
        run_id, database = run.id, self._desk.session.database

        def work() -> None:
            try:
                versions.remove(database, run_id)
            except LabelloopError as error:
                self._post(RunRefused(str(error)))
            else:
                self._post(RunChanged(f"Run {run_id} is deleted.", other=False))

        def delete(answer: str | None) -> None:
            if answer == "delete":
                self.run_worker(work, thread=True, group="delete", exit_on_error=False)

        choices = [
            ("keep", Content("Keep it")),
            ("delete", Content("Delete its model, its checkpoint and its suggestions; this cannot be undone")),
        ]
        text = (
            "Its record stays: arguments, metrics and curves. What was accepted from it stays too; w takes that back."
        )
        self.app.push_screen(Choose(f"Delete {name_of(run)}?", choices, text), delete)

    def action_take_back(self) -> None:
        """Count what was accepted from the run, ask, and take it back as one step."""
        run = self.run_under_cursor
        if run is None or run.id is None:
            return
        run_id, session = run.id, self._desk.session

        def work() -> None:
            session.writer.flush()
            with session.database.reading() as reading:
                many = taking_back.accepted_from(reading, run_id)
            self.app.call_from_thread(self._ask_back, run_id, many)

        self.run_worker(work, thread=True, group="count", exit_on_error=False)

    def _ask_back(self, run_id: int, many: int) -> None:
        if not many:
            told = f"Nothing that was accepted from run {run_id} stands unconfirmed."
            self.notify(told, timeout=5, markup=False)
            return
        annotator = self._desk.session.annotator

        def progress(title: str, done: int, total: int) -> None:
            self.post_message(StepMoved(title, done, total, undone=False))

        def take(answer: str | None) -> None:
            if answer == "take":
                self._write(
                    lambda session: taking_back.take_back(session, annotator, run_id, progress),
                    lambda taken: f"{count(taken, 'decision')} taken back, as one step. u undoes it.",
                    other=True,
                )

        choices = [("keep", Content("Leave them")), ("take", Content(f"Take {count(many, 'decision')} back"))]
        text = (
            f"{count(many, 'review')} got the label that run {run_id} suggested, and no person has labelled "
            f"{'it' if many == 1 else 'them'} since. Each gets back what it had before. It is one step; u undoes it."
        )
        self.app.push_screen(Choose(f"Take back what run {run_id} decided?", choices, text), take)

    def action_undo(self) -> None:
        self._desk.session.undo(
            lambda step: self._post(StepTaken(step, undone=True)),
            lambda title, done, total: self._post(StepMoved(title, done, total, undone=True)),
        )

    def _post(self, message: StepTaken | StepMoved | RunChanged | RunRefused) -> None:
        """From another thread."""
        self.post_message(message)

    def on_step_moved(self, message: StepMoved) -> None:
        if message.done < message.total:
            self._strip.show(f"{'undoing ' if message.undone else ''}{message.title}", message.done, message.total)

    def on_step_taken(self, message: StepTaken) -> None:
        self._strip.clear()
        if message.step is None:
            self.notify("There is nothing to undo.", timeout=3, markup=False)
            return
        self._desk.session.show_step(message.step, message.undone)
        self.notify(f"Undone: {message.step.title}.", timeout=4, markup=False)
        self.reload()
