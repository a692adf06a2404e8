"""Takes the README's picture: the real label screen on the sample reviews, with a real run and a training under way.

python -m tests.pictures data/pictures/label.png
"""

from __future__ import annotations

import asyncio
import csv
import sys
import tempfile
from pathlib import Path

import cairosvg
from textual.pilot import Pilot

from core import locations
from core.storage.tables import QueueReason
from core.worker.state import Phase
from tui.app import LabelloopApp
from tui.screens.welcome import make_sample

FIRST, SECOND = 150, 12
"""Labels before the first training, and while the second one runs."""


async def take(target: Path) -> None:
    """Label, train, label on while a second training runs, and take the picture then."""
    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        gold = {row["text"]: "1" if row["sentiment"] == "positive" else "2" for row in csv.DictReader(file)}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "reviews.db"
        make_sample(project, "ann")
        app = LabelloopApp(project)
        async with app.run_test(size=(116, 30)) as pilot:
            await label(app, pilot, gold, FIRST)
            await pilot.press("t", "t", "escape")
            while app.desk.job.busy or app.desk.job.phase is Phase.IDLE:
                await pilot.pause(0.5)
            await label(app, pilot, gold, SECOND)
            app.clear_notifications()
            await pilot.press("t", "t", "escape")
            while app.desk.job.busy and len(app.desk.job.evaluations) < 3:
                await pilot.pause(0.5)
            card = app.desk.session.current
            while card is None or card.audit or card.reason is not QueueReason.MARGIN:
                await label(app, pilot, gold, 1)
                card = app.desk.session.current
            await pilot.pause(0.5)
            svg = app.export_screenshot(title="labelloop").replace("Fira Code", "DejaVu Sans Mono")
            app.desk.stop_job()
    cairosvg.svg2png(bytestring=svg.encode(), write_to=str(target), output_width=1160)


async def label(app: LabelloopApp, pilot: Pilot[None], gold: dict[str, str], many: int) -> None:
    """Press the keys of the gold labels, a second apart as far as the pace shown goes."""
    for _ in range(many):
        card = app.desk.session.current
        assert card is not None
        await pilot.press(gold[card.text])


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
