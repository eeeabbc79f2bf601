"""The lending market as deployed: Aave v3 with borrowers of its own (docs/lending.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.chain.deploy import aave_v3 as aave
from simulator.chain.deploy import artifacts
from simulator.chain.deploy.lending_market import PRICE_DECIMALS, VARIABLE
from simulator.chain.deploy.terms import struct
from simulator.chain.evm.codec import MAX_UINT256, Contract, encode_constructor
from simulator.protocol import lending
from simulator.world.units import to_raw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.chain.evm.transport import Transport
    from simulator.world.lending import LendingMarket, Listing
    from simulator.world.protocol import Protocol


@dataclass(frozen=True)
class Borrowing:
    """Where the lending market is; tuples by listing, ``accounts`` by borrower."""

    aave: str  # Pool
    configurator: str
    assets: tuple[int, ...]  # as Protocol.assets
    a_tokens: tuple[str, ...]
    debt_tokens: tuple[str, ...]
    accounts: tuple[str, ...]
    others: tuple[int, ...]  # listed assets but USDC and the base, as Protocol.assets


def deploy(
    transport: Transport,
    deployer: str,
    lender: str,
    protocol: Protocol,
    parameters: LendingMarket,
    tokens: Sequence[Contract],
    oracle: str,
) -> Borrowing:
    """The market, and what all have and owe there at the start: there must be a round of prices.

    ``lender`` stands for everybody who is no borrower here.
    """
    feeds = [
        _feed(transport, deployer, protocol, listing, tokens, oracle)
        for listing in parameters.listings
    ]
    reserves = [
        _reserve(protocol, listing, tokens, feed)
        for listing, feed in zip(parameters.listings, feeds, strict=True)
    ]
    categories = [
        aave.Category(one.ltv, one.liquidation_threshold, one.liquidation_bonus)
        for one in parameters.categories
    ]
    market = aave.deploy(transport, deployer, reserves, categories)
    listed = [tokens[listing.asset] for listing in parameters.listings]
    accounts = tuple(transport.account(f"borrower {one.name}") for one in parameters.borrowers)
    everyone = [
        (lender, [one.supplied for one in parameters.listings],
         [one.borrowed for one in parameters.listings], 0),
        *(
            (account, one.collateral, one.debt, one.category)
            for account, one in zip(accounts, parameters.borrowers, strict=True)
        ),
    ]  # fmt: skip
    decimals = [protocol.assets[listing.asset].decimals for listing in parameters.listings]
    for account, supplied, _, category in everyone:
        if category:
            market.pool.transact(account, "setUserEMode", category)
        for token, amount, digits in zip(listed, supplied, decimals, strict=True):
            _supply(market, deployer, account, token, int(to_raw(amount, digits)))
    for account, _, owed, _ in everyone:
        for token, amount, digits in zip(listed, owed, decimals, strict=True):
            if raw := int(to_raw(amount, digits)):
                market.pool.transact(account, "borrow", token.address, raw, VARIABLE, 0, account)
    return Borrowing(
        aave=market.pool.address,
        configurator=market.configurator.address,
        assets=tuple(listing.asset for listing in parameters.listings),
        a_tokens=tuple(market.a_token(token.address) for token in listed),
        debt_tokens=tuple(market.variable_debt(token.address) for token in listed),
        accounts=accounts,
        others=parameters.others,
    )


def _supply(market: aave.Aave, deployer: str, account: str, token: Contract, raw: int) -> None:
    if raw:
        token.transact(deployer, "mint", account, raw)
        token.transact(account, "approve", market.pool.address, MAX_UINT256)
        market.pool.transact(account, "supply", token.address, raw, account, 0)


def _feed(
    transport: Transport,
    deployer: str,
    protocol: Protocol,
    listing: Listing,
    tokens: Sequence[Contract],
    oracle: str,
) -> str:
    """Address of a PriceFeed of a listing's asset."""
    code = encode_constructor(
        artifacts.load("PriceFeed"),
        oracle_=oracle,
        asset_=tokens[listing.asset].address,
        decimals_=PRICE_DECIMALS,
        description_=f"{protocol.assets[listing.asset].symbol} / USD",
    )
    return transport.deploy(deployer, code)


def _reserve(
    protocol: Protocol, listing: Listing, tokens: Sequence[Contract], feed: str
) -> aave.Reserve:
    token = protocol.assets[listing.asset]
    return aave.Reserve(
        token=tokens[listing.asset].address,
        symbol=token.symbol,
        decimals=token.decimals,
        price_feed=feed,
        rates=struct(listing, lending.STRATEGY),
        ltv=listing.ltv,
        threshold=listing.liquidation_threshold,
        bonus=listing.liquidation_bonus,
        factor=listing.factor,
        protocol_fee=listing.protocol_fee,
        supply_cap=listing.supply_cap,
        borrow_cap=listing.borrow_cap,
        category=listing.category,
    )
