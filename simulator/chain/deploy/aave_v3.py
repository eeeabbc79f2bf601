"""Aave v3 from its published bytecode: one market with its oracle, reserves and rate strategies.

The steps are those of Aave's own deployment: libraries, addresses provider, access control, oracle,
pool and configurator behind proxies, reserves. Prices are USD scaled 10¹⁸, as this project's oracle
gives them, so that Aave and the hedge venue see the same number to the last digit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.chain.deploy.artifacts import ROOT, Artifact, ArtifactError
from simulator.chain.evm.codec import Contract, encode_constructor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.chain.evm.transport import Transport

ZERO_ADDRESS = "0x" + "00" * 20
PERCENT = 10**4  # Aave's percentages have two decimals
PRICE_UNIT = 10**18

_CONTRACTS = "node_modules/@aave/core-v3/artifacts/contracts"
_LOGIC = "protocol/libraries/logic"
_PATHS = {
    "PoolAddressesProvider": "protocol/configuration",
    "ACLManager": "protocol/configuration",
    "AaveOracle": "misc",
    "Pool": "protocol/pool",
    "PoolConfigurator": "protocol/pool",
    "DefaultReserveInterestRateStrategy": "protocol/pool",
    "AToken": "protocol/tokenization",
    "StableDebtToken": "protocol/tokenization",
    "VariableDebtToken": "protocol/tokenization",
}
# FlashLoanLogic links BorrowLogic, so that comes first.
_LIBRARIES = (
    "BorrowLogic",
    "BridgeLogic",
    "EModeLogic",
    "FlashLoanLogic",
    "LiquidationLogic",
    "PoolLogic",
    "SupplyLogic",
    "ConfiguratorLogic",
)
_TOKENS = ("AToken", "StableDebtToken", "VariableDebtToken")
# Words of DataTypes.ReserveData (DataTypes.sol) where the token addresses stand.
_A_TOKEN, _VARIABLE_DEBT = 8, 10


@dataclass(frozen=True)
class Reserve:
    """One asset of the market. ``price_feed``: AggregatorV3 with 18 decimals.

    ``rates``: of DefaultReserveInterestRateStrategy, RAY, by the names in its constructor.
    ``ltv``, ``threshold``: fractions, both 0 when it is no collateral; ``bonus``: liquidators get
    1 + bonus; ``factor``: the treasury's share of the interest, ``protocol_fee``: of the bonus;
    caps in whole tokens, 0: none; ``category``: of eMode, counted from 1, 0: none.
    """

    token: str
    symbol: str
    decimals: int
    price_feed: str
    rates: Mapping[str, int]
    ltv: float = 0.0
    threshold: float = 0.0
    bonus: float = 0.0
    factor: float = 0.0
    protocol_fee: float = 0.0
    supply_cap: int = 0
    borrow_cap: int = 0
    category: int = 0


@dataclass(frozen=True)
class Category:
    """An eMode category: terms of collateral for debts in it, by the prices of the assets."""

    ltv: float
    threshold: float
    bonus: float


@dataclass(frozen=True)
class Aave:
    """A deployed market; its deployer is its administrator and its treasury."""

    provider: Contract
    pool: Contract
    configurator: Contract
    oracle: Contract

    def a_token(self, token: str) -> str:
        """Address of the token that stands for what is supplied of a reserve."""
        return str(self.pool.call("getReserveData", token)[_A_TOKEN])

    def variable_debt(self, token: str) -> str:
        """Address of the token that stands for what is owed of a reserve."""
        return str(self.pool.call("getReserveData", token)[_VARIABLE_DEBT])


def pool_abi() -> list[dict[str, Any]]:
    """The ABI of the pool."""
    return _artifact("Pool", {}).abi


def strategy_abi() -> list[dict[str, Any]]:
    """The ABI of a reserve's interest rates."""
    return _artifact("DefaultReserveInterestRateStrategy", {}).abi


def pool_at(address: str, transport: Transport) -> Contract:
    """The pool behind its proxy."""
    return Contract(_artifact("Pool", {}), address, transport)


def configurator_at(address: str, transport: Transport) -> Contract:
    """The pool's configurator behind its proxy."""
    return Contract(_artifact("PoolConfigurator", {}), address, transport)


def token_at(address: str, transport: Transport) -> Contract:
    """An aToken or variable debt token: both answer ``balanceOf`` and ``scaledBalanceOf``."""
    return Contract(_artifact("AToken", {}), address, transport)


