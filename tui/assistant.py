"""The quick learner beside the app: started when a project is open, listened to, ended with it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from core.phrases import one_line
from core.settings import Settings
from core.worker import assist_state, events
from core.worker.assist_state import AssistState
from core.worker.client import StartWorker, WorkerLike
from core.worker.requests import Assist, Explain, FindSimilar
from tui.messages import AssistTold
from tui.screens.label import LabelScreen
from tui.widgets.job_strip import JobStrip

if TYPE_CHECKING:
    from tui.app import LabelloopApp

AFTER = 0.5
"""Seconds after which it is started: the first frame and the first keys go first."""

AGAIN = 10.0
"""Seconds after which one that was killed is started again."""

TRIES = 2
"""How often one that was killed is started again: what ran out of memory twice will do so again."""

ASKED_FOR = ("base_model", "strategy", "drawn_every", "features_kept", "quick_learner")
"""Settings it is started with."""


class Assistant:
    """The quick learner of the open project. All methods are called in the app's thread."""

    def __init__(self, app: LabelloopApp, start_worker: StartWorker | None) -> None:
        """Begin with none; without `start_worker` there is never one."""
        self._app, self._start_worker = app, start_worker
        self._worker: WorkerLike | None = None
        self._following: set[asyncio.Task[None]] = set()
        self._tries = 0

    def opened(self) -> None:
        """A project was opened."""
        self._tries = 0
        if self._start_worker is not None:
            self._app.set_timer(AFTER, self.start)

    def start(self) -> None:
        """Start it, unless it runs, or is not wanted, or no project is open."""
        desk = self._app.desk
        wanted = desk.settings
        if self._start_worker is None or self._worker is not None or not desk.has_project or not wanted.quick_learner:
            return
        path = str(desk.session.database.path)
        request = Assist(path, wanted.base_model, wanted.strategy, wanted.drawn_every, wanted.features_kept)
        self._worker = worker = self._start_worker(request)
        self._set(assist_state.begin())
        task = asyncio.create_task(self._follow(worker))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    def leave(self) -> None:
        """The project is closed, or it is to be started otherwise."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._app.run_worker(worker.stop(), exit_on_error=False, name="stop the quick learner")
            self._set(AssistState())

    async def close(self) -> None:
        """End it with the app."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()
        for task in self._following:
            task.cancel()

    def settings_changed(self, before: Settings) -> None:
        """Start it anew if it is to be another."""
        now = self._app.desk.settings
        if any(getattr(before, name) != getattr(now, name) for name in ASKED_FOR):
            self.leave()
            self.start()

    def ask_similar(self, review_id: int) -> bool:
        """Ask which reviews are like one; the answer opens a walk. False when there is nobody to ask."""
        if self._worker is None or not self._app.desk.assist.working:
            return False
        self._app.run_worker(self._worker.ask(FindSimilar(review_id)), exit_on_error=False, name="ask")
        return True

    def ask_why(self, review_id: int) -> bool:
        """Ask which words carried the suggestion for a review. False when there is nobody to ask."""
        if self._worker is None or not self._app.desk.assist.working:
            return False
        self._app.run_worker(self._worker.ask(Explain(review_id)), exit_on_error=False, name="ask")
        return True

    # ------------------------------------------------------------------ what it tells

    async def _follow(self, worker: WorkerLike) -> None:
        async for event in worker.events():
            self._app.post_message(AssistTold(worker, event))

    def told(self, message: AssistTold) -> None:
        """Fold an event into the state, and look at what it changed."""
        event, desk = message.event, self._app.desk
        if message.worker is not self._worker or not desk.has_project:
            return
        self._set(assist_state.fold(desk.assist, event))
        if isinstance(event, events.HeadSuggested):
            desk.session.renew_ahead()
        elif isinstance(event, events.QuickStored) and event.message:
            desk.project_changed.publish(None)
            self._app.notify(event.message, title="Quick learner", timeout=8, markup=False)
        elif isinstance(event, events.SimilarFound):
            self._show_similar(event)
        elif isinstance(event, events.Explained):
            if isinstance(self._app.screen, LabelScreen):
                self._app.screen.show_why(event)
        elif isinstance(event, events.LAST):
            self._worker = None
            if isinstance(event, events.Failed):
                self._failed(event)

    def _show_similar(self, found: events.SimilarFound) -> None:
        if not found.review_ids:
            self._app.notify(found.message, timeout=4, markup=False)
        elif isinstance(self._app.screen, LabelScreen):
            self._app.screen.walk_through_similar(found.review_id, found.review_ids)

    def _failed(self, event: events.Failed) -> None:
        logging.warning("The quick learner failed: %s (log %s)", event.sentence, event.log)
        if event.kind == "killed" and self._tries < TRIES:
            self._tries += 1
            self._app.set_timer(AGAIN, self.start)
        elif event.kind != "killed":
            self._app.notify(
                one_line(event.sentence, 300), title="Quick learner", severity="warning", timeout=12, markup=False
            )

    def _set(self, state: AssistState) -> None:
        desk = self._app.desk
        if state == desk.assist:
            return
        desk.assist = state
        for screen in self._app.screen_stack:
            for strip in screen.query(JobStrip):
                strip.show_quick(state)
