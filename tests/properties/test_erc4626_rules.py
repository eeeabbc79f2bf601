"""EIP-4626 rule by rule on the compiled vault, at work and with people in it.

Rounding, previews and the round trips are in test_erc4626_properties.py; here are the sentences of
the standard about what each function must and must not do.
"""

from __future__ import annotations

import pytest

from simulator.chain.evm.codec import selector
from tests.stateful.events import decode
from tests.stateful.genesis import MAX_AGE, USDC, VARIANTS
from tests.stateful.shares import quote
from tests.stateful.system import call
from tests.stateful.test_attacks import a_world
from tests.stateful.world import World

ASSETS, SHARES = 10**9, 10**21


@pytest.fixture(params=VARIANTS)
def world(request: pytest.FixtureRequest) -> World:
    return a_world(request.param)[0]


def holder(world: World) -> int:
    return world.system.actors["depositor"]


def ask(world: World, signature: str, *arguments: int) -> int:
    return world.system.view(world.system.vault, signature, *arguments)[0]


def do(world: World, signature: str, *arguments: int) -> list[int]:
    answer = world.system.send(holder(world), world.system.vault, call(signature, *arguments))
    assert not isinstance(answer, str), answer
    return answer


def test_asset_is_usdc_and_never_reverts(world: World) -> None:
    assert ask(world, "asset()") == world.usdc


def test_total_assets_includes_everything_managed_and_fees_due(world: World) -> None:
    total, _, _ = quote(world) or (0, 0, 0)
    assert ask(world, "totalAssets()") == total > 0


@pytest.mark.parametrize(
    "signature",
    ["totalAssets()", "convertToShares(uint256)", "convertToAssets(uint256)",
     "maxDeposit(address)", "maxMint(address)", "maxWithdraw(address)", "maxRedeem(address)"],
)  # fmt: skip
def test_no_reverts_with_the_oracle_dead(world: World, signature: str) -> None:
    world.pass_time(MAX_AGE + 1)
    argument = () if signature.endswith("()") else (ASSETS,)
    assert ask(world, signature, *argument) >= 0


@pytest.mark.parametrize("kind", ["convertToShares(uint256)", "convertToAssets(uint256)"])
def test_conversions_do_not_depend_on_the_caller(world: World, kind: str) -> None:
    s = world.system
    answers = {
        tuple(s.send(actor, s.vault, call(kind, ASSETS)))
        for name, actor in s.actors.items()
        if name != "attacker"
    }
    assert len(answers) == 1


def test_conversions_show_no_fees_and_previews_do(world: World) -> None:
    assert ask(world, "previewDeposit(uint256)", ASSETS) < ask(
        world, "convertToShares(uint256)", ASSETS
    )
    assert ask(world, "previewRedeem(uint256)", SHARES) < ask(
        world, "convertToAssets(uint256)", SHARES
    )
    assert ask(world, "previewMint(uint256)", SHARES) > ask(
        world, "convertToAssets(uint256)", SHARES
    )
    assert ask(world, "previewWithdraw(uint256)", ASSETS) > ask(
        world, "convertToShares(uint256)", ASSETS
    )


def test_max_deposit_and_max_mint_are_accepted_and_are_the_limit(world: World) -> None:
    most, shares = (
        ask(world, f"{name}(address)", holder(world)) for name in ("maxDeposit", "maxMint")
    )
    checkpoint = world.system.evm.snapshot()
    assert do(world, "deposit(uint256,address)", most, holder(world)) == [shares]
    world.system.evm.revert(checkpoint)
    more = call("deposit(uint256,address)", most + 1, holder(world))
    assert world.on_a_copy(holder(world), world.system.vault, more) == "vault: deposit cap"
    assert do(world, "mint(uint256,address)", shares, holder(world))[0] <= most


def test_max_deposit_does_not_depend_on_the_balance_of_the_receiver(world: World) -> None:
    s = world.system
    assert ask(world, "maxDeposit(address)", holder(world)) == ask(
        world, "maxDeposit(address)", s.reporters[0]
    )


