"""What is known of the quick learner so far, folded from its events."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.phrases import count, percent
from core.worker import events
from core.worker.events import Event


@dataclass(frozen=True)
class AssistState:
    """The quick learner as the screens show it."""

    working: bool = False
    """Whether its process is there."""
    run_id: int | None = None
    labels: int = 0
    """Labelled reviews it learned from."""
    log_loss: float | None = None
    done: int = 0
    """Reviews that have features."""
    total: int = 0
    needed: int = 0
    """Labelled reviews it waits for; 0 when it does not wait for any."""
    message: str = ""
    """Why it cannot say anything yet, or will not; empty while it can."""

    @property
    def words(self) -> str:
        """What it does, for a line of its own; empty when there is nothing to tell."""
        if self.message:
            return f"quick learner: {self.message}"
        if not self.working:
            return ""
        parts = [self._learned] if self._learned else []
        if self.total and self.done < self.total:
            parts.append(f"features {self.done:,} of {self.total:,}")
        elif self.total:
            parts.append(f"{count(self.done, 'review')} known")
        return f"quick learner: {', '.join(parts) or 'loading the base model'}"

    @property
    def _learned(self) -> str:
        if self.needed:
            return f"{self.labels:,} of the {self.needed} labels it needs"
        return count(self.labels, "label") if self.run_id is not None else ""

    @property
    def few_words(self) -> str:
        """The same beside something else."""
        if not self.working or self.message:
            return ""
        if self.total and self.done < self.total:
            return f"quick: {count(self.labels, 'label')}, {percent(self.done / self.total)} of the reviews read"
        return f"quick: {count(self.labels, 'label')}" if self.run_id is not None else ""


def begin() -> AssistState:
    """The state of a quick learner that has just been started."""
    return AssistState(working=True)


def fold(state: AssistState, event: Event) -> AssistState:
    """The state after an event."""
    if isinstance(event, events.FeaturesComputed):
        return replace(state, done=event.done, total=event.total)
    if isinstance(event, events.QuickFitted):
        return replace(state, run_id=event.run_id, labels=event.labels, log_loss=event.log_loss, needed=0, message="")
    if isinstance(event, events.QuickWaits):
        told = "" if event.needed else event.message
        return replace(state, labels=event.labels, needed=event.needed, run_id=None, message=told)
    if isinstance(event, events.Noticed):
        return replace(state, message=event.message)
    if isinstance(event, events.Finished | events.Cancelled):
        return replace(state, working=False)
    if isinstance(event, events.Failed):
        return replace(state, working=False, message=event.message)
    return state
