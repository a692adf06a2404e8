"""What the next labels will bring, beside the review that is up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from core.forecasting import Outlook

STYLES = {"HELPS": "$success", "HARDLY": "$warning"}
"""By the names of the outlooks."""

MOST = 260
"""Characters: what limits the model can take whole paragraphs, which the runs screen has room for."""


class ForecastNote(Static):
    """The forecast in a few lines; takes no room while nothing is measured."""

    DEFAULT_CSS = """
    ForecastNote { height: auto; padding: 0 1; margin: 1 0 0 0; background: $panel; display: none; }
    ForecastNote.-shown { display: block; }
    """

    def show(self, found: Outlook) -> None:
        """Draw it anew."""
        told = found.sentence
        self.set_class(bool(told), "-shown")
        if not told:
            return
        cut = told if len(told) <= MOST else told[: MOST - 1].rsplit(" ", 1)[0] + " …"
        style = STYLES.get(found.told.outlook.name, "$faint")
        self.update(Content.assemble(("Time to target\n", "$faint"), (cut, style)))
