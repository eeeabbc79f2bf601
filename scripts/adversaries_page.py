"""Write docs/adversaries.md: what adversaries see, do, gain and cost, and where each starts to pay.

python -m scripts.adversaries_page
"""

from __future__ import annotations

import inspect
import math
from pathlib import Path

import numpy as np

from scripts.adversaries_study import (
    BTC,
    CASES,
    NAMES,
    NOWHERE,
    SCENARIO,
    Case,
    Mean,
    damage_of,
    profit_of,
    recentrings,
)
from simulator.agents.build import kind_of
from simulator.config import load

PAGE = Path(__file__).parents[1] / "docs" / "adversaries.md"
#: Paths of a figure at the shipped terms, and of one point of a sweep.
SHIPPED, SWEPT = 500, 200
_FEES = (500, 3000, 10_000)
#: Who counts on a loss does nothing: settings under which he does it all the same.
_FORCED = {
    name: (f"agents.{name}.minimum_profit_usd=-1e9",)
    for name in NAMES
    if name not in ("adl_gamer", "withdrawal_griefer")
}

HEAD = """\
# Adversaries: who would live off the vault, and from which terms on he does

Written by `python -m scripts.adversaries_page`; every figure is of runs. In the scenario
`adversaries` all of them act at once, in both worlds (`hedgesim verify adversaries`); they are off
in every other. Latency arbitrage of the oracle is in `oracle-lag` (`latency_profit`). Each is an
agent like any other (`simulator/agents/<name>.py`, its terms in `hedgesim schema agents.<name>`)
and acts only where its own count says that it gains more than `minimum_profit_usd` after fees and
gas (who holds the line and the ADL gamer act whatever it costs). What it gained is
`<name>_profit`: all it holds at the index, less what it would hold had it done nothing, less gas
(refused calls' too) and the fees of loans. Some act twice or three times in a step: before
everybody, in their place of block order, and after everybody (`act_first`, `act`, `act_last`;
[agents.md](agents.md)).

## What they see and do

{seen}

## At the terms shipped

Each alone, {shipped} paths of `adversaries`; ± is half of the 95 % interval over
paths. The damage is the vault's profit and loss less that of the same paths without it. *Forced*:
it acts whenever it can, whatever it counts on.

| adversary | gains, USD a path | the vault has more, USD | gains if forced, USD |
|---|---:|---:|---:|
{at_shipped}

**The two that gain are bounded by `max_slippage`.** A recentring swaps at most half of what is
placed, and never beyond {slippage:g} of the oracle's price: {bound:,.0f} USD of the first deposit
each time, {bounds:,.0f} USD over the {recentrings:.1f} recentrings of a path. They take a part of
that, and at these terms cost the vault more than they take; who has the rest (the pool's liquidity
by its fees,
whoever trades the pool back) was not measured. At other fees of the pool the sandwicher gains:

| `pool.fee_ppm` | {fees} |
|---|{rules}|
| USD a path | {gains} |

Who holds up the line gains nothing by it: what it loses is gas, and what its shares gain or lose as
everybody's do.

## From which terms on each pays

A sweep of one term on the same {swept} paths, the others as the scenario has them but for what is
set beside. The break-even is where the mean gain passes zero, by bisection; its interval is where
the ends of the mean's 95 % interval do, and reaches to the end of the range where one of them does
not.

| adversary | term | pays at, USD | idle or losing at, USD | break-even | interval |
|---|---|---:|---:|---:|---|
{swept_rows}

The perps' break-even is to be held against contracts/SPEC.md §4.5: an order X pays whoever stands
around it where X > 2·(half spread + taker fee)·K, and orders there are a tenth of the vault's
{vault:,.0f} USD or more, so up to a K of about {theory:.2g} USD. The hunter's gain is what it has
more than one who never pushes: a vault with so little margin is liquidated anyway.

Set beside:

{beside}

**The ADL gamer pays nowhere** that was looked at, in `liquidation-cascade` with a spread and fees
of next to nothing, against a twin that stands still:

| `flees_below` | {levels} |
|---|{level_rules}|
| gains more by moving, USD | {moves} |

Whoever closes at a profit while somebody opposite is insolvent closes against him
(contracts/SPEC.md §3.5.7), so only fleeing before that keeps him out of the queue; then he is out
of the market while it goes his way. That such a gain would be seen is shown by the twin of the
venue without that rule, of which the attack takes more than 2 M USDC
(`tests/exploits/test_jelly.py`).

## What this does not say

A flash loan is sent as transactions one by one by an account that has the money: it is not undone
as a whole where it fails, so a loan that could not be repaid shows as a loss
(`flash_borrower_missing`).
Each counts on nobody else standing around the same order, and stays a hundredth off the vault's own
bound: at the bound itself the last digit decides whether the vault's order goes through, and there
the two worlds, one in float64 and one in integers, need not decide alike. A block is a step of the
run, so who holds a perp into the next block bears half an hour of the index here and twelve seconds
elsewhere: means say the same, intervals are wider. The pusher reaches the market outside only
through arbitrageurs, who bring it back to the pool it pushes.
"""