def test_max_deposit_and_max_mint_are_zero_while_paused(world: World) -> None:
    s = world.system
    s.send(s.guardian, s.vault, call("set_paused(bool)", 1))
    assert ask(world, "maxDeposit(address)", holder(world)) == 0
    assert ask(world, "maxMint(address)", holder(world)) == 0


def test_max_withdraw_and_max_redeem_are_accepted_and_within_the_balance(world: World) -> None:
    s, owner = world.system, holder(world)
    most = ask(world, "maxRedeem(address)", owner)
    assert 0 < most <= world.book.shares[owner]
    checkpoint = s.evm.snapshot()
    do(world, "redeem(uint256,address,address)", most, owner, owner)
    s.evm.revert(checkpoint)
    most = ask(world, "maxWithdraw(address)", owner)
    do(world, "withdraw(uint256,address,address)", most, owner, owner)


def test_max_withdraw_and_max_redeem_leave_what_a_request_waits_for(world: World) -> None:
    s, owner = world.system, holder(world)
    do(world, "request_redeem(uint256,address)", SHARES, owner)
    most, owed = (
        ask(world, "maxWithdraw(address)", owner),
        ask(world, "previewRedeem(uint256)", SHARES),
    )
    liquid = s.view(s.vault, "fresh_assets()")[1]
    assert 0 < most <= liquid - owed
    do(world, "withdraw(uint256,address,address)", most, owner, owner)
    assert s.view(s.vault, "fresh_assets()")[1] >= owed


@pytest.mark.parametrize(
    ("function", "preview", "amount"),
    [
        ("deposit(uint256,address)", "previewDeposit(uint256)", ASSETS),
        ("mint(uint256,address)", "previewMint(uint256)", SHARES),
    ],
)
def test_entries_take_and_give_what_was_previewed_and_say_so(
    world: World, function: str, preview: str, amount: int
) -> None:
    s, me, receiver = world.system, holder(world), world.system.actors["donor"]
    expected = ask(world, preview, amount)
    assets, shares = (amount, expected) if "deposit" in function else (expected, amount)
    had, held = s.balance(USDC, me), world.read_share_balance(receiver)
    assert do(world, function, amount, receiver) == [expected]
    events = [e.values for e in decode(s.logs()) if e.name == "Deposit"]
    assert events == [(me, receiver, assets, shares)]
    assert had - s.balance(USDC, me) == assets
    assert world.read_share_balance(receiver) - held == shares


@pytest.mark.parametrize(
    ("function", "preview", "amount"),
    [
        ("withdraw(uint256,address,address)", "previewWithdraw(uint256)", ASSETS),
        ("redeem(uint256,address,address)", "previewRedeem(uint256)", SHARES),
    ],
)
def test_exits_burn_and_pay_what_was_previewed_and_say_so(
    world: World, function: str, preview: str, amount: int
) -> None:
    s, me, receiver = world.system, holder(world), world.system.actors["donor"]
    expected = ask(world, preview, amount)
    assets, shares = (amount, expected) if "withdraw" in function else (expected, amount)
    had, held = s.balance(USDC, receiver), world.read_share_balance(me)
    assert do(world, function, amount, receiver, me) == [expected]
    events = [e.values for e in decode(s.logs()) if e.name == "Withdraw"]
    assert events == [(me, receiver, me, assets, shares)]
    assert s.balance(USDC, receiver) - had == assets
    assert held - world.read_share_balance(me) == shares


@pytest.mark.parametrize("preview", ["Deposit", "Mint", "Withdraw", "Redeem"])
def test_previews_ignore_limits_of_the_caller(world: World, preview: str) -> None:
    """A preview answers beyond every balance and cap: maxDeposit and its like say those."""
    signature = f"preview{preview}(uint256)"
    beyond = 10**16 if preview in ("Deposit", "Withdraw") else 10**28
    assert ask(world, signature, beyond) > ask(world, signature, beyond // 10)


def test_shares_have_18_decimals_and_the_functions_of_erc20(world: World) -> None:
    assert ask(world, "decimals()") == 18
    for signature in ("name()", "symbol()"):
        data = world.system.chain.call(world.system.hex(world.system.vault), selector(signature))
        assert len(data) >= 96
