"""Speed and memory of the PACS service.

`python -m benchmarks.pacs [--count N] [--films N] [--endurance N] [--out FILE]` runs the service with DCMTK's
`storescp` as destination, and prints as Markdown:

* time from the C-STORE of one film to the delivery of its structured report and secondary capture, while nothing else
  happens: from the first byte that is sent, and from the acknowledgement of the film;
* films a second end to end, sent by DCMTK's `storescu` over two associations, until the last result is delivered, and
  the processor time of the service for one of them, which does not depend on what else the machine does;
* with `--endurance`, memory, threads and open files of the service after that many films.

The films are class averages with noise, 2500 x 2000 pixels with 12 bits, in JPEG Lossless (Process 14, Selection Value
1). Sender and destination run on the same cores. Needs Debian's package `dcmtk`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pynetdicom import AE

from pneumonia.files import atomic_write
from pneumonia.inference.predictor import Predictor, load_predictor
from pneumonia.pacs.response_queue import KEEP_RESPONSES

from . import pacs_peers
from .pacs_peers import Process
from .table import machine

SIZE, SMALL = (2500, 2000), (1024, 1024)
"""(width, height) of the films for the latency and the throughput, and of those for the memory."""

LOSSLESS, UNCOMPRESSED = "-xs", "-xe"
"""Options of `storescu` that propose the transfer syntax of the films."""

SYNTAXES = {"JPEG Lossless": LOSSLESS, "uncompressed": UNCOMPRESSED}

RESULTS_PER_FILM = 2
TIMEOUT_S = 120
POLL_S = 0.002
ENDURANCE_STEPS = (0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the films after which the memory is read."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of each film until its results are delivered."""

    from_first_byte: list[float]
    from_acknowledgement: list[float]


def latency(service: Process, destination: Process, film: Dataset, count: int) -> Latency:
    """Send `count` films, each after the results of the one before. The first is not counted."""
    entity = AE(pacs_peers.MODALITY_AET)
    entity.add_requested_context(film.SOPClassUID, film.file_meta.TransferSyntaxUID)
    association = entity.associate(
        "127.0.0.1", service.port, ae_title=pacs_peers.SERVICE_AET, evt_handlers=KEEP_RESPONSES
    )
    times = []
    for _ in range(count + 1):
        pacs_peers.renew(film)
        expected = len(pacs_peers.stored_objects(destination)) + RESULTS_PER_FILM
        start = time.perf_counter()
        status = association.send_c_store(film)
        if "Status" not in status or status.Status != 0:
            raise RuntimeError("the service refused a film")
        acknowledged = time.perf_counter()
        _await_objects(destination, expected)
        end = time.perf_counter()
        times.append((1000 * (end - start), 1000 * (end - acknowledged)))
    association.release()
    return Latency(*map(list, zip(*times[1:], strict=True)))


def _await_objects(destination: Process, count: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while len(pacs_peers.stored_objects(destination)) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"fewer than {count} results within {TIMEOUT_S} s: {destination.log.read_text()[-500:]}")
        time.sleep(POLL_S)


@dataclass(frozen=True)
class Throughput:
    """Films a second end to end, and seconds of processor time that the service takes for one."""

    films_per_s: float
    processor_s: float


