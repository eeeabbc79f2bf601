"""The planted bugs: what a hurried hand could write in the contracts, and in who is absent when."""

from __future__ import annotations

from scripts.mutants.faults import FAULTS
from scripts.mutants.plant import Mutant
from scripts.mutants.stable import STABLE

# Tests that run on the artifact loader's bytecode, quickest first.
_FIXED_POINT = ("tests/properties/test_fixed_point_properties.py",)
_UNISWAP = ("tests/properties/test_uniswap_reference.py",)
_ORACLE = ("tests/properties/test_price_oracle_properties.py", "tests/market/test_reporters.py")
_WORLDS = ("tests/test_verify.py", "tests/model/test_worlds_agree.py")
_CLEARING = (
    "tests/reference/test_clearing_bytecode.py",
    "tests/properties/test_clearing_pledges.py",
    "tests/properties/test_clearing_depth.py",
    "tests/properties/test_clearing_maker.py",
    "tests/properties/test_clearing_premium.py",
    "tests/properties/test_clearing_properties.py",
    "tests/properties",
    "tests/security",
    "tests/exploits",
    "tests/stateful",
    *_WORLDS,
)
_RAMPS = "tests/properties/test_clearing_ramps.py"
_SEATING = "tests/properties/test_clearing_seats.py"
_SILENT = "tests/properties/test_clearing_silent_feeds.py"
_STOLEN = ("tests/security/test_stolen_keys.py", "tests/vault/test_governance.py")
_VAULT = (
    "tests/vault",
    "tests/properties/test_erc4626_properties.py",
    "tests/properties/test_erc4626_rules.py",
    "tests/properties/test_vault_properties.py",
    "tests/security",
    "tests/exploits",
    "tests/stateful",
    *_WORLDS,
)


_AAVE = ("tests/aave/test_refusals.py", "tests/aave/test_foreign_collateral.py", "tests/aave")


def _aave(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, _AAVE)


def _clearing(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, _CLEARING)


