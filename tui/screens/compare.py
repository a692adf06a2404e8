"""Two runs beside each other: which is better, label by label, what they say differently, and how they learned."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from core import comparison
from core.comparison import Comparison, Flip
from core.evaluate.paired import Verdict
from core.flips import flipped
from core.phrases import count, one_line, percent
from core.storage import runs
from core.storage.database import project_of
from core.storage.filter_text import names_of
from core.storage.tables import Run
from tui.bindings import bindings
from tui.desk import Desk
from tui.plan import shown
from tui.run_facts import name_of
from tui.run_views import CURVES
from tui.screens.read import label_screen_below
from tui.widgets.curve import Curve, Series
from tui.widgets.scores import difference, side_by_side
from tui.widgets.scrolling import scroll

MOST_WALKED = 10_000
"""Reviews of a walk; nobody reads more."""

Points = list[tuple[int, float]]


class CompareScreen(Screen[None]):
    """The cursor goes over the changes from label to label; enter reads the reviews."""

    BINDINGS = [*bindings("compare"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    CompareScreen #sheet { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    CompareScreen #heading { padding: 0 1; }
    CompareScreen #columns { height: auto; layout: vertical; }
    CompareScreen #left, CompareScreen #right { height: auto; }
    CompareScreen.-wide #columns { layout: horizontal; }
    CompareScreen.-wide #left, CompareScreen.-wide #right { width: 1fr; }
    CompareScreen .card { height: auto; padding: 0 1; }
    CompareScreen #curves { height: 14; layout: horizontal; }
    CompareScreen.-wide #curves { height: 20; }
    CompareScreen Curve { width: 1fr; }
    CompareScreen OptionList { height: auto; max-height: 12; border: none; background: $surface; padding: 0; }
    CompareScreen OptionList > .option-list--option-highlighted,
    CompareScreen OptionList:focus > .option-list--option-highlighted {
        background: $primary 30%; color: $foreground; text-style: bold;
    }
    """

    def __init__(self, desk: Desk, run_id: int, against_id: int) -> None:
        """What is better or worse is said of `run_id`."""
        super().__init__()
        self._desk, self._run_id, self._against_id = desk, run_id, against_id
        self._found: Comparison | None = None
        self._in_use: int | None = None
        self._curves: dict[int, dict[str, Points]] = {}
        self._names: dict[int, str] = {}

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="heading")
            with Container(id="columns"):
                with Vertical(id="left"):
                    yield Static(id="verdict", classes="card")
                    with Vertical(id="flips", classes="card"):
                        yield Static(id="changed")
                        yield OptionList()
                    yield Static(id="labels", classes="card")
                with Vertical(id="right"):
                    with Horizontal(id="curves", classes="card"):
                        yield Curve(id="loss")
                        yield Curve(id="accuracy")
                    yield Static(id="differences", classes="card")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        for name, title in (
            ("verdict", "Which is better"),
            ("flips", "What they say differently"),
            ("labels", "By label"),
            ("curves", "Held-out loss and accuracy"),
            ("differences", "What is different about them"),
        ):
            self.query_one(f"#{name}").border_title = title
        self.query_one("#heading", Static).update(Content.styled("Comparing…", "$faint"))
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # ------------------------------------------------------------------ drawing

    def _read(self) -> None:
        """Compare in a thread."""
        pair, database = (self._run_id, self._against_id), self._desk.session.database

        def work() -> None:
            with database.reading() as session:
                first, second = (runs.existing(session, run_id) for run_id in pair)
                found = comparison.compare(session, first, second)
                curves = {run_id: {name: runs.curve(session, run_id, name) for name in CURVES} for run_id in pair}
                in_use = project_of(session).run_in_use
                self._labels = names_of(session)
            self.app.call_from_thread(self._take, found, [first, second], curves, in_use)

        self.run_worker(work, thread=True, group="compare", exclusive=True, exit_on_error=False)

    def _take(
        self,
        found: Comparison,
        pair: Sequence[Run],
        curves: dict[int, dict[str, Points]],
        in_use: int | None,
    ) -> None:
        self._found, self._curves, self._in_use = found, curves, in_use
        self._names = {run.id: name_of(run) for run in pair if run.id is not None}
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(_flip(flip)) for flip in found.flips)
        options.display = bool(found.flips)
        if found.flips:
            options.highlighted = 0
            options.focus()
        self._show()

    def _show(self) -> None:
        found = self._found
        if found is None:
            return
        half = self.size.width // 2 if self.has_class("-wide") else self.size.width
        width = max(40, half - 8)
        mine, others = self._names[found.run_id], self._names[found.against_id]
        self.query_one("#heading", Static).update(
            Content.assemble((mine, "bold $primary"), ("  against  ", "$faint"), (others, "bold $accent"))
        )
        self.query_one("#verdict", Static).update(_verdict(found, width))
        self.query_one("#changed", Static).update(
            Content(
                f"Of {count(found.both, 'review')} with suggestions of both, {found.changed:,} have another label now"
                f"{': ' if found.flips else '.'}{'enter lists them, w walks through them' if found.flips else ''}"
            )
        )
        labels = self.query_one("#labels", Static)
        labels.display = found.audit is not None
        labels.update(_labels(found))
        self.query_one("#differences", Static).update(_differences(found, mine, others))
        self._draw(mine, others)

    def _draw(self, mine: str, others: str) -> None:
        first, second = self._curves[self._run_id], self._curves[self._against_id]
        losses = "validation_loss" if first["validation_loss"] or second["validation_loss"] else "loss"
        for box, name, top in (("loss", losses, None), ("accuracy", "validation_accuracy", 1.0)):
            self.query_one(f"#{box}", Curve).draw(
                [Series(mine, first[name], "primary"), Series(others, second[name], "accent", dots=True)], top=top
            )
        self.query_one("#curves").display = any(
            len(points[name]) > 1 for points in (first, second) for name in CURVES
        )

    # ------------------------------------------------------------------ actions

    def action_open(self) -> None:
        """Read the reviews that changed as under the cursor says; as near as a filter can say it."""
        found, at = self._found, self.query_one(OptionList).highlighted
        if found is None or at is None or not found.flips:
            self.notify("The two runs label no review differently.", timeout=3, markup=False)
            return
        flip = found.flips[at]
        said = {found.run_id: flip.after, found.against_id: flip.before}
        name = said.get(self._in_use) if self._in_use is not None else None
        narrowed = f' suggested:"{name}"' if name and name in self._labels.labels else ""
        self._desk.browse(f"flipped:{found.against_id}-{found.run_id}{narrowed}")

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.action_open()

    def action_walk(self) -> None:
        """Walk through exactly the reviews that changed as under the cursor says, in the label screen."""
        found, at = self._found, self.query_one(OptionList).highlighted
        if found is None or at is None or not found.flips:
            self.notify("The two runs label no review differently.", timeout=3, markup=False)
            return
        flip, database = found.flips[at], self._desk.session.database
        what = f"{one_line(flip.before, 14) or 'nothing'} → {one_line(flip.after, 14) or 'nothing'}"

        def work() -> None:
            with database.reading() as session:
                run, against = (runs.existing(session, one) for one in (found.run_id, found.against_id))
                ids = flipped(session, run, against, flip.before_id, flip.after_id, MOST_WALKED)
            self.app.call_from_thread(self._go, ids, what)

        self.run_worker(work, thread=True, group="walk", exclusive=True, exit_on_error=False)

    def _go(self, ids: list[int], what: str) -> None:
        below = label_screen_below(self.app) if ids else None
        if below is not None:
            below.walk_through(ids, what)

    def action_swap(self) -> None:
        self._run_id, self._against_id = self._against_id, self._run_id
        self._read()

    def action_down(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), 1)

    def action_up(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), -1)

    def action_close(self) -> None:
        self.dismiss()


