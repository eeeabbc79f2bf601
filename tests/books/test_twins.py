"""Books in compiled code and in plain Python say the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
TWIN = """
import importlib.util, json, sys
import numpy as np
sys.path.insert(0, {root!r})
spec = importlib.util.spec_from_file_location("campaign", {campaign!r})
campaign = importlib.util.module_from_spec(spec)
sys.modules["campaign"] = campaign
spec.loader.exec_module(campaign)
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.model.world import ModelWorld
np.seterr(all="ignore")


class Kept(ModelWorld):
    books = None

    def advance(self, step):
        if self.books is not None and step > 0:
            self.books.stepped(step - 1, self)
        super().advance(step)
        if self.books is not None:
            self.books.advanced(step, self)

    def execute(self, action):
        self.books.acting(0, self, None, action)
        fill = super().execute(action)
        self.books.acted(0, self, None, action, fill)
        return fill


for protocol in (campaign.PROTOCOL, campaign.isolated()):
    world = Kept(protocol, campaign.rough_market(2, {steps}), BOOK)
    world.books = Books(world)
    campaign.run(world, {steps})
    view = world.books.view
    said = [view.attribution.buckets, view.attribution.flows, view.attribution.largest_nav]
    said += [view.attribution.deleveraged, view.share_price.now, view.entries.usd]
    said += [view.entries.growth, view.latency.usd]
    print(json.dumps([np.nan_to_num(figure).tolist() for figure in said]))
"""


def test_compiled_books_and_their_plain_python_twins_agree() -> None:
    campaign = str(ROOT / "tests" / "model" / "campaign.py")
    code = TWIN.format(root=str(ROOT), campaign=campaign, steps=25)
    answers = []
    for disabled in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append([json.loads(line) for line in done.stdout.splitlines()])
    for compiled, plain in zip(*answers, strict=True):
        largest = np.max(plain[2])  # NAV
        assert largest > 1.0
        for said, twin in zip(compiled, plain, strict=True):
            np.testing.assert_allclose(said, twin, rtol=1e-12, atol=1e-12 * largest)
        assert np.count_nonzero(np.abs(np.array(plain[0])).max(axis=1) > 0.0) >= 10
