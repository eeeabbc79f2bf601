"""An isolated vault on revm: which of its margin accounts is deleveraged (SPEC §4.5)."""

from __future__ import annotations

import pytest

from tests.properties.revm_vault import Margin, System


@pytest.fixture
def system() -> System:
    """With an account for BTC and one for SOL."""
    return System(isolated=True).invest()


def margins(system: System) -> list[Margin]:
    """Of the cross account, which holds nothing, and those of BTC and SOL."""
    return [Margin(*system.clearing.call("account_state", system.account + s)) for s in range(3)]


def sizes(system: System) -> list[int]:
    return [system.clearing.call("position", system.account + 1 + m, m)[0] for m in (0, 1)]


@pytest.mark.parametrize("worst", [1, 2])
def test_deleverage_feeds_the_worst_account(system: System, worst: int) -> None:
    """Both legs shrink alike; what that raises goes to the account with the lowest ratio."""
    limit = system.get("parameters")[8] / 1e18
    prices = system.prices
    while margins(system)[worst].ratio >= limit:
        prices[1 + worst] *= 1.02
        system.move(*prices[1:])
    before, held = margins(system), sizes(system)
    other = 3 - worst
    assert before[other].ratio > before[worst].ratio
    system.do(system.keeper, "deleverage")
    after, left = margins(system), sizes(system)
    shares = [now / then for now, then in zip(left, held, strict=True)]
    assert 0 < shares[0] < 1
    assert shares[1] == pytest.approx(shares[0], rel=1e-6)
    assert after[worst].value > before[worst].value
    assert after[other].value == pytest.approx(before[other].value, rel=1e-3)  # closing costs
