"""What lies open on the desk: the project, the settings, the job. Screens share it and hold nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.dom import DOMNode
from textual.signal import Signal

from core.errors import ProjectError
from core.kept_rehearsal import Kept
from core.labelling.session import LabellingSession
from core.settings import Settings
from core.worker.assist_state import AssistState
from core.worker.requests import Request
from core.worker.state import JobState
from tui.plan import Plan


@dataclass(frozen=True)
class Doors:
    """What the screens ask of the app."""

    start_job: Callable[[Request], None]
    """Start a job in the worker; while one runs, a training waits its turn."""
    stop_job: Callable[[], None]
    """Ask the running job to stop."""
    train: Callable[[int | None], None]
    """Train by the plan, or go on with a run that stopped."""
    unqueue: Callable[[], bool]
    """Let the last training that waits not begin; whether there was one."""
    open_path: Callable[[Path], None]
    """Open another project."""
    change_settings: Callable[[dict[str, object]], bool]
    """Save settings and put them into effect; whether that could be done."""
    similar: Callable[[int], bool]
    """Ask the quick learner which reviews are like one; false when there is none to ask."""
    explain: Callable[[int], bool]
    """Ask which words carried the suggestion for a review; false when there is nobody to ask."""
    browse: Callable[[str], None]
    """Open browse on top, on a filter as it is typed there."""


class Desk:
    """Shared by the app and its screens. Changed in the app's thread only."""

    def __init__(self, owner: DOMNode, settings: Settings, doors: Doors) -> None:
        self.settings = settings
        self.plan = Plan()
        """How the next training is to be done."""
        self.job = JobState()
        self.job_changed: Signal[JobState] = Signal(owner, "job-changed")
        """Published whenever the job's state is another."""
        self.project_changed: Signal[None] = Signal(owner, "project-changed")
        """Published when counts, queue or suggestions may be other than shown."""
        self.assist = AssistState()
        """What the quick learner does."""
        self.rehearsal: Kept | None = None
        """The rehearsal that runs, or the last one; none before the rehearsal screen was opened."""
        self.waiting = 0
        """Trainings that wait for the running job."""
        self.why = ""
        """Why the running job began by itself; empty when a person asked for it."""
        self.start_job = doors.start_job
        self.stop_job = doors.stop_job
        self._train = doors.train
        self.unqueue = doors.unqueue
        self.open_path = doors.open_path
        self.change_settings = doors.change_settings
        self.similar = doors.similar
        self.explain = doors.explain
        self.browse = doors.browse
        self.words: tuple[str, ...] = ()
        """Words that were searched for when a review was opened from browse; marked in the reviews."""
        self._session: LabellingSession | None = None

    @property
    def aside(self) -> str:
        """What is to be said of the job beside its state: why it began by itself, and how many wait for it."""
        waits = f"{self.waiting} {'waits' if self.waiting == 1 else 'wait'}" if self.waiting else ""
        return " · ".join(part for part in (self.why, waits) if part)

    @property
    def session(self) -> LabellingSession:
        """The open project's session. Raises ProjectError when no project is open."""
        if self._session is None:
            raise ProjectError("No project is open.", "Open one from the welcome screen.")
        return self._session

    @property
    def has_project(self) -> bool:
        """Whether a project is open."""
        return self._session is not None

    def set_session(self, session: LabellingSession | None) -> None:
        """Put a project on the desk, or clear it away."""
        self._session = session

    def train(self, resume: int | None = None) -> None:
        """Train by the plan, or go on with the run `resume`; while a job runs, it waits its turn."""
        self._train(resume)
