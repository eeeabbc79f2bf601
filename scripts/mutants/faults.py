"""The planted bugs of pauses and of what a risk manager may post."""

from __future__ import annotations

from scripts.mutants.plant import Mutant

_PAUSED = ("tests/agents/test_venue_outage.py", "tests/contracts/test_clearing_trading.py")
_POSTED = ("tests/agents/test_misposted.py", "tests/properties/test_clearing_ramps.py")
_HALTED, _AWAY = "tests/agents/test_venue_outage.py", "tests/agents/test_outage.py"
_ABSENCE, _PROTOCOL = "simulator/world/absence.py", "simulator/world/protocol.py"
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
    Mutant(
        "down-for-a-step-less", "off by one", _ABSENCE,
        "found[first:end] |= _bit", "found[first : end - 1] |= _bit",
        (f"{_AWAY}::test_who_is_down_is_so_in_the_window_and_nobody_else",),
    ),
    Mutant(
        "only-the-first-of-a-name-is-down", "missing term", _ABSENCE,
        "            found |= 1 << agent\n", "            return 1 << agent\n",
        (f"{_AWAY}::test_an_outage_is_of_all_that_a_name_calls",),
    ),
    Mutant(
        "outbid-where-gas-is-cheap", "wrong sign", _ABSENCE,
        "market.gas_usd > one.bid * native", "market.gas_usd < one.bid * native",
        (f"{_AWAY}::test_who_is_outbid_is_so_where_gas_is_dearer",),
    ),
    Mutant(
        "halt-spares-the-last-agent", "off by one", _ABSENCE,
        "(1 << count) - 1", "(1 << (count - 1)) - 1",
        (f"{_HALTED}::test_more_agents_than_there_are_bits_cannot_be_halted",),
    ),
    Mutant(
        "halt-spares-who-sees-all-paths", "wrong term", _PROTOCOL,
        'for halt in self.halts if halt.venue == "chain"',
        'for halt in self.halts if halt.venue == "perps"',
        (f"{_HALTED}::test_who_sees_all_paths_at_once_is_halted_too",),
    ),
    Mutant(
        "pause-begins-a-step-late", "off by one", _PROTOCOL,
        "if halt.first <= step < halt.end:", "if halt.first < step < halt.end:",
        (f"{_HALTED}::test_a_pause_is_of_its_venue_in_its_window",),
    ),
    Mutant(
        "halted-chain-posts-rounds", "dropped check", "simulator/config/rounds.py",
        "found[:, shock.active(hours)] = SILENT", "pass",
        (f"{_HALTED}::test_prices_are_those_of_a_chain_that_runs",),
    ),
    Mutant(
        "window-with-its-end", "off by one", "simulator/config/shock.py",
        "(after < self.duration_hours)",
        "(after <= self.duration_hours + _HAIR)",
        (f"{_HALTED}::test_a_pause_is_of_its_venue_in_its_window",),
    ),
)  # fmt: skip
