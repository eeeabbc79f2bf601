"""Write docs/crises.md: what is documented of crises, and what runs of their scenarios come to.

python -m scripts.crises_page
"""

from __future__ import annotations

from pathlib import Path

import simulator
from simulator.config import load, scenarios

PAGE = Path(__file__).parents[1] / "docs" / "crises.md"
HEAD = """\
# Crises: documented and simulated

Written by `python -m scripts.crises_page`; its figures are of runs of {paths} paths. A scenario
says under `documented` what was published of the crisis it is modelled on and which band is near
enough; every run of it prints the same comparison, and its report shows it. A figure that is not
near stays, with its reason where one is known.

Where a scenario writes a fall down as it was recorded (`crash`, `depeg`), the row of that fall says
only that the scenario is that crisis, and so does a figure by which something was chosen. What the
others come to, nobody wrote down: liquidations, debts, how fast, how far flows pushed a price.

| scenario | figure | documented | simulated | 5 to 95 % of paths | band | near |
|---|---|---|---|---|---|---|
{rows}

Sources:

{sources}

How much of a fall came back is `index_recovered_6h` and `_24h`: of the fall from the start to the
lowest step, what the index has six hours and a day later; paths that end before are left out.
Where a scenario writes the way back down, too (`squeeze`: `march-2020`, `june-2022`, `ftx-2022`),
that row says no more than that. Nothing is written in `liquidation-cascade`, nor in `may-2021`
behind its last low: there it is what the impact of flows forgets (`impact_recovered_6h` says it of
their part alone), and what is drawn.
`adl_share` and `deficit_share` are of the vault's own venue: notional of winners closed against the
insolvent, and what the liquidated had less than nothing, whoever bore it, both over all perps it
liquidated. Crowds elsewhere leave a deficit (`forced_deficit`), and who bears it there is not
modelled; what policies of deleveraging cost is in [deleveraging.md](deleveraging.md).
`usdc-depeg-2023` is held to minute data of two venues by a
test, its bands are in the scenario's file.
"""


def main() -> None:
    """Run every scenario that something is documented of, and write the page."""
    rows, sources, paths = [], [], 0
    for name in scenarios():
        config = load(name)
        if not config.documented:
            continue
        print(name, flush=True)
        paths = config.paths
        for row in simulator.run(config, record=1).summary["documented"]:
            near = "yes" if row["inside"] else f"**no**: {row['reason'] or 'reason unknown'}"
            between = "–" if row["p5"] is None else f"{row['p5']:.3g} to {row['p95']:.3g}"
            rows.append(
                f"| `{name}` | {row['figure']} | {row['value']:.3g} | {row['simulated']:.3g} | "
                f"{between} | {row['low']:g} to {row['high']:g} | {near} |"
            )
            sources.append(f"* {row['figure']}: {row['source']}")
    text = HEAD.format(paths=f"{paths:,}", rows="\n".join(rows), sources="\n".join(sources))
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
