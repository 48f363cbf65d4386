"""Ports that tests and benchmarks give to the programs that they start."""

from __future__ import annotations

import socket
import subprocess
import sys

from benchmarks.service_process import PORTS_PER_PROCESS, ROOT, free_port

COUNT = PORTS_PER_PROCESS // 2
OTHER_PROCESS = f"""
from benchmarks.service_process import free_port
print(*(free_port() for _ in range({COUNT})), flush=True)
input()
"""


def test_no_port_is_given_twice() -> None:
    """Not in this process, and not to another one that is alive."""
    command = [sys.executable, "-c", OTHER_PROCESS]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        of_other = [int(word) for word in other.stdout.readline().split()]
        own = [free_port() for _ in range(COUNT)]
        other.communicate("\n")
    assert len(of_other) == COUNT
    assert len({*own, *of_other}) == 2 * COUNT


def test_a_port_that_is_in_use_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] not in {free_port() for _ in range(PORTS_PER_PROCESS)}
