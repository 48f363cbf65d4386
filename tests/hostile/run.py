"""Run hostile files through predictors in separate processes with limits of memory and time; count the results."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path

from .corpus import Hostile
from .verdict import CPU_SECONDS, Outcome, evaluate, max_memory

TIMEOUT_S = 600
"""Wall-clock seconds after which a worker is killed; its own limit is in CPU seconds."""

_FORK = multiprocessing.get_context("fork")


@dataclass
class Kind:
    """A row of the table: all files of one kind."""

    files: int = 0
    crashes: int = 0
    internal: int = 0
    other: int = 0
    memory: tuple[int, str] = (0, "")
    cpu_seconds: tuple[float, str] = (0.0, "")
    seconds: tuple[float, str] = (0.0, "")
    results: Counter[str] = field(default_factory=Counter)


@dataclass
class Report:
    """Results of a corpus."""

    kinds: defaultdict[str, Kind] = field(default_factory=lambda: defaultdict(Kind))
    problems: list[str] = field(default_factory=list)

    def add(self, hostile: Hostile, outcome: Outcome | str) -> None:
        """Count one file: its outcome, or a description of how the process died."""
        kind = self.kinds[hostile.kind]
        kind.files += 1
        problem = outcome if isinstance(outcome, str) else outcome.problem
        if problem:
            self.problems.append(f"{hostile.kind} | {hostile.name} | {problem}")
        if isinstance(outcome, str):
            kind.crashes += 1
            return
        kind.internal += "internal" in problem
        kind.other += bool(problem) and "internal" not in problem
        kind.results[outcome.result] += 1
        kind.memory = max(kind.memory, (outcome.memory, hostile.name))
        kind.cpu_seconds = max(kind.cpu_seconds, (outcome.cpu_seconds, hostile.name))
        kind.seconds = max(kind.seconds, (outcome.seconds, hostile.name))

    def as_markdown(self) -> str:
        """The table; the last row is the total."""
        head = "| kind | files | crashes | internal errors | other | max MB | max CPU s | max wall-clock s |"
        rows = [self._row(name, kind) for name, kind in self.kinds.items()]
        return "\n".join([head, "|---|--:|--:|--:|--:|--:|--:|--:|", *rows, self._row("all", self._sum())])

    @staticmethod
    def _row(name: str, kind: Kind) -> str:
        counts = f"{kind.files:,} | {kind.crashes} | {kind.internal} | {kind.other}"
        return (
            f"| {name} | {counts} | {kind.memory[0] / 1e6:,.0f} | {kind.cpu_seconds[0]:.1f} | {kind.seconds[0]:.1f} |"
        )

    def _sum(self) -> Kind:
        kinds = list(self.kinds.values())
        return Kind(
            files=sum(kind.files for kind in kinds),
            crashes=sum(kind.crashes for kind in kinds),
            internal=sum(kind.internal for kind in kinds),
            other=sum(kind.other for kind in kinds),
            memory=max(kind.memory for kind in kinds),
            cpu_seconds=max(kind.cpu_seconds for kind in kinds),
            seconds=max(kind.seconds for kind in kinds),
            results=sum((kind.results for kind in kinds), Counter()),
        )


class _Worker:
    """One process with a predictor, and the index of the file it is processing."""

    def __init__(self, corpus: list[Hostile]) -> None:
        self.pipe, child_pipe = _FORK.Pipe()
        self.process = _FORK.Process(target=_serve, args=(corpus, child_pipe), daemon=True)
        self.process.start()
        child_pipe.close()
        self.index: int | None = None

    def send(self, index: int) -> None:
        self.index = index
        self.pipe.send(index)

    def receive(self) -> Outcome | str:
        """The outcome of the file, or how the process died."""
        try:
            outcome: Outcome = self.pipe.recv()
            return outcome
        except (EOFError, ConnectionResetError):
            self.process.join()
            return f"the process died: {_describe_exit(self.process.exitcode or 0)}"

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


def run(corpus: list[Hostile], workers: int, on_progress: Callable[[int], object] = lambda count: None) -> Report:
    """Process every file; a worker that dies is replaced, and its file is counted as a crash."""
    report, indices = Report(), iter(range(len(corpus)))
    busy = [worker for worker in (_Worker(corpus) for _ in range(workers)) if _next(worker, indices)]
    completed = 0
    while busy:
        ready = wait([worker.pipe for worker in busy], TIMEOUT_S)
        for worker in [worker for worker in busy if worker.pipe in ready or not ready]:
            assert worker.index is not None
            outcome = worker.receive() if ready else f"no answer in {TIMEOUT_S} s"
            report.add(corpus[worker.index], outcome)
            completed += 1
            on_progress(completed)
            busy.remove(worker)
            if isinstance(outcome, str):
                worker.end()
                worker = _Worker(corpus)
            if _next(worker, indices):
                busy.append(worker)
            else:
                worker.end()
    return report


def _next(worker: _Worker, indices: Iterator[int]) -> bool:
    index = next(indices, None)
    if index is not None:
        worker.send(index)
    return index is not None


def _serve(corpus: list[Hostile], pipe: Connection) -> None:
    from pneumonia import load_predictor
    from pneumonia.imaging.process_hardening import harden_process

    harden_process()
    warnings.simplefilter("ignore")
    logging.getLogger("pneumonia").propagate = False
    _silence()
    predictor = load_predictor("", threads=1)
    # RLIMIT_AS counts reserved memory, and threads and allocators reserve more than they use.
    current = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (current + max_memory() + 1_000_000_000,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            index = pipe.recv()
        except EOFError:
            return
        hostile = corpus[index]
        # Generating the file is not limited, only processing it.
        prepared = Hostile(hostile.kind, hostile.name, partial(bytes, hostile.make()))
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS + 5)  # kills the process at the limit
        outcome = evaluate(predictor, prepared)
        signal.setitimer(signal.ITIMER_PROF, 0)
        pipe.send(outcome)


def _silence() -> None:
    """Discard output of native decoders, which would mix with the table."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _describe_exit(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
