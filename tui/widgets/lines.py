"""Widgets that draw their lines themselves: what changes with every key must not cost a layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

Piece = tuple[str, str]
"""A text and its style, as “bold $accent”; empty for the widget's own."""


class Inked(Widget):
    """A widget that makes its lines of styled pieces. Styles are looked up once a theme."""

    def __init__(self) -> None:
        super().__init__()
        self._inks: dict[str, RichStyle] = {}

    def line(self, pieces: Iterable[Piece], width: int) -> Strip:
        """Pieces side by side, cut or filled up to a width in cells."""
        strip = Strip([Segment(text, self.ink(style)) for text, style in pieces if text])
        return strip.adjust_cell_length(width, self.ink(""))

    def ink(self, style: str) -> RichStyle:
        """A style on this widget's background."""
        found = self._inks.get(style)
        if found is None:
            found = (self.visual_style + self._get_style(style) if style else self.visual_style).rich_style
            self._inks[style] = found
        return found

    def notify_style_update(self) -> None:
        """Another theme: nothing that is drawn can stay."""
        super().notify_style_update()
        self._inks.clear()
        if self.is_mounted:
            self.redraw()

    def redraw(self) -> None:
        """Draw everything anew."""
        raise NotImplementedError


class Lines(Inked):
    """A widget of lines. What derives from it says in `drawn` what they are.

    Only lines that are others than before are painted, and they are handed to the screen as they are: no border,
    opacity or tint. That takes a fifth of the time of `Static`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._strips: Sequence[Strip] = ()

    def drawn(self, width: int) -> Sequence[Strip]:
        """The lines, each `width` cells wide."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Show what `drawn` says now; nothing while there is no room yet."""
        width = self.content_size.width
        if not width:
            return
        before, self._strips = self._strips, self.drawn(width)
        if len(before) != len(self._strips) and self.styles.is_auto_height:
            self.refresh(layout=True)
            return
        changed = [y for y, (old, new) in enumerate(zip(before, self._strips, strict=False)) if old != new]
        changed += range(min(len(before), len(self._strips)), max(len(before), len(self._strips)))
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def notify_style_update(self) -> None:
        self._strips = ()
        super().notify_style_update()

    def on_resize(self) -> None:
        self.redraw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many as there are lines."""
        return len(self._strips)

    def line(self, pieces: Iterable[Piece], width: int) -> Strip:
        """Pieces side by side, cut or filled up to a width in cells, with the widget's padding."""
        padding = self.styles.padding
        drawn = super().line(pieces, width)
        return Strip.join([self._gap(padding.left), drawn, self._gap(padding.right)]) if padding.width else drawn

    def _gap(self, width: int) -> Strip:
        return Strip.blank(width, self.ink(""))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are, cut to a region of the widget."""
        width, top = self.size.width + self.styles.padding.width, self.styles.padding.top
        blank, filters, background = self._gap(width), self.get_line_filters(), self.background_colors[1]
        found = []
        for y in crop.line_range:
            strip = self._strips[y - top] if 0 <= y - top < len(self._strips) else blank
            for one in filters:
                strip = strip.apply_filter(one, background)
            found.append(strip if crop.column_span == (0, width) else strip.crop(*crop.column_span))
        return found