def deploy(
    transport: Transport,
    deployer: str,
    reserves: Sequence[Reserve],
    categories: Sequence[Category] = (),
) -> Aave:
    """Libraries, pool and every reserve, borrowing enabled on all of them."""

    def new(name: str, /, *arguments: Any, **named: Any) -> Contract:
        artifact = _artifact(name, libraries)
        address = transport.deploy(deployer, encode_constructor(artifact, *arguments, **named))
        return Contract(artifact, address, transport)

    libraries: dict[str, str] = {}
    for library in _LIBRARIES:
        libraries[library] = new(library).address

    provider = new("PoolAddressesProvider", "hedgesim", deployer)
    provider.transact(deployer, "setACLAdmin", deployer)
    access = new("ACLManager", provider.address)
    provider.transact(deployer, "setACLManager", access.address)
    access.transact(deployer, "addPoolAdmin", deployer)
    oracle = new(
        "AaveOracle", provider.address,
        [reserve.token for reserve in reserves], [reserve.price_feed for reserve in reserves],
        ZERO_ADDRESS, ZERO_ADDRESS, PRICE_UNIT,
    )  # fmt: skip
    provider.transact(deployer, "setPriceOracle", oracle.address)

    pool = new("Pool", provider.address)
    provider.transact(deployer, "setPoolImpl", pool.address)
    configurator = new("PoolConfigurator")
    provider.transact(deployer, "setPoolConfiguratorImpl", configurator.address)
    pool = pool_at(provider.call("getPool"), transport)
    configurator = configurator_at(provider.call("getPoolConfigurator"), transport)

    tokens = {name: new(name, pool.address).address for name in _TOKENS}
    strategies = [_strategy(new, provider.address, reserve.rates) for reserve in reserves]
    inputs = [
        _reserve_input(reserve, tokens, strategy, deployer)
        for reserve, strategy in zip(reserves, strategies, strict=True)
    ]
    configurator.transact(deployer, "initReserves", input=inputs)
    for number, category in enumerate(categories, start=1):
        configurator.transact(
            deployer, "setEModeCategory", number, _percent(category.ltv),
            _percent(category.threshold), _percent(1 + category.bonus), ZERO_ADDRESS, "",
        )  # fmt: skip
    for reserve in reserves:
        _configure(configurator, deployer, reserve)
    return Aave(provider, pool, configurator, oracle)


# Nobody borrows at a stable rate.
_STABLE = (
    *("stableRateSlope1", "stableRateSlope2", "baseStableRateOffset"),
    *("stableRateExcessOffset", "optimalStableToTotalDebtRatio"),
)


def _strategy(new: Any, provider: str, rates: Mapping[str, int]) -> str:
    numbers = {**dict.fromkeys(_STABLE, 0), **rates}
    return str(new("DefaultReserveInterestRateStrategy", provider=provider, **numbers).address)


def _reserve_input(
    reserve: Reserve, tokens: Mapping[str, str], strategy: str, treasury: str
) -> dict[str, Any]:
    """ConfiguratorInputTypes.InitReserveInput."""
    symbol = reserve.symbol
    return {
        "aTokenImpl": tokens["AToken"],
        "stableDebtTokenImpl": tokens["StableDebtToken"],
        "variableDebtTokenImpl": tokens["VariableDebtToken"],
        "underlyingAssetDecimals": reserve.decimals,
        "interestRateStrategyAddress": strategy,
        "underlyingAsset": reserve.token,
        "treasury": treasury,
        "incentivesController": ZERO_ADDRESS,
        "aTokenName": f"Aave {symbol}",
        "aTokenSymbol": f"a{symbol}",
        "variableDebtTokenName": f"Aave {symbol} variable debt",
        "variableDebtTokenSymbol": f"variableDebt{symbol}",
        "stableDebtTokenName": f"Aave {symbol} stable debt",
        "stableDebtTokenSymbol": f"sDebt{symbol}",
        "params": b"",
    }


def _configure(configurator: Contract, administrator: str, reserve: Reserve) -> None:
    if reserve.threshold > 0:
        configurator.transact(
            administrator,
            "configureReserveAsCollateral",
            asset=reserve.token,
            ltv=_percent(reserve.ltv),
            liquidationThreshold=_percent(reserve.threshold),
            liquidationBonus=_percent(1 + reserve.bonus),
        )
    configurator.transact(administrator, "setReserveBorrowing", reserve.token, True)
    if reserve.factor > 0:
        configurator.transact(
            administrator,
            "setReserveFactor",
            asset=reserve.token,
            newReserveFactor=_percent(reserve.factor),
        )

    for function, value in (
        ("setLiquidationProtocolFee", _percent(reserve.protocol_fee)),
        ("setSupplyCap", reserve.supply_cap),
        ("setBorrowCap", reserve.borrow_cap),
        ("setAssetEModeCategory", reserve.category),
    ):
        if value > 0:
            configurator.transact(administrator, function, reserve.token, value)


def _percent(fraction: float) -> int:
    return round(fraction * PERCENT)


def _artifact(name: str, libraries: Mapping[str, str]) -> Artifact:
    """A contract of Aave with its libraries filled in; zeros where ``libraries`` lacks one."""
    folder = _LOGIC if name in _LIBRARIES else _PATHS[name]
    path = ROOT / _CONTRACTS / folder / f"{name}.sol" / f"{name}.json"
    if not path.is_file():
        raise ArtifactError(f"{path} is missing: run `make setup` to install the npm packages")
    text = json.loads(path.read_text(encoding="utf-8"))
    return Artifact(
        name,
        text["abi"],
        _link(text["bytecode"], text["linkReferences"], libraries),
        _link(text["deployedBytecode"], text["deployedLinkReferences"], libraries),
    )


def _link(code: str, references: dict[str, Any], libraries: Mapping[str, str]) -> bytes:
    digits = code.removeprefix("0x")
    for places in references.values():
        for library, spots in places.items():
            address = libraries.get(library, ZERO_ADDRESS).removeprefix("0x")
            for spot in spots:
                start, end = 2 * spot["start"], 2 * (spot["start"] + spot["length"])
                digits = digits[:start] + address + digits[end:]
    return bytes.fromhex(digits)
