"""A process and its children: start, kill, end, and what they use, from Linux's `/proc`."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from .service_process import ROOT, process_status

END_TIMEOUT_S = 120
"""Seconds for a process to end after SIGTERM."""


class ProcessTree:
    """A process with its children, which is killed and started again.

    `port` is the TCP port on which it listens, `log` the file of its output, `folder` its working directory,
    `variables` what is added to its environment.
    """

    def __init__(self, command: list[str], port: int, log: Path, folder: Path = ROOT) -> None:
        self.command, self.port, self.log, self.folder = command, port, log, folder
        self.variables: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with the settings of the package at their defaults; its output is appended to `log`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMONIA_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**inherited, "PYTHONPATH": str(ROOT), **self.variables},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, *, children: bool = True) -> None:
        """SIGKILL to the process and all of its children, or to the process only."""
        assert self.process is not None
        _kill(self.processes() if children else [self.process.pid])
        self.process.wait()

    def end(self) -> int:
        """SIGTERM, as an orchestrator sends; the exit code. What is left of the children is killed."""
        assert self.process is not None
        processes = self.processes()
        self.process.terminate()
        try:
            return self.process.wait(END_TIMEOUT_S)
        finally:
            _kill(processes)

    def processes(self) -> list[int]:
        """The process and its children, grandchildren and so on."""
        assert self.process is not None
        parents = {
            number: parent
            for path in Path("/proc").iterdir()
            if (number := _number(path)) and (parent := _parent(number))
        }
        tree = [self.process.pid]
        for each in tree:
            tree += [number for number, parent in parents.items() if parent == each]
        return tree

    def memory_mb(self) -> float:
        """Memory of the process and its children; a page that n processes share counts one nth."""
        return sum(_proportional_kb(number) for number in self.processes()) / 1024

    def processor_s(self) -> float:
        """Processor time of the process and its children since their start, in seconds."""
        return sum(map(_processor_s, self.processes()))

    def threads_and_files(self) -> tuple[int, int]:
        """Numbers of threads and of open file descriptors of the process and its children."""
        pairs = [_threads_and_files(number) for number in self.processes()]
        return sum(threads for threads, _ in pairs), sum(files for _, files in pairs)


def _kill(processes: list[int]) -> None:
    for number in processes:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _number(path: Path) -> int | None:
    return int(path.name) if path.name.isdigit() else None


def _parent(process: int) -> int | None:
    """The number of the parent process; None if the process has ended."""
    try:
        return process_status(process, "PPid")
    except OSError:
        return None


def _threads_and_files(process: int) -> tuple[int, int]:
    """Both numbers of one process; 0 if it has ended."""
    try:
        return process_status(process, "Threads"), len(os.listdir(f"/proc/{process}/fd"))
    except OSError:
        return 0, 0


def _processor_s(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _proportional_kb(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1])
