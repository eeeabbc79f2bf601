"""The vault on the venue of tests/contracts, with Uniswap v3 from its published bytecode."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any

import pytest
from ape.contracts import ContractContainer
from ethpm_types import ContractType

from simulator.chain.deploy.deployment import VAULT_PARTS
from tests.contracts.mirror import account_of
from tests.reference.integers import WAD
from tests.reference.venue import wad

UNISWAP = Path(__file__).parents[3] / "node_modules/@uniswap"
ARTIFACTS = {
    "UniswapV3Factory": "v3-core/artifacts/contracts",
    "UniswapV3Pool": "v3-core/artifacts/contracts",
    "SwapRouter": "v3-periphery/artifacts/contracts",
    "NonfungiblePositionManager": "v3-periphery/artifacts/contracts",
}
FEE_PPM, SPACING = 500, 10
LP_HAIRCUT = wad("0.15")
WETH_PRICE = 2_000
UNLIMITED = 2**256 - 1
FOREVER = 2**40
USDC_UNIT = 10**6


def usdc_raw(amount: Any) -> int:
    """Whole USDC to raw."""
    return int(Fraction(amount) * USDC_UNIT)


def sqrt_price_x96(price: Any) -> int:
    """sqrt(raw USDC per raw WETH) in Q64.96 of a price in USDC per WETH."""
    ratio = Fraction(price) * USDC_UNIT / WAD
    return isqrt(int(ratio * 2**192))


@dataclass(frozen=True)
class Terms:
    """HedgeVault parameters, in the order of IHedgeVault.Parameters."""

    range_half_width: int = 2_000
    recenter_threshold: int = wad("0.5")
    lp_allocation: int = wad("0.6")
    margin_allocation: int = wad("0.35")
    hedge_band: int = wad("0.02")
    max_slippage: int = wad("0.02")
    margin_target: int = wad(5)
    top_up_ratio: int = wad("3.5")
    deleverage_ratio: int = wad("2.2")
    keeper_reward: int = usdc_raw(5)
    keeper_share: int = wad("0.05")
    entry_fee: int = wad("0.001")
    exit_fee: int = wad("0.005")
    management_fee: int = 0
    performance_fee: int = 0
    deposit_cap: int = usdc_raw(10_000_000)
    beta_max: int = wad(2)
    beta_max_change: int = wad("0.25")
    beta_interval: int = 3_600

    def tuple(self, **changes: Any) -> tuple[Any, ...]:
        """The ABI tuple, with some values changed."""
        changed = replace(self, **changes)
        return tuple(getattr(changed, name) for name in self.__dataclass_fields__)


TERMS = Terms()


def container(name: str) -> ContractContainer:
    """A contract of the npm packages."""
    text = json.loads((UNISWAP / ARTIFACTS[name] / f"{name}.sol/{name}.json").read_text())
    return ContractContainer(
        ContractType.model_validate(
            {
                "contractName": name,
                "abi": text["abi"],
                "deploymentBytecode": {"bytecode": text["bytecode"]},
            }
        )
    )


@pytest.fixture(scope="module")
def weth(project: Any, owner: Any, usdc: Any) -> Any:
    """The pool's base asset. It must be token 0, so deploy until the address is the lower one."""
    while True:
        token = owner.deploy(project.Token, "Wrapped Ether", "WETH", 18)
        if int(token.address, 16) < int(usdc.address, 16):
            return token


@pytest.fixture(scope="module")
def factory(owner: Any) -> Any:
    return owner.deploy(container("UniswapV3Factory"))


@pytest.fixture(scope="module")
def router(owner: Any, factory: Any) -> Any:
    return owner.deploy(container("SwapRouter"), factory, factory)


@pytest.fixture(scope="module")
def manager(owner: Any, factory: Any) -> Any:
    """Of position NFTs."""
    return owner.deploy(container("NonfungiblePositionManager"), factory, factory, factory)


@pytest.fixture(scope="module")
def pool(owner: Any, maker: Any, factory: Any, manager: Any, weth: Any, usdc: Any) -> Any:
    """At 2,000 USDC per WETH, 600 million USD of each side over a wide range."""
    factory.createPool(weth, usdc, FEE_PPM, sender=owner)
    address = factory.getPool(weth, usdc, FEE_PPM)
    pool = container("UniswapV3Pool").at(address)
    pool.initialize(sqrt_price_x96(WETH_PRICE), sender=owner)
    for token, amount in ((weth, 300_000 * WAD), (usdc, usdc_raw(600_000_000))):
        token.mint(maker, amount, sender=owner)
        token.approve(manager, UNLIMITED, sender=maker)
    manager.mint(
        (
            weth.address, usdc.address, FEE_PPM, -230_000, -170_000,
            300_000 * WAD, usdc_raw(600_000_000), 0, 0, maker.address, FOREVER,
        ),
        sender=maker,
    )  # fmt: skip
    return pool


