"""Every action that has a key, declared once: bindings, footer, help, palette and README are made from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType
from textual.keys import key_to_character


@dataclass(frozen=True)
class Action:
    """Something a key does."""

    id: str
    """`screen.action`; the name under which the settings give it other keys."""
    keys: str
    """Its keys, in Textual's names, separated by commas."""
    name: str
    """As in the footer: one or two words."""
    does: str
    """As in the help: what happens."""
    footer: bool = False
    """Whether the footer shows it."""

    @property
    def group(self) -> str:
        """The screen it belongs to."""
        return self.id.split(".")[0]

    @property
    def method(self) -> str:
        """The name of the Textual action."""
        return self.id.split(".")[1]

    def binding(self) -> Binding:
        """The action as a Textual binding."""
        return Binding(
            self.keys, self.method, self.name, show=self.footer, tooltip=self.does, id=self.id, system=False
        )


ACTIONS: tuple[Action, ...] = (
    Action(
        "label.accept",
        "a,enter",
        "Accept",
        "Take the suggestion; in a multi-label project confirm the labels chosen",
        True,
    ),
    Action("label.other", "x", "Other", "Two labels: give the one not suggested. More: hide the suggestion", True),
    Action("label.skip", "space", "Skip", "Pass the review over for good", True),
    Action("label.flag", "f", "Flag", "Flag the review to come back to it, or take the flag off", False),
    Action("label.note", "n", "Note", "Write a note on the review", True),
    Action(
        "label.undo",
        "u,backspace,ctrl+z",
        "Undo",
        "Take the last step back; as often as you like, also after a restart",
        True,
    ),
    Action("label.redo", "r,ctrl+y", "Redo", "Do again what was undone", False),
    Action("label.previous", "left", "Back", "Go to the review before this one", False),
    Action("label.next", "right", "Next", "Go on without deciding", False),
    Action("label.first", "home", "Front", "Go to the front of the queue", False),
    Action("label.find", "l", "Labels", "Find a label by typing a part of its name", False),
    Action("label.leave_walk", "escape", "All reviews", "Leave the walk through the hits of a filter", True),
    Action("label.jump", "j", "Jump", "Go to a review by its id or row", False),
    Action("label.similar", "g", "More like this", "Go through the undecided reviews most like this one", False),
    Action("label.likely", "G", "By label", "Go through the undecided reviews most likely to have a label", False),
    Action("label.unfold", "o", "Unfold", "Label the reviews that are alike one by one instead of as one", False),
    Action("label.columns", "i", "Columns", "Show or hide the other columns of the review", False),
    Action("label.mark", "v", "Mark words", "Mark the words of the keyword rule, or leave them", False),
    Action("label.why", "w", "Why", "Underline the words that carried the suggestion, or leave them", False),
    Action("label.down", "down,pagedown", "Scroll down", "Scroll a long review down", False),
    Action("label.up", "up,pageup", "Scroll up", "Scroll a long review up", False),
    Action("app.browse", "b", "Browse", "List, search and filter all reviews", True),
    Action("app.search", "slash", "Search", "Search the reviews' words", False),
    Action("app.scheme", "k", "Labels…", "Add, rename, merge, split, recolour, re-key and archive labels", False),
    Action(
        "app.history", "h", "History", "All that was done: look at it, go back to any point and forward again", False
    ),
    Action("app.train", "t", "Train", "Train a model on the labels, watch it, stop it", True),
    Action("app.runs", "R", "Runs", "Every training there was: look into it, compare two, use another one", False),
    Action(
        "app.accept_many",
        "A",
        "Accept many",
        "Take suggestions as labels at a stated risk: how many will be wrong, at most",
        False,
    ),
    Action("app.mistakes", "M", "Mistakes", "Labels that are likely wrong, the most likely first", False),
    Action(
        "app.rehearse",
        "E",
        "Rehearsal",
        "Simulate labelling on labelled reviews: what a number of labels buys, by strategy and base model",
        False,
    ),
    Action("app.flips", "F", "What flipped", "What the newest run suggests otherwise than the one before", False),
    Action("app.consistency", "C", "Consistency", "How steadily you label, and whether suggestions sway you", False),
    Action("app.export", "e", "Export", "Write the labelled reviews to a file", True),
    Action("app.import", "m", "Import", "Add reviews from another file", False),
    Action("app.projects", "P", "Projects", "Open another project, or make one of a file of reviews", False),
    Action("app.settings", "comma", "Settings", "Theme, base model, name and keys", False),
    Action("app.help", "question_mark,f1", "Help", "All keys, and how labelloop works", True),
    Action("app.leave", "q,ctrl+q", "Quit", "Leave; everything is saved already", False),
    Action(
        "train.start",
        "t,enter",
        "Train",
        "Start training on the labels there are; while one runs, another waits",
        True,
    ),
    Action("train.stop", "s", "Stop", "Stop the training at its next batch; its last checkpoint stays", True),
    Action("train.resume", "c", "Continue", "Go on from the last checkpoint of a training that was stopped", False),
    Action("train.preset", "p", "Preset", "Choose how thoroughly to train: quick, balanced or thorough", True),
    Action("train.arguments", "a", "Arguments", "Set every argument of the training by itself", True),
    Action("train.unqueue", "x", "Cancel waiting", "Let the training that waits not begin", False),
    Action("train.log", "l", "Log", "Show or hide the log of the worker", True),
    Action("train.suggest", "g", "Suggest again", "Suggest labels anew with the model in use", False),
    Action("train.down", "down,pagedown", "Scroll down", "Scroll down", False),
    Action("train.up", "up,pageup", "Scroll up", "Scroll up", False),
    Action("runs.open", "enter", "Open", "Look into the run: its mistakes, its labels, its calibration", True),
    Action("runs.mark", "space", "Mark", "Mark the run for a comparison, or take the mark off", True),
    Action("runs.compare", "c", "Compare", "Compare the two marked runs, or this one with the one in use", True),
    Action("runs.promote", "p", "Promote", "Put the run in use: its suggestions are the ones shown", True),
    Action("runs.roll_back", "z", "Roll back", "Put the run in use again that was in use before", False),
    Action("runs.rename", "r", "Rename", "Give the run a name", False),
    Action("runs.note", "n", "Note", "Write a note on the run", False),
    Action("runs.take_back", "w", "Take back", "Take back what was accepted from the run's suggestions", False),
    Action("runs.delete", "d", "Delete", "Delete the run with its model, after a question", False),
    Action("runs.undo", "u,backspace,ctrl+z", "Undo", "Take the last step of labelling back", False),
    Action("runs.down", "right,shift+down", "Scroll down", "Scroll the details of the run down", False),
    Action("runs.up", "left,shift+up", "Scroll up", "Scroll the details of the run up", False),
    Action("run.open", "enter", "Read", "Read the reviews of the cell under the cursor", True),
    Action("run.newer", "n", "Newer", "Look at the next newer run", True),
    Action("run.older", "o", "Older", "Look at the next older run", True),
    Action("run.down", "pagedown", "Scroll down", "Scroll down", False),
    Action("run.up", "pageup", "Scroll up", "Scroll up", False),
    Action("compare.open", "enter", "Read", "Read the reviews that changed this way", True),
    Action("compare.walk", "w", "Walk", "Walk through the reviews that changed this way, one by one", True),
    Action("compare.swap", "s", "Swap", "Exchange the two runs", True),
    Action("compare.down", "right,shift+down", "Scroll down", "Scroll down", False),
    Action("compare.up", "left,shift+up", "Scroll up", "Scroll up", False),
    Action("arguments.default", "ctrl+r", "Default", "Put the preset's value into this field", True),
    Action("arguments.defaults", "ctrl+l", "All defaults", "Put the preset's values into all fields", True),
    Action("arguments.start", "f5", "Train", "Start training with these arguments", True),
    Action("rehearsal.start", "f5", "Start", "Start the rehearsal", True),
    Action("rehearsal.stop", "f6", "Stop", "Stop it; what is measured by then stays", True),
    Action("rehearsal.use", "f7", "Use", "Put the best strategy and the base model into the settings", True),
    Action("rehearsal.down", "pagedown", "Scroll down", "Scroll down", False),
    Action("rehearsal.up", "pageup", "Scroll up", "Scroll up", False),
    Action("browse.open", "enter", "Open", "Open the review in the label screen", True),
    Action("browse.words", "slash", "Search", "Type words to search for", True),
    Action("browse.state", "s", "State", "Next state: all, open, labelled, skipped, flagged, …", True),
    Action("browse.label", "l", "Label", "Next label to filter by", True),
    Action("browse.order", "o", "Order", "Next order: file, queue, recent, sure, unsure", True),
    Action("browse.give", "g", "Label all", "Give all hits a label, after a look at some of them", True),
    Action("browse.walk", "w", "Walk", "Walk through just these hits in the label screen", True),
    Action("browse.bookmarks", "B", "Bookmarks", "Choose a filter that was kept", False),
    Action("browse.keep", "K", "Keep", "Keep this filter under a name", False),
    Action("browse.clear", "c", "Clear", "Take all filters off", True),
    Action("accept.accept", "enter,a", "Accept", "Accept what the line under the cursor says, after a look", True),
    Action("accept.stricter", "up", "Fewer wrong", "Go to the line above: fewer wrong, fewer accepted", False),
    Action("accept.looser", "down", "More wrong", "Go to the line below: more accepted, more wrong", False),
    Action("accept.page_down", "pagedown", "Scroll down", "Scroll down", False),
    Action("accept.page_up", "pageup", "Scroll up", "Scroll up", False),
    Action("accept.own", "p", "Own", "Name a probability or a share of wrong ones of your own", True),
    Action("accept.label", "l", "Label", "Only suggestions of the next label, or all", True),
    Action("accept.draw", "r", "Draw", "Draw other examples", False),
    Action("accept.undo", "u,backspace,ctrl+z", "Undo", "Take the last step back, whatever it was", True),
    Action("accept.audit", "g", "Audit", "Label reviews of the audit set: each makes the bounds closer", True),
    Action("mistakes.correct", "enter,a", "Correct", "Give the review the label that the model proposes", True),
    Action("mistakes.keep", "space,y", "Keep", "Stand by the label: the review is not suspected again", True),
    Action("mistakes.next", "right", "Next", "Go to the next suspect without a verdict", True),
    Action("mistakes.previous", "left", "Before", "Go back to the suspect before", False),
    Action("mistakes.open", "o", "Open", "Open the review on the label screen", False),
    Action("mistakes.undo", "u,backspace,ctrl+z", "Undo", "Take the last step back", True),
    Action("mistakes.down", "down,pagedown", "Scroll down", "Scroll a long review down", False),
    Action("mistakes.up", "up,pageup", "Scroll up", "Scroll a long review up", False),
    Action("consistency.everybody", "p", "Everybody", "Measure everybody who labels, or you alone", True),
    Action("consistency.down", "down,pagedown", "Scroll down", "Scroll down", False),
    Action("consistency.up", "up,pageup", "Scroll up", "Scroll up", False),
    Action("scheme.add", "a", "Add", "Add a label", True),
    Action("scheme.rename", "r,enter", "Rename", "Give the label another name; its reviews go along", True),
    Action("scheme.merge", "m", "Merge", "Give the label's reviews to another label, and archive it", True),
    Action(
        "scheme.split", "s", "Split off", "Make a new label of those of its reviews that have certain words", True
    ),
    Action("scheme.colour", "c", "Colour", "Choose another colour for the label", False),
    Action("scheme.key", "y", "Key", "Choose the key that gives the label", True),
    Action("scheme.describe", "d", "Describe", "Say in one line what the label means", False),
    Action("scheme.words", "w", "Words", "Edit the words that speak for the label in the keyword rule", True),
    Action(
        "scheme.archive", "x", "Archive", "Offer the label no longer, or bring it back; its reviews keep it", True
    ),
    Action("scheme.up", "shift+up,plus", "Up", "Move the label up", False),
    Action("scheme.down", "shift+down,minus", "Down", "Move the label down", False),
    Action("scheme.undo", "u,backspace,ctrl+z", "Undo", "Take the last step back, whatever it was", True),
    Action("scheme.redo", "ctrl+y", "Redo", "Do again what was undone", False),
    Action("history.go", "enter", "Go here", "Go back or forward to just after this step", True),
    Action("history.undo", "u,backspace,ctrl+z", "Undo", "Take the last step back", True),
    Action("history.redo", "r,ctrl+y", "Redo", "Do again what was undone", True),
    Action("history.stop", "s", "Stop", "Stop on the way, between two steps", True),
    Action("close.close", "escape", "Back", "Go back to where you were", True),
)

