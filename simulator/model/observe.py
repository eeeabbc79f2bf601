"""What the model shows of its state: stored numbers as views, derived ones when first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.model.batch import at
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths, View
from simulator.model.parameters import Tables
from simulator.model.pools.uniswap_v3.pool import active_liquidity
from simulator.model.vault.valuation import value_vault
from simulator.model.venues.aave.lending import size_of
from simulator.model.venues.aave.lending import value as value_loan
from simulator.model.venues.perps.maker import accrued, unpaid
from simulator.model.venues.perps.margin import value_account
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET
from simulator.types import Floats
from simulator.world.base import Observation

_SHARE_UNIT = 1e18


@kernel
def _pool_liquidity(paths: Paths, out: Floats) -> None:
    for i in range(out.size):
        out[i] = active_liquidity(paths.states[i].pool, paths.states[i].position)


@kernel
def _markets(paths: Paths, out: Floats) -> None:
    """Up to now: funding rate, index, socialised loss per long and short unit, ``[4, M, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        for market in range(out.shape[1]):
            out[0, market, i], out[1, market, i] = accrued(w, market)
            out[2, market, i] = w.state.clearing.loss_long[market] + unpaid(w, market, True)
            out[3, market, i] = w.state.clearing.loss_short[market] + unpaid(w, market, False)


@kernel
def _accounts(paths: Paths, out: Floats) -> None:
    """Value, equity and maintenance of every account, into ``out`` ``[3, N, P]``, USD."""
    for i in range(paths.states.size):
        w = at(paths, i)
        for account in range(out.shape[1]):
            valued = value_account(w, account)
            out[0, account, i] = valued.value
            out[1, account, i] = valued.equity
            out[2, account, i] = valued.maintenance


@kernel
def _vault(paths: Paths, out: Floats) -> None:
    """NAV, then the position's amounts and fees in whole tokens, into ``out`` ``[5, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        valuation = value_vault(w)
        out[0, i] = max(valuation.nav, 0.0)
        out[1, i] = valuation.lp_base / w.tables.vault.base_unit
        out[2, i] = valuation.lp_usdc / w.tables.vault.usdc_unit
        out[3, i] = valuation.fees_base / w.tables.vault.base_unit
        out[4, i] = valuation.fees_usdc / w.tables.vault.usdc_unit


@kernel
def _lending(paths: Paths, out: Floats) -> None:
    """USDC supplied, equity, maintenance, then each leg's debt, into ``out`` ``[3 + L, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        loan = value_loan(w)
        out[0, i] = loan.supplied / w.tables.aave.unit[0]
        out[1, i] = loan.equity
        out[2, i] = loan.maintenance
        for leg in range(out.shape[0] - 3):
            out[3 + leg, i] = -size_of(w, leg)


def _read_only(array: Floats) -> Floats:
    view = array.view()
    view.flags.writeable = False
    return view


class lazy:  # noqa: N801 -- used as a decorator
    """functools.cached_property without its lock, which cost more than most of these fields."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        value = self._compute(instance)
        instance.__dict__[self._name] = value
        return value


def _stored(group: str, name: str) -> Any:
    """A state variable in whole units already: a read-only view of the buffer."""
    return lazy(lambda self: _read_only(getattr(getattr(self._state, group), name)))


class ModelObservation(Observation):
    """Observation whose fields are computed when first read.

    Stored fields are views: the object is valid until the world's next ``advance`` or ``execute``.
    """

    _tables: Tables
    _state: View
    _paths: Paths

    def __init__(self, tables: Tables, paths: Paths, state: View) -> None:
        self.__dict__.update(_tables=tables, _state=state, _paths=paths)

    def _derived(self, kernel: Callable[..., None], *shape: int) -> Floats:
        """What a kernel writes into ``[*shape, P]``."""
        out = np.empty((*shape, self._paths.states.size))
        kernel(self._paths, out)
        return out

    sqrt_price = _stored("pool", "sqrt_price")
    skew = _stored("clearing", "skew")
    skew_scale = _stored("clearing", "skew_scale")
    cash = _stored("clearing", "cash")
    size = _stored("clearing", "size")
    cost = _stored("clearing", "cost")
    funding_entry = _stored("clearing", "funding_entry")
    loss_entry = _stored("clearing", "loss_entry")
    insurance_drawn = _stored("clearing", "insurance_drawn")
    maker_drawn = _stored("clearing", "maker_drawn")
    premium_pool = _stored("clearing", "premium_pool")
    maker_cash = _stored("clearing", "maker_cash")
    unpaid_premium = _stored("clearing", "unpaid_premium")
    insurance_fund = _stored("clearing", "insurance_fund")
    bad_debt = _stored("clearing", "bad_debt")
    liquidity = _stored("position", "liquidity")
    tick_lower = _stored("position", "tick_lower")
    tick_upper = _stored("position", "tick_upper")
    high_water_mark = _stored("vault", "high_water_mark")
    betas = _stored("vault", "betas")
    last_betas_time = _stored("vault", "betas_time")

    @lazy
    def pool_liquidity(self) -> Floats:
        """``[P]`` active L, raw."""
        return self._derived(_pool_liquidity)

    @lazy
    def _markets(self) -> Floats:
        return self._derived(_markets, 4, self._tables.counts.markets)

    @lazy
    def funding_rate(self) -> Floats:
        """``[M, P]`` per day, accrued up to now."""
        return self._markets[0]

    @lazy
    def funding_index(self) -> Floats:
        """``[M, P]`` USD per unit of size, accrued up to now."""
        return self._markets[1]

    @lazy
    def loss_long(self) -> Floats:
        """``[M, P]`` socialised loss per unit of size, what the maker lacks now counted in."""
        return self._markets[2]

    @lazy
    def loss_short(self) -> Floats:
        """``[M, P]`` socialised loss per unit of size, what the maker lacks now counted in."""
        return self._markets[3]

    @lazy
    def long_interest(self) -> Floats:
        """``[M, P]`` base units."""
        return np.maximum(self._state.clearing.size, 0.0).sum(axis=0)

    @lazy
    def collateral(self) -> Floats:
        """``[N, C, P]`` whole tokens."""
        return self._state.clearing.collateral / self._tables.view.clearing.unit[:, None]

    @lazy
    def _valued(self) -> Floats:
        return self._derived(_accounts, 3, self._tables.counts.accounts)

    @lazy
    def account_value(self) -> Floats:
        """``[N, P]`` USD."""
        return self._valued[0]

    @lazy
    def equity(self) -> Floats:
        """``[N, P]`` USD."""
        return self._valued[1]

    @lazy
    def maintenance(self) -> Floats:
        """``[N, P]`` USD."""
        return self._valued[2]

    @lazy
    def _vault_values(self) -> Floats:
        return self._derived(_vault, 5)

    @lazy
    def nav(self) -> Floats:
        """``[P]`` USD, floored at zero."""
        return self._vault_values[0]

    @lazy
    def lp_base(self) -> Floats:
        """``[P]`` whole base tokens in the position at the oracle √P."""
        return self._vault_values[1]

    @lazy
    def lp_usdc(self) -> Floats:
        """``[P]`` USDC in the position at the oracle √P."""
        return self._vault_values[2]

    @lazy
    def fees_base(self) -> Floats:
        """``[P]`` uncollected base tokens."""
        return self._vault_values[3]

    @lazy
    def fees_usdc(self) -> Floats:
        """``[P]`` uncollected USDC."""
        return self._vault_values[4]

    @lazy
    def shares(self) -> Floats:
        """``[P]`` total supply, whole shares."""
        return self._state.vault.shares / _SHARE_UNIT

    @lazy
    def fee_shares(self) -> Floats:
        """``[P]`` whole shares of the fee receiver."""
        return self._state.vault.fee_shares / _SHARE_UNIT

    @lazy
    def queued_shares(self) -> Floats:
        """``[P]`` whole shares waiting in the queue."""
        return self._state.vault.request.sum(axis=0) / _SHARE_UNIT

    @lazy
    def idle_usdc(self) -> Floats:
        """``[P]`` USDC."""
        return self._state.vault.idle_usdc / self._tables.view.vault.usdc_unit

    @lazy
    def idle_base(self) -> Floats:
        """``[P]`` base tokens."""
        return self._state.vault.idle_base / self._tables.view.vault.base_unit

    @lazy
    def wallet_usdc(self) -> Floats:
        """``[J, P]`` USDC."""
        return self._state.wallet.token[:, USDC_ASSET] / self._tables.view.vault.usdc_unit

    @lazy
    def wallet_base(self) -> Floats:
        """``[J, P]`` base tokens."""
        return self._state.wallet.token[:, BASE_ASSET] / self._tables.view.vault.base_unit

    @lazy
    def wallet_shares(self) -> Floats:
        """``[J, P]`` whole shares."""
        return self._state.wallet.shares / _SHARE_UNIT

    @lazy
    def _lent(self) -> Floats:
        legs = self._tables.counts.legs
        return self._derived(_lending, 3 + legs) if legs else np.empty((0, self._paths.states.size))

    @lazy
    def aave_supplied(self) -> Floats:
        """``[U, P]`` USDC."""
        return self._lent[:1]

    @lazy
    def aave_equity(self) -> Floats:
        """``[U, P]`` USD."""
        return self._lent[1:2]

    @lazy
    def aave_maintenance(self) -> Floats:
        """``[U, P]`` USD."""
        return self._lent[2:3]

    @lazy
    def aave_debt(self) -> Floats:
        """``[L, P]`` base units."""
        return self._lent[3:]

    @lazy
    def aave_available(self) -> Floats:
        """``[L, P]`` whole tokens."""
        return self._state.aave.available[1:] / self._tables.view.aave.unit[1:, None]

    @lazy
    def wallet_leg(self) -> Floats:
        """``[J, L, P]`` whole tokens."""
        table = self._tables.view.aave
        return self._state.wallet.token[:, table.asset[1:]] / table.unit[1:, None]

    @lazy
    def leg_sqrt_price(self) -> Floats:
        """``[L, P]`` of the pool asset/USDC, raw."""
        return _read_only(self._state.aave.pools.sqrt_price)
