"""What the chain world reads of the second hedge venue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world.chain.codec import selector, signed_word, word, words
from simulator.world.chain.terms import WAD_DECIMALS
from simulator.world.chain.uniswap import Q96

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.chain.addresses import Deployment
    from simulator.world.chain.transport import Transport
    from simulator.world.protocol import Protocol

# Words of the group "lending": these, then three for each leg, then each agent's leg assets.
SUPPLIED, EQUITY, MAINTENANCE, FIRST_LEG = range(4)
LEG_WORDS = 3  # debt, √P, available

_BALANCE_OF = selector("balanceOf(address)")
_STATE = selector("last_account_state(uint256)")
_SLOT0 = selector("slot0()")
_EQUITY_WORD, _MAINTENANCE_WORD = 2, 4  # of IHedgeVenue.AccountState


class LendingReader:
    """Reads the venue as Aave, the pools and AaveHedge themselves answer."""

    def __init__(self, protocol: Protocol, deployment: Deployment) -> None:
        self._deployment = deployment
        self._legs = range(len(deployment.lending.assets) if deployment.lending else 0)
        self._account = words(int(deployment.vault, 16) << 8)
        units = [10.0 ** protocol.assets[a].decimals for a in self._assets]
        every_leg = [number for unit in units for number in (unit, float(Q96), unit)]
        margin = [10.0**USDC_DECIMALS, 10.0**WAD_DECIMALS, 10.0**WAD_DECIMALS]
        wallets = units * len(deployment.agents)
        self.units: Floats = np.array([*margin, *every_leg, *wallets] if units else [], np.float64)

    @property
    def _assets(self) -> tuple[int, ...]:
        lending = self._deployment.lending
        return lending.assets if lending is not None else ()

    def read(self, transport: Transport) -> list[int]:
        """The words of the group now; none without the venue."""
        deployment, lending = self._deployment, self._deployment.lending
        if lending is None:
            return []

        def balance(token: str, holder: str) -> int:
            return word(transport.call(token, _BALANCE_OF + words(int(holder, 16))), 0)

        state = transport.call(lending.hedge, _STATE + self._account)
        found = [
            balance(lending.a_tokens[0], lending.hedge),
            signed_word(state, _EQUITY_WORD),
            word(state, _MAINTENANCE_WORD),
        ]
        tokens = [deployment.tokens[asset] for asset in lending.assets]
        for leg in self._legs:
            found += [
                balance(lending.debt_tokens[leg + 1], lending.hedge),
                word(transport.call(lending.pools[leg], _SLOT0), 0),
                balance(tokens[leg], lending.a_tokens[leg + 1]),
            ]
        found += [balance(token, agent) for agent in deployment.agents for token in tokens]
        return found
