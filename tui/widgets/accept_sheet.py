"""The sheet of the accept screen: the lines to choose from, what one of them comes to, and some of its reviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core.accepting.promises import LabelPart
from tui.widgets import accept_lines
from tui.widgets.accept_lines import Choices, Example

WIDE = 160
"""Columns of the sheet from which the reviews stand beside the lines."""

EDGES = 7
"""Columns that the frame of a card and the scrollbar take."""

MOST_LINES = 3
"""Of one review where there is room."""

TITLES = {
    "lines": "How many of the accepted may be wrong",
    "details": "What that comes to",
    "labels": "By label, each bound by itself",
    "examples": "Some of them, the least sure first",
}


@dataclass(frozen=True)
class Chosen:
    """What is known of the line under the cursor."""

    own_expected: float = 0.0
    """Wrong ones by the run's own probabilities."""
    calibration_error: float | None = None
    audit_left: int = 0
    """Audit reviews without a decision."""
    parts: Sequence[LabelPart] = ()
    examples: Sequence[Example] = ()


class AcceptSheet(VerticalScroll, can_focus=False):
    """Four cards; on a wide screen the reviews stand beside the others."""

    DEFAULT_CSS = """
    AcceptSheet { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    AcceptSheet #columns, AcceptSheet #left, AcceptSheet #right { height: auto; }
    AcceptSheet .card { height: auto; padding: 0 1; }
    AcceptSheet.-beside #columns { layout: horizontal; }
    AcceptSheet.-beside #left, AcceptSheet.-beside #right { width: 1fr; }
    """

    def compose(self) -> ComposeResult:
        with Container(id="columns"):
            with Vertical(id="left"):
                for name in ("lines", "details", "labels"):
                    yield Static(id=name, classes="card")
            with Vertical(id="right"):
                yield Static(id="examples", classes="card")

    def on_mount(self) -> None:
        for name, title in TITLES.items():
            self.query_one(f"#{name}").border_title = title
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        for name in TITLES:
            self.query_one(f"#{name}").display = False

    def show(self, found: Choices, cursor: int, chosen: Chosen, colours: Mapping[int, str]) -> None:
        """Show the lines, and what is known of the one under the cursor."""
        beside = self.size.width >= WIDE
        self.set_class(beside, "-beside")
        width = (self.size.width // 2 if beside else self.size.width) - EDGES
        line = found.lines[cursor]
        self._put("lines", accept_lines.choices(found, cursor, width))
        self._put(
            "details", accept_lines.details(line, chosen.own_expected, chosen.calibration_error, chosen.audit_left)
        )
        has_parts = len(chosen.parts) > 1
        parts = accept_lines.by_label(chosen.parts, colours, width, line.max_wrong) if has_parts else None
        self._put("labels", parts)
        drawn = accept_lines.examples(chosen.examples, width, MOST_LINES if beside else 1)
        self._put("examples", drawn if chosen.examples else None)

    def _put(self, name: str, content: Content | None) -> None:
        box = self.query_one(f"#{name}", Static)
        box.display = content is not None
        if content is not None:
            box.update(content)
