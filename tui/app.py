"""The app: opens projects, runs the worker, puts screens on top of each other."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from core import locations, settings
from core.errors import LabelloopError
from core.labelling.session import LabellingSession
from core.storage import runs
from core.storage.database import Database, Watcher, open_project
from core.worker import events
from core.worker.client import StartWorker, Worker, WorkerLike
from core.worker.line_up import LineUp
from core.worker.requests import Request, Train
from core.worker.retraining import FEWEST
from core.worker.state import JobState, begin, fold, stopping
from tui.bindings import ACTIONS, bindings, unknown
from tui.desk import Desk, Doors
from tui.messages import Counted, JobEnded, WorkerTold, WriteFailed
from tui.screens.label import LabelScreen
from tui.theme import FALLBACK, THEMES
from tui.widgets.job_strip import JobStrip

LOOKS_EVERY = 2.0
"""Seconds between looks at whether another process has changed the project."""

CONSIDERS_EVERY = 30.0
"""Seconds between looks at whether a training shall start by itself; without that setting nothing is looked at."""

NEED_PROJECT = ("browse", "search", "history", "train", "runs", "export", "scheme")
"""Actions of the app that are about the open project."""


class LabelloopApp(App[None]):
    """labelloop in the terminal."""

    TITLE = "labelloop"
    BINDINGS = bindings("app")
    CSS_PATH = "styles/app.tcss"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, project: Path | None = None, start_worker: StartWorker = Worker) -> None:
        """Make the app; `start_worker` is replaced by the scripted double in tests."""
        super().__init__()
        self._project = project
        self._start_worker = start_worker
        loaded, self._problems = settings.load()
        self._worker: WorkerLike | None = None
        self._job: asyncio.Task[None] | None = None
        self._waiting = LineUp()
        self._opened = 0.0
        self._tried_at = 0
        """Labels there were when a training began by itself last: one that fails is not tried over and over."""
        self._database: Database | None = None
        self._watcher: Watcher | None = None
        doors = Doors(
            start_job=self.start_job,
            stop_job=self.stop_job,
            train=self.train,
            unqueue=self.unqueue,
            open_path=self.open_path,
            change_settings=self.change_settings,
            browse=self.browse,
        )
        self.desk = Desk(self, loaded, doors)

    # ------------------------------------------------------------------ beginning and end

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return FALLBACK

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self._apply_settings()
        for problem in self._problems:
            self.notify(problem, title="Settings", severity="warning", timeout=15, markup=False)
        if self._project is not None:
            self.open_path(self._project)
        if not self.desk.has_project:
            from tui.screens.welcome import WelcomeScreen

            self.push_screen(WelcomeScreen(self.desk))
        self.set_interval(LOOKS_EVERY, self._look)
        self.set_interval(CONSIDERS_EVERY, self._consider)

    def on_ready(self) -> None:
        """The first frame is painted. What is there by now stays: collections need not look at it again."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    async def on_unmount(self) -> None:
        if self._worker is not None:
            await self._worker.stop()
        if self._job is not None:
            self._job.cancel()
        self._close_project()

    def action_leave(self) -> None:
        """Leave the app; a running training is stopped."""
        self.exit()

    def open_path(self, path: Path) -> None:
        """Open a project and bring the label screen up; what is wrong with it is said in a sentence."""
        try:
            database = open_project(path)
            with database.writing() as session:
                interrupted = runs.mark_interrupted(session)
            labelling = LabellingSession(
                database,
                self.desk.settings.annotator,
                on_failure=lambda review_id, error: self._tell_failure(review_id, str(error)),
                in_background=self._in_background,
                on_counted=self._tell_counted,
            )
        except LabelloopError as error:
            self.notify(str(error), title="Not opened", severity="error", timeout=20, markup=False)
            return
        self._close_project()
        self._database = database
        self.desk.set_session(labelling)
        self._watcher = database.watch()
        self._opened, self._tried_at = time.monotonic(), 0
        self._remember(database.path)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(LabelScreen(self.desk))
        for run_id in interrupted:
            self.notify(
                f"Run {run_id} was interrupted: its process ended without a word. Press t to train again.",
                severity="warning",
                timeout=10,
                markup=False,
            )

    def _close_project(self) -> None:
        self._waiting.clear()
        self.desk.waiting = 0
        if self.desk.has_project:
            self.desk.session.close()
            self.desk.set_session(None)
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        if self._database is not None:
            self._database.close()
            self._database = None

    def _remember(self, path: Path) -> None:
        try:
            locations.state_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
            locations.last_project_file().write_text(str(path), encoding="utf-8")
        except OSError:
            logging.exception("The last project cannot be remembered")

    def _in_background(self, work: Callable[[], object]) -> None:
        self.run_worker(work, thread=True, exit_on_error=False, name="fetch")

    def _tell_failure(self, review_id: int, reason: str) -> None:
        """From the writer's thread."""
        for screen in self.screen_stack:
            if isinstance(screen, LabelScreen):
                screen.post_message(WriteFailed(review_id, reason))

    def _tell_counted(self) -> None:
        """From a thread of the session."""
        for screen in self.screen_stack:
            if isinstance(screen, LabelScreen):
                screen.post_message(Counted())

    def _look(self) -> None:
        """Notice what other processes, the worker included, have committed."""
        if self._watcher is None or not self.desk.has_project or not self._watcher.changed():
            return
        self._in_background(self.desk.session.keep_up)

    # ------------------------------------------------------------------ settings

    def _apply_settings(self) -> None:
        wanted = self.desk.settings
        if wanted.theme in self.available_themes:
            self.theme = wanted.theme
        else:
            self.theme = THEMES[0].name
            self.notify(f"There is no theme “{wanted.theme}”.", severity="warning", markup=False)
        for action_id in unknown(wanted.keys):
            self.notify(
                f"{locations.settings_file()}: there is no action “{action_id}”. The help lists them.",
                severity="warning",
                markup=False,
            )
        self.set_keymap({action_id: keys for action_id, keys in wanted.keys.items() if not unknown([action_id])})

    def change_settings(self, changes: dict[str, object]) -> bool:
        """Save settings and put them into effect; whether that could be done."""
        try:
            settings.save(changes)
        except LabelloopError as error:
            self.notify(str(error), title="Not saved", severity="error", timeout=15, markup=False)
            return False
        self.desk.settings, problems = settings.load()
        for problem in problems:
            self.notify(problem, severity="warning", markup=False)
        self._apply_settings()
        return True

    # ------------------------------------------------------------------ the worker

    def start_job(self, request: Request) -> None:
        """Start a job in the worker. While one runs, a training waits its turn, and nothing else is started."""
        if not self.desk.job.busy:
            self._begin(request)
        elif isinstance(request, Train):
            self._waiting.add(request)
            self._tell_waiting()
        else:
            self.notify("A job is running already: stop it first, or wait for it.", markup=False)

    def _begin(self, request: Request, why: str = "") -> None:
        """Start a job; `why` says why it begins without being asked for."""
        self.desk.session.writer.flush()
        self.desk.why = why
        self._set_job(begin(type(request).__name__.lower()))
        self._worker = worker = self._start_worker(request)
        self._job = asyncio.create_task(self._follow(worker))

    def train(self, resume: int | None = None) -> None:
        """Train by the plan, or go on with a run that stopped."""
        if self._database is None:
            return
        try:
            arguments = self.desk.plan.arguments(self.desk.settings.base_model)
        except LabelloopError as error:
            self.notify(str(error), title="Not started", severity="warning", timeout=10, markup=False)
            return
        path = str(self._database.path)
        self.start_job(Train(path, arguments) if resume is None else Train(path, resume=resume))

    def _consider(self) -> None:
        """Look, in a thread, whether a training shall start by itself."""
        wanted, database = self.desk.settings, self._database
        asked = not wanted.quiet and (wanted.retrain_labels or wanted.retrain_minutes)
        if not asked or database is None or self.desk.job.busy:
            return
        if self.desk.session.counts.labelled < self._tried_at + FEWEST:
            return
        minutes = (time.monotonic() - self._opened) / 60

        def work() -> None:
            from tui import by_itself

            with database.reading() as session:
                due, why = by_itself.due(session, wanted, minutes)
            if due:
                self.call_from_thread(self._train_by_itself, database, why)

        self._in_background(work)

    def _train_by_itself(self, database: Database, why: str) -> None:
        """Begin, unless the project or the settings are others by now, or a job has begun."""
        wanted = self.desk.settings
        asked = not wanted.quiet and (wanted.retrain_labels or wanted.retrain_minutes)
        if not asked or database is not self._database or self.desk.job.busy:
            return
        try:
            arguments = self.desk.plan.arguments(wanted.base_model)
        except LabelloopError:
            logging.exception("A training was due, but its arguments do not go together")
            return
        self._tried_at = self.desk.session.counts.labelled
        self._begin(Train(str(database.path), arguments), f"began by itself: {why}")

    def unqueue(self) -> bool:
        """Let the last training that waits not begin; whether there was one."""
        if not self._waiting:
            return False
        self._waiting.cancel(self._waiting.waiting[-1].number)
        self._tell_waiting()
        return True

    def _tell_waiting(self) -> None:
        self.desk.waiting = len(self._waiting)
        self._set_job(self.desk.job)

    def stop_job(self) -> None:
        """Ask the running job to stop."""
        if self._worker is not None and self.desk.job.busy:
            self._set_job(stopping(self.desk.job))
            self.run_worker(self._worker.stop(), exit_on_error=False, name="stop")

    async def _follow(self, worker: WorkerLike) -> None:
        async for event in worker.events():
            self.post_message(WorkerTold(event))
        self.post_message(JobEnded())

    def on_job_ended(self) -> None:
        """The worker's process is gone: the next training that waits may begin."""
        request = None if self.desk.job.busy or not self.desk.has_project else self._waiting.next()
        if request is not None:
            self.desk.waiting = len(self._waiting)
            self._begin(request)

    def on_worker_told(self, message: WorkerTold) -> None:
        """The worker sent an event: fold it into the job's state, and look at what it changed."""
        event = message.event
        self._set_job(fold(self.desk.job, event))
        if isinstance(event, events.SuggestionsStored):
            self.desk.project_changed.publish(None)
            self.notify(event.message, title=f"Run {event.run_id}", timeout=8, markup=False)
        elif isinstance(event, events.Failed):
            self.notify(event.sentence, title="The job failed", severity="error", timeout=12, markup=False)
            self._settle()
        elif isinstance(event, events.Cancelled):
            self.notify(event.message, timeout=5, markup=False)

    def _settle(self) -> None:
        """Mark a run whose worker died as interrupted, so that the next training can start."""
        if self._database is not None:
            with self._database.writing() as session:
                runs.mark_interrupted(session)

    def _set_job(self, job: JobState) -> None:
        self.desk.job = job
        for screen in self.screen_stack:
            for strip in screen.query(JobStrip):
                strip.aside = self.desk.aside
        self.desk.job_changed.publish(job)

    # ------------------------------------------------------------------ going places

    def _go(self, screen: Callable[[], Screen[Any]], kind: type[Screen[Any]]) -> None:
        """Put a screen on top, unless it is there already."""
        if isinstance(self.screen, kind):
            return
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.push_screen(screen())

    def action_browse(self) -> None:
        from tui.screens.browse import BrowseScreen

        self._go(lambda: BrowseScreen(self.desk), BrowseScreen)

    def action_search(self) -> None:
        from tui.screens.browse import BrowseScreen

        self._go(lambda: BrowseScreen(self.desk, search=True), BrowseScreen)

    def action_scheme(self) -> None:
        from tui.screens.scheme import SchemeScreen

        self._go(lambda: SchemeScreen(self.desk), SchemeScreen)

    def action_history(self) -> None:
        from tui.screens.history import HistoryScreen

        self._go(lambda: HistoryScreen(self.desk), HistoryScreen)

    def action_train(self) -> None:
        from tui.screens.train import TrainScreen

        self._go(lambda: TrainScreen(self.desk), TrainScreen)

    def action_runs(self) -> None:
        from tui.screens.runs import RunsScreen

        self._go(lambda: RunsScreen(self.desk), RunsScreen)

    def browse(self, line: str) -> None:
        """Open browse on top of what is there, on a filter."""
        from tui.screens.read import ReadScreen

        self.push_screen(ReadScreen(self.desk, line))

    def action_export(self) -> None:
        from tui.screens.export import ExportScreen

        self._go(lambda: ExportScreen(self.desk), ExportScreen)

    def action_import(self) -> None:
        from tui.screens.import_file import ImportScreen

        if not isinstance(self.screen, ImportScreen):
            self.push_screen(ImportScreen(self.desk))

    def action_settings(self) -> None:
        from tui.screens.settings import SettingsScreen

        if not isinstance(self.screen, SettingsScreen):
            self.push_screen(SettingsScreen(self.desk))

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.desk.settings.keys))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Actions that need a project are neither shown nor taken while none is open."""
        return self.desk.has_project if action in NEED_PROJECT else True

    # ------------------------------------------------------------------ the command palette

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action that can be taken on this screen, then Textual's own commands."""
        for action in ACTIONS:
            target: object = self if action.group == "app" else screen
            method = getattr(target, f"action_{action.method}", None)
            belongs = action.group == "app" or action.id in {
                binding.id for bound in screen._bindings.key_to_bindings.values() for binding in bound
            }
            if method is not None and belongs:
                yield SystemCommand(action.name, action.does, method)
        yield SystemCommand("Train now", "Start training on the labels there are", self.train)
        kept = ("Theme", "Screenshot")
        yield from (command for command in super().get_system_commands(screen) if command.title in kept)