def _verdict(found: Comparison, width: int) -> Content:
    """The paired test's sentence, and the scores with intervals beside each other."""
    lines = [Content.styled(found.sentence, "bold")]
    audit = found.audit
    if audit is None:
        return lines[0]
    # Which of the two stands out is what the test says, not which was named first.
    better = {Verdict.BETTER: 0, Verdict.WORSE: 1}.get(audit.paired.verdict)
    lines += [Content(""), side_by_side([audit.run, audit.against], width, main=better)]
    lines.append(
        Content.styled(
            f"Macro-F1 differs by {difference(audit.paired.macro_f1_difference)}, 95 % interval "
            f"{difference(audit.paired.macro_f1_low)} to {difference(audit.paired.macro_f1_high)}. "
            f"Of {count(audit.changed, 'audit review')} with another label {audit.to_right:,} became right, "
            f"{audit.to_wrong:,} wrong.",
            "$faint",
        )
    )
    return Content("\n").join(lines)


def _labels(found: Comparison) -> Content:
    """How the F1 of each label changed."""
    lines = [Content.styled(f"{'':<20}  {'F1':>8}  {'other':>8}  {'change':>8}  {'support':>8}", "$faint")]
    for one in found.audit.labels if found.audit is not None else ():
        colour = "$success" if one.difference > 0 else "$error" if one.difference < 0 else "$faint"
        lines.append(
            Content.assemble(
                (f"{one_line(one.label, 20):<20}", "bold"),
                f"  {percent(one.run, 1):>8}  {percent(one.against, 1):>8}  ",
                (f"{difference(one.difference):>8}", colour),
                f"  {one.support:>8,}",
            )
        )
    return Content("\n").join(lines)


def _flip(flip: Flip) -> Content:
    return Content.assemble(
        (f"{flip.count:>8,}  ", "bold"),
        one_line(flip.before, 30) or "nothing",
        (" → ", "$faint"),
        (one_line(flip.after, 30) or "nothing", "bold $accent"),
    )


def _differences(found: Comparison, mine: str, others: str) -> Content:
    """Arguments and facts that differ."""
    if not found.differences:
        return Content.styled("Nothing but the labels they saw.", "$faint")
    lines = [Content.styled(f"{'':<20}  {one_line(mine, 28):<28}  {one_line(others, 28)}", "$faint")]
    for one in found.differences:
        lines.append(
            Content.assemble(
                (f"{one.name.replace('_', ' '):<20}  ", "$faint"),
                (f"{one_line(shown(one.run), 28):<28}  ", "bold"),
                one_line(shown(one.against), 28),
            )
        )
    return Content("\n").join(lines)
