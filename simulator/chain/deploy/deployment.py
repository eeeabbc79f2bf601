"""Deploys and configures the whole system from a protocol, on any transport, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.chain.deploy import artifacts, stable_swap
from simulator.chain.deploy import borrowers as borrowing
from simulator.chain.deploy import lending_market as hedging
from simulator.chain.deploy import uniswap_v3 as uniswap
from simulator.chain.deploy.addresses import Deployment, Roles
from simulator.chain.deploy.terms import (
    background_targets,
    struct,
    wad,
)
from simulator.chain.deploy.uniswap_v3 import ZERO_ADDRESS
from simulator.chain.evm.codec import MAX_UINT256, Contract, encode_constructor
from simulator.chain.evm.transport import created_address
from simulator.protocol import clearing, oracle, vault
from simulator.types import USDC_DECIMALS, InputError
from simulator.world.units import maker_shares, to_raw

if TYPE_CHECKING:
    from simulator.chain.evm.transport import Transport
    from simulator.world.protocol import Protocol

# The contracts whose code runs on the ClearingHouse's storage, and the name of each in its Parts.
CLEARING_PARTS = {
    "Trading": "trading",
    "LiquidationEngine": "liquidation",
    "Deleveraging": "deleveraging",
    "CollateralSale": "sale",
    "BackOffice": "office",
    "Governance": "governance",
    "Settlement": "settlement",
    "StorageReader": "reader",
}
# Those whose code runs on the HedgeVault's, and the name of each in its constructor.
VAULT_PARTS = {"VaultStrategy": "strategy", "VaultExits": "exits"}
# Block time of step 0 on a chain that has no later block: 2023-11-14 22:13:20 UTC.
GENESIS = 1_700_000_000
# Enough for any path: background ranges, fees and prices moving by orders of magnitude.
_PROVIDER_FUNDS = 2**112


def deploy(transport: Transport, protocol: Protocol) -> Deployment:
    """The whole system as ``protocol`` says, at :data:`GENESIS` or the chain's time if later.

    Raises :class:`InputError` on what the contracts cannot hold.
    """
    return _Deployer(transport, protocol).run()


class _Deployer:
    """The steps of one deployment; what a step needs of an earlier one is kept on ``self``."""

    def __init__(self, transport: Transport, protocol: Protocol) -> None:
        self.transport = transport
        self.protocol = protocol
        account = transport.account
        self.roles = Roles(
            deployer=account("deployer"),
            guardian=account("guardian"),
            reporter=account("reporter"),
            venue=account("venue"),
            risk_manager=account("risk manager"),
            liquidity_owner=account("liquidity owner"),
            fee_receiver=account("fee receiver"),
            lender=account("lender"),
        )
        self.agents = tuple(
            account(f"agent {index} {slot.name}") for index, slot in enumerate(protocol.agents)
        )

    def run(self) -> Deployment:
        self.genesis = max(GENESIS, self.transport.time() + 1)
        self.transport.set_time(self.genesis)
        self._tokens()
        self._oracle()
        self._clearing()
        self._pool()
        self._pledges()
        self._first_round()
        self._borrowing()
        self._lending()
        self._vault()
        lens = self._new("Lens")
        self._agents()
        return Deployment(
            genesis=self.genesis,
            roles=self.roles,
            tokens=tuple(token.address for token in self.tokens),
            oracle=self.oracle.address,
            clearing=self.clearing.address,
            factory=self.uniswap.factory.address,
            pool=self.pool,
            router=self.uniswap.router.address,
            manager=self.uniswap.manager.address,
            provider=self.provider,
            vault=self.vault.address,
            lens=lens.address,
            agents=self.agents,
            lending=self.lending,
            borrowing=self.borrowing,
            opened=self.opened,
        )

    # ------------------------------------------------------------------------------------- helpers

    def _new(self, name: str, /, *arguments: Any, **named: Any) -> Contract:
        artifact = artifacts.load(name)
        code = encode_constructor(artifact, *arguments, **named)
        return Contract(artifact, self.transport.deploy(self.roles.deployer, code), self.transport)

    def _own(self, contract: Contract, function: str, /, *arguments: Any, **named: Any) -> Any:
        return contract.transact(self.roles.deployer, function, *arguments, **named)

    def _fund(self, asset: int, to: str, raw: int) -> None:
        if raw > 0:
            self._own(self.tokens[asset], "mint", to, raw)

    # --------------------------------------------------------------------------------------- steps

    def _tokens(self) -> None:
        """Token contracts. Pools sort their tokens by address, and USDC must come last in each."""
        nonce, count = self.transport.nonce(self.roles.deployer), len(self.protocol.assets)
        coming = [created_address(self.roles.deployer, nonce + i) for i in range(count)]
        order = list(range(1, count))
        order.insert(max(range(count), key=lambda i: int(coming[i], 16)), 0)
        made = {
            index: self._new("Token", asset.symbol, asset.symbol, asset.decimals)
            for index, asset in ((i, self.protocol.assets[i]) for i in order)
        }
        self.tokens = tuple(made[index] for index in range(len(self.protocol.assets)))

    def _oracle(self) -> None:
        self.oracle = self._new("PriceOracle", self.roles.deployer)
        for token, feed in zip(self.tokens, self.protocol.feeds, strict=True):
            terms = struct(feed, oracle.FEED)
            self._own(self.oracle, "add_feed", asset=token.address, **terms)
        self._own(self.oracle, "set_reporter", self.roles.reporter, True)
        self._own(self.oracle, "set_guardian", self.roles.guardian)

    def _clearing(self) -> None:
        p = self.protocol.clearing
        usdc, usdc_terms = self.tokens[0].address, p.collaterals[0]
        if usdc_terms.asset != 0:
            raise InputError(f"clearing.collaterals[0].asset = {usdc_terms.asset}: must be 0, USDC")
        places = {"oracle": self.oracle.address, "usdc": usdc}
        self.clearing = self._new(
            "ClearingHouse",
            owner=self.roles.deployer,
            **places,
            **struct(usdc_terms, clearing.COLLATERAL, USDC_DECIMALS),
            parameters=struct(p, clearing.PARAMETERS),
            parts={at: self._new(name, **places).address for name, at in CLEARING_PARTS.items()},
        )
        for market in p.markets:
            terms = struct(market, clearing.MARKET)
            asset = self.tokens[market.asset].address
            self._own(self.clearing, "add_market", parameters={"asset": asset, **terms})
        for basket in p.collaterals[1:]:
            terms = struct(basket, clearing.COLLATERAL, self.protocol.assets[basket.asset].decimals)
            token = self.tokens[basket.asset].address
            self._own(self.clearing, "add_collateral", token=token, **terms)
        self._own(self.clearing, "set_risk_manager", self.roles.venue)
        self._own(self.clearing, "set_guardian", self.roles.guardian)
        if p.covariance_factor:
            self.clearing.transact(self.roles.venue, "post_covariance", p.covariance_factor)
        self._fund_venue()

    def _fund_venue(self) -> None:
        """The maker accounts and the insurance fund, paid in by the deployer."""
        p = self.protocol.clearing
        shares = maker_shares(self.protocol)
        insurance = int(to_raw(p.insurance_funds, USDC_DECIMALS))
        self._fund(0, self.roles.deployer, sum(shares) + insurance)
        self._own(self.tokens[0], "approve", self.clearing.address, MAX_UINT256)
        for market, raw in enumerate(shares):
            if raw:
                self._own(self.clearing, "fund_maker", market, raw)
        if insurance:
            self._own(self.clearing, "fund_insurance", insurance)

    def _pool(self) -> None:
        """The vault's pool with everybody else's liquidity; Uniswap is there for others, too."""
        p = self.protocol.pool
        base, usdc = self.tokens[1], self.tokens[0]
        self.opened = 0
        self.uniswap: uniswap.Periphery
        if self.protocol.stable is not None:
            self.uniswap = uniswap.without_pool(self.transport, self.roles.deployer)
            owner = self.provider = self.roles.liquidity_owner
            pool, self.opened = stable_swap.deploy(
                self.transport, self.roles.deployer, owner, (base, usdc), self.protocol.stable
            )
            self.pool = pool.address
            return
        self.uniswap = deployed = uniswap.deploy(
            self.transport, self.roles.deployer, base.address, usdc.address,
            p.fee_ppm, p.tick_spacing, p.sqrt_price_x96,
        )  # fmt: skip
        self.pool = deployed.pool.address
        provider = self._new("PassiveProvider", self.roles.liquidity_owner, self.pool)
        self.provider = provider.address
        self._fund(0, self.provider, _PROVIDER_FUNDS)
        self._fund(1, self.provider, _PROVIDER_FUNDS)
        targets = background_targets(self.protocol, 1.0)
        provider.transact(self.roles.liquidity_owner, "set_liquidity", targets)

    def _pledges(self) -> None:
        """Terms on which the pool's positions back margin accounts; the base is collateral too."""
        p = self.protocol.clearing
        if self.protocol.vault.pledged:
            manager, pool = self.uniswap.manager.address, self.pool
            terms = struct(p, clearing.LIQUIDITY)
            self._own(self.clearing, "set_lp_collateral", manager=manager, pool=pool, **terms)

    def _first_round(self) -> None:
        """Prices, where anybody borrows at the start."""
        p = self.protocol
        if p.aave is None and p.lending is None:
            return
        prices = [wad(asset.price) for asset in p.assets]
        tokens = [token.address for token in self.tokens]
        # A node may not have taken the time that was set, and refuses a round later than its block.
        now = min(self.genesis, self.transport.time())
        self.oracle.transact(self.roles.reporter, "report", tokens, prices, now)

    def _borrowing(self) -> None:
        """The lending market with its borrowers."""
        self.borrowing = None
        p, oracle = self.protocol, self.oracle.address
        if p.lending is not None:
            self.borrowing = borrowing.deploy(
                self.transport, self.roles.deployer, self.roles.lender, p, p.lending,
                self.tokens, oracle,
            )  # fmt: skip

    def _lending(self) -> None:
        """The second hedge venue. Right before the vault, whose address it must foresee."""
        self.lending = None
        p = self.protocol
        if p.aave is None:
            return
        self.lending = hedging.deploy(
            self.transport,
            self.roles.deployer,
            self.roles.lender,
            p,
            p.aave,
            self.tokens,
            self.oracle.address,
            self.uniswap.factory,
            len(VAULT_PARTS),
        )

    def _hedges(self) -> list[dict[str, Any]]:
        """The venue, and the market there, for each market in order."""
        house = self.clearing.address
        hedges = [{"venue": house, "market": m} for m in range(self.protocol.markets)]
        if self.lending is not None and self.protocol.aave is not None:
            for index, leg in enumerate(self.protocol.aave.legs):
                hedges[leg.market] = {"venue": self.lending.hedge, "market": index}
        return hedges

    def _vault(self) -> None:
        v = self.protocol.vault
        places = {
            "base": self.tokens[1].address,
            "pool": self.pool,
            # Without one the pool is a StableSwap.
            "manager": ZERO_ADDRESS if self.opened else self.uniswap.manager.address,
            "oracle": self.oracle.address,
            "clearing": self.clearing.address,
            "isolated": v.isolated,
            "pledged": v.pledged,
        }
        asset = self.tokens[0].address
        parts = {
            at: self._new(name, deployment={"asset": asset, **places}).address
            for name, at in VAULT_PARTS.items()
        }
        self.vault = self._new(
            "HedgeVault",
            asset_=asset,
            **places,
            hedges=self._hedges(),
            parameters=struct(v, vault.STRUCT),
            **parts,
        )
        self._own(self.vault, "set_risk_manager", self.roles.risk_manager)
        self._own(self.vault, "set_guardian", self.roles.guardian)
        self._own(self.vault, "set_fee_receiver", self.roles.fee_receiver)

    def _agents(self) -> None:
        """Wallets, allowances, posted margin, and consent to slices of the vault's account."""
        spenders = [self.uniswap.router.address, self.clearing.address, self.vault.address]
        if self.opened:
            spenders.append(self.pool)
        collaterals = [terms.asset for terms in self.protocol.clearing.collaterals]
        lent: tuple[int, ...] = ()
        if self.lending is not None:
            spenders += [self.lending.aave, self.lending.hedge]
            lent = self.lending.assets
        listed: tuple[int, ...] = ()
        if self.borrowing is not None:
            spenders.append(self.borrowing.aave)
            listed = self.borrowing.others
        held = sorted({0, 1, *collaterals, *lent, *listed})
        for slot, address in zip(self.protocol.agents, self.agents, strict=True):
            wallet = {0: slot.usdc, 1: slot.base} | dict(zip(lent, slot.hedge, strict=False))
            for asset, amount in (*wallet.items(), *zip(listed, slot.listed, strict=False)):
                self._fund(asset, address, self._raw(asset, amount))
            if slot.positions:
                for asset in (0, 1):
                    manager = self.uniswap.manager.address
                    self.tokens[asset].transact(address, "approve", manager, MAX_UINT256)
            for asset in held:
                for spender in spenders:
                    self.tokens[asset].transact(address, "approve", spender, MAX_UINT256)
            if slot.has_account and not self.protocol.vault.isolated:
                self.clearing.transact(address, "set_slice_consent", self.vault.address, True)
            margin = slot.margin if slot.has_account else ()
            for index, amount in enumerate(margin):
                raw = self._raw(collaterals[index], amount)
                self._fund(collaterals[index], address, raw)
                if raw:
                    self.clearing.transact(address, "deposit", address, 0, index, raw)

    def _raw(self, asset: int, amount: float) -> int:
        return int(to_raw(amount, self.protocol.assets[asset].decimals))
