"""What a run came to: pandas frames and a summary, in memory or in a directory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from simulator.books.buckets import BUCKETS
from simulator.results.directory import FRAMES, signed
from simulator.results.store import write_json, write_parquet, write_text
from simulator.types import InputError

if TYPE_CHECKING:
    import pandas as pd

    from simulator.config import Config


@dataclass(eq=False)
class Dataset:
    """A finished run.

    Attributes:
        config: what was run.
        summary: ``summary.json`` as a dict; the same for every run of the same configuration.
        timing: seconds, path-steps per second, peak memory; differs from run to run.
        paths: one row per path: metrics and attribution.
        series: recorded paths, one row per path and step.
        events: recorded paths, one row per action done or refused.
        fan: quantiles over all paths, one row per quantity and point in time.
        worst_series: the path of lowest return, as ``series``.
        worst_events: the path of lowest return, as ``events``.
        directory: where it was saved; None when it was not.
    """

    config: Config
    summary: dict[str, Any]
    timing: dict[str, float]
    paths: pd.DataFrame
    series: pd.DataFrame
    events: pd.DataFrame
    fan: pd.DataFrame
    worst_series: pd.DataFrame
    worst_events: pd.DataFrame
    directory: Path | None = None

    @property
    def attribution(self) -> pd.DataFrame:
        """Profit and loss by source, USD: one row per path, indexed by path number."""
        return self.paths.set_index("path")[list(BUCKETS)]

    @property
    def passed(self) -> bool:
        """Whether every requirement holds; True when there was none.

        With a requirement, an idle finding that was not allowed fails as one: no figure counts.
        """
        return all(gate["holds"] for gate in self.summary["gates"])

    def write(self, directory: Path) -> None:
        """Write the frames, the configuration and the summary to ``directory``."""
        from simulator.config import to_yaml

        directory.mkdir(parents=True, exist_ok=True)
        # The last to be written: without it no run is finished, and none is mixed with another.
        (directory / "summary.json").unlink(missing_ok=True)
        for name in FRAMES:
            write_parquet(directory / f"{name}.parquet", getattr(self, name))
        write_text(directory / "config.yaml", signed(to_yaml(self.config, directory)))
        write_json(directory / "timing.json", self.timing)
        write_json(directory / "summary.json", self.summary)
        self.directory = directory

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read back what :meth:`write` wrote; InputError when there is no finished run."""
        import pandas as pd

        from simulator.config import from_mapping

        directory = Path(directory)
        needed = ["summary.json", "timing.json", *(f"{name}.parquet" for name in FRAMES)]
        missing = [name for name in needed if not (directory / name).is_file()]
        if missing:
            raise InputError(
                f"directory: {directory} holds no finished run (no {', '.join(missing)}); allowed: "
                "a directory written by `hedgesim run --out`"
            )
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        tail = summary["attribution"].get("tail", {})
        unknown = [f"attribution.{n}" for n in BUCKETS if n not in tail]
        others = ("diagnosis", "hedge_held", "upkeep_refusals")
        unknown += [name for name in others if name not in summary]
        if unknown:
            raise InputError(
                f"directory: {directory} was written by another version (its summary has no "
                f"{', '.join(unknown)}); allowed: one written by this version: run it again"
            )
        return cls(
            config=from_mapping(summary["config"]),
            summary=summary,
            timing=json.loads((directory / "timing.json").read_text(encoding="utf-8")),
            **{name: pd.read_parquet(directory / f"{name}.parquet") for name in FRAMES},
            directory=directory,
        )
