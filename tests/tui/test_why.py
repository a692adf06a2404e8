"""Why a suggestion: the words that carried it, underlined in the review."""

from __future__ import annotations

from core.storage.database import Database
from core.worker import events
from core.worker.requests import Explain
from tests.tui.conftest import card_of, screen_text, session_of, settle
from tests.tui.suggesting import suggest_everything
from tests.tui.test_assistant import Started, begin, database
from tui.app import LabelloopApp
from tui.widgets.review_panel import ReviewPanel

__all__ = ["database"]


def underlined(app: LabelloopApp) -> set[str]:
    """The words of the review that are bold and underlined."""
    panel = app.screen.query_one(ReviewPanel)
    segments = [one for y in range(panel.size.height) for one in panel.render_line(y)]
    return {one.text for one in segments if one.style and one.style.underline and one.style.bold}


async def test_the_words_that_carried_it_are_underlined_until_the_next_review(database: Database) -> None:
    suggest_everything(database)
    database.close()
    started = Started([])
    app = LabelloopApp(database.path, start_assist=started)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(pilot, app)
        while card_of(app).audit:
            await pilot.press("1")
            await settle(pilot, app)
        card = card_of(app)
        words = card.text.split()[:2]
        await pilot.press("w")
        await settle(pilot, app)
        assert started.workers[-1].asked == [Explain(card.review_id)]
        assert not underlined(app)
        explained = events.Explained(card.review_id, 1, 1, words, [2.0, 1.0])
        app.screen.show_why(explained)  # type: ignore[attr-defined]
        await settle(pilot, app)
        assert underlined(app) >= set(words)
        assert f"because of: {words[0]}, {words[1]}." in screen_text(app)
        await pilot.press("w")
        await settle(pilot, app)
        assert not underlined(app)
        app.screen.show_why(explained)  # type: ignore[attr-defined]
        await pilot.press("1")
        await settle(pilot, app)
        assert not underlined(app)
        # An answer that comes late is about a review that is gone.
        app.screen.show_why(explained)  # type: ignore[attr-defined]
        assert not underlined(app)
        session_of(app).writer.flush()


async def test_where_no_suggestion_is_shown_there_is_nothing_to_ask(database: Database) -> None:
    database.close()
    started = Started([])
    app = LabelloopApp(database.path, start_assist=started)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await begin(pilot, app)
        await pilot.press("w")
        await settle(pilot, app)
        assert "No suggestion is shown" in screen_text(app)
        assert "No suggestion is shown" in screen_text(app)
        assert started.workers[-1].asked == []
