"""An isolated vault: one margin account per market (SPEC §1, §4.5, §4.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.mirror import account_of
from tests.contracts.vault.conftest import TERMS, Reading, start, usdc_raw
from tests.reference.venue import wad


@pytest.fixture(scope="module")
def isolated(new_vault: Callable[..., Any], risk: Any, depositor: Any, keeper: Any) -> Any:
    """As ``running``, with an account for BTC and one for SOL."""
    vault = new_vault(isolated=True)
    start(vault, risk, depositor, keeper)
    return vault


def values(clearing: Any, vault: Any) -> list[float]:
    return [clearing.last_account_state(account_of(vault, sub)).value / 1e18 for sub in (0, 1, 2)]


def test_margin_is_shared_out_by_beta(isolated: Any, clearing: Any) -> None:
    cross, btc, sol = values(clearing, isolated)
    assert cross == 0
    assert btc == pytest.approx(0.6 * 35_000, rel=2e-3)
    assert sol == pytest.approx(0.4 * 35_000, rel=2e-3)


def test_margin_is_shared_evenly_before_betas(
    new_vault: Callable[..., Any], clearing: Any, depositor: Any, keeper: Any
) -> None:
    vault = new_vault(isolated=True)
    vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    vault.recenter(sender=keeper)
    assert values(clearing, vault)[1:] == pytest.approx([17_500, 17_500], rel=1e-9)


def test_positions_are_held_in_their_own_accounts(isolated: Any, clearing: Any) -> None:
    held = [
        [clearing.position(account_of(isolated, sub), market).size for market in (0, 1)]
        for sub in (0, 1, 2)
    ]
    assert held[0] == [0, 0]
    assert held[1][1] == held[2][0] == 0
    assert held[1][0] < 0
    assert held[2][1] < 0


def test_loss_of_one_market_stays_in_its_account(
    strategy: Any, isolated: Any, clearing: Any, keeper: Any, owner: Any, set_price: Any
) -> None:
    before = values(clearing, isolated)
    set_price(SOL=200)
    after = values(clearing, isolated)
    assert after[1] == before[1]
    assert after[2] < before[2]
    isolated.set_parameters(
        TERMS.tuple(margin_target=wad(4), top_up_ratio=wad("3.5")), sender=owner
    )
    receipt = isolated.top_up(sender=keeper)
    (added,) = receipt.decode_logs(strategy.MarginAdded)
    assert added.sub == 2


def test_recenter_moves_margin_where_new_betas_want_it(
    isolated: Any, clearing: Any, keeper: Any, risk: Any, advance: Any, move_market: Any
) -> None:
    advance(TERMS.beta_interval)
    isolated.post_betas([wad("0.35"), wad("0.65")], sender=risk)
    move_market(2_300)
    isolated.recenter(sender=keeper)
    _, btc, sol = values(clearing, isolated)
    assert btc / sol == pytest.approx(0.35 / 0.65, rel=1e-3)


def test_whole_exit_empties_every_account(
    isolated: Any, clearing: Any, depositor: Any, read: Callable[[Any], Reading]
) -> None:
    isolated.redeem(isolated.balanceOf(depositor), depositor, depositor, sender=depositor)
    assert read(isolated).sizes == (0, 0)
    assert read(isolated).lp == 0
    assert values(clearing, isolated) == pytest.approx([0, 0, 0], abs=1e-6)
