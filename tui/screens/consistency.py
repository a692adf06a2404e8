"""How steadily people label: agreement with oneself, and whether suggestions are read or just accepted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core.consistency import Consistency, Part, Reading, Swayed, consistency
from core.evaluate.agreement import Agreement
from core.evaluate.intervals import wilson
from core.phrases import count, one_line, percent
from tui.bindings import bindings
from tui.desk import Desk
from tui.widgets.scrolling import scroll

NAMES = 18

SHOWN = 14
"""Days that are listed, the latest."""


class ConsistencyScreen(Screen[None]):
    """Four boxes: the person's agreement with themselves, its parts, suggestions shown and hidden, reading."""

    BINDINGS = [*bindings("consistency"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    ConsistencyScreen #sheet { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    ConsistencyScreen .card { height: auto; padding: 0 1; }
    ConsistencyScreen #heading { padding: 0 2; color: $faint; height: auto; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._everybody = False
        self._found: Consistency | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="heading")
            for name in ("overall", "swayed", "reading", "labels", "days", "hours"):
                yield Static(id=name, classes="card")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        for name, title in (
            ("overall", "Agreement with yourself"),
            ("swayed", "Whether suggestions sway you"),
            ("reading", "Whether suggestions are read before they are accepted"),
            ("labels", "By label: has it the label, or not"),
            ("days", "By day"),
            ("hours", "By hour into the session"),
        ):
            box = self.query_one(f"#{name}")
            box.border_title, box.display = title, False
        self.query_one("#heading", Static).update("Measuring …")
        self._desk.project_changed.subscribe(self, lambda _nothing: self._read())
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _read(self) -> None:
        """Measure in a thread."""
        session, share = self._desk.session, self._desk.settings.hidden_share
        who = None if self._everybody else session.annotator

        def work() -> None:
            session.writer.flush()
            with session.database.reading() as reading:
                found = consistency(reading, who, share)
            self.app.call_from_thread(self._take, found)

        self.run_worker(work, thread=True, group="measure", exclusive=True, exit_on_error=False)

    def _take(self, found: Consistency) -> None:
        self._found = found
        self._show()

    # ------------------------------------------------------------------ drawing

    def _show(self) -> None:
        found, width = self._found, self.size.width - 6
        if found is None:
            return
        who = "Everybody" if self._everybody else self._desk.settings.annotator
        parts: list[str | tuple[str, str]] = [(one_line(who, 30), "bold $primary")]
        parts += [(f"\n⚠ {warning}", "bold $warning") for warning in found.warnings]
        self.query_one("#heading", Static).update(Content.assemble(*parts))
        self._put("overall", self._overall(found.overall, width))
        self._put("swayed", self._swayed(found.swayed, width))
        self._put("reading", _reading(found.reading))
        self._put("labels", _table(found.by_label, width))
        self._put("days", _table(found.by_day[-SHOWN:], width))
        self._put("hours", _table(found.by_hour, width))

    def _put(self, name: str, content: Content | None) -> None:
        box = self.query_one(f"#{name}", Static)
        box.display = content is not None
        if content is not None:
            box.update(content)

    def _overall(self, found: Agreement | None, width: int) -> Content:
        if found is None:
            share = self._desk.settings.repeat_share
            how = (
                f"{percent(share)} of what you label comes a second time, half an hour later at the earliest."
                if share
                else "No review comes a second time: the setting repeat_share is 0."
            )
            return Content.styled(f"Nothing was asked twice yet. {how}", "$faint")
        same = f"Of {count(found.reviews, 'review')} asked twice, {found.same:,} got the same answer: "
        lines = [Content.assemble(same, (percent(found.share), "bold"), f" ({_ends(found.low, found.high)}).")]
        if found.kappa is not None and found.kappa_low is not None and found.kappa_high is not None:
            lines.append(
                Content.assemble(
                    "Cohen’s kappa ",
                    (f"{found.kappa:.2f}", "bold $success"),
                    f" ({found.kappa_low:.2f} – {found.kappa_high:.2f})  ",
                    (_scale(found.kappa_low, found.kappa, found.kappa_high, min(50, width - 40)), "$primary"),
                )
            )
        lines.append(Content.styled("0 is what chance gives, 1 is the same every time; 95 % intervals.", "$faint"))
        return Content("\n").join(lines)

    def _swayed(self, found: Swayed | None, width: int) -> Content:
        if found is None:
            share = self._desk.settings.hidden_share
            how = (
                f"The suggestion is held back for {percent(share)} of the reviews, once 50 are labelled."
                if share
                else "No suggestion is held back: the setting hidden_share is 0."
            )
            return Content.styled(f"There is nothing to compare yet. {how}", "$faint")
        rows = [("shown", found.shown_same, found.shown), ("held back", found.hidden_same, found.hidden)]
        lines = [Content.styled("You gave what was suggested, where the suggestion was", "$faint")]
        for name, same, size in rows:
            low, high = wilson(same, size)
            lines.append(
                Content.assemble(
                    f"{name:<10}",
                    (f"{percent(same / size):>6}", "bold"),
                    f"  of {size:>6,}  ",
                    (_scale(low, same / size, high, max(10, min(50, width - 50))), "$primary"),
                    (f"  {_ends(low, high)}", "$faint"),
                )
            )
        points = f"{found.low * 100:+.0f} to {found.high * 100:+.0f} points".replace("-", "−")
        verdict = "Seeing it makes a difference" if found.is_swayed else "No clear difference"
        lines.append(Content(f"{verdict}: {points}."))
        return Content("\n").join(lines)

    # ------------------------------------------------------------------ actions

    def action_everybody(self) -> None:
        self._everybody = not self._everybody
        self._read()

    def action_down(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), 1)

    def action_up(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), -1)

    def action_close(self) -> None:
        self.dismiss()


