"""The labels screen: the scheme as a table, and every change of it."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static

from core.labels import COLOURS
from core.phrases import count, one_line
from core.storage import browse, scheme, scheme_changes
from core.storage.browse import Filter
from core.storage.scheme import Usage
from core.storage.tables import Label
from tui.bindings import action, bindings, characters, shown
from tui.desk import Desk
from tui.messages import StepTaken
from tui.screens.ask import Ask
from tui.screens.choose import Choose
from tui.widgets.label_table import LabelTable

NONE = Usage()

NOT_IN_FOOTER = ("scheme.colour", "scheme.describe", "scheme.up", "scheme.down")
"""Actions told at the top, because a footer of 80 cells has no room for them."""


class SchemeScreen(Screen[None]):
    """Every change is written at once, and taken back with one key, its annotations included."""

    BINDINGS = [*bindings("scheme"), *bindings("close")]
    CSS = """
    SchemeScreen #said { height: 1; padding: 0 2; background: $panel; }
    SchemeScreen #columns { height: 1; padding: 0 1; }
    SchemeScreen #about { height: 6; padding: 0 2; border-top: solid $border; }
    """

    class Changed(Message):
        """A change of the scheme is on disk; `label_id` is the label to look at, if it is another."""

        def __init__(self, label_id: int | None = None) -> None:
            super().__init__()
            self.label_id = label_id

    class Refused(Message):
        """A change could not be made."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._session = desk.session
        self._labels: list[Label] = []
        self._usage: dict[int, Usage] = {}
        self._at: int | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="said")
        yield Static(id="columns")
        yield LabelTable()
        yield Static(id="about")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._table = self.query_one(LabelTable)
        self._table.focus()
        self._desk.project_changed.subscribe(self, lambda _nothing: self._reread())
        self._session.writer.flush()
        self._reread()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    # ------------------------------------------------------------------ drawing

    def _reread(self) -> None:
        with self._session.database.reading() as session:
            known = scheme.labels(session, archived=True)
            self._usage = scheme.usage(session)
        self._labels = sorted(known, key=lambda label: label.archived)
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        archived = sum(label.archived for label in self._labels)
        kind = "any number a review" if self._session.multi else "one a review"
        parts: list[str | tuple[str, str]] = [
            (count(len(self._labels) - archived, "label"), "bold $primary"),
            (f"  {kind}", "$faint"),
        ]
        if archived:
            parts.append((f"  {archived} archived", "$faint"))
        for action_id in NOT_IN_FOOTER:
            parts += [(f"  {self._key(action_id)}", "bold $footer-key-foreground"), f" {action(action_id).name}"]
        self.query_one("#said", Static).update(Content.assemble(*parts))
        self.query_one("#columns", Static).update(self._table.header(self._labels))
        self._table.show(self._labels, self._usage, self._at)
        self._tell_about()

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._at = self._table.chosen
        self._tell_about()

    def _tell_about(self) -> None:
        """All of the label under the cursor, for which a line of the table has no room."""
        label = self._chosen()
        self.query_one("#about", Static).update(Content("") if label is None else self._about(label))

    def _about(self, label: Label) -> Content:
        used = self._usage.get(label.id or 0, NONE)
        key = f"key {label.key}" if label.key else "no key"
        facts = f"   {label.colour}, {key}, {count(used.annotations, 'review')}, suggested for {used.suggested:,}"
        words = ", ".join(label.keywords) or "none: the words of its name speak for it"
        if label.archived:
            facts += f"   archived: {self._key('scheme.archive')} brings it back"
        return Content.assemble(
            (one_line(label.name, 60), f"bold $label-{label.colour}"),
            (facts, "$faint"),
            "\n",
            one_line(label.description, 300) if label.description else ("no description", "$faint"),
            ("\nwords ", "$faint"),
            one_line(words, 300),
        )

    def _chosen(self) -> Label | None:
        chosen = self._table.chosen
        return next((label for label in self._labels if label.id == chosen), None)

    # ------------------------------------------------------------------ writing

    def _write(self, change: Callable[[Session, int], object]) -> None:
        """Hand a change to the writer, after everything that was decided before it."""
        annotator = self._session.annotator
        self._session.writer.submit(
            lambda session: change(session, annotator),
            done=lambda _batch: self._post(self.Changed()),
            failed=lambda error: self._post(self.Refused(str(error))),
        )

    def _post(self, message: Message) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def _write_new(self, change: Callable[[Session, int], object], name: str) -> None:
        """The same for a change that makes a label, which is looked at afterwards."""
        annotator = self._session.annotator

        def write(session: Session) -> int:
            change(session, annotator)
            return scheme.ids_by_name(session)[name.strip()]

        self._session.writer.submit(
            write,
            done=lambda label_id: self._post(self.Changed(label_id)),
            failed=lambda error: self._post(self.Refused(str(error))),
        )

    @on(Changed)
    def _changed(self, event: Changed) -> None:
        if event.label_id is not None:
            self._at = event.label_id
        self._desk.project_changed.publish(None)

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        self.notify(event.reason, title="Not changed", severity="warning", timeout=8, markup=False)
        self._draw()

    def _ask(self, question: str, answer: str, hint: str, then: Callable[[str], None]) -> None:
        self.app.push_screen(Ask(question, answer, hint), lambda text: None if text is None else then(text))

    def _key(self, action_id: str) -> str:
        """The last of an action's keys, as people read it."""
        keys = self._desk.settings.keys.get(action_id, action(action_id).keys)
        return shown(keys.split(",")[-1])

    def _reserved(self) -> frozenset[str]:
        return characters(("label", "app"), self._desk.settings.keys)

    # ------------------------------------------------------------------ changes of one label

    def action_add(self) -> None:
        def add(name: str) -> None:
            self._write_new(lambda session, who: scheme_changes.add(session, who, name), name)

        self._ask("Name of the new label", "", "enter adds it · esc adds none", add)

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.action_rename()

    def action_rename(self) -> None:
        if (label := self._chosen()) is None or (label_id := label.id) is None:
            return

        def rename(name: str) -> None:
            self._write(lambda session, who: scheme_changes.rename(session, who, label_id, name))

        self._ask(f"New name of “{label.name}”", label.name, "enter renames it · esc leaves it", rename)

    def action_colour(self) -> None:
        if (label := self._chosen()) is None or (label_id := label.id) is None:
            return

        def recolour(colour: str | None) -> None:
            if colour is not None:
                self._write(lambda session, who: scheme_changes.recolour(session, who, label_id, colour))

        choices = [(name, Content.styled(f"● {name}", f"$label-{name}")) for name in COLOURS]
        at = COLOURS.index(label.colour) if label.colour in COLOURS else 0
        self.app.push_screen(Choose(f"Colour of “{label.name}”", choices, at=at), recolour)

    def action_key(self) -> None:
        if (label := self._chosen()) is None or (label_id := label.id) is None:
            return
        reserved = self._reserved()

        def set_key(key: str) -> None:
            self._write(lambda session, who: scheme_changes.set_key(session, who, label_id, key, reserved))

        hint = "one digit, letter or sign, or nothing · enter takes it · esc leaves it"
        self._ask(f"Key of “{label.name}”", label.key, hint, set_key)

    def action_describe(self) -> None:
        if (label := self._chosen()) is None or (label_id := label.id) is None:
            return

        def describe(text: str) -> None:
            self._write(lambda session, who: scheme_changes.describe(session, who, label_id, text))

        self._ask(f"What “{label.name}” means", label.description, "enter saves · esc leaves it as it was", describe)

    def action_words(self) -> None:
        if (label := self._chosen()) is None or (label_id := label.id) is None:
            return

        def set_words(text: str) -> None:
            words = text.replace(",", " ").split()
            self._write(lambda session, who: scheme_changes.set_keywords(session, who, label_id, words))

        hint = "words of the keyword rule, with commas between · enter saves · esc leaves them"
        self._ask(f"Words that speak for “{label.name}”", ", ".join(label.keywords), hint, set_words)

    def action_archive(self) -> None:
        """Archive the label, or bring it back."""
        if (label := self._chosen()) is None or (label_id := label.id) is None:
            return
        if label.archived:
            reserved = self._reserved()
            self._write(lambda session, who: scheme_changes.bring_back(session, who, label_id, reserved))
        else:
            self._write(lambda session, who: scheme_changes.archive(session, who, label_id))

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        if (label_id := self._table.chosen) is not None:
            self._write(lambda session, who: scheme_changes.move(session, who, label_id, by))

    # ------------------------------------------------------------------ changes that carry annotations along

    def action_merge(self) -> None:
        """Choose the label to merge into, confirm, merge."""
        label = self._chosen()
        others = [one for one in self._labels if not one.archived and (label is None or one.id != label.id)]
        if label is None or not others:
            return

        def into(target_id: str | None) -> None:
            target = next((one for one in others if str(one.id) == target_id), None)
            if target is not None:
                self._confirm_merge(label, target)

        choices = [(str(one.id), Content.styled(f"● {one.name}", f"$label-{one.colour}")) for one in others]
        self.app.push_screen(Choose(f"Merge “{label.name}” into", choices), into)

    def _confirm_merge(self, label: Label, target: Label) -> None:
        label_id, into = label.id, target.id
        assert label_id is not None
        assert into is not None
        many = self._usage.get(label_id, NONE).annotations

        def merge(answer: str | None) -> None:
            if answer == "merge":
                self.query_one("#said", Static).update(Content.styled(f"Merging {many:,} reviews…", "$accent"))
                self._write(lambda session, who: scheme_changes.merge(session, who, label_id, into))

        text = (
            f"{count(many, 'review')} labelled “{label.name}” will be labelled “{target.name}”, its words go along, "
            f"and “{label.name}” is archived. Undo takes all of it back."
        )
        choices = [("merge", Content("Merge")), ("leave", Content("Leave them as they are"))]
        self.app.push_screen(Choose(f"Merge “{label.name}” into “{target.name}”?", choices, text), merge)

    def action_split(self) -> None:
        """Search among the label's reviews, name the new label, move the hits to it."""
        if (label := self._chosen()) is None or (label_id := label.id) is None:
            return
        many = self._usage.get(label_id, NONE).annotations
        if label.archived or not many:
            why = "is archived" if label.archived else "has no reviews"
            self.notify(f"“{label.name}” {why}: nothing can be split off.", timeout=5, markup=False)
            return

        def search(words: str) -> None:
            if not words.strip():
                return
            self._session.writer.flush()
            with self._session.database.reading() as session:
                hits = browse.page(session, Filter(label_id=label_id, words=words), 0, many)
            if hits:
                self._name_split(label, words, hits, many)
            else:
                self.notify(f"None of the reviews with “{label.name}” has these words.", timeout=5, markup=False)

        hint = 'words, "a phrase", begin*, NOT word · enter searches · esc leaves them'
        self._ask(f"Split off which of the {count(many, 'review')} with “{label.name}”?", "", hint, search)

    def _name_split(self, label: Label, words: str, hits: list[int], many: int) -> None:
        label_id = label.id
        assert label_id is not None

        def split(name: str) -> None:
            self._write_new(lambda session, who: scheme_changes.split_off(session, who, label_id, name, hits), name)

        self._ask(
            f"{len(hits):,} of {count(many, 'review')} found. New label for them:",
            "",
            f"found with: {one_line(words, 40)} · enter splits them off · esc leaves them",
            split,
        )

    # ------------------------------------------------------------------ undoing

    def action_undo(self) -> None:
        self._session.undo(lambda step: self._post(StepTaken(step, undone=True)))

    def action_redo(self) -> None:
        self._session.redo(lambda step: self._post(StepTaken(step, undone=False)))

    def on_step_taken(self, message: StepTaken) -> None:
        """The last step is taken back, or done again; it may have been a decision made while labelling."""
        step, what = message.step, "undo" if message.undone else "redo"
        if step is None:
            self.notify(f"There is nothing to {what}.", timeout=3, markup=False)
            return
        with self._session.database.reading() as session:
            about_labels = scheme_changes.is_about_scheme(session, step.batch_id)
        if not about_labels:
            self._session.show_step(step, message.undone)
        self._desk.project_changed.publish(None)
        done = "Undone" if message.undone else "Done again"
        self.notify(f"{done}: {step.title}.", timeout=4, markup=False)

    def action_close(self) -> None:
        self.dismiss()
