"""Walk-forward study of hedges on recorded prices: ``hedgesim hedge``."""

from simulator.study.studies import Study, pair, pairs, said, study, study_all
from simulator.study.walks import (
    EXPANDING,
    LEADER,
    ROWS_PER_DAY,
    STATIC,
    Settings,
    Walk,
    usual_horizons,
    walk,
)

__all__ = [
    "EXPANDING", "LEADER", "ROWS_PER_DAY", "STATIC", "Settings", "Study", "Walk", "pair", "pairs",
    "said", "study", "study_all", "usual_horizons", "walk",
]  # fmt: skip
