"""Who may do what to the vault: roles, bounds, pause, callbacks, construction (SPEC §4.1, §4.6)."""

from __future__ import annotations

from typing import Any

import ape
import pytest

from simulator.chain.deploy.deployment import VAULT_PARTS
from tests.contracts.vault.conftest import TERMS, usdc_raw
from tests.reference.venue import wad


@pytest.mark.parametrize(
    ("function", "arguments", "error"),
    [
        ("post_betas", ([0, 0],), "roles: not the risk manager"),
        ("set_parameters", (TERMS.tuple(),), "roles: not the owner"),
        ("set_fee_receiver", ("0x" + "11" * 20,), "roles: not the owner"),
        ("set_delay", (60,), "roles: not the owner"),
        ("schedule", (b"\x01" * 32,), "roles: not the owner"),
        ("cancel", (b"\x01" * 32,), "roles: not the guardian"),
        ("set_paused", (True,), "roles: not the guardian"),
        ("set_paused", (False,), "roles: not the owner"),
        ("set_risk_manager", ("0x" + "11" * 20,), "roles: not the owner"),
        ("set_guardian", ("0x" + "11" * 20,), "roles: not the owner"),
        ("transfer_ownership", ("0x" + "11" * 20,), "roles: not the owner"),
        ("accept_ownership", (), "roles: not the pending owner"),
    ],
)
def test_strangers_are_refused(
    vault: Any, keeper: Any, function: str, arguments: tuple[Any, ...], error: str
) -> None:
    with ape.reverts(error):
        getattr(vault, function)(*arguments, sender=keeper)


def test_ownership_moves_in_two_steps(vault: Any, owner: Any, keeper: Any) -> None:
    vault.transfer_ownership(keeper, sender=owner)
    assert vault.owner() == owner
    vault.accept_ownership(sender=keeper)
    assert vault.owner() == keeper
    vault.set_parameters(TERMS.tuple(hedge_band=wad("0.03")), sender=keeper)
    assert vault.parameters().hedge_band == wad("0.03")


def test_pause_stops_what_adds_risk_until_the_owner_lifts_it(
    vault: Any, owner: Any, guardian: Any, depositor: Any, keeper: Any
) -> None:
    vault.deposit(usdc_raw(100), depositor, sender=depositor)
    vault.set_paused(True, sender=guardian)
    assert vault.paused()
    assert vault.maxDeposit(depositor) == vault.maxMint(depositor) == 0
    for function, arguments in (
        ("deposit", (1_000_000, depositor)),
        ("mint", (10**18, depositor)),
        ("rebalance", ()),
        ("recenter", ()),
    ):
        with ape.reverts("vault: paused"):
            getattr(vault, function)(*arguments, sender=depositor)
    vault.withdraw(usdc_raw(50), depositor, depositor, sender=depositor)
    vault.redeem(10**18, depositor, depositor, sender=depositor)
    with ape.reverts("roles: not the owner"):
        vault.set_paused(False, sender=guardian)
    vault.set_paused(False, sender=owner)
    vault.deposit(1_000_000, depositor, sender=depositor)


@pytest.mark.parametrize(
    "changes",
    [
        {"range_half_width": 0},
        {"range_half_width": -2_000},
        {"range_half_width": 2_005},
        {"range_half_width": 400_010},
        {"recenter_threshold": 0},
        {"recenter_threshold": wad(10) + 1},
        {"lp_allocation": wad(1) + 1, "margin_allocation": 0},
        {"lp_allocation": wad("0.66")},
        {"hedge_band": wad(1) + 1},
        {"max_slippage": 0},
        {"max_slippage": wad("0.1") + 1},
        {"deleverage_ratio": wad(1)},
        {"top_up_ratio": wad("2.2")},
        {"margin_target": wad("3.5")},
        {"margin_target": wad("1.9"), "top_up_ratio": wad("1.8"), "deleverage_ratio": wad("1.7")},
        {"margin_target": wad(10_000) + 1},
        {"keeper_reward": usdc_raw(10_000) + 1},
        {"keeper_share": wad("0.05") + 1},
        {"management_fee": wad("0.1") + 1},
        {"performance_fee": wad("0.5") + 1},
        {"entry_fee": wad("0.1") + 1},
        {"exit_fee": wad("0.1") + 1},
        {"deposit_cap": 2**128},
        {"beta_max": wad(100) + 1},
    ],
    ids=str,
)
def test_parameters_out_of_bounds_are_refused(
    vault: Any, owner: Any, changes: dict[str, Any]
) -> None:
    with ape.reverts("vault: bad parameter"):
        vault.set_parameters(TERMS.tuple(**changes), sender=owner)


