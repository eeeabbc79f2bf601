"""Units that declarations convert by, and intervals that they refer to."""

USDC_DECIMALS = 6
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3_600
# contracts/SPEC.md §3.5: seconds between two changes of a market's skew scale; seconds a posted
# covariance takes to arrive; §4.5: seconds between two paid recentrings.
SCALE_INTERVAL = 3_600
COVARIANCE_RAMP = 6 * 3_600
RECENTER_INTERVAL = 3_600