def throughput(
    service: Process, destination: Process, films: list[Path], count: int, syntax: str = LOSSLESS
) -> Throughput:
    """From the first C-STORE to the last delivered result; `count` films over two associations."""
    before, processor_s = len(pacs_peers.stored_objects(destination)), service.processor_s()
    start = time.perf_counter()
    senders = [_send(service, films, count // 2 // len(films), syntax) for _ in range(2)]
    sent = 2 * (count // 2 // len(films)) * len(films)
    for sender in senders:
        if sender.wait(3600):
            raise RuntimeError("storescu failed")
    _await_growing(destination, before + RESULTS_PER_FILM * sent)
    seconds = time.perf_counter() - start
    return Throughput(sent / seconds, (service.processor_s() - processor_s) / sent)


def _send(service: Process, films: list[Path], repetitions: int, syntax: str) -> subprocess.Popen[bytes]:
    """Send each film `repetitions` times with new UIDs, by one association of DCMTK's `storescu`."""
    titles = ["-aet", pacs_peers.MODALITY_AET, "-aec", pacs_peers.SERVICE_AET]
    # Each film gets its own SOP instance, series and study.
    invention = ["--repeat", str(repetitions), "--invent-instance", "--invent-series", "1", "--invent-study", "1"]
    command = [pacs_peers.find_program("storescu"), syntax, *titles, *invention, "127.0.0.1", str(service.port)]
    return subprocess.Popen([*command, *map(str, films)], stdout=subprocess.DEVNULL)


def _await_growing(destination: Process, count: int) -> None:
    """Wait for `count` objects as long as more and more of them arrive."""
    stored, deadline = -1, 0.0
    while (now := len(pacs_peers.stored_objects(destination))) < count:
        if now > stored:
            stored, deadline = now, time.monotonic() + TIMEOUT_S
        if time.monotonic() > deadline:
            raise RuntimeError(f"{now} of {count} results were delivered")
        time.sleep(0.05)


def endurance(service: Process, destination: Process, films: list[Path], count: int) -> list[str]:
    """Rows of a table: memory, threads and files of the service after shares of `count` films."""
    rows, sent = [], 0
    for share in ENDURANCE_STEPS:
        more = int(count * share) - sent
        if more:
            throughput(service, destination, films, more)
            sent += more
            for path in pacs_peers.stored_objects(destination):
                path.unlink()
        threads, files = service.threads_and_files()
        rows.append(f"| {sent:,} | {service.memory_mb():.0f} | {threads} | {files} |")
    return rows


def prepare(
    predictor: Predictor, folder: Path, size: tuple[int, int], count: int, syntax: str = LOSSLESS
) -> list[Path]:
    """Write `count` different films in JPEG Lossless or uncompressed."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"film{number}.dcm" for number in range(count)]
    for number, path in enumerate(paths):
        film = pacs_peers.radiograph(predictor, size, number)
        film = pacs_peers.compress(film, folder) if syntax == LOSSLESS else film
        film.save_as(path, enforce_file_format=True)
    return paths


@dataclass(frozen=True)
class Measurements:
    """All measurements. `rates` by the name of the films, `memory` as rows of a table, empty if it was not measured."""

    idle: Latency
    rates: dict[str, Throughput]
    memory: list[str]


def measure(folder: Path, count: int, films: int, endured: int) -> Measurements:
    """Measure the latency of `count` films, the throughput of `films` and the memory after `endured` films."""
    predictor = load_predictor("", threads=1)
    film = pacs_peers.compress(pacs_peers.radiograph(predictor, SIZE), folder)
    sets = {
        _set_name(size, name): (prepare(predictor, folder / f"films{size[0]}{syntax}", size, 10, syntax), syntax)
        for size in (SIZE, SMALL)
        for name, syntax in SYNTAXES.items()
    }
    destination = pacs_peers.archive(folder / "archive")
    service = pacs_peers.service(folder / "service", [destination.port])
    with pacs_peers.running(destination, service):
        idle = latency(service, destination, film, count)
        rates = {name: throughput(service, destination, paths, films, syntax) for name, (paths, syntax) in sets.items()}
        small, _ = sets[_set_name(SMALL, "JPEG Lossless")]
        memory = endurance(service, destination, small, endured) if endured else []
    return Measurements(idle, rates, memory)


def _set_name(size: tuple[int, int], syntax_name: str) -> str:
    return f"{size[0]} x {size[1]}, {syntax_name}"


def to_markdown(measured: Measurements, count: int, films: int) -> str:
    """The tables of docs/pacs.md; `count` and `films` as for `measure`."""
    lines = [
        f"Films of {SIZE[0]} x {SIZE[1]} pixels in JPEG Lossless; {count} films.",
        "",
        *("| milliseconds | p50 | p95 | longest |", "|---|---|---|---|"),
        _row("first byte to both results delivered, idle", measured.idle.from_first_byte),
        _row("acknowledgement to both results delivered, idle", measured.idle.from_acknowledgement),
        *("", f"End to end, {films} films of each kind:", ""),
        *("| films | films a second | processor time of the service for a film, ms |", "|---|---|---|"),
        *(
            f"| {name} | {rate.films_per_s:.1f} | {1000 * rate.processor_s:.0f} |"
            for name, rate in measured.rates.items()
        ),
    ]
    if measured.memory:
        heading = ["| films | memory, MB | threads | open files |", "|---|---|---|---|"]
        lines += ["", f"Films of {SMALL[0]} x {SMALL[1]} pixels:", "", *heading, *measured.memory]
    return "\n".join([*lines, "", f"Measured on {machine()}.", ""])


def _row(name: str, values: list[float]) -> str:
    p50, p95 = np.percentile(values, [50, 95])
    return f"| {name} | {p50:.0f} | {p95:.0f} | {max(values):.0f} |"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="films for the latency")
    parser.add_argument("--films", type=int, default=300, help="films for the throughput")
    parser.add_argument("--endurance", type=int, default=0, help="films for the memory")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measured = measure(Path(temporary), arguments.count, arguments.films, arguments.endurance)
    text = to_markdown(measured, arguments.count, arguments.films)
    print(text)
    if arguments.out:
        atomic_write(arguments.out, text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
