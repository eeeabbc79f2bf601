"""One ``Lens.observe`` static call per path, and what its words mean (contracts/Lens.vy)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world.base import Observation
from simulator.world.chain.codec import encode_with_arrays, selector, signed_words
from simulator.world.chain.deployment import WAD_DECIMALS
from simulator.world.chain.uniswap import Q96

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.chain.deployment import Deployment
    from simulator.world.protocol import Protocol

HEADER_WORDS = 19
MARKET_WORDS = 5
WALLET_WORDS = 3
# The ABI puts the offset and the length of the array before its elements.
FIRST_WORD = 2

_OBSERVE = "observe(address,address,address,address,uint256[],address[])"
_WAD = 10.0**WAD_DECIMALS


class Layout:
    """Where each state variable stands among the Lens's words, and its unit."""

    def __init__(self, protocol: Protocol, deployment: Deployment) -> None:
        self.protocol = protocol
        self.genesis = deployment.genesis
        self.accounts = deployment.margin_accounts(protocol)
        self.calldata = _calldata(deployment, self.accounts)
        self.collaterals = len(protocol.clearing.collaterals)
        self.account_words = 4 + (self.collaterals - 1) + 3 * protocol.markets
        self._first_account = HEADER_WORDS + MARKET_WORDS * protocol.markets
        self._first_wallet = self._first_account + self.account_words * len(self.accounts)
        self.words = self._first_wallet + WALLET_WORDS * len(protocol.agents)
        self._units = self._unit_of_every_word()[:, None]

    # ------------------------------------------------------------------- places of integers in data

    def wallet(self, agent: int, kind: int) -> int:
        """Word of return data holding an agent's USDC (0), base (1) or shares (2)."""
        return FIRST_WORD + self._first_wallet + WALLET_WORDS * agent + kind

    def collateral(self, account: int, collateral: int) -> int:
        """Word of return data holding an account's balance of a collateral ≥ 1."""
        return FIRST_WORD + self._first_account + self.account_words * account + 3 + collateral

    def size(self, account: int, market: int) -> int:
        """Word of return data holding an account's position in a market."""
        first = self._first_account + self.account_words * account
        return FIRST_WORD + first + 4 + (self.collaterals - 1) + 3 * market

    # ------------------------------------------------------------------------------------- decoding

    def decode(self, data: list[bytes]) -> Observation:
        """Observation of all paths from the return data of each."""
        table = signed_words(data, FIRST_WORD)
        if table.shape[0] != self.words:
            raise ValueError(f"Lens returned {table.shape[0]} words, expected {self.words}")
        last_betas = table[18]
        last_betas_time = np.where(last_betas > 0.0, last_betas - self.genesis, -1.0)
        table /= self._units
        paths, markets = table.shape[1], self.protocol.markets
        market = table[HEADER_WORDS : self._first_account].reshape(markets, MARKET_WORDS, paths)
        account = table[self._first_account : self._first_wallet]
        account = account.reshape(len(self.accounts), self.account_words, paths)
        position = account[:, 3 + self.collaterals :].reshape(-1, markets, 3, paths)
        collateral = np.zeros((len(self.accounts), self.collaterals, paths))
        collateral[:, 1:] = account[:, 4 : 3 + self.collaterals]
        wallet = table[self._first_wallet :].reshape(-1, WALLET_WORDS, paths)
        return Observation(
            sqrt_price=table[2],
            pool_liquidity=table[3],
            skew=market[:, 0],
            skew_scale=market[:, 1],
            funding_rate=market[:, 2],
            funding_index=market[:, 3],
            cash=account[:, 0],
            collateral=collateral,
            size=position[:, :, 0],
            cost=position[:, :, 1],
            funding_entry=position[:, :, 2],
            account_value=account[:, 1],
            equity=account[:, 2],
            maintenance=account[:, 3],
            maker_cash=table[4],
            insurance_fund=table[5],
            bad_debt=table[6],
            nav=table[7],
            shares=table[8],
            idle_usdc=table[9],
            idle_base=table[10],
            liquidity=table[11],
            tick_lower=table[12],
            tick_upper=table[13],
            lp_base=table[14],
            lp_usdc=table[15],
            fees_base=table[16],
            fees_usdc=table[17],
            betas=market[:, 4],
            last_betas_time=last_betas_time,
            wallet_usdc=wallet[:, 0],
            wallet_base=wallet[:, 1],
            wallet_shares=wallet[:, 2],
        )

    def _unit_of_every_word(self) -> Floats:
        """What each word is divided by."""
        assets, collaterals = self.protocol.assets, self.protocol.clearing.collaterals
        usdc, base = 10.0**USDC_DECIMALS, 10.0 ** assets[1].decimals
        header = [1.0, 1.0, float(Q96), 1.0, _WAD, _WAD, _WAD, _WAD, _WAD, usdc, base]
        header += [1.0, 1.0, 1.0, base, usdc, base, usdc, 1.0]
        balances = [10.0 ** assets[terms.asset].decimals for terms in collaterals[1:]]
        account = [_WAD] * 4 + balances + [_WAD] * (3 * self.protocol.markets)
        return np.array(
            header
            + [_WAD] * (MARKET_WORDS * self.protocol.markets)
            + account * len(self.accounts)
            + [usdc, base, _WAD] * len(self.protocol.agents)
        )


def _calldata(deployment: Deployment, accounts: tuple[int, ...]) -> bytes:
    contracts = (deployment.vault, deployment.clearing, deployment.pool, deployment.oracle)
    return selector(_OBSERVE) + encode_with_arrays(
        [int(address, 16) for address in contracts],
        [accounts, [int(address, 16) for address in deployment.agents]],
        [],
    )
