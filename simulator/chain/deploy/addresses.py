"""Where everything of a deployment is, and who is who."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.chain.deploy.borrowers import Borrowing
    from simulator.chain.deploy.lending_market import Lending
    from simulator.world.protocol import Protocol

# Fields of a Deployment that are contracts, tokens apart.
CONTRACTS = (
    *("oracle", "clearing", "factory", "pool", "router"),
    *("manager", "provider", "vault", "lens"),
)


@dataclass(frozen=True)
class Roles:
    """Addresses of those who are no agents. The deployer owns every contract."""

    deployer: str
    guardian: str
    reporter: str  # posts oracle rounds
    venue: str  # risk manager of the ClearingHouse: sets skew scales, posts covariance
    risk_manager: str  # posts the vault's betas, on behalf of whichever agent decides them
    liquidity_owner: str  # sets the background liquidity
    fee_receiver: str  # of the vault's fees
    lender: str  # everybody else at Aave


@dataclass(frozen=True)
class Deployment:
    """Where everything is. ``genesis`` is the block time of step 0."""

    genesis: int
    roles: Roles
    tokens: tuple[str, ...]  # as Protocol.assets
    oracle: str
    clearing: str
    factory: str
    pool: str
    router: str
    manager: str  # NonfungiblePositionManager
    provider: str  # of liquidity for everybody else
    vault: str
    lens: str
    agents: tuple[str, ...]  # as Protocol.agents
    lending: Lending | None = None  # where the vault hedges on Aave too
    borrowing: Borrowing | None = None  # where there is a lending market
    opened: int = 0  # shares of a StableSwap when it was opened

    def margin_accounts(self, protocol: Protocol) -> tuple[int, ...]:
        """Clearing accounts in the order of ``Protocol``: ``owner << 8 | sub``."""
        vault = int(self.vault, 16) << 8
        agents = (
            int(address, 16) << 8
            for slot, address in zip(protocol.agents, self.agents, strict=True)
            if slot.has_account
        )
        return (*(vault | sub for sub in range(protocol.markets + 1)), *agents)

    def table(self) -> list[tuple[str, str]]:
        """(name, address) of every contract and role, for people."""
        return [
            *((name, getattr(self, name)) for name in CONTRACTS),
            *((name.replace("_", " "), address) for name, address in vars(self.roles).items()),
        ]
