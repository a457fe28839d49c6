"""The fuzzer's process: told seeds and numbers by lines of JSON, it says the verdicts in the same way.

It says which case it begins before it opens a file, so that a crash or a hang has a name.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """`python -m tests.hostile.worker [ONLY]`: serve until the input ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    from tests.files.seeds import every
    from tests.hostile.judge import Judge
    from tests.hostile.mutate import mutated

    place = Path(tempfile.mkdtemp(prefix="hostile-"))
    seeds = {seed.id: seed for seed in every(sys.argv[1] if len(sys.argv) > 1 else "")}
    others = list(seeds.values())
    judge = Judge(place, ceiling=4 << 30)
    for seed in others:  # sound files first: every library is loaded, and none of them is refused
        judge.lay(seed.files)
        verdict = judge.judge(seed.target, judge.case / seed.main)
        faults = [f for f in verdict.faults if "CPU" not in f]
        if verdict.outcome != "opened" or faults:
            print(json.dumps({"broken": seed.id, **verdict.plain()}), file=out)
    print(json.dumps({"ready": list(seeds), "targets": [s.target for s in others]}), file=out)
    for line in sys.stdin:
        asked = json.loads(line)
        seed = seeds[asked["seed"]]
        files = mutated(seed, asked["case"], others)
        judge.lay(files)
        print(json.dumps({"begun": asked}), file=out)
        verdict = judge.judge(seed.target, judge.case / seed.main)
        answer = {"done": asked, **verdict.plain()}
        if verdict.faults:
            answer["files"] = {
                name: content.hex() for name, content in files.items() if content != seed.files[name]
            }
        print(json.dumps(answer), file=out)
    import shutil

    shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
