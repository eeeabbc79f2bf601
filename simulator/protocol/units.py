"""Units that declarations convert by."""

USDC_DECIMALS = 6
SECONDS_PER_HOUR = 3_600
