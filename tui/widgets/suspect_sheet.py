"""A suspected label: what is given and what the model says, the review, and the labelled reviews nearest to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from core.phrases import one_line, percent
from core.storage.cards import Card
from tui.widgets.fitting import first_lines, padded
from tui.widgets.review_panel import ReviewPanel

WIDE = 160
"""Columns from which the nearest reviews stand beside the suspect."""

EDGES = 6
"""Columns that the frame of a card takes."""

REVIEW = 12
"""Lines that are left to the review and the frames before the nearest reviews get more than one line each."""

LABELS = 5
"""Lines of the card with the two labels."""

MOST_LINES = 3
"""Of one of the nearest reviews; beside the suspect twice as many."""

NAMES = 15
"""Columns of the name of a label of a nearest review."""


@dataclass(frozen=True)
class Side:
    """What is given, or what the model says."""

    who: str
    names: str
    colour: str
    """A style."""
    share: float
    """Probability by the model, 0 to 1."""
    aside: str
    """Where it comes from."""
    key: str
    """What the key does that chooses it."""


@dataclass(frozen=True)
class Near:
    """One of the nearest labelled reviews."""

    similarity: float
    """Cosine, -1 to 1."""
    names: str
    colour: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A suspect with all that is shown of it."""

    card: Card
    sides: tuple[Side, Side]
    told: str
    """How likely the label is wrong, and what hangs on it."""
    near: Sequence[Near]


class SuspectSheet(Container):
    """The nearest reviews stand below the suspect, on a wide screen beside it."""

    DEFAULT_CSS = """
    SuspectSheet { height: 1fr; layout: vertical; }
    SuspectSheet #suspect { height: 1fr; width: 1fr; }
    SuspectSheet .card { padding: 0 1; }
    SuspectSheet ReviewPanel { height: 1fr; padding: 1 0 0 0; background: $background; }
    SuspectSheet.-low ReviewPanel { padding: 0; }
    SuspectSheet #near { height: auto; }
    SuspectSheet.-beside { layout: horizontal; }
    SuspectSheet.-beside #near { width: 1fr; height: 100%; }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="suspect"):
            yield Static(id="labels", classes="card")
            yield ReviewPanel()
        yield Static(id="near", classes="card")

    def on_mount(self) -> None:
        self.query_one("#labels").border_title = "Which is right?"
        self.display = False

    @property
    def review(self) -> ReviewPanel:
        """The review, which scrolls."""
        return self.query_one(ReviewPanel)

    def show(self, shown: Shown, columns: Collection[str]) -> None:
        """Show a suspect; `columns` are the names of the review's own columns that are always shown."""
        size = self.app.size
        beside = size.width >= WIDE
        self.display = True
        self.set_class(beside, "-beside")
        self.set_class(size.height < 30, "-low")
        width = (size.width // 2 if beside else size.width) - EDGES
        self.query_one("#labels", Static).update(_labels(shown, width))
        self.review.show(shown.card, {}, columns)
        near = self.query_one("#near", Static)
        near.display = bool(shown.near)
        if shown.near:
            many = len(shown.near)
            room = (size.height - 4 if beside else size.height - LABELS - REVIEW) // many
            lines = max(1, min(2 * MOST_LINES if beside else MOST_LINES, room))
            near.border_title = Content(_title(shown.near))
            near.update(_near(shown.near, width, lines))


def _labels(shown: Shown, width: int) -> Content:
    """What the review has, and what the model says that had not seen it."""
    asides = max(len(one.aside) for one in shown.sides)
    room = max(8, min(40, width - 52 - asides))
    lines = [_side(one, room, asides) for one in shown.sides]
    return Content("\n").join([*lines, Content.styled(shown.told, "$faint")])


def _side(one: Side, room: int, asides: int) -> Content:
    full = round(one.share * room)
    return Content.assemble(
        (f"{one.who:<6}", "$faint"),
        (padded(one.names, 22 if room > 20 else 16) + " ", f"bold {one.colour}"),
        ("━" * full, one.colour),
        ("─" * (room - full), "$border"),
        f" {percent(one.share):>5} ",
        (f"{one.aside:<{asides}}", "$faint"),
        (f"  {one.key}", "$accent"),
    )


def _title(near: Sequence[Near]) -> str:
    """“The nearest labelled reviews: 4 of 5 negative”."""
    names, many = Counter(one.names for one in near).most_common(1)[0]
    return f"The nearest labelled reviews: {many} of {len(near)} {one_line(names, 24)}"


def _near(near: Sequence[Near], width: int, lines: int) -> Content:
    """Similarity, labels and the beginning of each."""
    drawn = []
    for one in near:
        first, *rest = first_lines(one.text, max(10, width - NAMES - 8), lines)
        drawn.append(
            Content.assemble(
                (f"{one.similarity:>5.2f} ", "$faint"), (padded(one.names, NAMES), one.colour), " ", first
            )
        )
        drawn += [Content(" " * (NAMES + 7) + line) for line in rest]
    return Content("\n").join(drawn)
