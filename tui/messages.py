"""What the app tells its screens. Past-tense facts with plain data."""

from __future__ import annotations

from textual.message import Message

from core.storage.journal import Step
from core.worker.events import Event


class WorkerTold(Message):
    """The worker sent an event."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class WriteFailed(Message):
    """A decision could not be written."""

    def __init__(self, review_id: int, reason: str) -> None:
        super().__init__()
        self.review_id = review_id
        self.reason = reason


class StepTaken(Message):
    """An undo or a redo is on disk."""

    def __init__(self, step: Step | None, undone: bool) -> None:
        super().__init__()
        self.step = step
        self.undone = undone


class ProjectChanged(Message):
    """The project was changed by another process or by an import: counts and queue may be old."""
