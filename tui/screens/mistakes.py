"""Suspected label mistakes, the most likely first: keep the label or correct it, and the next one is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core.errors import LabelloopError
from core.labels import codes
from core.mistakes import Found, Suspect, find
from core.neighbours import LabelledNeighbours
from core.phrases import count, one_line, percent
from core.storage import cards, verdicts
from core.storage.cards import Card
from core.storage.tables import Origin
from tui.bindings import bindings
from tui.desk import Desk
from tui.messages import StepTaken, VerdictGiven, VerdictRefused
from tui.screens.read import label_screen_below
from tui.widgets.review_panel import ReviewPanel

NEIGHBOURS = 5
"""Labelled reviews shown beside a suspect."""

ORIGINS = {
    Origin.PERSON: "given by hand",
    Origin.ACCEPTED: "an accepted suggestion",
    Origin.IMPORTED: "from the file",
}


@dataclass(frozen=True)
class Looked:
    """A suspect as it is shown."""

    suspect: Suspect
    card: Card
    near: Sequence[tuple[Card, float]]
    """The nearest labelled reviews and how similar they are."""


class MistakesScreen(Screen[None]):
    """One suspect at a time, with both labels and what is near it."""

    BINDINGS = [*bindings("mistakes"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    MistakesScreen #heading { height: auto; padding: 0 2; background: $panel; }
    MistakesScreen .card { padding: 0 1; }
    MistakesScreen ReviewPanel { height: 1fr; padding: 1 0 0 0; background: $background; }
    MistakesScreen.-narrow ReviewPanel { padding: 0; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._found: Found | None = None
        self._neighbours: LabelledNeighbours | None = None
        self._at = 0
        self._judged: set[int] = set()
        """Reviews judged since the suspects were read."""
        self._looked: Looked | None = None
        self._return_to: int | None = None
        """The review to be at after the suspects are read anew."""

    def compose(self) -> ComposeResult:
        yield Static(id="heading")
        yield Static(id="labels", classes="card")
        yield ReviewPanel()
        yield Static(id="near", classes="card")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._review = self.query_one(ReviewPanel)
        self.query_one("#labels").border_title = "Which is right?"
        self.query_one("#near").border_title = "The nearest labelled reviews"
        self._say("Looking for mistakes …")
        self._desk.project_changed.subscribe(self, lambda _nothing: self._read())
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # ------------------------------------------------------------------ reading

    def _read(self) -> None:
        """Look for mistakes anew, in a thread."""
        session, neighbours = self._desk.session, self._neighbours
        if self._return_to is None and self._suspect is not None:
            self._return_to = self._suspect.review_id

        def work() -> None:
            session.writer.flush()
            try:
                with session.database.reading() as reading:
                    found = find(reading)
            except LabelloopError as refused:
                self.app.call_from_thread(self._say, str(refused))
                return
            known = neighbours or LabelledNeighbours(session.database)
            self.app.call_from_thread(self._take, found, known)

        self.run_worker(work, thread=True, group="find", exclusive=True, exit_on_error=False)

    def _take(self, found: Found, neighbours: LabelledNeighbours) -> None:
        self._found, self._neighbours = found, neighbours
        self._judged.clear()
        places = [place for place, one in enumerate(found.suspects) if one.review_id == self._return_to]
        self._at = places[0] if places else 0
        self._return_to = None
        self._look()

    def _look(self) -> None:
        """Read the suspect that is up and what is near it, in a thread."""
        suspect, neighbours, session = self._suspect, self._neighbours, self._desk.session
        if suspect is None or neighbours is None:
            self._looked = None
            self._show()
            return

        def work() -> None:
            near = neighbours.nearest(suspect.review_id, NEIGHBOURS)
            with session.database.reading() as reading:
                shown = cards.cards(reading, [suspect.review_id, *(one for one, _ in near)], session.multi)
            by_id = {card.review_id: card for card in shown}
            if suspect.review_id in by_id:
                beside = [(by_id[one], similarity) for one, similarity in near if one in by_id]
                self.app.call_from_thread(self._show_looked, Looked(suspect, by_id[suspect.review_id], beside))

        self.run_worker(work, thread=True, group="look", exclusive=True, exit_on_error=False)

    def _show_looked(self, looked: Looked) -> None:
        if looked.suspect is self._suspect:
            self._looked = looked
            self._show()

    @property
    def _suspect(self) -> Suspect | None:
        """The suspect that is up; none at the end."""
        found = self._found
        return found.suspects[self._at] if found is not None and self._at < len(found.suspects) else None

    # ------------------------------------------------------------------ drawing

    def _say(self, told: str) -> None:
        """One sentence in the place of everything."""
        self.query_one("#heading", Static).update(Content(told))
        for name in ("#labels", "#near"):
            self.query_one(name).display = False
        self._review.display = False

    def _show(self) -> None:
        found, looked = self._found, self._looked
        if found is None:
            return
        if looked is None or self._suspect is None:
            done = "No label is suspected now." if not found.suspects else "That was the last suspect."
            self._say(f"{done} {_expected(found)}")
            return
        width = self.size.width - 6
        self.query_one("#heading", Static).update(_heading(found, self._at, len(self._judged)))
        self.query_one("#labels", Static).update(self._two_labels(looked, width))
        self._review.display = True
        self._review.show(looked.card, {}, self._desk.settings.shown_columns)
        near = self.query_one("#near", Static)
        near.update(Content("\n").join(self._row(card, how, width) for card, how in looked.near))
        near.display = bool(looked.near)
        self.query_one("#labels").display = True

    def _two_labels(self, looked: Looked, width: int) -> Content:
        """What the review has, and what the model says that had not seen it."""
        suspect, state = looked.suspect, looked.card.state
        origin = ORIGINS[state.origin] if state is not None else ""
        room = max(10, min(40, width - 46))
        rows = [
            self._side("given", suspect.given, suspect.confidence, room, f" {origin}"),
            self._side("model", suspect.proposed, suspect.said, room, " ◀ enter"),
        ]
        audit = " It is in the audit set: accuracy is measured on it." if suspect.audit else ""
        told = f"The given label is wrong with a chance of {percent(suspect.chance)}.{audit}"
        return Content("\n").join([*rows, Content.styled(told, "$faint")])

    def _side(self, who: str, label_ids: Sequence[int], share: float, room: int, aside: str) -> Content:
        names = one_line(self._desk.session.names(label_ids) or "no label", 24)
        colour, full = self._colour(label_ids), round(share * room)
        return Content.assemble(
            (f"{who:<6}", "$faint"),
            (f"{names:<16} ", f"bold {colour}"),
            ("━" * full, colour),
            ("─" * (room - full), "$border"),
            f" {percent(share):>5}",
            (aside, "$faint"),
        )

    def _row(self, card: Card, similarity: float, width: int) -> Content:
        label_ids = card.state.label_ids if card.state is not None else ()
        names = one_line(self._desk.session.names(label_ids) or "no label", 15)
        return Content.assemble(
            (f"{similarity:>5.2f} ", "$faint"),
            (f"{names:<16}", self._colour(label_ids)),
            one_line(card.text, max(10, width - 24)),
        )

    def _colour(self, label_ids: Sequence[int]) -> str:
        first = next((one for one in self._desk.session.scheme if one.id in label_ids), None)
        return f"$label-{first.colour}" if first is not None else "$faint"

    # ------------------------------------------------------------------ judging

    def action_correct(self) -> None:
        """Give the review what the model says."""
        if self._suspect is not None:
            self._correct(self._suspect.proposed)

    def on_key(self, event: events.Key) -> None:
        """A label's key gives that label; where a review has several, enter takes what the model says."""
        session = self._desk.session
        if session.multi or self._suspect is None:
            return
        code = codes([(label.id, label.key) for label in session.scheme if label.id is not None])
        label_id = next((one for one, key in code.items() if key and key == event.character), None)
        if label_id is not None:
            event.stop()
            event.prevent_default()
            self._correct((label_id,))

    def _correct(self, label_ids: Sequence[int]) -> None:
        suspect, session = self._suspect, self._desk.session
        if suspect is None:
            return
        if set(label_ids) == set(suspect.given):
            self.action_keep()
            return
        names = session.names(label_ids) or "no label"
        self._judge(
            suspect,
            lambda writing: verdicts.correct(writing, session.annotator, suspect.review_id, label_ids, names),
        )

    def action_keep(self) -> None:
        """Stand by the label: the review is no suspect any more."""
        suspect, session = self._suspect, self._desk.session
        if suspect is not None:
            names = session.names(suspect.given) or "no label"
            self._judge(suspect, lambda writing: verdicts.keep(writing, session.annotator, suspect.review_id, names))

    def _judge(self, suspect: Suspect, write: verdicts.Write) -> None:
        """Write in the writer's order, and go on at once."""

        def done(_batch: int) -> None:
            self._post(VerdictGiven(suspect.review_id))

        self._desk.session.decide_many(write, done, lambda error: self._post(VerdictRefused(str(error))))
        self._judged.add(suspect.review_id)
        self._move(1, to_end=True)

    def _post(self, message: VerdictGiven | VerdictRefused | StepTaken) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def on_verdict_given(self, _message: VerdictGiven) -> None:
        self._desk.session.keep_place()

    def on_verdict_refused(self, message: VerdictRefused) -> None:
        self.notify(message.reason, title="Not saved", severity="error", timeout=12, markup=False)
        self._read()

    def action_undo(self) -> None:
        self._desk.session.undo(lambda step: self._post(StepTaken(step, undone=True)))

    def on_step_taken(self, message: StepTaken) -> None:
        """A step is taken back: the suspects are read anew, and the one that it was about is up."""
        step = message.step
        if step is None:
            self.notify("There is nothing to undo.", timeout=3, markup=False)
            return
        self._desk.session.show_step(step, undone=True)
        self.notify(f"Undone: {one_line(step.title, 60)}.", timeout=4, markup=False)
        self._return_to = step.review_id
        self._read()

    # ------------------------------------------------------------------ moving

    def action_next(self) -> None:
        self._move(1)

    def action_previous(self) -> None:
        self._move(-1)

    def _move(self, by: int, to_end: bool = False) -> None:
        """Go to the next suspect that is not judged yet; stays where there is none, or comes to the end."""
        if self._found is None:
            return
        place = self._at + by
        suspects = self._found.suspects
        while 0 <= place < len(suspects) and suspects[place].review_id in self._judged:
            place += by
        if 0 <= place < len(suspects) or (to_end and place >= len(suspects)):
            self._at = place
            if place >= len(suspects) and len(self._judged) < len(suspects):
                self._at = next(at for at, one in enumerate(suspects) if one.review_id not in self._judged)
            self._look()

    def action_open(self) -> None:
        """Open the review on the label screen."""
        suspect, below = self._suspect, label_screen_below(self.app)
        if suspect is not None and below is not None:
            below.open_review(suspect.review_id)

    def action_down(self) -> None:
        self._review.scroll_page_down(animate=False)

    def action_up(self) -> None:
        self._review.scroll_page_up(animate=False)

    def action_close(self) -> None:
        self.dismiss()


def _heading(found: Found, at: int, judged: int) -> Content:
    looked = found.judged
    parts: list[str | tuple[str, str]] = [
        (f"Suspect {at + 1:,} of {len(found.suspects):,}", "bold $primary"),
        (f"  {_expected(found)}", ""),
    ]
    if judged or looked is not None:
        many = judged + (looked.looked_at if looked is not None else 0)
        parts.append((f"  {count(many, 'suspect')} judged so far", "$faint"))
        if looked is not None:
            parts.append((f", {looked.corrected:,} of the first {looked.looked_at:,} corrected.", "$faint"))
    return Content.assemble(*parts)


def _expected(found: Found) -> str:
    """How many labels are expected to be wrong, with the interval."""
    expected, low, high = found.count_of_wrong()
    share = percent(found.wrong.expected, 1)
    return f"Of {count(found.answered, 'label')} about {expected:,} are wrong ({share}; 95 %: {low:,} to {high:,})."
