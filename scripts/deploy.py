"""``ape run deploy``: the whole system on any network ape knows, and where it is.

    ape run deploy --network ethereum:local:test
    ape run deploy --network ethereum:local:foundry --scenario calm
    ape run deploy --network ethereum:sepolia:node --account my-alias

On a local network every role and agent of the scenario gets an ape test account. On a live one the
account named by ``--account`` deploys, pays and holds every role, and no agents are set up; the
tokens are the project's own test tokens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ape  # noqa: TID253 - this file is run by ape itself
import click
from ape.cli import ConnectedProviderCommand  # noqa: TID253
from ape.logging import logger  # noqa: TID253
from rich.console import Console
from rich.table import Table

from simulator.chain.deploy.deployment import deploy
from simulator.chain.evm.rpc import RpcTransport
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.types import InputError

if TYPE_CHECKING:
    from ape.api import AccountAPI, ProviderAPI

FUNDING = "10 ether"


class ApeTransport(RpcTransport):
    """The connected ape provider, its transactions signed by ape's accounts.

    ``owner`` None: a test account for each name, funded by the first; else that account for all.
    """

    def __init__(self, provider: ProviderAPI, owner: AccountAPI | None) -> None:
        super().__init__(provider.web3)
        self._provider = provider
        self._owner = owner
        self._names: dict[str, str] = {}
        self._accounts: dict[str, AccountAPI] = {}

    def account(self, name: str) -> str:
        """See :meth:`Transport.account`."""
        if name not in self._names:
            account = self._owner or self._test_account(len(self._names))
            self._names[name] = str(account.address).lower()
            self._accounts[self._names[name]] = account
            self._observer = self._names[name]
        return self._names[name]

    def set_time(self, timestamp: int) -> None:
        """Nothing: a deployment needs no particular time, and a live network's clock is its own."""

    def _test_account(self, index: int) -> AccountAPI:
        known = ape.accounts.test_accounts
        account = known[index] if index < len(known) else known.generate_test_account()
        if account.balance == 0:
            ape.accounts.test_accounts[0].transfer(account, FUNDING)
        return account

    def _send(self, sender: str, to: str | None, data: bytes) -> Any:
        fields: dict[str, Any] = {"data": data} if to is None else {"data": data, "receiver": to}
        transaction = self._provider.network.ecosystem.create_transaction(**fields)
        receipt = self._accounts[sender].call(transaction)
        return {
            "contractAddress": receipt.contract_address,
            "logs": receipt.logs,
            "gasUsed": receipt.gas_used,
        }


@click.command(cls=ConnectedProviderCommand)
@click.option("--scenario", default="calm", show_default=True, help="built-in name or YAML file")
@click.option("--account", "alias", help="ape account that deploys; needed on a live network")
def cli(scenario: str, alias: str | None, provider: ProviderAPI) -> None:
    """Deploy everything a scenario describes and print the addresses."""
    logger.set_level("WARNING")  # a line per transaction would bury the table
    try:
        protocol = resolve(load(scenario))
    except InputError as error:
        raise click.BadParameter(str(error), param_hint="--scenario") from error
    if not provider.network.is_local and alias is None:
        raise click.UsageError(f"{provider.network.name} is a live network: name an --account")
    owner = ape.accounts.load(alias) if alias else None
    if owner is not None:
        protocol = replace(protocol, agents=())
    deployment = deploy(ApeTransport(provider, owner), protocol)

    table = Table("contract or role", "address", title=f"{scenario} on {provider.network_choice}")
    for asset, address in zip(protocol.assets, deployment.tokens, strict=True):
        table.add_row(f"token {asset.symbol}", address)
    for name, address in deployment.table():
        table.add_row(name, address)
    for slot, address in zip(protocol.agents, deployment.agents, strict=True):
        table.add_row(f"agent {slot.name}", address)
    Console().print(table)
