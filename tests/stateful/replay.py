"""Do a list of operations again, step by step: ``python tests/stateful/replay.py FILE``.

FILE holds what a failed campaign printed: a line with the variant, then one operation a line.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def name_the_tests() -> None:
    """Make ``tests`` this directory's parent: some installed package has the same name."""
    package = types.ModuleType("tests")
    package.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = package
    sys.path.insert(0, str(ROOT))


def replay(text: str) -> int:
    """0 when every operation and invariant holds."""
    from tests.stateful.checked import CheckedWorld

    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    world = CheckedWorld(lines[0]["variant"])
    for number, (name, *arguments) in enumerate(lines[1:]):
        print(f"{number:4} {name} {arguments}", flush=True)
        world.do(name, arguments)
    print("every operation agreed with the books and every invariant held")
    return 0


if __name__ == "__main__":
    name_the_tests()
    sys.exit(replay(Path(sys.argv[1]).read_text(encoding="utf-8")))
