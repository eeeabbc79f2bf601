"""Ten thousand operations of the smallest size drift by dust at most, and never to the caller."""

from __future__ import annotations

from simulator.chain.evm.codec import Contract
from tests.exploits.ground import BTC_MARKET, USDC
from tests.exploits.stage import Stage
from tests.reference.integers import WAD

ROUNDS, PER_ROUND = 1_250, 8


class Dust:
    """Calldata encoded once: the operations are the same every time."""

    def __init__(self, stage: Stage, role: str) -> None:
        self.stage, self.sender = stage, stage.actor(role)
        self.calls: list[tuple[str, bytes]] = []

    def add(self, contract: Contract, name: str, *arguments: object) -> None:
        self.calls.append((contract.address, contract.calldata(name, *arguments)))

    def run(self) -> int:
        """All of them once; how many were done."""
        for address, data in self.calls:
            self.stage.chain.transact(self.sender, address, data)
        return len(self.calls)


def test_ten_thousand_dust_operations_drift_by_dust() -> None:
    stage = Stage()
    stage.run_vault(1e6, hedged=False)
    stage.give("speck", USDC, 1_000)
    stage.post("speck", 1_000)
    stage.enter("speck", 1_000)
    house, vault, speck = stage.clearing, stage.vault, stage.actor("speck")
    dust = Dust(stage, "speck")
    dust.add(house, "deposit", speck, 0, 0, 1)
    dust.add(house, "transfer_margin", 0, BTC_MARKET + 1, 1)
    dust.add(house, "withdraw", BTC_MARKET + 1, 0, 1, speck)
    dust.add(house, "trade", 0, BTC_MARKET, 3, 2**255)
    dust.add(house, "trade", 0, BTC_MARKET, -3, 0)
    dust.add(vault, "deposit", 3, speck)
    dust.add(vault, "withdraw", 1, speck, speck)
    dust.add(vault, "redeem", 2 * 10**12, speck, speck)
    assert len(dust.calls) == PER_ROUND

    wealth, venue = stage.raw_balance(speck, USDC), stage.backstop()
    cash, share = stage.cash("speck"), vault.call("convertToAssets", 10**24)
    supply = vault.call("balanceOf", speck)
    done = sum(dust.run() for _ in range(ROUNDS))
    assert done == 10_000

    raw = stage.raw_balance(house.address, USDC)
    booked = stage.cash("speck") + stage.makers() + house.call("insurance_fund")
    booked += house.call("cash", int(vault.address, 16) << 8)
    pool = house.call("premium_pool", BTC_MARKET)
    booked += pool
    assert 0 <= raw * 10**12 - booked < 10**12  # below a unit, and the venue's
    # WAD, a hundred-millionth of a unit; and as premium a round-up of one wei of BTC, in the pool.
    index = house.call("mark_price", BTC_MARKET) // WAD + 1
    assert 0 < pool <= ROUNDS * index
    assert 0 <= cash - stage.cash("speck") - pool <= ROUNDS * 10**4
    assert stage.backstop() >= venue
    assert house.call("market_state", BTC_MARKET)[0] == 0

    assert 0 <= vault.call("convertToAssets", 10**24) - share <= 10 * done  # 10⁻¹² of a share
    spent = wealth - stage.raw_balance(speck, USDC)
    got = vault.call("previewRedeem", vault.call("balanceOf", speck)) - vault.call(
        "previewRedeem", supply
    )
    assert got <= spent <= got + 4 * ROUNDS
