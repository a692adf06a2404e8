"""Accepting many suggestions at a stated risk: a line for each share of wrong ones, and what it costs."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Footer, Static

from core.accepting import asking, promises
from core.accepting.promises import Line
from core.errors import LabelloopError
from core.evaluate.risk import SHARES
from core.labels import KEYS
from core.phrases import count, one_line
from tui.bindings import bindings
from tui.desk import Desk
from tui.screens import accept_ground
from tui.screens.accept_ground import Ground, Own
from tui.screens.accept_look import AcceptLook
from tui.screens.accept_step import AcceptStep
from tui.screens.ask import Ask, FindLabel
from tui.screens.label import LabelScreen
from tui.widgets.accept_lines import Choices
from tui.widgets.accept_sheet import AcceptSheet, Chosen
from tui.widgets.scrolling import scroll
from tui.widgets.step_strip import StepStrip

LOOKS_EVERY = 2.0
"""Seconds after which suggestions that are being brought up to date are read anew."""


class AcceptScreen(AcceptStep):
    """The cursor goes over the shares; what it is on is shown below, with some of the reviews it would accept."""

    BINDINGS = [*bindings("accept"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    AcceptScreen #heading { padding: 0 2; color: $faint; height: auto; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._ground: Ground | None = None
        self._found: Choices | None = None
        self._label_id: int | None = None
        self._own: Own | None = None
        self._cursor = 0
        self._chosen = Chosen()

    def compose(self) -> ComposeResult:
        yield Static(id="heading")
        yield AcceptSheet()
        yield StepStrip()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._sheet = self.query_one(AcceptSheet)
        self._desk.project_changed.subscribe(self, lambda _nothing: self.reload())
        self._say("Reading the suggestions and the audit set …")
        self.reload()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # ------------------------------------------------------------------ reading

    def reload(self) -> None:
        """Gather anew, in a thread."""
        session = self._desk.session

        def work() -> None:
            try:
                ground = accept_ground.read(session)
            except LabelloopError as refused:
                self.app.call_from_thread(self._say, str(refused))
                return
            self.app.call_from_thread(self._take, ground)

        self.run_worker(work, thread=True, group="gather", exclusive=True, exit_on_error=False)

    def _take(self, ground: Ground) -> None:
        first, self._ground = self._ground is None, ground
        if self._label_id not in ground.gathered.offered:
            self._label_id = None
        if ground.gathered.unsettled:
            self.set_timer(LOOKS_EVERY, self.reload)
        self._compute(to_first=first)

    def _compute(self, to_first: bool = False) -> None:
        """What each line comes to, in a thread."""
        ground, label_id, own = self._ground, self._label_id, self._own
        if ground is None:
            return

        def work() -> None:
            found = accept_ground.lines(ground, label_id, own)
            self.app.call_from_thread(self._computed, found, to_first)

        self.run_worker(work, thread=True, group="compute", exclusive=True, exit_on_error=False)

    def _computed(self, found: Choices, to_first: bool) -> None:
        self._found = found
        last = len(found.lines) - 1
        if to_first:
            self._cursor = next((place for place, one in enumerate(found.lines) if one.promise is not None), last)
        self._cursor = min(self._cursor, last)
        self._look()

    def _look(self) -> None:
        """Read what the line under the cursor comes to, in a thread; then show it all."""
        ground, line, label_id, session = self._ground, self._line, self._label_id, self._desk.session
        if ground is None or line is None:
            return
        self._chosen = ground.chosen
        self._show()

        def work() -> None:
            self.app.call_from_thread(self._looked, line, accept_ground.look(session, ground, line, label_id))

        self.run_worker(work, thread=True, group="look", exclusive=True, exit_on_error=False)

    def _looked(self, line: Line, chosen: Chosen) -> None:
        if line is self._line:
            self._chosen = chosen
            self._show()

    @property
    def _line(self) -> Line | None:
        found = self._found
        return found.lines[self._cursor] if found is not None and found.lines else None

    # ------------------------------------------------------------------ drawing

    def _say(self, told: str) -> None:
        """One sentence in the place of everything."""
        self.query_one("#heading", Static).update(Content(told))
        self._sheet.clear()

    def _show(self) -> None:
        found, ground = self._found, self._ground
        if found is None or ground is None:
            return
        session, gathered = self._desk.session, ground.gathered
        name = "" if self._label_id is None else f" of {one_line(session.names([self._label_id]), 24)}"
        parts = [
            (ground.run[:1].upper() + ground.run[1:], "bold $primary"),
            (f" · {count(found.pool, 'open suggestion')}{name}", ""),
            (f" · {count(found.audited, 'audit label')}, {len(gathered.open_audit):,} still to give", "$faint"),
        ]
        if gathered.unsettled:
            parts.append((f"\n{promises.UNSETTLED}", "$warning"))
        self.query_one("#heading", Static).update(Content.assemble(*parts))
        colours = {label.id: label.colour for label in session.scheme if label.id is not None}
        self._sheet.show(found, self._cursor, self._chosen, colours)

    # ------------------------------------------------------------------ choosing

    def action_stricter(self) -> None:
        self._move(-1)

    def action_looser(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        found = self._found
        if found is not None and 0 <= self._cursor + by < len(found.lines):
            self._cursor += by
            self._look()

    def action_page_down(self) -> None:
        scroll(self._sheet, 1)

    def action_page_up(self) -> None:
        scroll(self._sheet, -1)

    def action_draw(self) -> None:
        self._look()

    def action_label(self) -> None:
        """Only suggestions of the next label, or all again; among many labels, of one that is looked for by name."""
        if self._ground is None:
            return
        offered = self._ground.gathered.offered
        if len(offered) <= len(KEYS):
            all_of_them = [None, *offered]
            self._narrow(all_of_them[(all_of_them.index(self._label_id) + 1) % len(all_of_them)])
        elif self._label_id is not None:
            self._narrow(None)
        else:
            labels = [label for label in self._desk.session.scheme if label.id in offered]
            self.app.push_screen(FindLabel(labels), lambda found: self._narrow(found) if found else None)

    def _narrow(self, label_id: int | None) -> None:
        self._label_id = label_id
        self._compute(to_first=True)

    def action_own(self) -> None:
        """Ask for a probability or a share."""

        def take(answer: str | None) -> None:
            if answer is None or not answer.strip():
                return
            wanted = asking.share_or_probability(answer)
            if wanted is None:
                self.notify("Name a probability such as 0.95, or a share such as 2 %.", timeout=5, markup=False)
                return
            self._own, self._cursor = wanted, len(SHARES)
            self._compute()

        question = "All with this probability or more (0.95), or at most this share wrong (2 %)"
        self.app.push_screen(Ask(question, "", "enter takes it · esc leaves"), take)

    def action_audit(self) -> None:
        """Walk through what is left of the audit set in the label screen."""
        if self._ground is None or not self._ground.gathered.open_audit:
            self.notify("Every review of the audit set is decided about.", timeout=4, markup=False)
            return
        below = self.app.screen_stack[-2]
        if isinstance(below, LabelScreen):
            self.dismiss()
            below.walk_through(self._ground.gathered.open_audit, "audit set")

    def action_accept(self) -> None:
        """Look at some, then accept all."""
        line, ground, label_id = self._line, self._ground, self._label_id
        if ground is None or line is None:
            return
        promise = line.promise
        if promise is None:
            self.notify(line.refused, timeout=8, markup=False)
            return

        def take(yes: bool | None) -> None:
            if yes:
                self.accept_all(ground.gathered, promise.threshold, label_id, line.reviews)

        look = AcceptLook(promise.accepted, promises.in_words(promise), self._chosen.examples)
        self.app.push_screen(look, take)

    def action_close(self) -> None:
        self.dismiss()
