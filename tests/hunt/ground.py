"""What both versions of the contracts give a hunt: addresses, terms, and how to call them.

`then` deploys the contracts an audit looked at, `now` those of today; a hunt knows neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.artifacts import Artifact
from simulator.chain.evm.codec import MAX_UINT256, encode_constructor
from simulator.chain.evm.revm import CHAIN_ID, GAS_LIMIT, RevmTransport
from simulator.chain.evm.transport import Transport
from tests.hunt.quick import QuickContract

WAD = 10**18
USDC_UNIT = 10**6
CASH_UNIT = 10**12  # WAD of a raw unit of USDC
DAY = 86_400
USDC, ETH, BTC, SOL, GUSD, ALT = range(6)
SYMBOLS = ("USDC", "ETH", "BTC", "SOL", "GUSD", "ALT")
DECIMALS = (6, 18, 18, 18, 2, 18)
PRICES = (1, 1_850, 29_000, 24, 1, 1)  # USD per whole token
MARKETS = (BTC, SOL)
COLLATERALS = (USDC, ETH, GUSD, ALT)  # assets in the order the venue lists them
MAX_AGE = 9_000  # seconds, of every feed
# Of each market, USD of notional at the start: depth, and from it what the inventory may hold.
DEPTH = 400_000_000
MAINTENANCE = WAD // 20
INITIAL_MULTIPLE = 2 * WAD
INVENTORY = DEPTH // 40  # S = K · mmr/2
HALF_SPREAD, TAKER_FEE = WAD // 10_000, WAD // 5_000
SHORT_DELAY = 2 * DAY  # of the owner's functions


@dataclass
class Ground:
    """One deployment. Names of contracts are those of their artifacts."""

    chain: RevmTransport
    clearing: QuickContract
    oracle: QuickContract
    vault: QuickContract
    tokens: list[QuickContract]
    provider: QuickContract
    background: list[tuple[int, int, int]]
    owner: str
    guardian: str
    risk_manager: str  # of the venue
    beta_manager: str  # of the vault
    reporters: list[str]  # the last one may be a thief
    liquidity_owner: str

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever is done inside is forgotten, time included."""
        mark, now = self.chain.evm.snapshot(), self.chain.time()
        try:
            yield
        finally:
            self.chain.evm.revert(mark)
            self.chain.set_time(now)

    def withdrawal_of_maker(self, raw: int, to: str) -> bytes:
        """Calldata that takes raw USDC from the maker; today from that of the first market."""
        market = (0,) if self.clearing.takes("withdraw_maker", 3) else ()
        return self.clearing.calldata("withdraw_maker", *market, raw, to)

    def account(self, holder: str) -> int:
        """The holder's cross account."""
        return int(holder, 16) << 8

    def mint(self, asset: int, holder: str, raw: int) -> None:
        """New tokens."""
        self.tokens[asset].transact(self.owner, "mint", holder, raw)

    def balance(self, asset: int, holder: str) -> int:
        return int(self.tokens[asset].call("balanceOf", holder))

    def approve(self, holder: str) -> None:
        """Allowances for the venue and the vault, of every token either takes."""
        for asset in COLLATERALS:
            token = self.tokens[asset]
            token.transact(holder, "approve", self.clearing.address, MAX_UINT256)
        self.tokens[USDC].transact(holder, "approve", self.vault.address, MAX_UINT256)


def chain() -> RevmTransport:
    """An EVM without the size limit of EIP-170, for contracts compiled without optimisation."""
    import pyrevm

    made = RevmTransport()
    limits = pyrevm.CfgEnv(chain_id=CHAIN_ID, limit_contract_code_size=2**17)
    made.evm = pyrevm.EVM(
        env=pyrevm.Env(cfg=limits), gas_limit=GAS_LIMIT, spec_id=artifacts.EVM_VERSION.upper()
    )
    return made


def maker(
    transport: Transport, deployer: str, load: Callable[[str], Artifact]
) -> Callable[..., QuickContract]:
    """``new(name, arguments…)``: deploys the artifact ``load`` gives for a name."""

    def new(name: str, *arguments: Any) -> QuickContract:
        artifact = load(name)
        code = encode_constructor(artifact, *arguments)
        return QuickContract(artifact, transport.deploy(deployer, code), transport)

    return new


def list_collaterals(ground: Ground, *assets: int) -> None:
    """Feeds for tokens that are collateral at half their price."""
    for asset in assets:
        token = ground.tokens[asset].address
        ground.oracle.transact(ground.owner, "add_feed", token, MAX_AGE, 0)
        ground.clearing.transact(ground.owner, "add_collateral", token, WAD // 2, 10**30)


def finish(ground: Ground) -> Ground:
    """Three reporters, two of whom suffice; a guardian; and from now on the owner has to wait."""
    for reporter in ground.reporters:
        ground.oracle.transact(ground.owner, "set_reporter", reporter, True)
    ground.oracle.transact(ground.owner, "set_quorum", 2)
    for contract in (ground.clearing, ground.vault):
        contract.transact(ground.owner, "set_delay", SHORT_DELAY)
    return ground
