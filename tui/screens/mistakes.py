"""Suspected label mistakes, the most likely first: keep the label or correct it, and the next one is up."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Footer, Static

from core.errors import LabelloopError
from core.mistakes import Found, Suspect, find
from core.neighbours import LabelledNeighbours
from core.storage import cards
from tui.bindings import bindings
from tui.desk import Desk
from tui.screens.mistakes_verdict import Verdicts
from tui.screens.mistakes_words import Looked, expected, heading, shown, so_far
from tui.screens.read import label_screen_below
from tui.widgets.suspect_sheet import SuspectSheet

NEIGHBOURS = 5
"""Labelled reviews shown beside a suspect."""


class MistakesScreen(Verdicts):
    """One suspect at a time, with both labels and what is near it."""

    BINDINGS = [*bindings("mistakes"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    MistakesScreen #heading { height: auto; padding: 0 2; background: $panel; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._found: Found | None = None
        self._neighbours: LabelledNeighbours | None = None
        self._at = 0
        self._judged: dict[int, bool] = {}
        """Reviews judged since the suspects were read, and whether the label was corrected."""
        self._looked: Looked | None = None
        self._return_to: int | None = None
        """The review to be at after the suspects are read anew."""

    def compose(self) -> ComposeResult:
        yield Static(id="heading")
        yield SuspectSheet()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._sheet = self.query_one(SuspectSheet)
        self._say("Looking for mistakes …")
        self._desk.project_changed.subscribe(self, lambda _nothing: self.reload())
        self.reload()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # ------------------------------------------------------------------ reading

    def reload(self, review_id: int | None = None) -> None:
        """Look for mistakes anew, in a thread; then be at this review, or at the one that is up."""
        session, neighbours = self._desk.session, self._neighbours
        if review_id is not None:
            self._return_to = review_id
        elif self._return_to is None and self._at_suspect is not None:
            self._return_to = self._at_suspect.review_id

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
        suspect, neighbours, session = self._at_suspect, self._neighbours, self._desk.session
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
        if looked.suspect is self._at_suspect:
            self._looked = looked
            self._show()

    @property
    def suspect(self) -> Suspect | None:
        """The suspect in sight; none at the end, or while the next one is read: nobody judges what was not seen."""
        looked = self._looked
        return looked.suspect if looked is not None and looked.suspect is self._at_suspect else None

    @property
    def _at_suspect(self) -> Suspect | None:
        """The suspect that is up; none at the end."""
        found = self._found
        return found.suspects[self._at] if found is not None and self._at < len(found.suspects) else None

    # ------------------------------------------------------------------ drawing

    def _say(self, told: str) -> None:
        """One sentence in the place of everything."""
        self.query_one("#heading", Static).update(Content(told))
        self._sheet.display = False

    def _show(self) -> None:
        found, looked = self._found, self._looked
        if found is None:
            return
        if looked is None or self._at_suspect is None:
            done = "No label is suspected now." if not found.suspects else "That was the last suspect."
            self._say(f"{done} {expected(found)}{so_far(found, self._judged)}")
            return
        self.query_one("#heading", Static).update(heading(found, self._at, self._judged))
        self._sheet.show(shown(looked, self._desk.session), self._desk.settings.shown_columns)

    # ------------------------------------------------------------------ moving

    def go_on(self, suspect: Suspect, corrected: bool) -> None:
        """To the next one without a verdict; after the last one to those passed over."""
        self._judged[suspect.review_id] = corrected
        self._move(1, to_end=True)

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
        suspect, below = self._at_suspect, label_screen_below(self.app)
        if suspect is not None and below is not None:
            below.open_review(suspect.review_id)

    def action_down(self) -> None:
        self._sheet.review.scroll_page_down(animate=False)

    def action_up(self) -> None:
        self._sheet.review.scroll_page_up(animate=False)

    def action_close(self) -> None:
        self.dismiss()
