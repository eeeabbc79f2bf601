"""The venue of the contract tests, the same on every ape network: roles, tokens, oracle, venue.

Funding velocity is zero so that nothing depends on a network's block times; test_clearing_funding
turns it on and reads times from receipts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple
from fractions import Fraction
from typing import Any

import ape.api
import ape.exceptions
import pytest

from simulator.chain.deploy.deployment import CLEARING_PARTS
from tests.contracts.mirror import Mirror
from tests.reference.venue import CAP, Terms, Venue, wad

USDC_UNIT = 10**6
MAX_AGE = 86_400
MAKER_FUNDS, INSURANCE_FUNDS = 5_000_000, 1_000  # whole USDC, the maker's for each market

PRICES = {
    "USDC": Fraction(1),
    "WETH": Fraction(2_000),
    "BTC": Fraction(30_000),
    "SOL": Fraction(100),
}
VENUE = Venue(
    markets=(
        Terms(
            "BTC",
            Fraction(1_000),
            Fraction(5, 10_000),
            Fraction(2, 10_000),
            Fraction(0),
            Fraction(25),  # at most K mmr / 2
            Fraction(5, 100),
        ),
        Terms(
            "SOL",
            Fraction(400_000),
            Fraction(1, 1_000),
            Fraction(5, 10_000),
            Fraction(0),
            Fraction(16_000),
            Fraction(8, 100),
        ),
    ),
    haircuts={"USDC": Fraction(1, 100), "WETH": Fraction(10, 100)},
    initial_multiple=Fraction(2),
    liquidation_penalty=Fraction(2, 100),
    liquidator_share=Fraction(1, 2),
    profit_cap=Fraction(1, 2),
)


def rescale(clearing: Any, scale: int, owner: Any) -> Any:
    """Give market 0 a skew scale as its owner may: any, at any time."""
    terms = list(clearing.market(0))
    terms[1] = scale
    return clearing.set_market(0, terms, sender=owner)


def parameters_tuple(venue: Venue) -> tuple[int, ...]:
    """IClearingHouse.Parameters of a venue."""
    return astuple(venue.parameters())


@pytest.fixture(scope="session", autouse=True)
def _no_replays() -> Iterator[None]:
    """On Anvil ape replays every reverted transaction step by step to name its source line: up to
    a minute each, for nothing, since the tests go by the reason. On every network it replays every
    transaction to look for prints of a debugging contract. It offers no switch for either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ape.exceptions, "_get_ape_traceback_from_tx", lambda _: None)
        patch.setattr(ape.api.ReceiptAPI, "show_debug_logs", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_second_a_block(networks: Any) -> None:
    """Anvil stamps blocks by the clock, so that two transactions of one second are one block to the
    venue or two as it happens: it shall go on by a second a block, as py-evm does."""
    if networks.provider.name == "foundry":
        networks.provider.make_request("anvil_setBlockTimestampInterval", [1])


@pytest.fixture(scope="session")
def owner(accounts: Any) -> Any:
    return accounts[0]


@pytest.fixture(scope="session")
def risk(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture(scope="session")
def guardian(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture(scope="session")
def reporter(accounts: Any) -> Any:
    return accounts[3]


@pytest.fixture(scope="session")
def trader(accounts: Any) -> Any:
    return accounts[4]


@pytest.fixture(scope="session")
def liquidator(accounts: Any) -> Any:
    return accounts[5]


@pytest.fixture(scope="session")
def maker(accounts: Any) -> Any:
    """Funds the maker account and the insurance fund."""
    return accounts[6]


@pytest.fixture(scope="session")
def depositor(accounts: Any) -> Any:
    return accounts[7]


@pytest.fixture(scope="session")
def keeper(accounts: Any) -> Any:
    return accounts[8]


@pytest.fixture(scope="session")
def counterparty(accounts: Any) -> Any:
    """A second trader, whose orders move the skew."""
    return accounts[9]


@pytest.fixture(scope="session", autouse=True)
def actors(
    owner: Any, risk: Any, guardian: Any, reporter: Any, trader: Any, liquidator: Any,
    maker: Any, depositor: Any, keeper: Any, counterparty: Any,
) -> None:  # fmt: skip
    """Asks for every role at once: ape's isolation wants wide scopes set up before narrow ones."""


@pytest.fixture(scope="module")
def usdc(project: Any, owner: Any) -> Any:
    return owner.deploy(project.Token, "USD Coin", "USDC", 6)


@pytest.fixture(scope="module")
def weth(project: Any, owner: Any) -> Any:
    """The pool's base asset, and collateral 1."""
    return owner.deploy(project.Token, "Wrapped Ether", "WETH", 18)


@pytest.fixture(scope="module")
def btc(project: Any, owner: Any) -> Any:
    """Underlying of market 0."""
    return owner.deploy(project.Token, "Bitcoin", "BTC", 8)


@pytest.fixture(scope="module")
def sol(project: Any, owner: Any) -> Any:
    """Underlying of market 1."""
    return owner.deploy(project.Token, "Solana", "SOL", 18)


@pytest.fixture(scope="module")
def tokens(usdc: Any, weth: Any, btc: Any, sol: Any) -> dict[str, Any]:
    return {"USDC": usdc, "WETH": weth, "BTC": btc, "SOL": sol}


@pytest.fixture(scope="module")
def hedge_assets(btc: Any, sol: Any) -> tuple[Any, Any]:
    return btc, sol


@pytest.fixture(scope="module")
def oracle(project: Any, chain: Any, owner: Any, reporter: Any, tokens: dict[str, Any]) -> Any:
    """Every feed open and reported once."""
    oracle = owner.deploy(project.PriceOracle, owner)
    oracle.set_reporter(reporter, True, sender=owner)
    for token in tokens.values():
        oracle.add_feed(token, MAX_AGE, 0, sender=owner)
    oracle.report(
        list(tokens.values()),
        [wad(PRICES[symbol]) for symbol in tokens],
        chain.blocks.head.timestamp,
        sender=reporter,
    )
    return oracle


@pytest.fixture(scope="module")
def clearing(
    project: Any,
    owner: Any,
    risk: Any,
    guardian: Any,
    maker: Any,
    oracle: Any,
    tokens: dict[str, Any],
) -> Any:
    """Configured as ``VENUE``, with ``MAKER_FUNDS`` a market and ``INSURANCE_FUNDS`` in it."""
    parts = tuple(
        owner.deploy(getattr(project, name), oracle, tokens["USDC"]) for name in CLEARING_PARTS
    )
    usdc_haircut, weth_haircut = wad(VENUE.haircuts["USDC"]), wad(VENUE.haircuts["WETH"])
    clearing = owner.deploy(
        project.ClearingHouse,
        owner,
        oracle,
        tokens["USDC"],
        usdc_haircut,
        CAP,
        parameters_tuple(VENUE),
        parts,
    )
    clearing.set_risk_manager(risk, sender=owner)
    clearing.set_guardian(guardian, sender=owner)
    for terms in VENUE.markets:
        clearing.add_market(terms.market(tokens[terms.asset].address), sender=owner)
    clearing.add_collateral(tokens["WETH"], weth_haircut, CAP, sender=owner)
    raw_maker, raw_insurance = MAKER_FUNDS * USDC_UNIT, INSURANCE_FUNDS * USDC_UNIT
    raw_total = len(VENUE.markets) * raw_maker + raw_insurance
    tokens["USDC"].mint(maker, raw_total, sender=owner)
    tokens["USDC"].approve(clearing, raw_total, sender=maker)
    for market in range(len(VENUE.markets)):
        clearing.fund_maker(market, raw_maker, sender=maker)
    clearing.fund_insurance(raw_insurance, sender=maker)
    return clearing


@pytest.fixture
def set_price(
    chain: Any, oracle: Any, reporter: Any, tokens: dict[str, Any]
) -> Callable[..., None]:
    """``set_price(BTC=31_000, USDC="0.97")``: one oracle round now for each asset named."""

    def report(**prices: Any) -> None:
        oracle.report(
            [tokens[symbol] for symbol in prices],
            [wad(Fraction(price)) for price in prices.values()],
            chain.blocks.head.timestamp,
            sender=reporter,
        )

    return report


@pytest.fixture
def advance(chain: Any, oracle: Any, reporter: Any, tokens: dict[str, Any]) -> Callable[..., None]:
    """``advance(seconds)``: let time pass, report the same prices unless ``refresh=False``."""

    def move(seconds: int, *, refresh: bool = True) -> None:
        chain.mine(timestamp=chain.blocks.head.timestamp + seconds)
        if refresh:
            assets = list(tokens.values())
            prices = [oracle.latest(asset)[0] for asset in assets]
            oracle.report(assets, prices, chain.blocks.head.timestamp, sender=reporter)

    return move


@pytest.fixture
def give(clearing: Any, owner: Any, tokens: dict[str, Any]) -> Callable[..., int]:
    """``give(actor, "WETH", 3)``: mint whole tokens to an actor and approve them; returns raw."""

    def mint(actor: Any, symbol: str, amount: Any) -> int:
        token = tokens[symbol]
        raw = int(Fraction(amount) * 10 ** token.decimals())
        token.mint(actor, raw, sender=owner)
        token.approve(clearing, 2**256 - 1, sender=actor)
        return raw

    return mint


@pytest.fixture
def engine_events(project: Any) -> Any:
    """ABI by name of the events of trades and liquidations, which the ClearingHouse emits."""
    parts = (
        *(project.Trading, project.LiquidationEngine),
        *(project.Deleveraging, project.CollateralSale),
    )
    return {event.name: event for part in parts for event in part.contract_type.events}


@pytest.fixture
def mirror(
    clearing: Any,
    give: Callable[..., int],
    set_price: Callable[..., None],
    chain: Any,
    engine_events: Any,
) -> Mirror:
    """Drives the clearing house and the reference of tests/reference side by side."""
    now = chain.blocks.head.timestamp
    ledger = VENUE.ledger(PRICES, now, MAKER_FUNDS, INSURANCE_FUNDS)
    return Mirror(clearing, ledger, give, set_price, engine_events)
