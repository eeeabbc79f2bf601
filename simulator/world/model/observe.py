"""What the model shows of its state: stored numbers as views, derived ones when first read."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from simulator.types import Floats
from simulator.world.base import Observation
from simulator.world.model.jit import kernel
from simulator.world.model.margin import accrued, value_account
from simulator.world.model.parameters import ClearingTable, Tables
from simulator.world.model.pool import active_liquidity
from simulator.world.model.state import ClearingState, Oracle, PoolState, PositionState, State
from simulator.world.model.valuation import BASE_ASSET, USDC_ASSET, value_vault

_SHARE_UNIT = 1e18


@kernel
def _pool_liquidity(pool: PoolState, position: PositionState, out: Floats) -> None:
    for i in range(out.size):
        out[i] = active_liquidity(pool, position, i)


@kernel
def _funding(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, rate: Floats, index: Floats
) -> None:
    """Funding rate and index of every market up to now, into ``rate`` and ``index`` ``[M, P]``."""
    for market in range(rate.shape[0]):
        for i in range(rate.shape[1]):
            rate[market, i], index[market, i] = accrued(table, clearing, oracle, market, i)


@kernel
def _accounts(table: ClearingTable, clearing: ClearingState, oracle: Oracle, out: Floats) -> None:
    """Value, equity and maintenance of every account, into ``out`` ``[3, N, P]``, USD."""
    for account in range(out.shape[1]):
        for i in range(out.shape[2]):
            valued = value_account(table, clearing, oracle, account, i)
            out[0, account, i] = valued.value
            out[1, account, i] = valued.equity
            out[2, account, i] = valued.maintenance


@kernel
def _vault(tables: Tables, state: State, oracle: Oracle, out: Floats) -> None:
    for i in range(out.shape[1]):
        valuation = value_vault(tables, state, oracle, i)
        out[0, i] = max(valuation.nav, 0.0)
        out[1, i] = valuation.lp_base / tables.vault.base_unit
        out[2, i] = valuation.lp_usdc / tables.vault.usdc_unit
        out[3, i] = valuation.fees_base / tables.vault.base_unit
        out[4, i] = valuation.fees_usdc / tables.vault.usdc_unit


def _read_only(array: Floats) -> Floats:
    view = array.view()
    view.flags.writeable = False
    return view


def _stored(group: str, name: str) -> Any:
    """A state variable in whole units already: a read-only view of the buffer."""
    return cached_property(lambda self: _read_only(getattr(getattr(self._state, group), name)))


class ModelObservation(Observation):
    """Observation whose fields are computed when first read.

    Stored fields are views: the object is valid until the world's next ``advance`` or ``execute``.
    """

    _tables: Tables
    _state: State
    _oracle: Oracle

    def __init__(self, tables: Tables, state: State, oracle: Oracle) -> None:
        self.__dict__.update(_tables=tables, _state=state, _oracle=oracle)

    sqrt_price = _stored("pool", "sqrt_price")
    skew = _stored("clearing", "skew")
    skew_scale = _stored("clearing", "skew_scale")
    cash = _stored("clearing", "cash")
    size = _stored("clearing", "size")
    cost = _stored("clearing", "cost")
    funding_entry = _stored("clearing", "funding_entry")
    maker_cash = _stored("clearing", "maker_cash")
    insurance_fund = _stored("clearing", "insurance_fund")
    bad_debt = _stored("clearing", "bad_debt")
    liquidity = _stored("position", "liquidity")
    tick_lower = _stored("position", "tick_lower")
    tick_upper = _stored("position", "tick_upper")
    betas = _stored("vault", "betas")
    last_betas_time = _stored("vault", "betas_time")

    @cached_property
    def pool_liquidity(self) -> Floats:
        """``[P]`` active L, raw."""
        out = np.empty_like(self._state.pool.sqrt_price)
        _pool_liquidity(self._state.pool, self._state.position, out)
        return out

    @cached_property
    def _accrued(self) -> tuple[Floats, Floats]:
        clearing = self._state.clearing
        rate, index = np.empty_like(clearing.skew), np.empty_like(clearing.skew)
        _funding(self._tables.clearing, clearing, self._oracle, rate, index)
        return rate, index

    @cached_property
    def funding_rate(self) -> Floats:
        """``[M, P]`` per day, accrued up to now."""
        return self._accrued[0]

    @cached_property
    def funding_index(self) -> Floats:
        """``[M, P]`` USD per unit of size, accrued up to now."""
        return self._accrued[1]

    @cached_property
    def collateral(self) -> Floats:
        """``[N, C, P]`` whole tokens."""
        return self._state.clearing.collateral / self._tables.clearing.unit[:, None]

    @cached_property
    def _valued(self) -> Floats:
        clearing = self._state.clearing
        out = np.empty((3, *clearing.cash.shape))
        _accounts(self._tables.clearing, clearing, self._oracle, out)
        return out

    @cached_property
    def account_value(self) -> Floats:
        """``[N, P]`` USD."""
        return self._valued[0]

    @cached_property
    def equity(self) -> Floats:
        """``[N, P]`` USD."""
        return self._valued[1]

    @cached_property
    def maintenance(self) -> Floats:
        """``[N, P]`` USD."""
        return self._valued[2]

    @cached_property
    def _vault_values(self) -> Floats:
        out = np.empty((5, self._state.buffer.shape[1]))
        _vault(self._tables, self._state, self._oracle, out)
        return out

    @cached_property
    def nav(self) -> Floats:
        """``[P]`` USD, floored at zero."""
        return self._vault_values[0]

    @cached_property
    def lp_base(self) -> Floats:
        """``[P]`` whole base tokens in the position at the oracle √P."""
        return self._vault_values[1]

    @cached_property
    def lp_usdc(self) -> Floats:
        """``[P]`` USDC in the position at the oracle √P."""
        return self._vault_values[2]

    @cached_property
    def fees_base(self) -> Floats:
        """``[P]`` uncollected base tokens."""
        return self._vault_values[3]

    @cached_property
    def fees_usdc(self) -> Floats:
        """``[P]`` uncollected USDC."""
        return self._vault_values[4]

    @cached_property
    def shares(self) -> Floats:
        """``[P]`` total supply, whole shares."""
        return self._state.vault.shares / _SHARE_UNIT

    @cached_property
    def idle_usdc(self) -> Floats:
        """``[P]`` USDC."""
        return self._state.vault.idle_usdc / self._tables.vault.usdc_unit

    @cached_property
    def idle_base(self) -> Floats:
        """``[P]`` base tokens."""
        return self._state.vault.idle_base / self._tables.vault.base_unit

    @cached_property
    def wallet_usdc(self) -> Floats:
        """``[J, P]`` USDC."""
        return self._state.wallet.token[:, USDC_ASSET] / self._tables.vault.usdc_unit

    @cached_property
    def wallet_base(self) -> Floats:
        """``[J, P]`` base tokens."""
        return self._state.wallet.token[:, BASE_ASSET] / self._tables.vault.base_unit

    @cached_property
    def wallet_shares(self) -> Floats:
        """``[J, P]`` whole shares."""
        return self._state.wallet.shares / _SHARE_UNIT
