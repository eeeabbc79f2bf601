"""The kernel fused by hand, which `hedgesim bench` holds the product against, does what it does."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from simulator.bench import reduced
from simulator.market.draw import draw
from simulator.model.kernel.kinds import REBALANCE

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")

PATHS = 40


def test_the_product_on_few_dynamics_is_the_fused_kernel() -> None:
    config = reduced.config_of(PATHS)
    market = draw(config.market, 0, PATHS)
    ran = reduced.product(config, market)
    by_hand = reduced.Reduced(config, market)
    opened, found = reduced.outcome(by_hand.opened), by_hand.run()
    for name, expected in reduced.outcome(ran)._asdict().items():
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9, err_msg=name)
        assert np.all(getattr(found, name) != getattr(opened, name)), name

    # Every path traded its hedge, and did nothing that is not in the kernel.
    done, at_first = (one.paths.books["activity"]["done"] for one in (ran, by_hand.opened))
    assert np.all(done[:, REBALANCE] > at_first[:, REBALANCE])
    assert not np.delete(done - at_first, REBALANCE, axis=1).any()
    assert not ran.paths.books["activity"]["refused"].any()


@pytest.mark.parametrize(("part", "holds"), [(0.66, False), (0.67, True), (1.0, True), (3.0, True)])
def test_a_third_of_the_speed_may_be_lost(part: float, holds: bool) -> None:
    assert reduced.keeps_up(part * reduced.COMMITTED) is holds
