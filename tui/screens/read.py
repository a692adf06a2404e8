"""Browse on top of another screen: the reviews behind a figure, and back to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.widgets import Input

from tui.desk import Desk
from tui.screens.browse import BrowseScreen
from tui.screens.label import LabelScreen


class ReadScreen(BrowseScreen):
    """Browse, begun with a filter; leaving it goes back to where one was, opening a review to the label screen."""

    def __init__(self, desk: Desk, line: str) -> None:
        super().__init__(desk)
        self._line = line

    def on_mount(self) -> None:
        self.query_one("#words", Input).value = self._line

    def _open(self, review_id: int) -> None:
        below = label_screen_below(self.app)
        if below is not None:
            below.open_review(review_id)

    def _walk(self, ids: Sequence[int], what: str) -> None:
        below = label_screen_below(self.app) if ids else None
        if below is not None:
            below.walk_through(ids, what)


def label_screen_below(app: App[Any]) -> LabelScreen | None:
    """Take all screens off down to the label screen, and give it; None when there is none."""
    if not any(isinstance(one, LabelScreen) for one in app.screen_stack):
        return None
    while not isinstance(app.screen, LabelScreen):
        app.pop_screen()
    return app.screen
