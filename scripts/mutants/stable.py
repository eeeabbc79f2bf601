"""The planted bugs of StableSwap."""

from __future__ import annotations

from scripts.mutants.plant import Mutant

_TESTS = (
    "tests/security/test_stable_swap_refusals.py",
    "tests/properties/test_stableswap_math.py",
    "tests/properties/test_stableswap_properties.py",
    "tests/exploits/test_read_only_reentrancy.py",
    "tests/exploits/test_pool_inflation.py",
    "tests/properties/test_stableswap_worth.py",
    "tests/vault/test_stable_leg.py",
)
_MATH, _POOL, _SHARE = "modules/stableswap_math.vy", "StableSwap.vy", "modules/pool_share.vy"
_LEG = "modules/pool_leg.vy"


def _bug(name: str, kind: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, kind, file, old, new, _TESTS)


STABLE: tuple[Mutant, ...] = (
    _bug(
        "newton-ends-a-step-early", "off by one", _MATH,
        "        if d + 1 >= last:", "        if d + 10**15 >= last:",
    ),
    _bug(
        "no-guard-digits", "flipped rounding", _MATH,
        "GUARD: constant(uint256) = 10**9", "GUARD: constant(uint256) = 1",
    ),
    _bug(
        "balance-of-too-little", "flipped rounding", _MATH,
        "c = fixed_point.div_up(c * d, x[k] * n)", "c = c * d // (x[k] * n)",
    ),
    _bug(
        "balance-in-its-first-step", "off by one", _MATH,
        "(round != 0 or y <= last + 1)", "True",
    ),
    _bug(
        "amplification-without-the-coins", "missing term", _POOL,
        "_ANN = n * amplification", "_ANN = amplification",
    ),
    _bug(
        "fee-off-the-peg-rounds-down", "flipped rounding", _MATH,
        "return fixed_point.mul_div_up(off_peg * fee",
        "return fixed_point.mul_div_down(off_peg * fee",
    ),
    _bug(
        "fee-off-the-peg-of-one-coin", "wrong term", _MATH,
        "* a, b, (a + b) ** 2", "* a, a, (a + b) ** 2",
    ),
    _bug(
        "balance-left-without-its-unit", "flipped rounding", _POOL,
        "stableswap_math.balance_of(coin_out, x, d, _ANN) + 1",
        "stableswap_math.balance_of(coin_out, x, d, _ANN)",
    ),
    _bug(
        "exchange-without-fee", "missing term", _POOL,
        "return raw_out - fixed_point.wad_mul_down(raw_out, at)", "return raw_out",
    ),
    _bug(
        "fee-at-the-balances-before", "wrong term", _POOL,
        "before_in + x[coin_in], before_out + y, fee", "2 * before_in, 2 * before_out, fee",
    ),
    _bug(
        "adding-one-coin-is-free", "missing term", _POOL,
        "        after[k] -= charged\n",
        "        pass\n",
    ),
    _bug(
        "shares-round-up", "flipped rounding", _POOL,
        "fixed_point.mul_div_down(supply, d - d0 - MARGIN, d0 + MARGIN)",
        "fixed_point.mul_div_up(supply, d - d0 - MARGIN, d0 + MARGIN)",
    ),
    _bug(
        "adding-without-margin", "flipped rounding", _POOL,
        "MARGIN: constant(uint256) = 2", "MARGIN: constant(uint256) = 0",
    ),
    _bug(
        "no-share-is-locked", "dropped check", _POOL,
        "        pool_share._issue(empty(address), LOCKED_SHARES)\n",
        "        pass\n",
    ),
    _bug(
        "parts-round-up", "flipped rounding", _POOL,
        "part: uint256 = fixed_point.mul_div_down(self._raw[k], shares, supply)",
        "part: uint256 = fixed_point.mul_div_up(self._raw[k], shares, supply)",
    ),
    _bug(
        "supply-after-the-shares-are-gone", "swapped order", _POOL,
        "    supply: uint256 = pool_share.totalSupply\n"
        "    pool_share._cancel(msg.sender, shares)\n",
        "    pool_share._cancel(msg.sender, shares)\n"
        "    supply: uint256 = pool_share.totalSupply\n",
    ),
    _bug(
        "one-coin-without-imbalance-fee", "missing term", _POOL,
        "            x[k] -= self._imbalance_fee(x[k] + y, d0 + d, gap)\n",
        "            pass\n",
    ),
    _bug(
        "one-coin-pays-its-unit", "flipped rounding", _POOL,
        "stableswap_math.balance_of(coin, x, d, _ANN) + 1",
        "stableswap_math.balance_of(coin, x, d, _ANN)",
    ),
    _bug(
        "one-coin-burns-nothing", "missing term", _POOL,
        "    pool_share._cancel(msg.sender, shares)\n    self._raw[coin] -= raw\n",
        "    self._raw[coin] -= raw\n",
    ),
    _bug(
        "rates-not-asked", "missing term", _POOL,
        "            rates[k] = rates[k] * told // WAD\n", "",
    ),
    _bug(
        "coins-that-keep-a-fee", "dropped check", _POOL,
        "moved and staticcall token.balanceOf(self) == held + raw", "moved",
    ),
    _bug(
        "no-least-amount-of-an-exchange", "dropped check", _POOL,
        "raw_out != 0 and raw_out >= min_out", "raw_out != 0",
    ),
    _bug(
        "no-least-amount-of-one-coin", "dropped check", _POOL,
        "raw != 0 and raw >= min_raw", "raw != 0",
    ),
    _bug(
        "no-least-amount-of-a-part", "dropped check", _POOL,
        "part >= min_raw[k]", "True",
    ),
    _bug(
        "no-least-shares", "dropped check", _POOL,
        "shares != 0 and shares >= min_shares", "shares != 0",
    ),
    _bug(
        "views-without-the-lock", "dropped check", _POOL,
        "@view\n@external\ndef get_virtual_price",
        "@view\n@external\n@reentrant\ndef get_virtual_price",
    ),
    _bug(
        "allowance-not-used-up", "missing term", _SHARE,
        "        self.allowance[sender][msg.sender] = unsafe_sub(allowed, amount)\n", "",
    ),
    _bug(
        "shares-out-of-nothing", "dropped check", _SHARE,
        'errors.check(self.balanceOf[holder] >= amount, "stable: insufficient shares")', "pass",
    ),
    _bug(
        "dear-coin-for-the-cheap-one", "swapped order", _MATH,
        "y, x = self._curve_below(max(RAY", "x, y = self._curve_below(max(RAY",
    ),
    _bug(
        "root-far-from-the-root", "off by one", _MATH,
        "NEAR: constant(uint256) = 10**9", "NEAR: constant(uint256) = 10**25",
    ),
    _bug(
        "price-of-the-other-coin", "wrong term", _MATH,
        "ann * x // PRECISION + p, PRICE_ONE, ann * y // PRECISION + p), y, x",
        "ann * x // PRECISION + p, PRICE_ONE, ann * y // PRECISION + p), x, y",
    ),
    _bug(
        "shares-at-what-the-pool-holds", "wrong term", _POOL,
        "fixed_point.mul_div_down(price, rates[1], rates[0] * (PRICE_ONE // RAY)), _ANN",
        "stableswap_math.marginal_price(self._raw[0] * rates[0] // WAD, "
        "self._raw[1] * rates[1] // WAD, d, _ANN) // (PRICE_ONE // RAY), _ANN",
    ),
    _bug(
        "more-than-is-in-proportion", "flipped rounding", _POOL,
        "return fixed_point.mul_div_down(other, self._raw[coin], self._raw[1 - coin])",
        "return fixed_point.mul_div_up(other, self._raw[coin], self._raw[1 - coin])",
    ),
    _bug(
        "exchange-past-the-limit", "dropped check", _LEG,
        "        # But for the fee the last unit was sold at the limit or better, and so were all "
        "before it.\n        done = self._before(limit, sells_base)\n",
        "        done = True\n",
    ),
    _bug(
        "shares-given-count", "missing term", _LEG,
        "state.liquidity = convert(self.liquidity, uint256)",
        "state.liquidity = staticcall IERC20(POOL.address).balanceOf(self)",
    ),
    _bug(
        "any-fee-of-a-pool", "dropped check", _LEG,
        "assert staticcall stable.fee() * staticcall stable.off_peg_multiplier() <= "
        'MAX_STABLE_FEE, "vault: pool fee"',
        "pass",
    ),
    _bug(
        "any-coins-of-a-pool", "dropped check", _LEG,
        'assert staticcall stable.coins(0) == base and staticcall stable.coins(1) == usdc, '
        '"vault: pool tokens"',
        "pass",
    ),
    _bug(
        "shares-pledged", "dropped check", _LEG,
        'assert not pledged, "vault: pledged shares"', "pass",
    ),
    _bug(
        "coins-of-an-exit-stay", "wrong term", _LEG,
        "return extcall self._stable().remove_pair(burnt, receiver)",
        "return extcall self._stable().remove_pair(burnt, self)",
    ),
)  # fmt: skip