def _reading(found: Reading | None) -> Content:
    if found is None:
        return Content.styled("No suggestion was accepted by itself yet.", "$faint")
    share = found.too_quick / found.accepted
    return Content.assemble(
        f"Of the last {count(found.accepted, 'accepted suggestion')} ",
        (f"{found.too_quick:,} ({percent(share)})", "bold $warning" if found.is_unread else "bold"),
        f" were accepted quicker than 1,000 words a minute ({_ends(found.low, found.high)}).\n",
        ("People read some 240 words a minute.", "$faint"),
    )


def _table(parts: Sequence[Part], width: int) -> Content | None:
    """One line a part; none where there are no parts."""
    if not parts:
        return None
    room = max(10, min(40, width - NAMES - 44))
    lines = [Content.styled(f"{'':<{NAMES}} {'asked':>6} {'same':>6}   kappa, 95 % interval", "$faint")]
    for part in parts:
        found, name = part.found, one_line(part.name, NAMES)
        pieces: list[str | tuple[str, str]] = [
            name + " " * (NAMES - cell_len(name)),
            f" {found.reviews:>6,} {percent(found.share):>6}   ",
        ]
        if found.kappa is None or found.kappa_low is None or found.kappa_high is None:
            pieces.append(("one answer throughout", "$faint"))
        else:
            pieces.append((f"{found.kappa:>5.2f}", "bold"))
            pieces.append((f" ({found.kappa_low:.2f} – {found.kappa_high:.2f}) ".ljust(17), "$faint"))
            pieces.append((_scale(found.kappa_low, found.kappa, found.kappa_high, room), "$primary"))
        lines.append(Content.assemble(*pieces))
    return Content("\n").join(lines)


def _scale(low: float, middle: float, high: float, room: int) -> str:
    """An interval drawn on a scale from 0 to 1."""
    start, at, end = (max(0, min(room - 1, int(value * room))) for value in (low, middle, high))
    return "".join("●" if place == at else "━" if start <= place <= end else "·" for place in range(room))


def _ends(low: float, high: float) -> str:
    return f"{low * 100:.0f} – {high * 100:.0f} %"
