"""``population fit``."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.group import forcible, hedgesim, print_json
from simulator.types import InputError


@hedgesim.group()
def population() -> None:
    """Crowds of leveraged traders and borrowers, from tables of accounts."""


@population.command("fit")
@click.argument("file")
@click.option("--asset", help="Asset of all rows, or the only one of FILE that is taken.")
@click.option(
    "--side",
    type=click.Choice(["long", "short", "borrowers"]),
    help="Side of all rows, where no column says.",
)
@click.option(
    "--columns", metavar="ROLE=COLUMN,…", help="Which column is what, where names do not say."
)
@click.option("--most-leverage", type=float, help="What the venue allows [default: 50].")
@click.option("--maintenance-rate", type=float, help="The venue's, a fraction [default: 0.01].")
@click.option("--out", type=click.Path(dir_okay=False), help="YAML file [default: printed].")
@click.option("--json", "as_json", is_flag=True, help="Print the fit as JSON instead.")
@forcible
def fit_population(
    file: str,
    asset: str | None,
    side: str | None,
    columns: str | None,
    most_leverage: float | None,
    maintenance_rate: float | None,
    out: str | None,
    *,
    as_json: bool,
    force: bool,
) -> int:
    """Fit leverage, health factors and sizes to accounts and print what `population` takes.

    FILE has a row for each account: asset, side, notional_usd and leverage (or margin_usd); or
    asset, collateral_usd and health_factor (or debt_usd and liquidation_threshold). Or a row for
    each published figure: asset, side, measure, at, value.
    """
    from simulator import populations
    from simulator.results.directory import claim_file
    from simulator.results.store import write_text

    if out is not None:
        claim_file(Path(out), force=force, mark=None)
    fitted = populations.fit(
        file,
        asset=asset,
        side=side,
        columns=_columns(columns),
        most_leverage=most_leverage,
        maintenance_rate=maintenance_rate,
    )
    if out is not None:
        write_text(Path(out), fitted.yaml())
    if as_json:
        print_json([crowd.json() for crowd in fitted.crowds])
    elif out is None:
        click.echo(fitted.yaml(), nl=False)
    else:
        click.echo("\n".join(fitted.said()))
        click.echo(f"Population: {out}")
    return 0


def _columns(text: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (text or "").split(",") if text else []:
        role, equals, column = (piece.strip() for piece in part.partition("="))
        if not (role and equals and column) or role in found:
            raise InputError(f"columns = {text}; allowed: ROLE=COLUMN,…, each role once")
        found[role] = column
    return found
