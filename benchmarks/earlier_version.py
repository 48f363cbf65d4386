"""Start, answers and memory of the page against an earlier version: `python -m benchmarks.earlier_version DIR FILM`.

DIR is a checkout of the earlier version (`git worktree add DIR COMMIT`). Both versions run with the libraries of this
environment, in turns. For the figures without the extra `hospital`, use an environment of `requirements.txt` and httpx.
Run it once before the measurement, with PYTHONDONTWRITEBYTECODE unset, so that both versions are compiled.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from . import service_process

FIGURES = ("start to ready, s", "first answer, ms", "next answers, ms", "memory, MB")
NEXT_ANSWERS = 10
TIMEOUT_S = 60


async def _answer_times(address: str, film: Path) -> list[float]:
    """Milliseconds of the first answer and of those after it, by `/predict`, each with its upload."""
    content, times = film.read_bytes(), []
    async with httpx.AsyncClient(base_url=address, timeout=TIMEOUT_S) as client:
        for _ in range(1 + NEXT_ANSWERS):
            start = time.perf_counter()
            await service_process.predict(client, film.name, content)
            times.append(1000 * (time.perf_counter() - start))
    return times


def measure(checkout: Path, film: Path) -> tuple[float, ...]:
    """`FIGURES` of one run of the version in `checkout`."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with service_process.running_checkout(checkout, Path(folder), PYTHONPATH=str(checkout)) as service:
            ready = time.perf_counter() - start
            first, *others = asyncio.run(_answer_times(service.address, film))
            return ready, first, statistics.median(others), service.memory_mb()


def compare(earlier: Path, film: Path, rounds: int) -> list[str]:
    """Rows of a table: median of each figure for both versions, and their ratio."""
    runs: dict[Path, list[tuple[float, ...]]] = {earlier: [], service_process.ROOT: []}
    for number in range(rounds):
        for checkout in sorted(runs, reverse=bool(number % 2)):
            runs[checkout].append(measure(checkout, film))
    rows = []
    for index, name in enumerate(FIGURES):
        before, now = (statistics.median(run[index] for run in each) for each in runs.values())
        rows.append(f"| {name} | {before:.2f} | {now:.2f} | {now / before:.2f} |")
    return rows


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("earlier", type=Path, help="checkout of the earlier version")
    parser.add_argument("film", type=Path, help="a film that both versions answer")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows = compare(arguments.earlier.resolve(), arguments.film, arguments.rounds)
    print("| figure | earlier | now | ratio |", "|---|---|---|---|", *rows, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
