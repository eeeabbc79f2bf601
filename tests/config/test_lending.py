"""The second hedge venue in a configuration: what is refused, and what it resolves to."""

from __future__ import annotations

import pytest

from simulator.config import initial_betas, load, resolve
from simulator.types import InputError

REFUSED = [
    ("vault.venues={DOGE: aave}", "vault.venues = DOGE: must be one of BTC, SOL"),
    ("vault.venues={BTC: kraken}", "vault.venues.BTC = 'kraken': must be one of clearing, aave"),
    ("aave=null", "aave = null: is required, as vault.venues.BTC = aave"),
    ("vault.venues={SOL: aave}", "aave.assets: must have SOL"),
    ("vault.betas={BTC: -0.1}", "vault.betas.BTC: must be at least 0"),
    ("aave.ltv=0.79", "aave.ltv = 0.79: must be below 0.78, aave.liquidation_threshold"),
    ("aave.liquidation_bonus=0.3", "aave.liquidation_threshold = 0.78: must be at most 0.7692"),
    ("aave.ltv=0.4", "vault.margin_target = 2.5: must be at least 5.318"),
    ("aave.usdc.borrowed=6e8", "aave USDC.borrowed = 6e+08: must be at most 5e+08"),
    ("aave.assets.BTC.borrowed=3000", "aave BTC.borrowed = 3000: must be at most 2000"),
    ("aave.usdc.supplied=2e8", "aave: others owe 2.087e+08 USD; must be below 1.5e+08"),
    ("agents.leg_arbitrageur.assets={DOGE: 1}", "agents.leg_arbitrageur.assets = DOGE"),
]


@pytest.mark.parametrize(("setting", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_aave_or_the_vault_would_refuse_is_refused_by_name(setting: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load("aave-hedge", [setting])
    assert message in str(caught.value)


def test_the_base_asset_itself_cannot_be_borrowed() -> None:
    settings = [
        "clearing.markets={ETH: {skew_scale_usd: 1e8, max_skew_usd: 1e7}}",
        "vault.venues={ETH: aave}",
        "aave.assets={ETH: {supplied: 10}}",
        "agents.leg_arbitrageur.assets={}",
    ]
    with pytest.raises(InputError, match="must be another asset than the pool's base"):
        load("aave-hedge", settings)


def test_legs_are_the_markets_sent_to_aave_in_their_order() -> None:
    protocol = resolve(load("aave-hedge"))
    assert protocol.aave is not None
    (leg,) = protocol.aave.legs
    assert protocol.leg_of == {0: 0}
    assert protocol.assets[leg.reserve.asset].symbol == "BTC"
    slots = {slot.name: slot for slot in protocol.agents}
    assert slots["leg_arbitrageur"].hedge == (5000.0,)
    assert slots["keeper"].hedge == (0.0,)


def test_a_legs_pool_is_worth_what_was_asked_for_at_the_first_price() -> None:
    config = load("aave-hedge")
    protocol = resolve(config)
    assert protocol.aave is not None and config.aave is not None  # noqa: PT018
    pool, (band,) = protocol.aave.legs[0].pool, protocol.aave.legs[0].pool.background
    root = pool.sqrt_price_x96 / 2**96
    price = root**2 * 10.0 ** (config.assets["BTC"].decimals - 6)
    assert price == pytest.approx(config.assets["BTC"].price, rel=1e-9)
    usdc = band.liquidity * root / 1e6
    assert 2.0 * usdc == pytest.approx(config.aave.assets["BTC"].pool_usd, rel=1e-6)


def test_without_an_asset_sent_there_aave_is_not_deployed() -> None:
    assert resolve(load("aave-hedge", ["vault.venues={}"])).aave is None


def test_the_first_beta_of_a_borrowed_asset_is_never_negative() -> None:
    against = ["correlation.pairs={ETH/BTC: -0.8, ETH/SOL: 0.2, BTC/SOL: 0.0}"]
    on_aave = initial_betas(load("aave-hedge", against))
    as_perps = initial_betas(load("aave-hedge", [*against, "vault.venues={}"]))
    assert on_aave[0] == 0.0 > as_perps[0]
    assert on_aave[1] == as_perps[1]