@pytest.fixture(scope="module")
def new_vault(
    project: Any, owner: Any, risk: Any, guardian: Any, depositor: Any, counterparty: Any,
    usdc: Any, weth: Any, pool: Any, manager: Any, oracle: Any, clearing: Any,
) -> Callable[..., Any]:  # fmt: skip
    """``new_vault(isolated=True)``: ``TERMS`` changed as named; roles and allowances given."""

    def deploy(*, isolated: bool = False, pledged: bool = False, **changes: Any) -> Any:
        if pledged and clearing.lp_collateral().pool != pool:
            clearing.set_lp_collateral(manager, pool, LP_HAIRCUT, 2**127, sender=owner)
        places = (usdc, weth, pool, manager, oracle, clearing)
        addresses = tuple(place.address for place in places)
        at = (*addresses, isolated, pledged)
        parts = [owner.deploy(getattr(project, name), at) for name in VAULT_PARTS]
        hedges = [(clearing.address, market) for market in (0, 1)]
        terms = TERMS.tuple(**changes)
        vault = owner.deploy(project.HedgeVault, *places, hedges, terms, isolated, pledged, *parts)
        vault.set_risk_manager(risk, sender=owner)
        vault.set_guardian(guardian, sender=owner)
        for actor in (depositor, counterparty):
            usdc.mint(actor, usdc_raw(1_000_000), sender=owner)
            usdc.approve(vault, UNLIMITED, sender=actor)
        return vault

    return deploy


@pytest.fixture(scope="module")
def vault(new_vault: Callable[..., Any]) -> Any:
    """Empty, cross margin."""
    return new_vault()


@pytest.fixture(scope="module")
def strategy(project: Any, vault: Any) -> Any:
    """Knows the events that its code logs in a vault's name."""
    return project.VaultStrategy.at(vault.STRATEGY())


@pytest.fixture(scope="module")
def running(vault: Any, risk: Any, depositor: Any, keeper: Any) -> Any:
    """100,000 USDC deposited, invested around 2,000 and hedged with BTC (0.6) and SOL (0.4)."""
    start(vault, risk, depositor, keeper)
    return vault


@pytest.fixture(scope="module")
def pledging(new_vault: Callable[..., Any], risk: Any, depositor: Any, keeper: Any) -> Any:
    """As ``running``, with the position pledged to the cross account."""
    vault = new_vault(pledged=True)
    start(vault, risk, depositor, keeper)
    return vault


def start(vault: Any, risk: Any, depositor: Any, keeper: Any) -> None:
    """From empty to invested and hedged."""
    vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    vault.post_betas([wad("0.6"), wad("0.4")], sender=risk)
    vault.recenter(sender=keeper)
    vault.rebalance(sender=keeper)


@pytest.fixture
def swap(owner: Any, trader: Any, router: Any, weth: Any, usdc: Any) -> Callable[..., None]:
    """``swap(-50_000)`` sells 50,000 USDC, ``swap(10)`` 10 WETH; ``to``: stop at that price."""

    def exact_input(amount: Any, to: Any = None) -> None:
        sold, bought = (weth, usdc) if amount > 0 else (usdc, weth)
        raw = int(Fraction(abs(amount)) * 10 ** sold.decimals())
        sold.mint(trader, raw, sender=owner)
        sold.approve(router, UNLIMITED, sender=trader)
        limit = 0 if to is None else sqrt_price_x96(to)
        router.exactInputSingle(
            (sold.address, bought.address, FEE_PPM, trader.address, FOREVER, raw, 0, limit),
            sender=trader,
        )

    return exact_input


@pytest.fixture
def move_market(
    pool: Any, swap: Callable[..., None], set_price: Callable[..., None]
) -> Callable[..., None]:
    """``move_market(2_100)``: the WETH oracle and the pool's spot price both go there."""

    def move(price: Any, **others: Any) -> None:
        set_price(WETH=price, **others)
        # More than the pool takes either way: the price limit stops the swap.
        falls = sqrt_price_x96(price) < pool.slot0().sqrtPriceX96
        swap(1_000_000 if falls else -2_000_000_000, to=price)

    return move


@dataclass(frozen=True)
class Reading:
    """What a vault holds, in USD floats, for approximate statements."""

    nav: float
    lp: float
    margin: float
    idle: float
    sizes: tuple[float, ...]


@pytest.fixture
def read(clearing: Any, oracle: Any, usdc: Any, weth: Any) -> Callable[[Any], Reading]:
    """Reads a vault at the last prices."""

    def reading(vault: Any) -> Reading:
        price = oracle.latest(weth)[0] / WAD
        p_usdc = oracle.latest(usdc)[0] / WAD
        at = vault.position_state()
        subs = [1, 2] if vault.ISOLATED() else [0]
        accounts = [account_of(vault, sub) for sub in subs]
        return Reading(
            nav=vault.last_nav() / WAD,
            lp=at.lp_base / WAD * price + at.lp_usdc / USDC_UNIT * p_usdc,
            margin=sum(clearing.last_account_state(a).value for a in accounts) / WAD,
            idle=vault.idle_base() / WAD * price + vault.idle_usdc() / USDC_UNIT * p_usdc,
            sizes=tuple(
                clearing.position(account_of(vault, m + 1 if len(subs) > 1 else 0), m).size / WAD
                for m in (0, 1)
            ),
        )

    return reading
