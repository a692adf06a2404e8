"""Keeping a forecast on the screen up to date, in a thread and not more often than it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen

from core.labelling.session import LabellingSession

if TYPE_CHECKING:
    from core.forecasting import Outlook

EVERY = 20.0
"""Seconds between two looks."""


def keep_up(screen: Screen[None], labelling: LabellingSession, show: Callable[[Outlook], None]) -> None:
    """Read the forecast now and then while the screen is on top, and show it when the quick learner has learned."""
    seen: list[tuple[int | None, int] | None] = [None]

    def look() -> None:
        if not screen.is_current:
            return
        pace, database = labelling.pace.per_minute, labelling.database

        def work() -> None:
            from core import forecasting  # brings arrays, which the first frame does not wait for
            from core.storage import quick_run

            with database.reading() as session:
                run = quick_run.find(session)
                state = (run.id, run.train_size) if run is not None else (None, 0)
                if state == seen[0]:
                    return
                found = forecasting.outlook(session, pace)
            seen[0] = state
            screen.app.call_from_thread(show, found)

        screen.run_worker(work, thread=True, group="forecast", exclusive=True, exit_on_error=False)

    screen.set_interval(EVERY, look)
    screen.call_after_refresh(look)
