"""What lies open on the desk: the project, the settings, the job. Screens share it and hold nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.dom import DOMNode
from textual.signal import Signal

from core.errors import ProjectError
from core.labelling.session import LabellingSession
from core.settings import Settings
from core.worker.requests import Request
from core.worker.state import JobState


class Desk:
    """Shared by the app and its screens. Changed in the app's thread only."""

    def __init__(
        self,
        owner: DOMNode,
        settings: Settings,
        start_job: Callable[[Request], None],
        stop_job: Callable[[], None],
        open_path: Callable[[Path], None],
        change_settings: Callable[[dict[str, object]], None],
    ) -> None:
        self.settings = settings
        self.job = JobState()
        self.job_changed: Signal[JobState] = Signal(owner, "job-changed")
        """Published whenever the job's state is another."""
        self.project_changed: Signal[None] = Signal(owner, "project-changed")
        """Published when counts, queue or suggestions may be other than shown."""
        self.start_job = start_job
        """Start a job in the worker, unless one runs."""
        self.stop_job = stop_job
        """Ask the running job to stop."""
        self.open_path = open_path
        """Open another project."""
        self.change_settings = change_settings
        """Save settings and put them into effect."""
        self.words: tuple[str, ...] = ()
        """Words that were searched for when a review was opened from browse; marked in the reviews."""
        self._session: LabellingSession | None = None

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
