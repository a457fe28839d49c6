"""`make bench`: every `bench_*.py` beside this file, or those named; one table each and out/benchmarks.json."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from tests.benchmarks.measure import machine_line


def main(names: list[str]) -> int:
    """Run benchmarks by name ("startup"), all of them without a name."""
    here = Path(__file__).parent
    found = sorted(p.stem.removeprefix("bench_") for p in here.glob("bench_*.py"))
    unknown = [n for n in names if n not in found]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(found)}.")
        return 2
    print(machine_line())
    results = {}
    for name in names or found:
        print(f"\n## {name}\n", flush=True)
        results[name] = importlib.import_module(f"tests.benchmarks.bench_{name}").main()
    out = Path("out")
    out.mkdir(exist_ok=True)
    (out / "benchmarks.json").write_text(json.dumps(results, indent=2, default=str))
    print(f"\nWritten to {out / 'benchmarks.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
