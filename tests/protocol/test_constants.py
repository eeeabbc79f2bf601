"""What the simulator has of the contracts' constants are the contracts'."""

from __future__ import annotations

import pytest

from simulator import types
from simulator.chain.calls import vault as vault_calls
from simulator.chain.deploy import aave_v3 as aave
from simulator.chain.deploy import terms
from simulator.chain.reading.layout import words_along
from simulator.config import checks, venues
from simulator.model.vault import fees, queue
from simulator.model.venues.perps import covariance, slices, waterfall
from simulator.protocol.clearing import POLICIES
from simulator.world import protocol
from tests.protocol.contract_constants import constant

WAD = 10**18
#: Ours; where the contracts' stands; how many of theirs are one of ours.
SAME = [
    (types.SIDES, "modules/ledger", "SIDES", 1),
    (types.SCALE_INTERVAL, "Governance", "SCALE_INTERVAL", 1),
    (types.COVARIANCE_RAMP, "modules/ledger", "COVARIANCE_RAMP", 1),
    (types.LEAST_COVARIANCE_STEP, "modules/venue", "LEAST_STEP", 1),
    (types.RECENTER_INTERVAL, "VaultStrategy", "RECENTER_INTERVAL", 1),
    (types.KEPT_REWARDS, "modules/vault_core", "KEPT_REWARDS", 1),
    (types.KEPT_PARTS, "modules/vault_core", "KEPT_PARTS", 1),
    (types.SECONDS_PER_DAY, "modules/perp_math", "SECONDS_PER_DAY", 1),
    (types.SECONDS_PER_YEAR, "modules/vault_fees", "YEAR", 1),
    (10**types.USDC_DECIMALS, "modules/vault_core", "UNIT_USDC", 1),
    (terms.WAD, "modules/fixed_point", "WAD", 1),
    (protocol.FACTOR_SCALE, "modules/portfolio_math", "ENTRY_SCALE", 1),
    (protocol.FACTOR_SCALE, "modules/venue", "MAX_VOLATILITY", 1),
    (protocol.FACTOR_COLUMNS, "modules/ledger", "MAX_RISK_ASSETS", 1),
    (checks.MAX_RISK_ASSETS, "modules/ledger", "MAX_RISK_ASSETS", 1),
    (checks.BETA_DRIFT_PER_HOUR, "modules/vault_parameters", "MAX_BETA_DRIFT", 24 * WAD),
    (aave.PERCENT, "AaveHedge", "PERCENT", 1),
    (words_along(), "Lens", "HEADER_WORDS", 1),
    (words_along("markets"), "Lens", "MARKET_WORDS", 1),
    (words_along("accounts"), "Lens", "ACCOUNT_WORDS", 1),
    (words_along("agents"), "Lens", "WALLET_WORDS", 1),
    (vault_calls._VIRTUAL_SHARES, "modules/share_token", "VIRTUAL_SHARES", 1),
    (fees.VIRTUAL_SHARES, "modules/share_token", "VIRTUAL_SHARES", 1),
    (covariance._STEP, "modules/venue", "STEP", 1),
    (queue._AT_ONCE, "VaultExits", "MAX_SETTLED", 1),
    (queue._LEAST_REQUEST, "modules/withdrawal_queue", "LEAST_REQUEST", 1),
    (slices._LEAST_SLICE, "BackOffice", "LEAST_SLICE", WAD),
    (waterfall.LEAST_GATED, "modules/waterfall", "LEAST_GATED", WAD),
]


#: Numbers of the policies of auto-deleveraging, which have names of their own in the kernel.
_POLICIES = (waterfall._QUEUE, waterfall._PRO_RATA_PROFIT, waterfall._PRO_RATA_EQUITY)


def test_policies_of_deleveraging_are_numbered_alike_everywhere() -> None:
    numbers = [constant("Deleveraging", word.upper()) for word in POLICIES]
    assert numbers == list(range(constant("modules/venue", "LAST_POLICY") + 1))
    assert list(_POLICIES) == numbers[:-1]


@pytest.mark.parametrize(("ours", "source", "name", "scale"), SAME)
def test_a_constant_is_the_contracts(ours: float, source: str, name: str, scale: int) -> None:
    assert ours == constant(source, name) / scale


def test_the_widest_range_is_the_contracts() -> None:
    (found,) = [
        one.le
        for one in venues.Vault.model_fields["range_half_width_ticks"].metadata
        if hasattr(one, "le")
    ]
    assert found == constant("modules/vault_parameters", "MAX_HALF_WIDTH")
