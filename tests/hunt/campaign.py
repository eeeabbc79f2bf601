"""The hunt: ``python tests/hunt/campaign.py [SEED]``.

First on the contracts of fe8ea04, which an audit took apart: what it found has to be found again,
else the hunt proves nothing. Then on those of today, from a fixed seed and from SEED or one that is
of the sources. Exits 0 when everything was found there and nothing is found here but what
:mod:`known` names.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hunt.search import Found
    from tests.stateful.replay import name_the_tests
else:  # it is what makes `tests` known by its name
    sys.path.insert(0, str(Path(__file__).parents[1] / "stateful"))
    from replay import name_the_tests

FIXED_SEED = 20_211_027  # the day Cream was drained by an account that lent to itself
SEQUENCES, WORKERS = 24_000, 2  # 12 to 20 ms each on a core
# What there is to find in fe8ea04 its four populations meet by their 1,900th sequence.
SEQUENCES_THEN = 8_000


def main(given: int | None) -> int:
    """Both versions; what was found, shortest sequence first."""
    from tests.hunt.known import missed, unknown
    from tests.seeds import of_sources

    if given is None:
        given = of_sources("contracts", "tests/hunt")

    then = hunt("then", FIXED_SEED)
    missing = missed(then)
    for finding in missing:
        print(f"the hunt did not find {finding} in fe8ea04")
    new = []
    for seed in (FIXED_SEED, given):
        new += unknown(hunt("now", seed))
    for what in new:
        print(f"NEW: {what}")
    return int(bool(missing or new))


def hunt(version: str, seed: int) -> Found:
    """One search, told as it is found."""
    from tests.hunt.search import search

    began = time.perf_counter()
    sequences = SEQUENCES_THEN if version == "then" else SEQUENCES
    found = search(version, seed, sequences, WORKERS)
    seconds = time.perf_counter() - began
    print(
        f"{version}, seed {seed}: {found.sequences:,} sequences, {found.cells} cells, "
        f"{seconds:.0f} s, {len(found.findings)} findings"
    )
    for what, finding in sorted(found.findings.items()):
        worth = f" ({finding.worth:,} USD)" if finding.worth > 1 else ""
        print(f"  {what}{worth}, first met at {finding.at}:")
        for move in finding.sequence:
            print(f"    {move}")
    sys.stdout.flush()
    return found


if __name__ == "__main__":
    name_the_tests()
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
