"""`python -m tests.hostile --inputs 50000`: run the hostile corpus and print a table of the results."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from .corpus import corpus
from .run import run
from .verdict import CPU_SECONDS, max_memory


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.hostile", description=__doc__)
    parser.add_argument("--inputs", type=int, default=50_000, help="number of files")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random damage")
    parser.add_argument("--workers", type=int, default=2, help="processes; each may use the memory of one film")
    parser.add_argument("--light", action="store_true", help="omit bombs that take seconds and a gigabyte each")
    parser.add_argument("--table", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    files = corpus(options.inputs, seed=options.seed, heavy=not options.light)
    with tqdm(total=len(files), unit="file", disable=None) as bar:
        report = run(files, options.workers, lambda count: bar.update())
    table = report.as_markdown()
    print(table)
    print(f"allowed per file: {max_memory() / 1e6:,.0f} MB, {CPU_SECONDS} s of CPU; seed {options.seed}")
    for problem in report.problems[:100]:
        print(problem)
    if options.table:
        options.table.write_text(f"{table}\n", encoding="utf-8")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
