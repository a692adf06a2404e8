"""An input for one line that loses nothing silently: neither what is pasted nor what is typed on after enter."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from core.phrases import count, visible


class OneLine(Input):
    """Takes what fits of a paste and says how much did not; after enter, keys are for what is behind it.

    Textual's own drops a paste that is too long as a whole, and of one of several lines all but the first. And enter
    takes a longer way through it than letters: those typed quickly after it would still be written into the line.
    """

    def __init__(self, value: str, max_length: int) -> None:
        """`value` is shown with control and invisible characters made visible: the terminal would obey them."""
        super().__init__(" ".join(visible(value).splitlines()), max_length=max_length)
        self._entered = False

    async def _on_key(self, event: events.Key) -> None:
        if self._entered:
            event.stop()
            event.prevent_default()
            # By then the line is gone, or it comes here once more.
            self.app.post_message(events.Key(event.key, event.character))
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self._entered = True
            await self.action_submit()

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = " ".join(event.text.splitlines())
        start, end = sorted(self.selection)
        room = (self.max_length or len(text)) - len(self.value) + end - start
        self.replace(text[:room], start, end)
        if len(text) > room:
            told = (
                f"Of {count(len(text), 'pasted character')} the first {room:,} were taken: there is no room for more."
            )
            self.notify(told, severity="warning", timeout=8, markup=False)
