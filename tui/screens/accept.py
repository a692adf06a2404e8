"""Accepting many suggestions at a stated risk: a line for each share of wrong ones, and what it costs."""

from __future__ import annotations

from sqlmodel import Session
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core.accepting import promises, writing
from core.accepting.candidates import Gathered, gather
from core.accepting.promises import LabelPart, Line
from core.errors import LabelloopError
from core.evaluate.risk import SHARES
from core.phrases import count, one_line, percent
from core.report import Measured
from core.storage import cards, queue, runs
from core.storage.cards import Card
from tui.bindings import bindings
from tui.desk import Desk
from tui.messages import AcceptRefused, StepMoved, SuggestionsTaken
from tui.screens import accept_lines
from tui.screens.accept_lines import Choices
from tui.screens.accept_look import AcceptLook
from tui.screens.ask import Ask
from tui.screens.label import LabelScreen
from tui.widgets.scrolling import scroll
from tui.widgets.step_strip import StepStrip

EXAMPLES = 5
"""Reviews shown under the lines."""


class AcceptScreen(Screen[None]):
    """The cursor goes over the shares; what it is on is shown below, with some of the reviews it would accept."""

    BINDINGS = [*bindings("accept"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    AcceptScreen #sheet { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    AcceptScreen .card { height: auto; padding: 0 1; }
    AcceptScreen #heading { padding: 0 2; color: $faint; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._gathered: Gathered | None = None
        self._found: Choices | None = None
        self._label_id: int | None = None
        self._own: tuple[float | None, float | None] | None = None
        """A share or a probability that somebody named."""
        self._cursor = 0
        self._parts: list[LabelPart] = []
        self._examples: list[Card] = []
        self._own_expected = 0.0
        self._error: float | None = None
        """Calibration error of the run in use."""

    def compose(self) -> ComposeResult:
        yield Static(id="heading")
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="lines", classes="card")
            yield Static(id="details", classes="card")
            yield Static(id="labels", classes="card")
            yield Static(id="examples", classes="card")
        yield StepStrip()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        for name, title in (
            ("lines", "How many of the accepted may be wrong"),
            ("details", "What that comes to"),
            ("labels", "By label, each bound by itself"),
            ("examples", "Some of them"),
        ):
            self.query_one(f"#{name}").border_title = title
        self._strip = self.query_one(StepStrip)
        self._desk.project_changed.subscribe(self, lambda _nothing: self._read())
        self._say("Reading the suggestions and the audit set …")
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # ------------------------------------------------------------------ reading

    def _read(self) -> None:
        """Gather anew, in a thread."""
        session = self._desk.session

        def work() -> None:
            session.writer.flush()
            try:
                with session.database.reading() as reading:
                    gathered = gather(reading)
                    error = _calibration_error(reading, gathered.run_id)
            except LabelloopError as refused:
                self.app.call_from_thread(self._say, str(refused))
                return
            self.app.call_from_thread(self._take, gathered, error)

        self.run_worker(work, thread=True, group="gather", exclusive=True, exit_on_error=False)

    def _take(self, gathered: Gathered, error: float | None) -> None:
        first = self._gathered is None
        self._gathered, self._error = gathered, error
        if self._label_id not in gathered.offered:
            self._label_id = None
        self._compute(to_first=first)

    def _compute(self, to_first: bool = False) -> None:
        """What each line comes to, in a thread."""
        gathered, label_id, own = self._gathered, self._label_id, self._own
        if gathered is None:
            return

        def work() -> None:
            found = [promises.line(gathered, max_wrong=share, label_id=label_id) for share in SHARES]
            if own is not None:
                found.append(promises.line(gathered, own[0], own[1], label_id))
            evidence = gathered.evidence(label_id)
            made = Choices(tuple(found), len(evidence.pool), len(evidence.audit))
            self.app.call_from_thread(self._computed, made, to_first)

        self.run_worker(work, thread=True, group="compute", exclusive=True, exit_on_error=False)

    def _computed(self, found: Choices, to_first: bool) -> None:
        self._found = found
        last = len(found.lines) - 1
        if to_first:
            self._cursor = next((place for place, one in enumerate(found.lines) if one.promise is not None), last)
        self._cursor = min(self._cursor, last)
        self._draw()

    def _draw(self) -> None:
        """Read some of the reviews of the line under the cursor, in a thread; then show it all."""
        gathered, line, label_id, session = self._gathered, self._line, self._label_id, self._desk.session
        self._examples, self._parts, self._own_expected = [], [], 0.0
        self._show()
        if gathered is None or line is None or line.promise is None:
            return
        threshold = line.promise.threshold

        def work() -> None:
            places = gathered.chosen(threshold, label_id)
            own = float((1 - gathered.likely.confidences[places]).sum())
            parts = promises.by_label(gathered, threshold) if label_id is None else []
            with session.database.reading() as reading:
                drawn = cards.cards(reading, gathered.drawn(threshold, label_id), session.multi)
            self.app.call_from_thread(self._drawn, line, drawn, parts, own)

        self.run_worker(work, thread=True, group="draw", exclusive=True, exit_on_error=False)

    def _drawn(self, line: Line, drawn: list[Card], parts: list[LabelPart], own: float) -> None:
        if line is self._line:
            self._examples, self._parts, self._own_expected = drawn, parts, own
            self._show()

    @property
    def _line(self) -> Line | None:
        found = self._found
        return found.lines[self._cursor] if found is not None and found.lines else None

    # ------------------------------------------------------------------ drawing

    def _say(self, told: str) -> None:
        """One sentence in the place of everything."""
        self.query_one("#heading", Static).update(Content(told))
        for name in ("lines", "details", "labels", "examples"):
            self.query_one(f"#{name}").display = False

    def _show(self) -> None:
        found, line, gathered = self._found, self._line, self._gathered
        if found is None or line is None or gathered is None:
            return
        width = self.size.width - 6
        name = "all labels" if self._label_id is None else self._desk.session.names([self._label_id])
        heading = Content.assemble(
            (f"Run {gathered.run_id}", "bold $primary"),
            (f" · {count(found.pool, 'open suggestion')} of {one_line(name, 24)}", ""),
            (f" · {count(found.audited, 'audit label')}, {len(gathered.open_audit):,} to go", "$faint"),
        )
        self.query_one("#heading", Static).update(heading)
        self._put("lines", accept_lines.choices(found, self._cursor, width))
        self._put("details", accept_lines.details(line, self._own_expected, self._error))
        colours = {label.id: label.colour for label in self._desk.session.scheme if label.id is not None}
        has_parts = len(self._parts) > 1
        self._put("labels", accept_lines.by_label(self._parts, colours, width) if has_parts else None)
        rows = [self._example(card, width) for card in self._examples[:EXAMPLES]]
        self._put("examples", Content("\n").join(rows) if rows else None)

    def _put(self, name: str, content: Content | None) -> None:
        box = self.query_one(f"#{name}", Static)
        box.display = content is not None
        if content is not None:
            box.update(content)

    def _example(self, card: Card, width: int) -> Content:
        said = card.suggested
        label_ids = said.label_ids if said is not None else ()
        names = self._desk.session.names(label_ids) or "no label"
        first = next((one for one in self._desk.session.scheme if one.id in label_ids), None)
        room = max(10, width - 26)
        return Content.assemble(
            (f"{percent(said.probability, 1) if said is not None else '':>7} ", "$faint"),
            (f"{one_line(names, 15):<16}", f"$label-{first.colour}" if first is not None else "$faint"),
            one_line(card.text, room),
        )

    # ------------------------------------------------------------------ choosing

    def action_stricter(self) -> None:
        self._move(-1)

    def action_looser(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        found = self._found
        if found is not None and 0 <= self._cursor + by < len(found.lines):
            self._cursor += by
            self._draw()

    def action_page_down(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), 1)

    def action_page_up(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), -1)

    def action_draw(self) -> None:
        self._draw()

    def action_label(self) -> None:
        """Only suggestions of the next label, or all again."""
        gathered = self._gathered
        if gathered is not None:
            all_of_them = [None, *gathered.offered]
            self._label_id = all_of_them[(all_of_them.index(self._label_id) + 1) % len(all_of_them)]
            self._compute(to_first=True)

    def action_own(self) -> None:
        """Ask for a probability or a share."""

        def take(answer: str | None) -> None:
            if answer is None or not answer.strip():
                return
            wanted = _own(answer)
            if wanted is None:
                self.notify("Name a probability such as 0.95, or a share such as 2 %.", timeout=5, markup=False)
                return
            self._own, self._cursor = wanted, len(SHARES)
            self._compute()

        question = "All with this probability or more (0.95), or at most this share wrong (2 %)"
        self.app.push_screen(Ask(question, "", "enter takes it · esc leaves"), take)

    def action_audit(self) -> None:
        """Walk through what is left of the audit set in the label screen."""
        gathered = self._gathered
        if gathered is None or not gathered.open_audit:
            self.notify("Every review of the audit set is decided about.", timeout=4, markup=False)
            return
        below = self.app.screen_stack[-2]
        if isinstance(below, LabelScreen):
            self.dismiss()
            below.walk_through(gathered.open_audit, "audit set")

    # ------------------------------------------------------------------ accepting

    def action_accept(self) -> None:
        """Look at some, then accept all."""
        line, gathered, label_id = self._line, self._gathered, self._label_id
        if gathered is None or line is None:
            return
        promise = line.promise
        if promise is None:
            self.notify(line.refused, timeout=8, markup=False)
            return

        def take(yes: bool | None) -> None:
            if yes:
                self._accept(gathered, promise.threshold, label_id, line.reviews)

        width = min(130, self.app.size.width * 9 // 10) - 4
        examples = [self._example(card, width) for card in self._examples]
        self.app.push_screen(AcceptLook(promise.accepted, promises.in_words(promise), examples), take)

    def _accept(self, gathered: Gathered, threshold: float, label_id: int | None, reviews: int) -> None:
        session, wanted = self._desk.session, self._desk.settings.drawn_every
        self._strip.show("accepting suggestions", 0, reviews)

        def write(writing_session: Session) -> int:
            def tell(title: str, done: int, total: int) -> None:
                self.post_message(StepMoved(title, done, total, undone=False))

            return writing.accept(writing_session, session.annotator, gathered, threshold, label_id, tell).reviews

        def done(many: int) -> None:
            """In the writer's thread, which is free again: what remains is put in order."""
            with session.database.reading() as reading:
                planned = writing.plan_rest(reading, wanted)
            session.writer.submit(
                lambda writing_session: queue.replace(writing_session, planned),
                lambda _none: self._told(SuggestionsTaken(many)),
                lambda error: self._told(AcceptRefused(str(error))),
            )

        session.decide_many(write, done, lambda error: self._told(AcceptRefused(str(error))))

    def _told(self, message: SuggestionsTaken | AcceptRefused) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def on_step_moved(self, message: StepMoved) -> None:
        self._strip.show(message.title, message.done, message.total)

    def on_suggestions_taken(self, message: SuggestionsTaken) -> None:
        self._strip.clear()
        self._desk.session.keep_place()
        self._read()
        told = f"{count(message.reviews, 'review')} accepted, as one step. esc, then u, undoes it."
        self.notify(f"{told} What remains comes up most useful first.", timeout=8, markup=False)

    def on_accept_refused(self, message: AcceptRefused) -> None:
        self._strip.clear()
        self.notify(message.reason, title="Not accepted", severity="error", timeout=12, markup=False)
        self._read()

    def action_close(self) -> None:
        self.dismiss()


def _own(answer: str) -> tuple[float | None, float | None] | None:
    """A share of wrong ones or a probability: “2 %” and “0.02” are shares, “0.95” is a probability; None for neither.

    A number below one half would accept what the model itself finds improbable: it is meant as a share.
    """
    given = answer.strip().replace(",", ".")
    try:
        value = float(given.removesuffix("%").strip()) / (100 if given.endswith("%") else 1)
    except ValueError:
        return None
    if given.endswith("%") or value < 0.5:
        return (value, None) if 0 < value < 1 else None
    return (None, value) if value <= 1 else None


def _calibration_error(session: Session, run_id: int) -> float | None:
    stored = runs.existing(session, run_id).metrics.get("audit")
    measured = Measured.from_json(stored) if stored else None
    return measured.calibration.after.ece if measured is not None and measured.calibration is not None else None
