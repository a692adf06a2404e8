"""The labels of a project as a table: key, name, how much hangs on them, what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.phrases import one_line
from core.storage.scheme import Usage
from core.storage.tables import Label

NUMBER = 11
"""Cells of a column of numbers."""

BESIDES = 12
"""Cells of the key, the colour, the gap before the description and the scrollbar."""

NONE = Usage()


class LabelTable(OptionList):
    """One line a label, archived ones dimmed at the end."""

    DEFAULT_CSS = """
    LabelTable { height: 1fr; border: none; padding: 0 1; background: $background; }
    LabelTable:focus { border: none; background-tint: $background 0%; }
    LabelTable > .option-list--option-highlighted, LabelTable:focus > .option-list--option-highlighted {
        background: $primary 30%; color: $foreground; text-style: bold;
    }
    """

    def show(self, labels: Sequence[Label], usage: Mapping[int, Usage], at: int | None) -> None:
        """Draw the labels and put the cursor on the label `at`; when there is none, leave it where it was."""
        place, width = self.highlighted or 0, self.name_width(labels)
        names = {label.id: label.name for label in labels}
        self.clear_options()
        room = self.size.width - width - 3 * NUMBER - BESIDES
        for label in labels:
            assert label.id is not None
            about = _about(label, names)
            self.add_option(
                Option(_row(label, usage.get(label.id, NONE), width, _fit(about, room)), id=str(label.id))
            )
        places = [label.id for label in labels]
        if places:
            self.highlighted = places.index(at) if at in places else min(place, len(places) - 1)

    @property
    def chosen(self) -> int | None:
        """The label under the cursor."""
        if self.highlighted is None:
            return None
        found = self.get_option_at_index(self.highlighted).id
        return int(found) if found is not None else None

    def name_width(self, labels: Sequence[Label]) -> int:
        """Cells of the column of names: as wide as the longest, but at most a third of the table."""
        longest = max((Content(label.name).cell_length for label in labels), default=0)
        return max(8, min(longest, self.size.width // 3))

    def header(self, labels: Sequence[Label]) -> Content:
        """The line above the table."""
        names = f"{'':6}{'label':<{self.name_width(labels)}}"
        numbers = "".join(f"{name:>{NUMBER}}" for name in ("reviews", "suggested", "words"))
        return Content.styled(f"{names}{numbers}  description", "$faint")


def _about(label: Label, names: Mapping[int | None, str]) -> str:
    """The last column: what the label means, or what became of it."""
    if label.merged_into is not None:
        return f"merged into {names.get(label.merged_into, '?')}"
    return (
        "archived" + (f": {label.description}" if label.description else "") if label.archived else label.description
    )


def _row(label: Label, used: Usage, width: int, about: str) -> Content:
    colour = "$faint" if label.archived else f"$label-{label.colour}"
    numbers = "".join(
        f"{f'{many:,}' if many else '·':>{NUMBER}}"
        for many in (used.annotations, used.suggested, len(label.keywords))
    )
    return Content.assemble(
        (f" {label.key} ", f"bold reverse {colour}") if label.key and not label.archived else "   ",
        (" ○ " if label.archived else " ● ", colour),
        (_fit(label.name, width), colour if label.archived else f"bold {colour}"),
        (numbers, "$faint" if label.archived else ""),
        ("  " + about, "$faint"),
    )


def _fit(text: str, room: int) -> str:
    """The text cut or filled up to so many cells."""
    shown = one_line(text)
    if room < 2:
        return ""
    return set_cell_size(shown, room) if cell_len(shown) <= room else set_cell_size(shown, room - 1) + "…"
