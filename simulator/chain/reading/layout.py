"""Which words of the Lens are what (contracts/Lens.vy), and the calls that return them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.chain.deploy.terms import WAD_DECIMALS
from simulator.chain.deploy.uniswap_v3 import Q96
from simulator.chain.evm.codec import encode_with_arrays, selector
from simulator.chain.reading.mirror import LOAN_WORDS
from simulator.types import USDC_DECIMALS
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE

if TYPE_CHECKING:
    from simulator.chain.deploy.addresses import Deployment
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

HEADER_WORDS = 21
MARKET_WORDS = 13
ACCOUNT_WORDS = 4
POSITION_WORDS = 4
WALLET_WORDS = 3
# The ABI puts the offset and the length of the array before its elements.
FIRST_WORD = 2

_OBSERVE = "observe(address,address,address,address,uint256[],address[])"
_OBSERVE_LENDING = "observe_lending(address,uint256,(address,address,address)[],address[])"
_WAD = 10.0**WAD_DECIMALS


class Layout:
    """Which words of the Lens make up each group of variables, and their units.

    N accounts, M markets, C collaterals, J agents. ``groups`` maps a name to word numbers, in the
    order of its axes: ``cash [N]``, ``margin [N, 3]``, ``collateral [N, C − 1]``, ``positions
    [N, M, 4]``, ``market [M, 2]``, ``funding [M, 2]``, ``betas [M]``, ``backstop [M, 8]``,
    ``wallets [J, 3]``.
    """

    def __init__(self, protocol: Protocol, deployment: Deployment) -> None:
        self.protocol = protocol
        self.genesis = deployment.genesis
        self.accounts = deployment.margin_accounts(protocol)
        self.calldata = _calldata(deployment, self.accounts)
        self.lending_calldata = _lending_calldata(deployment)
        self.legs = () if deployment.lending is None else deployment.lending.assets
        self.markets = protocol.markets
        self.others = len(protocol.clearing.collaterals) - 1
        position = ACCOUNT_WORDS + self.others
        account_words = position + POSITION_WORDS * self.markets
        first_account = HEADER_WORDS + MARKET_WORDS * self.markets
        first_wallet = first_account + account_words * len(self.accounts)
        self.words = first_wallet + WALLET_WORDS * len(protocol.agents)
        market = range(HEADER_WORDS, first_account, MARKET_WORDS)
        account = range(first_account, first_wallet, account_words)
        self.groups: dict[str, list[int]] = {
            "pool": [2, 3],
            "venue": [4, 5],
            "nav": [6],
            "vault": [7, 8, 9, 17],
            "position": list(range(10, 17)),
            "shares": [18, 19, 20],
            "market": [first + i for first in market for i in (0, 1)],
            "funding": [first + i for first in market for i in (2, 3)],
            "betas": [first + 4 for first in market],
            "backstop": [first + i for first in market for i in range(5, MARKET_WORDS)],
            "cash": list(account),
            "margin": [first + i for first in account for i in (1, 2, 3)],
            "collateral": [
                first + ACCOUNT_WORDS + i for first in account for i in range(self.others)
            ],
            "positions": [first + i for first in account for i in range(position, account_words)],
            "wallets": list(range(first_wallet, self.words)),
        }
        accounts = len(self.accounts)
        self.shapes: dict[str, tuple[int, ...]] = {
            "market": (self.markets, 2, -1),
            "funding": (self.markets, 2, -1),
            "backstop": (self.markets, 8, -1),
            "margin": (accounts, 3, -1),
            "collateral": (accounts, self.others, -1),
            "positions": (accounts, self.markets, POSITION_WORDS, -1),
            "wallets": (len(protocol.agents), WALLET_WORDS, -1),
        }
        self.units = {name: self._units(name)[:, None] for name in self.groups}
        # What a Mirror needs beside these: rate, index and time of the last accrual; liquidity,
        # ticks and √P of the vault's range; its uncollected fees; the factor of the covariance.
        rows = len(protocol.risk_assets)
        self.shapes["accrual"] = (self.markets, 3, -1)
        self.shapes["covariance"] = (rows, FACTOR_COLUMNS, -1)
        usdc, base = 10.0**USDC_DECIMALS, 10.0 ** protocol.assets[1].decimals
        for name, units in (
            ("accrual", [_WAD, _WAD, 1.0] * self.markets),
            ("place", [1.0, 1.0, 1.0, Q96, Q96]),
            ("fees", [base, usdc]),
            ("covariance", [FACTOR_SCALE] * (rows * FACTOR_COLUMNS)),
            ("lending", self._lending_units()),
        ):
            self.units[name] = np.array(units, np.float64)[:, None]

    def _lending_units(self) -> list[float]:
        tokens = [10.0 ** self.protocol.assets[asset].decimals for asset in self.legs]
        of_legs = [unit for token in tokens for unit in (_WAD, token, float(Q96))]
        return [_WAD] * LOAN_WORDS + of_legs + tokens * len(self.protocol.agents)

    def _units(self, group: str) -> Floats:
        """What each word of a group is divided by."""
        protocol = self.protocol
        usdc, base = 10.0**USDC_DECIMALS, 10.0 ** protocol.assets[1].decimals
        balances = [
            10.0 ** protocol.assets[terms.asset].decimals
            for terms in protocol.clearing.collaterals[1:]
        ]
        special = {
            "pool": [float(Q96), 1.0],
            "vault": [_WAD, usdc, base, 1.0],
            "position": [1.0, 1.0, 1.0, base, usdc, base, usdc],
            "backstop": [*[_WAD] * 7, _WAD**2] * self.markets,
            "collateral": balances * len(self.accounts),
            "wallets": [usdc, base, _WAD] * len(protocol.agents),
        }
        return np.array(special.get(group, [_WAD] * len(self.groups[group])), np.float64)


def _calldata(deployment: Deployment, accounts: tuple[int, ...]) -> bytes:
    contracts = (deployment.vault, deployment.clearing, deployment.pool, deployment.oracle)
    return selector(_OBSERVE) + encode_with_arrays(
        [int(address, 16) for address in contracts],
        [accounts, [int(address, 16) for address in deployment.agents]],
        [],
    )


def _lending_calldata(deployment: Deployment) -> bytes:
    """Call of ``Lens.observe_lending``; empty where the vault has no hedge on Aave."""
    lending = deployment.lending
    if lending is None:
        return b""
    from eth_abi import encode

    legs = [
        (deployment.tokens[asset], pool, a_token)
        for asset, pool, a_token in zip(
            lending.assets, lending.pools, lending.a_tokens[1:], strict=True
        )
    ]
    arguments = (lending.hedge, int(deployment.vault, 16) << 8, legs, deployment.agents)
    types = ("address", "uint256", "(address,address,address)[]", "address[]")
    return selector(_OBSERVE_LENDING) + encode(types, arguments)
