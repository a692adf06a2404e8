"""The first screen of somebody who has no project yet; later the way to another project."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from core import locations
from core.errors import LabelloopError
from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage.database import create
from tui.bindings import bindings
from tui.desk import Desk
from tui.screens.ask import Ask
from tui.screens.import_file import ImportScreen

DEMO = "labelloop-demo.db"


class WelcomeScreen(Screen[None]):
    """Offers the sample reviews, an import into a new project, and projects that are there."""

    BINDINGS = bindings("close")
    CSS = """
    WelcomeScreen { align: center middle; }
    WelcomeScreen > VerticalScroll { width: 90%; max-width: 86; height: auto; max-height: 100%; margin: 0 0 4 0; }
    WelcomeScreen OptionList { height: auto; border: round $border; background: $surface; padding: 0 1; }
    WelcomeScreen OptionList:focus { border: round $primary; }
    WelcomeScreen OptionList:focus > .option-list--option-highlighted {
        background: $primary 30%; color: $foreground; text-style: bold;
    }
    WelcomeScreen #name { color: $primary; text-style: bold; padding: 1 0 0 1; }
    WelcomeScreen #what { color: $faint; padding: 0 0 1 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield Static("labelloop", id="name")
            yield Static(Content(self._what), id="what")
            with Vertical():
                yield OptionList(*self._options())
        yield Footer(compact=True, show_command_palette=False)

    @property
    def _what(self) -> str:
        if self._desk.has_project:
            name = self._desk.session.name
            return f"{name} is open, and saved. Opening another project closes it; esc goes back to it."
        return (
            "Label some reviews by keyboard, let a BERT learn from them in the background, check what it "
            "suggests for the rest, export."
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """There is nothing to go back to while no project is open."""
        return action != "close" or self._desk.has_project

    def action_close(self) -> None:
        self.dismiss()

    def _options(self) -> list[Option]:
        options = [
            Option(_choice("Try it on the sample reviews", "makes a project here: " + DEMO), id="sample"),
            Option(
                _choice("Import a file of reviews", "makes a project beside it"),
                id="import",
            ),
            Option(_choice("Open a project", "a .db file made by labelloop"), id="open"),
        ]
        for path in sorted(Path.cwd().glob("*.db"))[:8]:
            options.append(Option(_choice(f"Open {path.name}", "in this folder"), id=f"path:{path}"))
        rehearsal = _choice("Rehearse on a labelled file", "what a number of labels buys, by strategy and model")
        options.append(Option(rehearsal, id="rehearse"))
        options.append(Option(_choice("Help", "keys, and how it works"), id="help"))
        options.append(Option(_choice("Quit", "q"), id="quit"))
        return options

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    async def _selected(self, event: OptionList.OptionSelected) -> None:
        chosen = event.option.id or ""
        if chosen == "sample":
            self._sample()
        elif chosen == "import":
            self.app.push_screen(ImportScreen(self._desk, new=True))
        elif chosen == "open":
            self.app.push_screen(Ask("Path of the project", "", "enter opens · esc goes back"), self._open)
        elif chosen.startswith("path:"):
            self._desk.open_path(Path(chosen.removeprefix("path:")))
        elif chosen == "rehearse":
            await self.app.run_action("app.rehearse")
        elif chosen == "help":
            await self.app.run_action("app.help")
        else:
            await self.app.run_action("app.leave")

    def _open(self, path: str | None) -> None:
        if path and path.strip():
            self._desk.open_path(Path(path.strip()).expanduser())

    def _sample(self) -> None:
        path = Path.cwd() / DEMO
        try:
            if not path.exists():
                make_sample(path, self._desk.settings.annotator)
        except LabelloopError as error:
            self.notify(str(error), severity="error", timeout=15, markup=False)
            return
        self._desk.open_path(path)


def make_sample(path: Path, annotator: str) -> None:
    """Make a project of the shipped sample reviews, without their gold labels as labels.

    Raises LabelloopError; no file is left behind then.
    """
    database = create(path, SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    try:
        import_file(database, Choice(locations.sample_reviews(), text_column="text", id_column="id"), annotator)
    except BaseException:
        database.close()
        path.unlink(missing_ok=True)
        raise
    database.close()


def _choice(name: str, hint: str) -> Content:
    return Content.assemble((f"{name}  ", "bold"), (hint, "$faint"))
