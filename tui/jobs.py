"""The app's jobs: one runs in the worker, trainings wait behind it, and some begin by themselves."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from core import kept_rehearsal
from core.errors import LabelloopError
from core.phrases import count
from core.storage import runs
from core.storage.database import Database
from core.storage.tables import Run
from core.worker import events
from core.worker.client import StartWorker, WorkerLike
from core.worker.line_up import LineUp
from core.worker.requests import Rehearse, Request, Train
from core.worker.retraining import FEWEST
from core.worker.state import JobState, Phase, begin, fold, stopping
from tui.messages import JobEnded, WorkerTold
from tui.widgets.job_strip import JobStrip

if TYPE_CHECKING:
    from tui.app import LabelloopApp


class Jobs:
    """What the worker does for the open project. All methods are called in the app's thread."""

    def __init__(self, app: LabelloopApp, start_worker: StartWorker) -> None:
        """Begin with none; `start_worker` is replaced by the scripted double in tests."""
        self._app = app
        self.start_worker = start_worker
        self._worker: WorkerLike | None = None
        self.following: asyncio.Task[None] | None = None
        """Reads the events of the running job until its process is gone."""
        self._waiting = LineUp()
        self._opened = 0.0
        self._tried_at = 0
        """Labels there were when a training began by itself last: one that fails is not tried over and over."""

    def opened(self) -> None:
        """A project was opened."""
        self._opened, self._tried_at = time.monotonic(), 0

    def forget_waiting(self) -> None:
        """The project is closed: what waits for it does not begin."""
        self._waiting.clear()
        self._app.desk.waiting = 0

    async def close(self) -> None:
        """Stop what runs."""
        if self._worker is not None:
            await self._worker.stop()
        if self.following is not None:
            self.following.cancel()

    @property
    def lost_by_leaving(self) -> str | None:
        """What the end of the app would stop, in a sentence; none where nothing is under way."""
        job = self._app.desk.job
        if self._worker is None or not job.busy:
            return None
        if job.job != "train" or job.phase is Phase.WORKING:
            return "It is stopped, and can be asked for again at any time."
        if job.phase is Phase.CROSS_VALIDATING:
            return "The run is finished and stays; only its cross-validation is stopped."
        if job.checkpoint_step or job.phase is Phase.TRAINING:
            return "The training is stopped, and writes a checkpoint: “c” on the train screen goes on from there."
        return "The training is stopped, and has nothing to go on from yet: it would begin anew."

    # ------------------------------------------------------------------ starting and stopping

    def start(self, request: Request) -> None:
        """Start a job in the worker. While one runs, a training waits its turn, and nothing else is started."""
        if not self._app.desk.job.busy:
            self._begin(request)
        elif isinstance(request, Train):
            self._waiting.add(request)
            self._tell_waiting()
        else:
            self._app.notify("A job is running already: stop it first, or wait for it.", markup=False)

    def train(self, resume: int | None = None) -> None:
        """Train by the plan, or go on with a run that stopped."""
        desk = self._app.desk
        if not desk.has_project:
            return
        try:
            arguments = desk.plan.arguments(desk.settings.base_model)
        except LabelloopError as error:
            self._app.notify(str(error), title="Not started", severity="warning", timeout=10, markup=False)
            return
        path = str(desk.session.database.path)
        self.start(Train(path, arguments) if resume is None else Train(path, resume=resume))

    def stop(self) -> None:
        """Ask the running job to stop."""
        if self._worker is not None and self._app.desk.job.busy:
            self._set(stopping(self._app.desk.job))
            self._app.run_worker(self._worker.stop(), exit_on_error=False, name="stop")

    def unqueue(self) -> bool:
        """Let the last training that waits not begin; whether there was one."""
        if not self._waiting:
            return False
        self._waiting.cancel(self._waiting.waiting[-1].number)
        self._tell_waiting()
        return True

    def _begin(self, request: Request, why: str = "") -> None:
        """Start a job; `why` says why it begins without being asked for."""
        desk = self._app.desk
        if desk.has_project:
            desk.session.writer.flush()
        desk.why = why
        job = begin(type(request).__name__.lower())
        if isinstance(request, Rehearse):
            desk.rehearsal = kept_rehearsal.now(request, job)
        self._set(job)
        self._worker = worker = self.start_worker(request)
        self.following = asyncio.create_task(self._follow(worker))

    # ------------------------------------------------------------------ what the worker tells

    async def _follow(self, worker: WorkerLike) -> None:
        async for event in worker.events():
            self._app.post_message(WorkerTold(event))
        self._app.post_message(JobEnded())

    def told(self, event: events.Event) -> None:
        """Fold an event into the job's state, and look at what it changed."""
        app = self._app
        self._set(fold(app.desk.job, event))
        self._keep_rehearsal(event)
        if isinstance(event, events.SuggestionsStored):
            app.desk.project_changed.publish(None)
            app.notify(event.message, title=f"Run {event.run_id}", timeout=8, markup=False)
            self._offer_flips(event.run_id)
        elif isinstance(event, events.Failed):
            app.notify(event.sentence, title="The job failed", severity="error", timeout=12, markup=False)
            self._settle()
        elif isinstance(event, events.Cancelled):
            app.notify(event.message, timeout=5, markup=False)

    def _keep_rehearsal(self, event: events.Event) -> None:
        """Keep what a rehearsal has measured, whatever ends it and whichever screen is up."""
        desk = self._app.desk
        if desk.rehearsal is None or desk.job.job != kept_rehearsal.JOB:
            return
        if desk.job.rehearsed and isinstance(event, (events.Rehearsed, *events.LAST)):
            desk.rehearsal = kept_rehearsal.now(desk.rehearsal.request, desk.job)
            kept_rehearsal.keep(desk.rehearsal)

    def _offer_flips(self, run_id: int) -> None:
        """Count, in a thread, what the new run suggests otherwise than the one before, and offer to look at it."""
        app = self._app
        database = app.desk.session.database

        def work() -> None:
            # Only now: arrays are not needed before the first frame.
            from core.flips import before, flips

            with database.reading() as session:
                run = session.get(Run, run_id)
                if run is None:
                    return
                against = before(session, run)
                changed = flips(session, run, against)[1] if against is not None else 0
            if against is not None and changed:
                told = f"{count(changed, 'suggestion')} flipped since run {against.id}. F shows which, and which way."
                app.call_from_thread(app.notify, told, title=f"Run {run_id}", timeout=12, markup=False)

        app.run_worker(work, thread=True, group="flips", exit_on_error=False)

    def ended(self) -> None:
        """The worker's process is gone: the next training that waits may begin."""
        desk = self._app.desk
        request = None if desk.job.busy or not desk.has_project else self._waiting.next()
        if request is not None:
            desk.waiting = len(self._waiting)
            self._begin(request)

    def _settle(self) -> None:
        """Mark a run whose worker died as interrupted, so that the next training can start."""
        if self._app.desk.has_project:
            try:
                with self._app.desk.session.database.writing() as session:
                    runs.mark_interrupted(session)
            except LabelloopError:
                # The disk that ended the worker may be full for us, too: opening the project marks it.
                logging.exception("The run cannot be marked as interrupted")

    def _tell_waiting(self) -> None:
        self._app.desk.waiting = len(self._waiting)
        self._set(self._app.desk.job)

    def _set(self, job: JobState) -> None:
        desk = self._app.desk
        desk.job = job
        for screen in self._app.screen_stack:
            for strip in screen.query(JobStrip):
                strip.aside = desk.aside
        desk.job_changed.publish(job)

    # ------------------------------------------------------------------ by itself

    def _asked_for(self) -> bool:
        wanted = self._app.desk.settings
        return not wanted.quiet and bool(wanted.retrain_labels or wanted.retrain_minutes)

    def consider(self) -> None:
        """Look, in a thread, whether a training shall start by itself."""
        desk = self._app.desk
        if not self._asked_for() or not desk.has_project or desk.job.busy:
            return
        if desk.session.counts.labelled < self._tried_at + FEWEST:
            return
        wanted, database = desk.settings, desk.session.database
        minutes = (time.monotonic() - self._opened) / 60

        def work() -> None:
            from tui import by_itself

            with database.reading() as session:
                due, why = by_itself.due(session, wanted, minutes)
            if due:
                self._app.call_from_thread(self._train_by_itself, database, why)

        self._app.run_worker(work, thread=True, exit_on_error=False, name="consider")

    def _train_by_itself(self, database: Database, why: str) -> None:
        """Begin, unless the project or the settings are others by now, or a job has begun."""
        desk = self._app.desk
        if not self._asked_for() or not desk.has_project or desk.job.busy or database is not desk.session.database:
            return
        try:
            arguments = desk.plan.arguments(desk.settings.base_model)
        except LabelloopError:
            logging.exception("A training was due, but its arguments do not go together")
            return
        self._tried_at = desk.session.counts.labelled
        self._begin(Train(str(database.path), arguments), f"began by itself: {why}")
