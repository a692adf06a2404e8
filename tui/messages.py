"""What the app tells its screens. Past-tense facts with plain data."""

from __future__ import annotations

from textual.message import Message

from core.labelling.travel import Progress
from core.storage.journal import Step
from core.worker.client import WorkerLike
from core.worker.events import Event


class WorkerTold(Message):
    """The worker sent an event."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class AssistTold(Message):
    """The quick learner sent an event."""

    def __init__(self, worker: WorkerLike, event: Event) -> None:
        super().__init__()
        self.worker = worker
        """Who sent it: one that has been replaced may still have something to say."""
        self.event = event


class Renewed(Message):
    """The reviews that come up next are others, or say something new."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Renewed)


class JobEnded(Message):
    """The worker's process is gone."""


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


class StepMoved(Message):
    """A large undo or redo is under way."""

    def __init__(self, title: str, done: int, total: int, undone: bool) -> None:
        super().__init__()
        self.title = title
        self.done = done
        self.total = total
        self.undone = undone

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StepMoved)


class Given(Message):
    """All hits of a filter were given a label; some may have had it."""

    def __init__(self, changes: int) -> None:
        super().__init__()
        self.changes = changes


class SuggestionsTaken(Message):
    """Many suggestions were accepted."""

    def __init__(self, reviews: int) -> None:
        super().__init__()
        self.reviews = reviews


class AcceptRefused(Message):
    """Many suggestions could not be accepted as asked."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class VerdictGiven(Message):
    """A person has kept or corrected a suspected label, and it is on disk."""

    def __init__(self, review_id: int) -> None:
        super().__init__()
        self.review_id = review_id


class VerdictRefused(Message):
    """A suspected label could not be kept or corrected."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class RunChanged(Message):
    """A change of a run is on disk."""

    def __init__(self, told: str, other: bool) -> None:
        super().__init__()
        self.told = told
        """What to say of it; empty for nothing."""
        self.other = other
        """Whether suggestions or labels may be others than shown."""


class RunRefused(Message):
    """A run could not be changed as asked."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class TravelMoved(Message):
    """A journey through the history is further, or has ended."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress


class Counted(Message):
    """The counts of the project are others than shown."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Counted)