_BY_ID = {action.id: action for action in ACTIONS}

GROUPS = {
    "label": "While labelling",
    "app": "Everywhere",
    "browse": "In browse",
    "history": "In the history",
    "train": "In training",
    "arguments": "In the arguments of a training",
    "runs": "In the runs",
    "run": "In one run",
    "compare": "In a comparison of two runs",
    "rehearsal": "In a rehearsal",
    "accept": "When accepting many",
    "mistakes": "In the label mistakes",
    "consistency": "In the consistency",
    "scheme": "In the labels screen",
    "close": "On every other screen",
}

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "comma": ",",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pagedown": "page down",
    "pageup": "page up",
    "escape": "esc",
    "plus": "+",
    "minus": "-",
    "shift+up": "shift+↑",
    "shift+down": "shift+↓",
}


def bindings(group: str) -> list[BindingType]:
    """The bindings of one screen, for its `BINDINGS`."""
    return [action.binding() for action in ACTIONS if action.group == group]


def action(action_id: str) -> Action:
    """The action with this id. Raises KeyError when there is none."""
    return _BY_ID[action_id]


def shown(keys: str) -> str:
    """Keys as people read them: `question_mark,f1` becomes `?, f1`."""
    return ", ".join(_SHOWN.get(key, key) for key in keys.split(","))


def characters(groups: Collection[str], changed: Mapping[str, str]) -> frozenset[str]:
    """The characters that are keys of actions of these groups, with the keys that the settings have changed."""
    keys = [key for one in ACTIONS if one.group in groups for key in changed.get(one.id, one.keys).split(",")]
    names = [key_to_character(key) or _SHOWN.get(key, "") for key in keys]
    return frozenset(name for name in names if len(name) == 1)


def unknown(action_ids: Iterable[str]) -> list[str]:
    """Those of the ids that no action has."""
    return [action_id for action_id in action_ids if action_id not in _BY_ID]


def table() -> str:
    """All keys as a Markdown table, for the README."""
    rows = ["| key | does |", "|---|---|", "| 1 – 9 | Give the label with that number and move on |"]
    for group, title in GROUPS.items():
        rows.append(f"| **{title}** | |")
        for entry in ACTIONS:
            if entry.group == group:
                keys = " ".join(f"`{shown(key)}`" for key in entry.keys.split(","))
                rows.append(f"| {keys} | {entry.does} |")
    return "\n".join(rows)