def _emptied(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    tests = ("tests/properties/test_clearing_debts.py", *_CLEARING)
    return Mutant(name, kind, file, old, new, tests)


def _leaving(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    tests = ("tests/exploits/test_jelly.py", "tests/model/test_leaving.py", *_CLEARING)
    return Mutant(name, kind, file, old, new, tests)


def _emptied_vault(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, ("tests/vault/test_insolvent_account.py",))


def _ended(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    tests = ("tests/properties/test_clearing_settlement.py", "tests/vault/test_wind_down.py")
    return Mutant(name, kind, file, old, new, tests)


def _unwound(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, ("tests/vault/test_wind_down.py",))


def _owed(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, ("tests/vault/test_insolvent_account.py",))


def _governed(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, (_RAMPS, *_CLEARING))


def _seats(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, (_SEATING, *_CLEARING))


def _silent(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, (_SILENT, *_CLEARING))


def _stolen(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, (*_STOLEN, *_VAULT))


def _vault(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, _VAULT)


_MATH = (
    Mutant(
        "mul-div-up-rounds-down", "flipped rounding", "modules/fixed_point.vy",
        "if uint256_mulmod(x, y, d) != 0:", "if False:", _FIXED_POINT,
    ),
    Mutant(
        "mul-div-floor-truncates", "flipped rounding", "modules/fixed_point.vy",
        "return -convert(self.mul_div_up(convert(-x, uint256), y, d), int256)",
        "return -convert(self.mul_div_down(convert(-x, uint256), y, d), int256)", _FIXED_POINT,
    ),
    Mutant(
        "mul-div-high-word", "off by one", "modules/fixed_point.vy",
        "    if modular < low:\n        high = unsafe_sub(high, 1)\n", "", _FIXED_POINT,
    ),
    Mutant(
        "mul-div-one-newton-step-less", "off by one", "modules/fixed_point.vy",
        "for _: uint256 in range(6):", "for _: uint256 in range(5):", _FIXED_POINT,
    ),
    Mutant(
        "div-up-of-multiples", "off by one", "modules/fixed_point.vy",
        "    if x % d != 0:\n", "    if True:\n", _FIXED_POINT,
    ),
    Mutant(
        "sqrt-ratio-rounds-down", "flipped rounding", "modules/tick_math.vy",
        "return unsafe_add(ratio, 2**32 - 1) >> 32", "return ratio >> 32", _UNISWAP,
    ),
    Mutant(
        "sqrt-ratio-of-positive-ticks", "wrong sign", "modules/tick_math.vy",
        "    if tick > 0:\n", "    if tick >= 0 and bits > 1:\n", _UNISWAP,
    ),
    Mutant(
        "tick-at-its-own-price", "off by one at a tick", "modules/tick_math.vy",
        "self.sqrt_ratio_at_tick(candidate) <= sqrt_ratio",
        "self.sqrt_ratio_at_tick(candidate) < sqrt_ratio", _UNISWAP,
    ),
    Mutant(
        "highest-tick", "off by one at a tick", "modules/tick_math.vy",
        "candidate < MAX_TICK", "candidate < MAX_TICK - 1", _UNISWAP,
    ),
    Mutant(
        "amounts-below-the-range", "swapped order", "modules/liquidity_math.vy",
        "return x, fixed_point.mul_div_down(liquidity, at - a, Q96)",
        "return x, fixed_point.mul_div_down(liquidity, b - at, Q96)", _UNISWAP,
    ),
    Mutant(
        "liquidity-of-the-greater-amount", "wrong sign", "modules/liquidity_math.vy",
        "liquidity = min(liquidity, fixed_point", "liquidity = max(liquidity, fixed_point", _UNISWAP,
    ),
    Mutant(
        "liquidity-at-the-lower-tick", "off by one at a tick", "modules/liquidity_math.vy",
        "    if at > a:\n", "    if at >= a and p >= a:\n", _UNISWAP,
    ),
    _vault(
        "fee-growth-at-the-upper-tick", "off by one at a tick", "modules/liquidity_math.vy",
        "above if tick < upper else", "above if tick <= upper else",
    ),
    _vault(
        "fee-growth-at-the-lower-tick", "off by one at a tick", "modules/liquidity_math.vy",
        "below if tick >= lower else", "below if tick > lower else",
    ),
    _vault(
        "range-of-negative-ticks", "wrong sign", "modules/vault_math.vy",
        "    if remainder < 0:\n        remainder += spacing\n", "",
    ),
    _vault(
        "slippage-limit-on-the-wrong-side", "wrong sign", "modules/vault_math.vy",
        "WAD - max_slippage if sells_base else WAD + max_slippage",
        "WAD + max_slippage if sells_base else WAD - max_slippage",
    ),
)  # fmt: skip

_PRICE = (
    Mutant(
        "stale-price-served", "dropped check", "PriceOracle.vy",
        'assert block.timestamp - round.updated_at <= terms.max_age, "oracle: stale"', "pass", _ORACLE,
    ),
    Mutant(
        "median-of-the-lower-half", "off by one", "PriceOracle.vy",
        "prices[(count - 1) // 2] + prices[count // 2]",
        "prices[(count - 1) // 2] + prices[(count - 1) // 2]", _ORACLE,
    ),
    Mutant(
        "one-reporter-is-enough", "dropped check", "PriceOracle.vy",
        "    if count < quorum:\n        return\n", "    if count == 0:\n        return\n", _ORACLE,
    ),
    Mutant(
        "round-as-young-as-its-youngest", "off by one", "PriceOracle.vy",
        "times[count - quorum]", "times[count - 1]", _ORACLE,
    ),
    Mutant(
        "reports-from-the-future", "dropped check", "PriceOracle.vy",
        'assert timestamp <= block.timestamp, "oracle: future round"', "pass", _ORACLE,
    ),
    Mutant(
        "anybody-reports", "dropped check", "PriceOracle.vy",
        'assert self.is_reporter[msg.sender], "oracle: not a reporter"', "pass", _ORACLE,
    ),
    Mutant(
        "incomplete-rounds-accepted", "dropped check", "PriceOracle.vy",
        "round.updated_at != 0 and round.answered_in_round >= round.round_id",
        "round.updated_at != 0", _ORACLE,
    ),
    Mutant(
        "negative-answers", "wrong sign", "PriceOracle.vy",
        "    if answer <= 0:\n        return 0\n    amount: uint256 = convert(answer, uint256)",
        "    amount: uint256 = convert(abs(answer), uint256)", _ORACLE,
    ),
    Mutant(
        "decimals-the-wrong-way", "swapped order", "PriceOracle.vy",
        "return amount * 10 ** (WAD_DECIMALS - decimals)",
        "return amount // 10 ** (WAD_DECIMALS - decimals)", _ORACLE,
    ),
    Mutant(
        "no-grace-period", "dropped check", "PriceOracle.vy",
        "block.timestamp > up_since + self.grace_period", "block.timestamp > up_since", _ORACLE,
    ),
)  # fmt: skip

_MARGIN = (
    _clearing(
        "spread-for-the-trader", "wrong sign", "modules/perp_math.vy",
        "    if delta > 0:\n        return index + spread\n", "    if delta < 0:\n        return index + spread\n",
    ),
    _clearing(
        "funding-of-the-old-rate", "missing accrual", "modules/perp_math.vy",
        "rate + next_rate, index * elapsed", "rate + rate, index * elapsed",
    ),
    _clearing(
        "funding-forgotten-in-equity", "missing accrual", "modules/maker.vy",
        "            state.funding_index,\n", "            position.funding_index,\n",
    ),
    _clearing(
        "profit-counts-in-full", "dropped check", "modules/risk_engine.vy",
        "    if unsettled > 0:\n        capped = min(", "    if unsettled < 0:\n        capped = min(",
    ),
    _clearing(
        "haircut-not-taken", "dropped check", "modules/risk_engine.vy",
        "worth, WAD - ledger.collateral[i].haircut, WAD", "worth, WAD, WAD",
    ),
    _clearing(
        "pledge-at-par", "dropped check", "modules/risk_engine.vy",
        "worth + worth_usdc, WAD - ledger.lp_collateral.haircut, WAD", "worth + worth_usdc, WAD, WAD",
    ),
    _clearing(
        "pledge-delta-left-out", "missing term", "modules/risk_engine.vy",
        "out.v, ledger._row(ledger.collateral[ledger.lp_base].token), convert(worth, int256)",
        "out.v, 0, convert(worth, int256)",
    ),
    _clearing(
        "shorts-count-as-longs", "wrong sign", "modules/risk_engine.vy",
        "            if position.size < 0:\n                exposure = -exposure\n", "",
    ),
    _clearing(
        "portfolio-floor-dropped", "dropped check", "modules/risk_engine.vy",
        "        maintenance = max(\n            out.floored, fixed_point",
        "        maintenance = max(\n            0, fixed_point",
    ),
    _clearing(
        "isolated-accounts-get-portfolio-margin", "dropped check", "modules/risk_engine.vy",
        "        and account & 255 == 0\n", "",
    ),
    _clearing(
        "norm-rounds-down", "flipped rounding", "modules/portfolio_math.vy",
        "    if root * root < square:\n        root += 1\n", "",
    ),
    _clearing(
        "factor-entries-unsigned", "wrong sign", "modules/portfolio_math.vy",
        "return entry - 2**32 if entry >= 2**31 else entry", "return entry",
    ),
    _clearing(
        "larger-root", "wrong sign", "modules/portfolio_math.vy",
        "if root >= 0 and b + root > 0:", "root = -root\n    if b + root > 0:",
    ),
    _clearing(
        "withdrawal-without-margin-check", "dropped check", "ClearingHouse.vy",
        "    ledger._debit(account, collateral, raw)\n    margin._require_release(account)\n",
        "    ledger._debit(account, collateral, raw)\n",
    ),
    _clearing(
        "gate-never-shuts", "dropped check", "modules/margin.vy",
        "block.timestamp >= ledger.gate_until or len", "True or len",
    ),
    _clearing(
        "debt-leaves-freely", "dropped check", "modules/risk_engine.vy",
        "if ledger._accrue_held(account) or ledger.cash[account] < 0:", "if ledger._accrue_held(account):",
    ),
    _clearing(
        "withdrawable-forgets-the-profit-cap", "missing term", "modules/risk_engine.vy",
        "    if unsettled > 0:\n        # The cap", "    if False:\n        # The cap",
    ),
)  # fmt: skip

_TRADING = (
    _clearing(
        "fee-rounds-down", "flipped rounding", "Trading.vy",
        "fee: uint256 = fixed_point.mul_div_up(", "fee: uint256 = fixed_point.mul_div_down(",
    ),
    _clearing(
        "fee-not-paid-to-the-maker", "missing term", "Trading.vy",
        "    ledger.maker_cash[market] += convert(fee, int256)\n", "",
    ),
    _clearing(
        "opening-without-margin", "dropped check", "Trading.vy",
        "        margin._require_initial_margin(account)\n", "",
    ),
    _clearing(
        "flip-counts-as-reduction", "dropped check", "Trading.vy",
        "adds_risk: bool = flipped or fixed_point", "adds_risk: bool = fixed_point",
    ),
    _clearing(
        "limit-price-reversed", "wrong sign", "Trading.vy",
        "fill <= limit_price if size > 0 else fill >= limit_price",
        "fill >= limit_price if size > 0 else fill <= limit_price",
    ),
    _clearing(
        "inventory-unlimited", "dropped check", "Trading.vy",
        "outward <= fixed_point.magnitude(skew) or outward <= limit", "True",
    ),
    _clearing(
        "open-interest-of-one-side", "missing term", "Trading.vy",
        "longs + shorts <= convert(ledger.market[market].max_open_interest, int256)",
        "longs <= convert(ledger.market[market].max_open_interest, int256)",
    ),
    _clearing(
        "funding-entry-kept", "missing accrual", "modules/ledger.vy",
        "        new.funding_index = funding_index\n", "        new.funding_index = old.funding_index\n",
    ),
    _clearing(
        "loss-entry-of-the-other-side", "wrong sign", "modules/ledger.vy",
        "    if size < 0:\n        return self.loss_short[market]",
        "    if size > 0:\n        return self.loss_short[market]",
    ),
    _clearing(
        "maker-keeps-out-of-it", "missing term", "modules/ledger.vy",
        "    self.maker_cash[market] -= realised - funding\n", "    self.maker_cash[market] -= realised\n",
    ),
    _clearing(
        "long-interest-never-falls", "missing term", "modules/ledger.vy",
        "max(new.size, 0) - max(old.size, 0)", "max(new.size - old.size, 0)",
    ),
    _clearing(
        "holder-list-with-holes", "swapped order", "modules/ledger.vy",
        "        self.holder[market][seat] = moved\n", "",
    ),
    _clearing(
        "collateral-cap-ignored", "dropped check", "modules/ledger.vy",
        "self.collateral_held[collateral] + raw <= self.collateral[collateral].cap", "True",
    ),
    _clearing(
        "fee-on-transfer-credited", "dropped check", "modules/ledger.vy",
        "moved and staticcall token.balanceOf(self) == held + raw", "moved",
    ),
    _clearing(
        "released-cost-rounds-for-the-trader", "flipped rounding", "modules/perp_math.vy",
        "        released = fixed_point.mul_div_ceil(", "        released = fixed_point.mul_div_floor(",
    ),
)  # fmt: skip

_LIQUIDATION = (
    _clearing(
        "healthy-accounts-liquidated", "off by one", "modules/liquidation.vy",
        "valuation.state.equity < convert(valuation.state.maintenance, int256)",
        "valuation.state.equity * 10 <= 11 * convert(valuation.state.maintenance, int256)",
    ),
    _clearing(
        "everything-is-closed", "dropped check", "LiquidationEngine.vy",
        "    if worth >= most:\n        return magnitude\n", "    if worth != 0:\n        return magnitude\n",
    ),
    _clearing(
        "penalty-uncapped", "dropped check", "LiquidationEngine.vy",
        "        ),\n        room,\n    )", "        ),\n        max_value(uint256),\n    )",
    ),
    _clearing(
        "penalty-all-to-the-liquidator", "missing term", "LiquidationEngine.vy",
        "    ledger.insurance_fund += penalty - share\n", "",
    ),
    _clearing(
        "collateral-at-the-full-price", "missing term", "CollateralSale.vy",
        "WAD - ledger.parameters.liquidation_penalty", "WAD",
    ),
    _clearing(
        "buyer-unchecked", "dropped check", "CollateralSale.vy",
        'errors.check(ledger.cash[buyer] >= amount, "clearing: insufficient collateral")', "pass",
    ),
    _clearing(
        "deleveraging-in-any-order", "swapped order", "Deleveraging.vy",
        "        if keys[i] > best:\n", "        if keys[i] != 0:\n",
    ),
    _clearing(
        "pro-rata-beyond-the-position", "dropped check", "Deleveraging.vy",
        "            closed = min(closed, fixed_point.mul_div_up(left, weights[place], weight))\n",
        "            closed = fixed_point.mul_div_up(left, weights[place], weight)\n",
    ),
    _clearing(
        "pro-rata-of-all-that-is-asked", "missing term", "Deleveraging.vy",
        "            weight -= weights[place]\n", "",
    ),
    _leaving(
        "winners-leave-past-the-insolvent", "dropped check", "Trading.vy",
        "if before != 0 and (before > 0) != (size > 0):", "if before != 0 and before == 0:",
    ),
    _leaving(
        "leaving-at-the-index", "missing term", "Deleveraging.vy",
        "    return fixed_point.mul_div_down(wanted - paid, WAD, closed)\n", "    return 0\n",
    ),
    _leaving(
        "dust-is-met-by-who-leaves", "dropped check", "Deleveraging.vy",
        "    if debt < waterfall.LEAST_GATED:\n", "    if debt == 0:\n",
    ),
    _leaving(
        "solvent-accounts-are-met", "wrong sign", "Deleveraging.vy",
        "    if valuation.state.value >= 0:\n        return 0\n",
        "    if valuation.state.value == 0:\n        return 0\n",
    ),
    _leaving(
        "gap-of-all-there-is", "missing term", "Deleveraging.vy",
        "        self._share(holder, market, debt), WAD, fixed_point.magnitude(held.size)\n",
        "        debt, WAD, fixed_point.magnitude(held.size)\n",
    ),
    _leaving(
        "debt-of-who-is-met-forgotten", "missing accrual", "Deleveraging.vy",
        "            ledger._note_debt(accounts[place], market, -1 if long else 1, cash)\n", "",
    ),
    _leaving(
        "who-leaves-takes-all-insurance", "missing term", "Deleveraging.vy",
        "fixed_point.mul_div_down(wanted, insured, whole)", "wanted",
    ),
    _leaving(
        "asked-for-more-than-the-gain", "dropped check", "Deleveraging.vy",
        "            self._affordable(budget, gap),\n", "            max_value(uint256),\n",
    ),
    _clearing(
        "deleveraging-those-who-lose", "dropped check", "Deleveraging.vy",
        "if (held.size > 0) != (size > 0) and gain > 0:", "if (held.size > 0) != (size > 0):",
    ),
    _clearing(
        "bankruptcy-price-on-the-wrong-side", "wrong sign", "Deleveraging.vy",
        "    if size > 0:\n        price += gap\n    else:\n        price -= min(gap, price)\n",
        "    if size < 0:\n        price += gap\n    else:\n        price -= min(gap, price)\n",
    ),
    _clearing(
        "rank-without-leverage", "missing term", "Deleveraging.vy",
        "return fixed_point.mul_div_down(min(ratio, MAX_RATIO), min(leverage, MAX_RATIO), WAD)",
        "return min(ratio, MAX_RATIO)",
    ),
    _clearing(
        "insurance-cap-ignored", "dropped check", "modules/waterfall.vy",
        "    return min(\n        ledger.insurance_fund, max(ledger.market[market].insurance_cap, drawn) - drawn\n    )\n",
        "    return ledger.insurance_fund\n",
    ),
    _clearing(
        "maker-pays-everything", "dropped check", "modules/waterfall.vy",
        "min(min(rest, max(limit, drawn) - drawn), self._maker_worth(market))", "rest",
    ),
    _clearing(
        "losers-pay-the-losers", "wrong sign", "modules/waterfall.vy",
        "self._bear(account, i >> 1, part, i & 1 == 0)", "self._bear(account, i >> 1, part, i & 1 == 1)",
    ),
    _clearing(
        "last-close-is-to-blame", "missing term", "modules/ledger.vy",
        "self.blamed[account][i] = fixed_point.mul_div_up(part, old, total)", "self.blamed[account][i] = 0",
    ),
    _clearing(
        "debts-of-the-past-are-blamed", "dropped check", "modules/ledger.vy",
        "    if total > old:\n", "    if False:\n",
    ),
    _clearing(
        "debt-shared-by-what-is-open", "missing term", "Deleveraging.vy",
        "        if blamed != 0:\n            lost =", "        if False:\n            lost =",
    ),
    _clearing(
        "blame-stays-with-the-giver", "missing step", "BackOffice.vy",
        "        self._pass_blame(giver, taker, fixed_point.magnitude(cash))\n", "        pass\n",
    ),
    _clearing(
        "write-off-leaves-collateral", "dropped check", "modules/waterfall.vy",
        "        if ledger.collateral_balance[account][i] != 0:\n            return\n", "        pass\n",
    ),
    _clearing(
        "write-off-leaves-pledges", "dropped check", "modules/waterfall.vy",
        "        or len(ledger.pledges[account]) != 0\n", "",
    ),
    _clearing(
        "write-off-paid-by-nobody", "missing term", "modules/waterfall.vy",
        "    ledger.maker_cash[market] -= convert(rest, int256)\n", "",
    ),
    _clearing(
        "sides-unbounded", "dropped check", "Trading.vy",
        "side <= ledger.SIDES * limit", "True",
    ),
    _clearing(
        "dust-closes-the-gate", "dropped check", "modules/waterfall.vy",
        "    if uncovered >= LEAST_GATED:\n", "    if uncovered != 0:\n",
    ),
    _clearing(
        "insolvent-takes-its-pledges", "dropped check", "BackOffice.vy",
        "    if before.equity < 0:\n", "    if False:\n",
    ),
    _clearing(
        "insolvent-closes-itself", "dropped check", "Trading.vy",
        '.value >= 0, "clearing: insolvent"', '.value >= min_value(int256), "clearing: insolvent"',
    ),
    _clearing(
        "strangers-bring-collateral", "dropped check", "modules/ledger.vy",
        "collateral == USDC or account >> 8 == convert(msg.sender, uint256)", "account != 0",
    ),
    _clearing(
        "cap-keeps-margin-out", "dropped check", "modules/ledger.vy",
        "or (collateral == USDC and len(self._open_markets(account)) != 0)", "or False",
    ),
    _clearing(
        "part-of-another-oracle", "dropped check", "ClearingHouse.vy",
        "staticcall Part(part).ORACLE() == oracle and ", "",
    ),
    _emptied(
        "emptied-accounts-keep-their-debts", "missing step", "modules/ledger.vy",
        "    self.emptied.append(account)\n", "",
    ),
    _emptied(
        "winners-keep-their-debts", "dropped case", "ClearingHouse.vy",
        "        if ledger.cash[account] < 0:\n            raw_call(",
        "        if ledger.cash[account] < 0 and len(ledger.emptied) == 1:\n            raw_call(",
    ),
    _emptied_vault(
        "winners-are-forgotten", "dropped case", "Deleveraging.vy",
        "    ledger._note_debt(counterparty, market, delta, cash)\n",
        "    ledger._note_debt(counterparty, market, delta, cash)\n    ledger.emptied = []\n",
    ),
    _emptied_vault(
        "settled-debts-wait-for-another-call", "dropped case", "ClearingHouse.vy",
        "    self._write_off_emptied()\n    risk_engine",
        "    if code != PARTS.settlement:\n        self._write_off_emptied()\n    risk_engine",
    ),
    _emptied(
        "settled-accounts-keep-other-markets-debts", "dropped case", "ClearingHouse.vy",
        "    self._write_off_emptied()\n    risk_engine",
        "    if code == PARTS.settlement:\n        ledger.emptied = []\n"
        "    self._write_off_emptied()\n    risk_engine",
    ),
    _emptied(
        "emptied-accounts-pile-up", "missing step", "ClearingHouse.vy",
        "    ledger.emptied = []\n", "",
    ),
    _emptied(
        "debts-of-a-slice-come-with-nothing", "missing step", "BackOffice.vy",
        "    ledger.emptied.append(taker)\n", "",
    ),
    _emptied(
        "seats-of-slices-without-blame", "missing step", "BackOffice.vy",
        "                ledger._note_debt(taker, market, moved.size, had)\n", "",
    ),
    _emptied(
        "sold-out-accounts-keep-their-debts", "missing step", "CollateralSale.vy",
        "        self._buy(account, collateral, taken, paid)\n    ledger.emptied.append(account)\n",
        "        self._buy(account, collateral, taken, paid)\n",
    ),
    _emptied(
        "blame-rounded-away", "flipped rounding", "modules/ledger.vy",
        "fixed_point.mul_div_up(part, old, total)", "fixed_point.mul_div_down(part, old, total)",
    ),
    _clearing(
        "insolvency-leaves-the-gate-open", "dropped check", "modules/waterfall.vy",
        "    self._gate(uncovered)\n", "",
    ),
)  # fmt: skip

_PREMIUM = (
    _clearing(
        "premium-not-charged", "dropped check", "Trading.vy",
        "    pricing._pay_premium(account, market, paid)\n",
        "    pricing._pay_premium(account, market, min(premium, 0))\n",
    ),
    _clearing(
        "premium-pool-pays-first-come", "missing term", "modules/skew_premium.vy",
        "paid = -convert(min(earned, part), int256)", "paid = -convert(min(earned, pool), int256)",
    ),
    _clearing(
        "opening-skew-ignored", "dropped check", "modules/pricing.vy",
        "        ledger.opening_skew[market],\n", "        ledger.state[market].skew,\n",
    ),
    _clearing(
        "opening-skew-never-noted", "missing accrual", "modules/ledger.vy",
        "    self.opening_skew[market] = state.skew\n", "",
    ),
    _clearing(
        "premium-grows-without-end", "dropped check", "modules/skew_premium.vy",
        "    if size <= bound:\n", "    if True:\n",
    ),
    _clearing(
        "premium-rounds-for-the-trader", "flipped rounding", "modules/skew_premium.vy",
        "    return fixed_point.mul_div_ceil(\n", "    return fixed_point.mul_div_floor(\n",
    ),
    _clearing(
        "premium-out-of-nothing", "missing term", "modules/pricing.vy",
        "    ledger.cash[account] -= premium\n", "    pass\n",
    ),
    _clearing(
        "reductions-limited-by-inventory", "dropped check", "Trading.vy",
        "    if adds_risk:\n        self._check_room", "    if True:\n        self._check_room",
    ),
    _clearing(
        "limit-price-forgets-the-premium", "missing term", "Trading.vy",
        "        fill <= limit_price if size > 0 else fill >= limit_price,",
        "        booked <= limit_price if size > 0 else booked >= limit_price,",
    ),
    _clearing(
        "margin-at-the-mark", "missing term", "modules/maker.vy",
        "        fixed_point.mul_div_floor(position.size, index, WAD)\n        - position.cost\n",
        "        fixed_point.mul_div_floor(position.size, perp_math.mark_price(index, ledger.state[market].skew, "
        "ledger.market[market].skew_scale), WAD)\n        - position.cost\n",
    ),
    _clearing(
        "liquidations-unlimited", "dropped check", "LiquidationEngine.vy",
        "    closing = min(closing, most)\n", "",
    ),
    _clearing(
        "liquidations-not-counted", "missing term", "LiquidationEngine.vy",
        "    ledger.liquidated[market] += outward - min(outward, fixed_point.magnitude(skew))\n", "",
    ),
    _clearing(
        "liquidations-counted-forever", "missing term", "modules/ledger.vy",
        "        self.liquidated[market] = 0\n", "        pass\n",
    ),
    _clearing(
        "premium-of-a-liquidation-uncapped", "dropped check", "LiquidationEngine.vy",
        "        premium = min(premium, convert(room, int256))\n"
        "        pricing._pay_premium(account, market, premium)\n        room -= convert(premium, uint256)\n",
        "        pricing._pay_premium(account, market, premium)\n"
        "        room -= min(convert(premium, uint256), room)\n",
    ),
    _clearing(
        "size-to-close-forgets-the-premium", "missing term", "LiquidationEngine.vy",
        "        + fixed_point.mul_div_up(convert(premium, uint256), WAD, most)\n", "",
    ),
    _clearing(
        "unpaid-premium-forgotten", "missing term", "LiquidationEngine.vy",
        "missing = convert(due - premium, uint256)", "missing = 0",
    ),
    _clearing(
        "unpaid-premium-earned", "missing term", "modules/skew_premium.vy",
        "owed: uint256 = min(unpaid, before)", "owed: uint256 = 0",
    ),
    _clearing(
        "unpaid-premium-never-worked-off", "missing term", "modules/skew_premium.vy",
        "    left -= min(left, before - home)\n", "",
    ),
    _clearing(
        "sweep-takes-all", "missing term", "modules/pricing.vy",
        "        ledger.premium_pool[market] = claim\n        ledger.maker_cash[market] += convert(pool - claim, int256)\n",
        "        ledger.premium_pool[market] = 0\n        ledger.maker_cash[market] += convert(pool, int256)\n",
    ),
    _clearing(
        "depth-changes-without-sweep", "missing term", "Governance.vy",
        "    pricing._sweep_pool(market)\n    venue._set_skew_scale", "    venue._set_skew_scale",
    ),
    _clearing(
        "spread-forgets-the-lag", "missing term", "modules/pricing.vy",
        "            staticcall ledger.ORACLE.deviation(ledger.market[market].asset),\n",
        "            0,\n",
    ),
    _clearing(
        "lag-of-rises-only", "wrong sign", "modules/perp_math.vy",
        "far: uint256 = 2 * WAD - deviation", "far: uint256 = 2 * WAD + deviation",
    ),
    _clearing(
        "lag-spread-rounds-for-the-trader", "flipped rounding", "modules/perp_math.vy",
        "    return fixed_point.mul_div_up(\n        deviation * WAD",
        "    return fixed_point.mul_div_down(\n        deviation * WAD",
    ),
    _clearing(
        "liquidation-at-the-narrow-spread", "missing term", "LiquidationEngine.vy",
        "perp_math.booked_price(delta, index, pricing._half_spread(market))",
        "perp_math.booked_price(delta, index, ledger.market[market].half_spread)",
    ),
)  # fmt: skip

_OFFICE = (
    _clearing(
        "pledge-of-any-pool", "dropped check", "modules/pledged_liquidity.vy",
        "        and position.fee == ledger.lp_fee\n", "",
    ),
    _clearing(
        "pledge-counted-twice", "missing term", "modules/pledged_liquidity.vy",
        "    ledger.pledge_terms[token_id] = empty(IClearingHouse.Pledge)\n", "",
    ),
    _clearing(
        "somebody-elses-pledge", "dropped check", "modules/pledged_liquidity.vy",
        "    self._check_backs(account, token_id)\n    ledger.pledged_liquidity -=",
        "    ledger.pledged_liquidity -=",
    ),
    _clearing(
        "slice-without-consent", "dropped check", "BackOffice.vy",
        'errors.check(ledger.slice_consent[to][msg.sender], "clearing: no consent")', "pass",
    ),
    _clearing(
        "slice-keeps-its-debt", "wrong sign", "BackOffice.vy",
        "cash: int256 = fixed_point.mul_div_floor(ledger.cash[giver], fraction, WAD)",
        "cash: int256 = fixed_point.mul_div_floor(max(ledger.cash[giver], 0), fraction, WAD)",
    ),
    _clearing(
        "rearranged-without-a-check", "dropped check", "BackOffice.vy",
        "    if not exposed and ledger.cash[account] >= 0:\n", "    if ledger.cash[account] >= 0:\n",
    ),
    _clearing(
        "maker-withdraws-what-it-owes", "dropped check", "Governance.vy",
        "    maker._check_reserve(market, index)\n", "",
    ),
    _clearing(
        "risk-without-a-maker", "dropped check", "Trading.vy",
        "        maker._check_reserve(market, index)\n", "",
    ),
    _clearing(
        "reserve-for-the-skew-only", "missing term", "modules/maker.vy",
        "perp_math.notional(self._larger_side(market), index)",
        "perp_math.notional(fixed_point.magnitude(ledger.state[market].skew), index)",
    ),
    _clearing(
        "maker-pays-what-it-lacks", "missing term", "Trading.vy",
        "    maker._cover(market, index)\n    seat: uint256 = 0\n", "    seat: uint256 = 0\n",
    ),
    _clearing(
        "write-off-beyond-the-maker", "missing term", "modules/waterfall.vy",
        "min(min(rest, max(limit, drawn) - drawn), self._maker_worth(market))",
        "min(rest, max(limit, drawn) - drawn)",
    ),
    _clearing(
        "depth-changes-without-accrual", "missing accrual", "Governance.vy",
        "    ledger._accrue(market)\n    pricing._sweep_pool(market)\n    venue._set_skew_scale",
        "    pricing._sweep_pool(market)\n    venue._set_skew_scale",
    ),
    _clearing(
        "depth-below-what-is-open", "dropped check", "Governance.vy",
        "    if skew_scale < before:\n", "    if False:\n",
    ),
    _clearing(
        "depth-changes-at-any-time", "dropped check", "Governance.vy",
        "ledger.scaled_at[market] + SCALE_INTERVAL", "ledger.scaled_at[market]",
    ),
    _clearing(
        "without-risk-no-rule", "off by one", "modules/risk_engine.vy",
        "out.risk = max(portfolio_math.norm_up(out.v), 1)", "out.risk = portfolio_math.norm_up(out.v)",
    ),
    _clearing(
        "hedge-closed-beyond-its-use", "dropped check", "modules/liquidation.vy",
        "portfolio_math.greatest_reduction(before.state.equity, before.v, z, lost, weight, most)", "most",
    ),
    _clearing(
        "engine-answers-anybody", "dropped check", "modules/ledger.vy",
        'errors.check(self.collateral_count != 0, "clearing: delegatecall only")', "pass",
    ),
    _clearing(
        "no-delay", "dropped check", "modules/roles.vy",
        'errors.check(block.timestamp >= ready, "roles: too early")', "pass",
    ),
    _clearing(
        "announced-once-done-forever", "missing term", "modules/roles.vy",
        '    errors.check(block.timestamp <= ready + VALID_FOR, "roles: expired")\n    self.scheduled_at[call_id] = 0\n',
        '    errors.check(block.timestamp <= ready + VALID_FOR, "roles: expired")\n',
    ),
)  # fmt: skip

_SHARES = (
    _vault(
        "no-virtual-shares", "missing term", "modules/share_token.vy",
        "VIRTUAL_SHARES: constant(uint256) = 10**12", "VIRTUAL_SHARES: constant(uint256) = 1",
    ),
    _vault(
        "withdrawal-rounds-for-the-caller", "flipped rounding", "modules/share_pricing.vy",
        "return share_token.shares_up(gross, terms.supply, terms.total)",
        "return share_token.shares_down(gross, terms.supply, terms.total)",
    ),
    _vault(
        "mint-rounds-for-the-caller", "flipped rounding", "modules/share_pricing.vy",
        "net: uint256 = share_token.assets_up(shares, terms.supply, terms.total)",
        "net: uint256 = share_token.assets_down(shares, terms.supply, terms.total)",
    ),
    _vault(
        "exit-fee-forgotten", "missing term", "modules/share_pricing.vy",
        "    return fixed_point.mul_div_down(gross, WAD - vault_parameters.values.exit_fee, WAD)",
        "    return gross",
    ),
    _vault(
        "allowance-forgotten", "dropped check", "HedgeVault.vy",
        "    share_token._spend_allowance(owner, shares)\n", "",
    ),
    _vault(
        "deposit-cap-ignored", "dropped check", "HedgeVault.vy",
        'errors.check(assets <= share_pricing._room(terms), "vault: deposit cap")', "pass",
    ),
    _vault(
        "a-place-in-line-for-nothing", "dropped check", "modules/withdrawal_queue.vy",
        'errors.check(shares >= LEAST_REQUEST, "vault: least request")', "pass",
    ),
    _vault(
        "leaving-at-the-others-cost", "dropped check", "HedgeVault.vy",
        'errors.check(cost <= kept, "vault: slippage")', "pass",
    ),
    _vault(
        "settled-at-the-others-cost", "missing term", "VaultExits.vy",
        "        if cost != 0:\n", "        if False:\n",
    ),
    _vault(
        "passing-the-queue", "dropped check", "HedgeVault.vy",
        'owed: uint256 = share_pricing._preview_redeem(withdrawal_queue.queued_shares, terms)',
        "owed: uint256 = 0",
    ),
    _vault(
        "in-kind-to-whoever-consented-at-the-venue", "dropped check", "VaultExits.vy",
        "        receiver == msg.sender or vault_core.in_kind_consent[receiver][msg.sender],\n",
        "        True,\n",
    ),
    _vault(
        "in-kind-past-the-exit-fee", "missing term", "VaultExits.vy",
        "paid: uint256 = fixed_point.mul_div_down(shares, WAD - vault_parameters.values.exit_fee, WAD)",
        "paid: uint256 = shares",
    ),
    _vault(
        "a-slice-of-dust", "dropped check", "BackOffice.vy",
        "len(markets) == 0 or fraction == WAD or worth >= LEAST_SLICE", "True",
    ),
    _vault(
        "part-payment-burns-too-little", "flipped rounding", "VaultExits.vy",
        "shares = fixed_point.mul_div_up(shares, part, due)",
        "shares = fixed_point.mul_div_down(shares, part, due)",
    ),
    _vault(
        "last-in-first-out", "swapped order", "modules/withdrawal_queue.vy",
        "        self.request[last].next = owner\n",
        "        self.request[last].next = owner\n        self.queue_head = owner\n",
    ),
    _vault(
        "management-fee-of-the-whole-supply", "missing term", "modules/vault_fees.vy",
        "return fixed_point.mul_div_down(share_token.totalSupply, part, WAD - part)",
        "return fixed_point.mul_div_down(share_token.totalSupply, part, WAD)",
    ),
    _vault(
        "performance-fee-without-a-mark", "missing term", "modules/vault_fees.vy",
        "vault_parameters.values.performance_fee * (price - due.mark)",
        "vault_parameters.values.performance_fee * price",
    ),
    _vault(
        "mark-never-moves", "missing term", "modules/vault_fees.vy",
        "    self.high_water_mark = due.mark\n", "",
    ),
    _vault(
        "fees-charged-twice", "missing accrual", "modules/vault_fees.vy",
        "    self.fees_accrued_at = block.timestamp\n    shares: uint256", "    shares: uint256",
    ),
)  # fmt: skip

_KEEPING = (
    _vault(
        "hedge-the-wrong-way", "wrong sign", "modules/hedge_leg.vy",
        "fixed_point.mul_div_floor(-self.beta[hedge], exposure, index)",
        "fixed_point.mul_div_floor(self.beta[hedge], exposure, index)",
    ),
    _vault(
        "rebalance-within-the-band", "dropped check", "VaultStrategy.vy",
        "        if notional > band and", "        if notional > 0 and",
    ),
    _vault(
        "idle-base-unhedged", "missing term", "VaultStrategy.vy",
        "        book.position.lp_base + pool_leg.idle_base, 0, book.prices\n",
        "        book.position.lp_base, 0, book.prices\n",
    ),
    _vault(
        "margin-target-unchecked", "dropped check", "VaultStrategy.vy",
        "                not touched[i]\n", "                True\n",
    ),
    _vault(
        "spot-guard-dropped", "dropped check", "VaultStrategy.vy",
        "deviation * 2 * WAD <= vault_parameters.values.max_slippage * book.prices.sqrt", "True",
    ),
    _vault(
        "recentre-at-any-time", "dropped check", "VaultStrategy.vy",
        'errors.check(self._may_recenter(book, around.tick), "vault: centred")', "pass",
    ),
    _vault(
        "recentring-for-the-reward", "dropped check", "VaultStrategy.vy",
        "return block.timestamp < vault_core.recentred_at + RECENTER_INTERVAL", "return False",
    ),
    _vault(
        "reward-unbounded-by-value", "dropped check", "VaultStrategy.vy",
        "        fixed_point.mul_div_down(vault_parameters.values.keeper_share, protected, WAD),\n",
        "        max_value(uint256),\n",
    ),
    _vault(
        "margin-takes-the-keepers-pay", "missing term", "modules/hedge_margin.vy",
        "min(wanted, self._free())", "min(wanted, pool_leg.idle_usdc)",
    ),
    _vault(
        "recentring-spends-the-keepers-pay", "missing term", "VaultStrategy.vy",
        "min(hedge_margin._free(), usdc)", "min(pool_leg.idle_usdc, usdc)",
    ),
    _vault(
        "exits-leave-no-pay-for-keepers", "missing term", "VaultStrategy.vy",
        "hedge_margin._take_spare_margin(assets + vault_core._kept_at_most())",
        "hedge_margin._take_spare_margin(assets)",
    ),
    _vault(
        "best-account-deleveraged", "wrong sign", "VaultStrategy.vy",
        "            if ratio < lowest:\n", "            if ratio > lowest or worst == 0:\n",
    ),
    _vault(
        "pledge-counted-in-both-legs", "missing term", "modules/vault_core.vy",
        "            state.value -= convert(book.lp_value, int256)  # the cross account is the first\n",
        "            pass\n",
    ),
    _vault(
        "fees-left-out-of-nav", "missing term", "modules/vault_core.vy",
        "pool_leg.idle_usdc + book.position.lp_usdc + book.position.fees_usdc,",
        "pool_leg.idle_usdc + book.position.lp_usdc,",
    ),
    _vault(
        "spot-in-nav", "swapped order", "modules/vault_core.vy",
        "book.position = pool_leg._position(book.prices.sqrt)",
        "book.position = pool_leg._position(pool_leg._spot())",
    ),
    _vault(
        "callback-pays-anybody", "dropped check", "modules/pool_leg.vy",
        'errors.check(msg.sender == POOL.address and self._in_pool_call, "vault: not the pool")', "pass",
    ),
    _vault(
        "fees-of-burnt-liquidity-stay", "missing term", "modules/pool_leg.vy",
        "    self.idle_usdc += usdc\n    if burnt == held:", "    if burnt == held:",
    ),
    _vault(
        "part-of-a-swap-is-enough", "dropped check", "modules/pool_leg.vy",
        "done = convert(amount, int256) == (base if sells_base else usdc)", "done = True",
    ),
    _vault(
        "betas-change-at-once", "dropped check", "modules/hedge_leg.vy",
        'errors.check(change <= largest_change, "vault: beta change too fast")', "pass",
    ),
    _vault(
        "fee-below-the-oracles-deviation", "dropped check", "modules/vault_parameters.vy",
        'errors.check(min(new.entry_fee, new.exit_fee) >= deviation, "vault: fee below deviation")', "pass",
    ),
)  # fmt: skip

_OWING = (
    _owed(
        "shares-sold-before-a-debt-is-forgiven", "dropped check", "HedgeVault.vy",
        'errors.check(not owing, "vault: account insolvent")', "pass",
    ),
    _owed(
        "most-that-may-come-in-forgets-the-debt", "dropped check", "HedgeVault.vy",
        "if not known or owing or vault_core.paused:", "if not known or vault_core.paused:",
    ),
    _owed(
        "debt-without-its-pledge", "missing term", "modules/vault_core.vy",
        "        if state.value < 0:\n",
        "        if state.value < convert(book.lp_value, int256):\n",
    ),
    _owed(
        "top-up-of-a-debt", "dropped check", "VaultStrategy.vy",
        "        if not hedge_leg._owes(book.owing, i) and hedge_margin._below(",
        "        if hedge_margin._below(",
    ),
    _owed(
        "deleverage-for-a-debt", "dropped check", "VaultStrategy.vy",
        "        if not owes and book", "        if book",
    ),
    _owed(
        "recentring-pays-a-debt", "dropped check", "VaultStrategy.vy",
        "lacking.append(0 if hedge_leg._owes(book.owing, i) else raw)", "lacking.append(raw)",
    ),
    _owed(
        "pledged-for-a-debt", "dropped check", "VaultStrategy.vy",
        "    if pool_leg.PLEDGED and hedge_leg._owes(book.owing, 0):\n", "    if False:\n",
    ),
    _owed(
        "line-paid-before-a-debt-is-forgiven", "dropped check", "VaultExits.vy",
        'errors.check(not worth.owing, "vault: account insolvent")', "pass",
    ),
    _owed(
        "unwinding-closes-what-owes", "dropped check", "modules/hedge_leg.vy",
        "        if size == 0 or self._owes(owing, leg.account):\n", "        if size == 0:\n",
    ),
    _aave(
        "deleverage-unwinds-what-backs-a-debt", "dropped check", "VaultStrategy.vy",
        "not (book.position.pledged and hedge_leg._owes(book.owing, 0))", "True",
    ),
)  # fmt: skip

_LENDING = (
    _aave(
        "zero-ltv-dust-stays-collateral", "missing step", "AaveHedge.vy",
        "        extcall AAVE.setUserUseReserveAsCollateral(asset, False)\n", "        pass\n",
    ),
    _aave(
        "aaves-refusal-stops-the-vault", "dropped check", "modules/refusals.vy",
        'return 48 <= first and first <= 57  # "0" to "9"', "return False",
    ),
    _aave(
        "every-refusal-is-passed-over", "dropped check", "modules/hedge_leg.vy",
        "else refusals.is_aaves(answer)", "else True",
    ),
    _aave(
        "refused-margin-leaves-idle", "missing term", "modules/hedge_margin.vy",
        "        pool_leg.idle_usdc += raw\n        self._say_refused(account, raw, answer)\n",
        "        self._say_refused(account, raw, answer)\n",
    ),
    _aave(
        "paused-margin-is-withdrawable", "dropped check", "AaveHedge.vy",
        "    if not self._gives_usdc():\n        return 0\n", "",
    ),
    _aave(
        "liquidity-sold-for-an-account-aave-holds", "dropped check", "VaultStrategy.vy",
        " and hedge_margin._can_reduce(i, False):", ":",
    ),
    _aave(
        "what-aave-holds-is-to-be-raised", "dropped check", "VaultStrategy.vy",
        " and hedge_margin._can_reduce(account, True)\n", "\n",
    ),
    _aave(
        "slice-forgone-unasked", "dropped check", "AaveHedge.vy",
        "if not self.forgoes[payer] or not refusals.is_aaves(reason):",
        "if not refusals.is_aaves(reason):",
    ),
    _aave(
        "slice-forgone-for-want-of-gas", "dropped check", "AaveHedge.vy",
        "if not self.forgoes[payer] or not refusals.is_aaves(reason):",
        "if not self.forgoes[payer]:",
    ),
    _aave(
        "forgoing-never-ends", "missing step", "AaveHedge.vy",
        "    self.forgoes[payer] = False\n", "",
    ),
    _aave(
        "lent-usdc-is-waited-for", "dropped check", "AaveHedge.vy",
        "if raw <= self._available(USDC, A_USDC):", "if True:",
    ),
    _aave(
        "anybody-moves-a-slice", "dropped check", "AaveHedge.vy",
        'errors.check(msg.sender == self, "hedge: not the vault")', "pass",
    ),
)  # fmt: skip

_SEATS = (
    _seats(
        "seats-go-to-anybody", "dropped check", "Trading.vy",
        "if held < size // 2 and held <= largest:", "if True:",
    ),
    _seats(
        "seats-stop-at-who-cannot-leave", "missing step", "Trading.vy",
        "        if left:\n", '        errors.check(left, "clearing: seat")\n        if left:\n',
    ),
    _seats(
        "slices-take-free-seats-only", "missing step", "BackOffice.vy",
        "if ledger._is_full(market):", "if False:",
    ),
    _seats(
        "seats-of-slices-for-nothing", "missing step", "Trading.vy",
        "    pricing._pay_premium(account, market, convert(premium, int256))\n", "",
    ),
    _seats(
        "seats-past-deleveraging", "dropped check", "Trading.vy",
        "after.value >= 0 and after.equity >= convert(after.maintenance, int256)", "True",
    ),
    _seats(
        "seats-never-given-up", "missing term", "Trading.vy",
        "if not ledger._is_full(market):", "if True:",
    ),
    _seats(
        "seats-without-blame", "missing step", "Trading.vy",
        "    ledger._note_debt(leaver, market, -delta, cash)\n", "",
    ),
    _clearing(
        "insurance-before-the-premium", "swapped order", "Deleveraging.vy",
        "    if now <= earned:\n        return 0\n", "",
    ),
    _clearing(
        "winners-pay-what-is-insured", "missing term", "Deleveraging.vy",
        "convert(fixed_point.mul_div_down(magnitude, wanted - paid, wanted), int256)",
        "convert(magnitude, int256)",
    ),
    _clearing(
        "debt-covered-of-what-stays-open", "missing term", "Deleveraging.vy",
        "now: uint256 = fixed_point.mul_div_up(share, most, magnitude)", "now: uint256 = share",
    ),
)  # fmt: skip

_POWERS = (
    _governed(
        "covariance-arrives-at-once", "missing term", "modules/ledger.vy",
        "if elapsed >= COVARIANCE_RAMP:", "if True:",
    ),
    _governed(
        "covariance-posted-every-block", "dropped check", "modules/venue.vy",
        "flat or block.timestamp >= ledger.covariance_posted_at + ledger.COVARIANCE_RAMP", "True",
    ),
    _governed(
        "covariance-of-any-step", "dropped check", "modules/venue.vy",
        "way = min(way, portfolio_math.reach(before, word, STEP, LEAST_STEP))", "pass",
    ),
    _governed(
        "covariance-of-any-volatility", "dropped check", "modules/venue.vy",
        "self._require(portfolio_math.norm_up(entries) <= MAX_VOLATILITY)", "pass",
    ),
    _governed(
        "stricter-terms-at-once", "dropped check", "modules/venue.vy",
        "if asked <= current or ledger._is_flat():", "if True:",
    ),
    _governed(
        "tightened-all-the-way", "missing term", "modules/venue.vy",
        "min(block.timestamp - ramp.counted_at, TERMS_STEP)", "TERMS_STEP",
    ),
    _governed(
        "silence-made-up-for-at-once", "missing term", "modules/venue.vy",
        "min(block.timestamp - ramp.counted_at, TERMS_STEP)", "block.timestamp - ramp.counted_at",
    ),
    _clearing(
        "phi-moves-b-unswept", "missing step", "Governance.vy",
        "    if parameters.gross_floor != ledger.parameters.gross_floor:\n"
        "        self._sweep_pools()\n", "",
    ),
    _clearing(
        "tightened-unswept", "missing step", "Governance.vy",
        "        self._sweep_if_heard(term)\n", "        pass\n",
    ),
    _clearing(
        "a-dead-feed-holds-up-phi", "dropped check", "Governance.vy",
        "    if heard:\n", "    if True:\n",
    ),
    _governed(
        "new-collateral-without-haircut", "missing term", "modules/venue.vy",
        "    ledger.collateral[collateral].haircut = haircut  # nobody holds any: no ramp\n", "",
    ),
    _silent(
        "liquidation-needs-every-feed", "dropped check", "modules/liquidation.vy",
        "margin._valuation(account, False)", "margin._valuation(account, True)",
    ),
    _clearing(
        "pledge-cap-in-liquidity", "missing term", "modules/pledged_liquidity.vy",
        "fixed_point.mul_div_up(terms.liquidity, terms.sqrt_upper - terms.sqrt_lower, 2**96)",
        "terms.liquidity",
    ),
    _silent(
        "pledge-divided-by-no-price", "dropped check", "modules/basket.vy",
        "    if usdc_price == 0:", "    if False:",
    ),
    _silent(
        "liquidation-at-an-old-usdc", "dropped check", "modules/liquidation.vy",
        "    ledger._price(ledger.USDC_TOKEN, True)\n", "",
    ),
    _silent(
        "position-worth-nothing-for-want-of-a-price", "dropped check", "modules/liquidation.vy",
        'errors.check(ledger._index(market, False) != 0, "oracle: stale")', "pass",
    ),
    _governed(
        "gross-rule-back-at-once", "dropped check", "modules/venue.vy",
        "    self._check_parameters(new)\n", "",
    ),
    _governed(
        "skew-scale-by-any-factor", "dropped check", "modules/venue.vy",
        "skew_scale >= old - old // 2 and", "",
    ),
    _governed(
        "skew-scale-above-the-owners", "dropped check", "modules/venue.vy",
        "skew_scale <= min(2 * old, ledger.deepest[market])", "skew_scale <= 2 * old",
    ),
    _governed(
        "anybody-dismisses-the-risk-manager", "dropped check", "modules/roles.vy",
        "self._only_guardian()\n    self.risk_manager", "self.risk_manager",
    ),
    Mutant(
        "another-source-at-any-price", "dropped check", "PriceOracle.vy",
        'assert apart * WAD <= (old.deviation + deviation) * served.price, "oracle: deviates"',
        "pass", _ORACLE,
    ),
    _stolen(
        "first-betas-of-any-size", "dropped check", "modules/hedge_leg.vy",
        " or pool_leg.idle_base != 0 or pool_leg._has_liquidity()", "",
    ),
    _stolen(
        "betas-drift-as-the-owner-likes", "dropped check", "modules/vault_parameters.vy",
        "new.beta_max_change * DAY <= MAX_BETA_DRIFT * new.beta_interval", "True",
    ),
)  # fmt: skip

_SETTLEMENT: tuple[Mutant, ...] = (
    _ended(
        "new-risk-in-a-market-that-ends", "dropped check", "Trading.vy",
        "    errors.check(not adds_risk or ledger.settlement[market] == 0, "
        '"clearing: winding down")\n',
        "",
    ),
    _ended(
        "debts-are-nothing-without-a-price-of-usdc", "dropped check", "modules/margin.vy",
        'errors.check(valuation.usdc_price != 0, "oracle: stale")', "pass",
    ),
    _ended(
        "debt-forgiven-for-what-has-no-price", "dropped check", "Settlement.vy",
        "settled_at + FEED_WAIT or self._is_priced(account)", "settled_at",
    ),
    _ended(
        "no-price-holds-up-the-winners-for-good", "dropped exception", "Settlement.vy",
        "block.timestamp >= settled_at + FEED_WAIT or self", "self",
    ),
    _ended(
        "settled-before-liquidated", "missing step", "Settlement.vy",
        "        self._check_liquidated_elsewhere(account)\n", "        pass\n",
    ),
    _ended(
        "liquidated-first-past-a-dead-feed", "dropped exception", "Settlement.vy",
        "possible or ledger._heard(ledger.market[market].asset)[0]", "True",
    ),
    _ended(
        "settled-before-the-notice-is-over", "dropped check", "Settlement.vy",
        "due != 0 and block.timestamp >= due", "due != 0",
    ),
    _ended(
        "settled-at-the-last-price-of-a-pause", "dropped check", "Settlement.vy",
        "    if block.timestamp < due + FEED_WAIT:\n", "    if False:\n",
    ),
    _ended(
        "shortfall-on-a-side", "dropped check", "modules/maker.vy",
        "        and ledger._settlement_price(market) == 0\n", "",
    ),
    _ended(
        "gains-shown-uncut", "missing term", "modules/maker.vy",
        "    if profit > 0 and ledger._settlement_price(market) != 0 and", "    if False and",
    ),
    _ended(
        "seats-of-a-settled-market", "dropped check", "Trading.vy",
        "    ledger._check_delegated()\n    ledger._check_not_settled(market)\n    ledger._accrue",
        "    ledger._check_delegated()\n    ledger._accrue",
    ),
    _ended(
        "settled-twice", "dropped check", "Settlement.vy",
        "    ledger._check_market(market)\n    ledger._check_not_settled(market)\n"
        "    due: uint256", "    ledger._check_market(market)\n    due: uint256",
    ),
    _ended(
        "funding-after-the-end", "missing term", "Settlement.vy",
        "    ledger.market[market].max_funding_velocity = 0\n", "",
    ),
    _ended(
        "funding-for-a-silent-feed", "missing term", "Settlement.vy",
        "    return price, min(updated_at, block.timestamp)\n",
        "    return price, block.timestamp\n",
    ),
    _ended(
        "premiums-to-the-other-side", "wrong sign", "Settlement.vy",
        "        if (size > 0) == (skew > 0):\n", "        if (size > 0) != (skew > 0):\n",
    ),
    _ended(
        "premiums-lost", "missing term", "Settlement.vy",
        "    self._return_premiums(market)\n", "",
    ),
    _ended(
        "makers-hole-forgotten", "missing term", "Settlement.vy",
        "    maker._cover(market, price)\n", "",
    ),
    _ended(
        "gains-before-losses", "dropped check", "Settlement.vy",
        '        errors.check(gain >= 0, "clearing: losses first")\n'
        "        gains += convert(gain, uint256)\n",
        "        gains += convert(max(gain, 0), uint256)\n",
    ),
    _ended(
        "first-come-first-paid", "missing term", "Settlement.vy",
        "    missing: uint256 = min(ledger.shortfall[market], gains)\n",
        "    missing: uint256 = 0\n",
    ),
    _ended(
        "debts-of-a-settled-market-forgotten", "missing term", "Settlement.vy",
        "    if gain < 0 and ledger.cash[account] < 0:\n", "    if False:\n",
    ),
    _ended(
        "settled-losses-by-side", "missing term", "modules/waterfall.vy",
        "    if ledger._settlement_price(market) != 0:\n", "    if False:\n",
    ),
    _ended(
        "hedge-taken-at-once", "dropped check", "Settlement.vy",
        '    errors.check(not protected or self._is_healthy(account), "clearing: too soon")\n', "",
    ),
    _ended(
        "maker-leaves-before-the-debts", "dropped check", "Governance.vy",
        "        ledger._check_not_settled(market)  # it stands", "        # it stands",
    ),
    _ended(
        "settled-position-valued-by-its-feed", "missing term", "modules/risk_engine.vy",
        "index: uint256 = ledger._index(market, fresh)",
        "index: uint256 = ledger._price(ledger.market[market].asset, fresh)",
    ),
    _unwound(
        "wind-down-stops-the-rebalance", "dropped check", "modules/hedge_leg.vy",
        "refusals.is_wind_down(answer) if self._is_perp(venue) else", "not self._is_perp(venue) and",
    ),
    _unwound(
        "settled-leg-asks-its-feed", "dropped check", "VaultStrategy.vy",
        "        if index == 0:\n            continue\n", "",
    ),
    _unwound(
        "settled-leg-left-open", "missing term", "modules/hedge_leg.vy",
        'method_id=method_id("settle_position(uint256,uint256)")',
        'method_id=method_id("settle_market(uint256)")',
    ),
)  # fmt: skip

MUTANTS: tuple[Mutant, ...] = (
    *_MATH, *_PRICE, *_MARGIN, *_TRADING, *_LIQUIDATION, *_PREMIUM, *_OFFICE, *_SHARES, *_KEEPING,
    *_OWING, *_LENDING, *_SEATS, *_POWERS, *_SETTLEMENT, *STABLE, *FAULTS,
)  # fmt: skip
