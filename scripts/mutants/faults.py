"""The planted bugs of pauses and of what a risk manager may post."""

from __future__ import annotations

from scripts.mutants.plant import Mutant

_PAUSED = ("tests/agents/test_venue_outage.py", "tests/contracts/test_clearing_trading.py")
_POSTED = ("tests/agents/test_misposted.py", "tests/properties/test_clearing_ramps.py")
_TRADING, _VENUE = "Trading.vy", "modules/venue.vy"

FAULTS: tuple[Mutant, ...] = (
    Mutant(
        "paused-venue-takes-risk", "dropped check", _TRADING,
        'errors.check(not (adds_risk and ledger.paused), "clearing: paused")', "pass", _PAUSED,
    ),
    Mutant(
        "paused-venue-lets-nobody-out", "missing term", _TRADING,
        "not (adds_risk and ledger.paused)", "not ledger.paused", _PAUSED,
    ),
    Mutant(
        "paused-venue-lets-sides-change", "missing term", _TRADING,
        "not (adds_risk and ledger.paused)", "flipped or not (adds_risk and ledger.paused)",
        _PAUSED,
    ),
    Mutant(
        "pause-that-never-ends", "wrong sign", "Governance.vy",
        "    self._set_paused(False)", "    self._set_paused(True)", _PAUSED,
    ),
    Mutant(
        "covariance-goes-as-its-last-row-may", "missing term", _VENUE,
        "way = min(way, portfolio_math.reach(before, word, STEP, LEAST_STEP))",
        "way = portfolio_math.reach(before, word, STEP, LEAST_STEP)", _POSTED,
    ),
)  # fmt: skip
