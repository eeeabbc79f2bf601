"""A finished run as Python and notebooks see it: its data, and its report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from simulator.report.page import render
from simulator.results.dataset import Dataset
from simulator.results.store import write_text


@dataclass(eq=False)
class Result(Dataset):
    """What :func:`simulator.run` returns. Shows itself as its report in a notebook."""

    @cached_property
    def _report(self) -> str:
        return render(self)

    def report_html(self) -> str:
        """The report: one page that needs nothing from the network."""
        return self._report

    def save(self, directory: str | Path) -> Path:
        """Write everything to ``directory`` and return the path of its ``report.html``."""
        report = Path(directory) / "report.html"
        self.write(report.parent)
        write_text(report, self.report_html())
        return report

    def _repr_html_(self) -> str:
        """The report in a frame of its own, so that its style stays there."""
        from simulator.report.template import framed

        return framed(self.report_html(), "hedgesim report", 900)

    def __repr__(self) -> str:
        figures = self.summary["metrics"]["return"]
        return (
            f"<Result {self.summary['scenario']}: {self.summary['paths']} paths, mean return "
            f"{figures['mean']:+.2%}, worst {figures['min']:+.2%}>"
        )