def _seen() -> str:
    """What the agents' classes say of themselves."""
    told = []
    for name in NAMES:
        text = " ".join((inspect.getdoc(kind_of(name)) or "").replace("``", "`").split())
        told.append(f"* **`{name}`**: {text}")
    return "\n".join(told)


def _shipped() -> str:
    rows = []
    for name in NAMES:
        print(name, flush=True)
        gained = Mean.of(profit_of(name, SCENARIO, (), SHIPPED))
        damage = Mean.of(damage_of(name, SHIPPED))
        forced = "–"
        if name in _FORCED:
            forced = str(Mean.of(profit_of(name, SCENARIO, _FORCED[name], SHIPPED)))
        rows.append(f"| `{name}` | {gained} | {damage} | {forced} |")
    return "\n".join(rows)


def _row(case: Case) -> str:
    print(case.agent, case.title, flush=True)
    middle = case.break_even(SWEPT)
    low, high = sorted(
        x if not math.isnan(x) else case.pays_at
        for x in (case.break_even(SWEPT, -1.0), case.break_even(SWEPT, 1.0))
    )
    found = f"{middle:.3g}" if not math.isnan(middle) else "pays nowhere"
    ends = [f"{case.profit(x, SWEPT)} at {x:.3g}" for x in (case.pays_at, case.idle_at)]
    return (
        f"| `{case.agent}`, {case.title} | {case.term} | {ends[0]} | {ends[1]} | {found} | "
        f"{low:.3g} to {high:.3g} |"
    )


def main() -> None:
    """Run everything, and write the page."""
    config, count = load(SCENARIO), recentrings("sandwicher", SHIPPED)
    assert config.vault is not None
    assert config.agents.depositor is not None
    placed = 0.5 * config.vault.lp_allocation * config.agents.depositor.initial_deposit
    gains = [
        Mean.of(profit_of("sandwicher", SCENARIO, (f"pool.fee_ppm={fee}",), SWEPT)) for fee in _FEES
    ]
    perps = dict(one.split("=") for one in CASES[1].settings)
    cost = float(perps[BTC + "half_spread"]) + config.clearing.markets["BTC"].taker_fee
    deposit = config.agents.depositor.initial_deposit
    levels = np.geomspace(NOWHERE.pays_at, NOWHERE.idle_at, 6)
    text = HEAD.format(
        seen=_seen(),
        shipped=SHIPPED,
        vault=deposit,
        theory=float(perps["vault.hedge_band"]) * deposit / (2.0 * cost),
        swept=SWEPT,
        at_shipped=_shipped(),
        slippage=config.vault.max_slippage,
        bound=placed * config.vault.max_slippage,
        bounds=placed * config.vault.max_slippage * count,
        recentrings=count,
        fees=" | ".join(str(fee) for fee in _FEES),
        rules="---:|" * (len(_FEES) - 1) + "---:",
        gains=" | ".join(map(str, gains)),
        swept_rows="\n".join(map(_row, CASES)),
        beside="\n".join(
            f"* `{case.agent}`, {case.title}: " + ", ".join(f"`{one}`" for one in case.settings)
            for case in CASES
            if case.settings
        ),
        levels=" | ".join(f"{x:.2f}" for x in levels),
        level_rules="---:|" * (len(levels) - 1) + "---:",
        moves=" | ".join(str(NOWHERE.profit(float(x), SWEPT)) for x in levels),
    )
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
