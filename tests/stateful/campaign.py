"""The long stateful campaign: ``python tests/stateful/campaign.py [SEED]``.

Random runs of all rules and the profit search, each half from a fixed seed and half from SEED or
one that is of the sources, on two processes. Exits 0 when everything held; a failure is printed as
a script.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.stateful.driver import Campaign
    from tests.stateful.replay import name_the_tests
else:  # it is what makes `tests` known by its name
    sys.path.insert(0, str(Path(__file__).parent))
    from replay import name_the_tests

FIXED_SEED = 20_230_730  # the day Vyper's reentrancy lock failed Curve
STEPS, SEQUENCES, WORKERS = 55_000, 55_000, 2  # of each half
# Without these a campaign has proven nothing.
MUST_SEE = (
    *("liquidate done", "deleveraged", "bad debt", "liquidate_collateral done"),
    *("liquidate_pledge done", "recenter done", "rebalance done", "deleverage done"),
    *("top_up done", "settle done", "redeem_in_kind done", "flash vault done", "flash spot done"),
    *("flash margin done", "sandwich done", "collude done", "reenter done", "donate done"),
    *("stolen_owner_key done", "faulty_report done", "withdraw clearing: withdrawals gated"),
    *("trade clearing: below initial margin", "trade clearing: inventory limit"),
)


def main(given: int | None) -> int:
    """Run both halves of both parts and say what happened."""
    from tests.seeds import of_sources
    from tests.stateful.checked import INVARIANTS
    from tests.stateful.driver import Campaign, campaign
    from tests.stateful.profit import search
    from tests.stateful.rules import RULES

    if given is None:
        given = of_sources("contracts", "tests/reference", "tests/stateful")
    print(f"stateful: {len(RULES)} rules, {len(INVARIANTS)} invariants")
    total = Campaign()
    for name, seed in (("fixed", FIXED_SEED), ("other", given)):
        began = time.perf_counter()
        part = campaign(seed, STEPS, WORKERS)
        total.add(part)
        seconds = time.perf_counter() - began
        print(f"{name} seed {seed}: {part.steps:,} steps, {seconds:.0f} s", flush=True)
    profitable = False
    for name, seed in (("fixed", FIXED_SEED), ("other", given)):
        began = time.perf_counter()
        found = search(seed, SEQUENCES, WORKERS)
        profitable |= found.best > 0
        seconds = time.perf_counter() - began
        best = f"{found.best / 1e18:+.6f} USD by {' · '.join(found.by)}"
        print(f"{name} seed {seed}: {found.sequences:,} attack sequences, {seconds:.0f} s")
        print(f"  the best of them: {best}", flush=True)
    return verdict(total, profitable)


def verdict(total: Campaign, profitable: bool) -> int:
    """0 when nothing failed, nobody gained and everything was met."""
    for failure in total.failures:
        print("FAILED; save these lines and run tests/stateful/replay.py on them:")
        print(failure.script())
    missing = [name for name in MUST_SEE if not total.seen[name]]
    if missing and not total.failures:
        print(f"never happened: {', '.join(missing)}")
    if profitable:
        print("an attack paid")
    return int(bool(total.failures or missing or profitable))


if __name__ == "__main__":
    name_the_tests()
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
