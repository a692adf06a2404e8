"""Jobs one after another: what waits while one runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from core.worker.requests import Request


@dataclass(frozen=True)
class Waiting:
    """A request that waits for its turn."""

    number: int
    """Names it, whatever its place; numbers are not given twice."""
    request: Request


class LineUp:
    """The requests that wait, the first come first. It starts nothing: whoever runs jobs takes the next one."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What waits, in its order."""
        return tuple(self._waiting)

    def add(self, request: Request) -> Waiting:
        """Put a request at the end."""
        self._numbers += 1
        waiting = Waiting(self._numbers, request)
        self._waiting.append(waiting)
        return waiting

    def cancel(self, number: int) -> bool:
        """Take a request out; false when it does not wait (any more)."""
        for waiting in self._waiting:
            if waiting.number == number:
                self._waiting.remove(waiting)
                return True
        return False

    def clear(self) -> int:
        """Take all out, as when the project is closed; returns how many that were."""
        many = len(self._waiting)
        self._waiting.clear()
        return many

    def next(self) -> Request | None:
        """Take the first request out to do it; none when nothing waits."""
        return self._waiting.popleft().request if self._waiting else None
