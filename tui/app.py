"""The app: opens projects, runs the worker, puts screens on top of each other."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen

from core import locations, settings
from core.errors import LabelloopError
from core.labelling.controls import Shares
from core.labelling.session import LabellingSession
from core.phrases import visible
from core.storage import runs
from core.storage.database import Database, Watcher, open_project
from core.worker.client import StartWorker, Worker
from tui.assistant import Assistant
from tui.bindings import ACTIONS, bindings, unknown
from tui.desk import Desk, Doors
from tui.jobs import Jobs
from tui.messages import AssistTold, Counted, Renewed, WorkerTold, WriteFailed
from tui.screens.label import LabelScreen
from tui.theme import FALLBACK, THEMES
from tui.upkeep import Upkeep

LOOKS_EVERY = 2.0
"""Seconds between looks at whether another process has changed the project."""

CONSIDERS_EVERY = 30.0
"""Seconds between looks at whether a training shall start by itself; without that setting nothing is looked at."""

NEED_PROJECT = (
    "accept_many", "browse", "search", "history", "train", "runs", "export", "scheme", "mistakes", "consistency",
    "flips",
)  # fmt: skip
"""Actions of the app that are about the open project."""


class LabelloopApp(App[None]):
    """labelloop in the terminal."""

    TITLE = "labelloop"
    BINDINGS = bindings("app")
    CSS_PATH = "styles/app.tcss"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        project: Path | None = None,
        start_worker: StartWorker = Worker,
        start_assist: StartWorker | None = None,
    ) -> None:
        """Make the app; `start_worker` is replaced by the scripted double in tests.

        `start_assist` starts the quick learner; without it there is none.
        """
        super().__init__()
        self._project = project
        loaded, self._problems = settings.load()
        self._database: Database | None = None
        self._watcher: Watcher | None = None
        self._jobs = Jobs(self, start_worker)
        self._upkeep = Upkeep(self, self._close_project)
        self._assistant = Assistant(self, start_assist)
        doors = Doors(
            start_job=self._jobs.start,
            stop_job=self._jobs.stop,
            train=self._jobs.train,
            unqueue=self._jobs.unqueue,
            open_path=self.open_path,
            change_settings=self.change_settings,
            similar=self._assistant.ask_similar,
            explain=self._assistant.ask_why,
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
        self._upkeep.listen()
        self.set_interval(LOOKS_EVERY, self._look)
        self.set_interval(CONSIDERS_EVERY, self._jobs.consider)

    def on_ready(self) -> None:
        """The first frame is painted. What is there by now stays: collections need not look at it again."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    async def on_unmount(self) -> None:
        await self._assistant.close()
        await self._jobs.close()
        if unwritten := self._close_project():
            self._exit_renderables.append(Text(unwritten))

    async def on_event(self, event: events.Event) -> None:
        """What is pasted is text from anywhere: an input would hand escapes in it to the terminal, which obeys."""
        await super().on_event(events.Paste(visible(event.text)) if isinstance(event, events.Paste) else event)

    def action_leave(self) -> None:
        """Leave the app; a running training is stopped, after a question."""
        from tui.screens.leave import Leave

        if self._jobs.lost_by_leaving is None:
            self.exit()
        elif not isinstance(self.screen, Leave):
            self.push_screen(Leave(self._jobs.lost_by_leaving), self._leave)

    def _leave(self, leaves: bool | None) -> None:
        """Stop what runs, then leave: what takes its time is to be seen."""

        async def stop() -> None:
            await self._jobs.close()
            self.exit()

        if leaves:
            self.notify("Leaving: the job is being stopped, and writes what it has.", timeout=60, markup=False)
            self.run_worker(stop(), exit_on_error=False, name="leave")

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
                on_renewed=self._tell_renewed,
                shares=self._shares,
            )
        except LabelloopError as error:
            self.notify(str(error), title="Not opened", severity="error", timeout=20, markup=False)
            return
        if unwritten := self._close_project():
            self.notify(unwritten, title="Not saved", severity="warning", timeout=20, markup=False)
        self._database = database
        self.desk.set_session(labelling)
        self._watcher = database.watch()
        self._jobs.opened()
        self._upkeep.opened(database.path)
        self._assistant.opened()
        self._remember(database.path)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(LabelScreen(self.desk))
        for run_id in interrupted:
            self.notify(
                f"Run {run_id} was interrupted: its process ended without a word. "
                "Press t, then c to go on from its last checkpoint, if it has one.",
                severity="warning",
                timeout=10,
                markup=False,
            )

    def _fatal_error(self) -> None:
        """Textual would print the values of all variables, texts of reviews among them."""
        self._exit_renderables.append(self._upkeep.crashed())
        self._close_messages_no_wait()

    def _close_project(self) -> str:
        """A sentence about decisions that could not be written any more, or nothing."""
        unwritten = ""
        self._upkeep.closed()
        self._jobs.forget_waiting()
        self._assistant.leave()
        if self.desk.has_project:
            unwritten = self.desk.session.close()
            self.desk.set_session(None)
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        if self._database is not None:
            self._database.close()
            self._database = None
        return unwritten

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

    def _tell_renewed(self) -> None:
        """From a thread of the session."""
        for screen in self.screen_stack:
            if isinstance(screen, LabelScreen):
                screen.post_message(Renewed())

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
        before = self.desk.settings
        self.desk.settings, problems = settings.load()
        for problem in problems:
            self.notify(problem, severity="warning", markup=False)
        self._apply_settings()
        self._assistant.settings_changed(before)
        if self.desk.has_project:
            self.desk.session.control(self._shares)
        return True

    @property
    def _shares(self) -> Shares:
        return Shares(self.desk.settings.hidden_share, self.desk.settings.repeat_share)

    # ------------------------------------------------------------------ the worker

    def on_job_ended(self) -> None:
        """The worker's process is gone. A training may have fetched what the quick learner waits for."""
        self._jobs.ended()
        self._assistant.start()

    def on_worker_told(self, message: WorkerTold) -> None:
        """The worker sent an event."""
        self._jobs.told(message.event)

    def on_assist_told(self, message: AssistTold) -> None:
        """The quick learner sent an event."""
        self._assistant.told(message)

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

    def action_projects(self) -> None:
        from tui.screens.welcome import WelcomeScreen

        if self.desk.has_project:  # else it is below everything already
            self._go(lambda: WelcomeScreen(self.desk), WelcomeScreen)

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

    def action_rehearse(self) -> None:
        from tui.screens.rehearsal import RehearsalScreen

        self._go(lambda: RehearsalScreen(self.desk), RehearsalScreen)

    def action_runs(self) -> None:
        from tui.screens.runs import RunsScreen

        self._go(lambda: RunsScreen(self.desk), RunsScreen)

    def browse(self, line: str) -> None:
        """Open browse on top of what is there, on a filter."""
        from tui.screens.read import ReadScreen

        self.push_screen(ReadScreen(self.desk, line))

    def action_accept_many(self) -> None:
        from tui.screens.accept import AcceptScreen

        self._go(lambda: AcceptScreen(self.desk), AcceptScreen)

    def action_mistakes(self) -> None:
        from tui.screens.mistakes import MistakesScreen

        self._go(lambda: MistakesScreen(self.desk), MistakesScreen)

    def action_flips(self) -> None:
        """Hold the newest run against the one before it."""
        from core.flips import newest_pair
        from tui.screens.compare import CompareScreen

        with self.desk.session.database.reading() as session:
            pair = newest_pair(session)
        newest, before = (run.id for run in pair) if pair is not None else (None, None)
        if newest is None or before is None:
            self.notify("There are no two runs whose suggestions could be compared.", timeout=4, markup=False)
            return
        self._go(lambda: CompareScreen(self.desk, newest, before), CompareScreen)

    def action_consistency(self) -> None:
        from tui.screens.consistency import ConsistencyScreen

        self._go(lambda: ConsistencyScreen(self.desk), ConsistencyScreen)

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
        yield SystemCommand("Train now", "Start training on the labels there are", self._jobs.train)
        kept = ("Theme", "Screenshot")
        yield from (command for command in super().get_system_commands(screen) if command.title in kept)