def test_callbacks_refuse_everyone_at_any_other_time(
    vault: Any, depositor: Any, keeper: Any, usdc: Any, pool: Any
) -> None:
    vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    with ape.reverts("vault: not the pool"):
        vault.uniswapV3SwapCallback(0, 10**6, b"", sender=keeper)
    with ape.reverts("vault: not the clearing house"):
        vault.on_rearrange(b"", sender=keeper)


def test_pool_itself_cannot_draw_on_the_vault_unasked(
    vault: Any, depositor: Any, keeper: Any, usdc: Any, pool: Any
) -> None:
    """A swap in favour of the vault makes the pool call its own caller, not the vault."""
    vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    with ape.reverts():
        pool.swap(vault, False, 10**9, 2**96, b"", sender=keeper)
    assert usdc.balanceOf(vault) == usdc_raw(100_000)


def test_constructor_refuses_what_does_not_fit(
    project: Any, owner: Any, usdc: Any, weth: Any, sol: Any, pool: Any, manager: Any, oracle: Any,
    clearing: Any,
) -> None:  # fmt: skip
    fits = {
        "asset": usdc, "base": weth, "pool": pool, "manager": manager, "oracle": oracle,
        "clearing": clearing,
    }  # fmt: skip

    def part(name: str, isolated: bool = False, pledged: bool = False, **others: Any) -> Any:
        addresses = tuple(place.address for place in (fits | others).values())
        return owner.deploy(getattr(project, name), (*addresses, isolated, pledged))

    def parts(**terms: Any) -> list[Any]:
        return [part(name, **terms) for name in VAULT_PARTS]

    def refused(error: str, markets: list[int], made_for: list[Any], **others: Any) -> None:
        hedges = [(clearing.address, market) for market in markets]
        arguments = (*(fits | others).values(), hedges, TERMS.tuple(), False, False, *made_for)
        with ape.reverts(error):
            owner.deploy(project.HedgeVault, *arguments)

    fitting = parts()
    refused("vault: pool tokens", [0, 1], fitting, asset=weth, base=usdc)
    refused("vault: pool tokens", [0, 1], fitting, base=sol)
    refused("vault: markets not ascending", [1, 0], fitting)
    refused("vault: markets not ascending", [0, 0], fitting)
    refused("vault: no such market", [0, 2], fitting)
    other = owner.deploy(project.PriceOracle, owner)
    refused("vault: another oracle", [0], parts(oracle=other), oracle=other)
    for place, name in enumerate(VAULT_PARTS):
        for terms in ({"oracle": other}, {"pledged": True}):
            mixed = [*fitting[:place], part(name, **terms), *fitting[place + 1 :]]
            refused("vault: another deployment", [0], mixed)
        with ape.reverts("vault: pledged and isolated"):
            part(name, isolated=True, pledged=True)


def test_runtime_code_fits_eip_170(project: Any, vault: Any, clearing: Any, chain: Any) -> None:
    for contract in (vault, vault.STRATEGY(), vault.EXITS(), clearing):
        assert 0 < len(chain.provider.get_code(getattr(contract, "address", contract))) <= 24_576


def test_views_describe_the_vault(
    vault: Any, usdc: Any, weth: Any, pool: Any, manager: Any, oracle: Any, clearing: Any
) -> None:
    assert (vault.asset(), vault.BASE(), vault.POOL()) == (usdc, weth, pool)
    assert (vault.ORACLE(), vault.CLEARING(), vault.MANAGER()) == (oracle, clearing, manager)
    assert not vault.ISOLATED()
    assert not vault.PLEDGED()
    assert vault.decimals() == 18
    assert [(h.venue, h.market) for h in vault.hedges()] == [(clearing, 0), (clearing, 1)]
    assert tuple(vault.parameters()) == TERMS.tuple()
