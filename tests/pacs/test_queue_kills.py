"""A process that works on the queue is killed before each line of its code: no film and no result is lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from pneumonia.pacs import database, queue_upkeep
from pneumonia.pacs.queue import Delivery, Queue

from .queue_support import add, files, no_meta, results

KILLED = 9


CODE = str(Path(database.__file__).parent)

Life = Callable[[Path, Path], None]
"""What a service does from its start to its end, in a folder; the file logs what it sent."""


def pass_once(folder: Path, sent: Path) -> None:
    """One life of the service: recovery, reception, results, deliveries; `sent` logs each object that was sent."""
    queue = Queue(folder)
    queue_upkeep.recover(queue, no_meta)
    if not (folder / "acknowledged").exists():
        add(queue)
        (folder / "acknowledged").touch()
    complete_and_send(queue, sent)
    queue.close()


def pass_with_failures(folder: Path, sent: Path) -> None:
    """As `pass_once`, with dead letters: a film that fails, one that nobody can read, deliveries that are refused."""
    queue = Queue(folder)
    queue_upkeep.recover(queue, no_meta)
    if not (folder / "acknowledged").exists():
        add(queue)
        add(queue)  # its sender repeats it
        (folder / "acknowledged").touch()
    for instance in queue.waiting_instances(10):
        if instance.attempts == 0:
            queue.postpone(instance.id, "crashed", 0)
            queue.fail(instance.id, "crashed")
            add(queue)  # tried again
            for again in queue.waiting_instances(10):
                queue.postpone(again.id, "crashed", 0)
    for instance in queue.waiting_instances(10):
        queue.complete(instance, results("archive"))
    for delivery in queue.due_deliveries("archive", 10):
        if delivery.attempts == 0:
            queue.postpone_delivery(delivery.id, "refused", 0)
            queue.fail_delivery(delivery.id, "refused")
    queue_upkeep.retry(queue, None)
    queue_upkeep.expire(queue, keep_failed_days=30)
    complete_and_send(queue, sent)
    queue.close()


def complete_and_send(queue: Queue, sent: Path) -> None:
    """Make the results of the waiting films and deliver them."""
    for instance in queue.waiting_instances(10):
        queue.complete(instance, results("archive"))
    for delivery in queue.due_deliveries("archive", 10):
        send(delivery, sent)
        queue.deliver(delivery)


def send(delivery: Delivery, sent: Path) -> None:
    with sent.open("a") as file:
        file.write(f"{delivery.sop_instance} {delivery.path.read_text()}\n")


def killed_at(line: int, life: Life, folder: Path, sent: Path) -> bool:
    """Run `life` in a forked process that ends, as by SIGKILL, before the given line of the package's code."""
    child = os.fork()
    if child == 0:
        remaining = line

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal remaining
            if not frame.f_code.co_filename.startswith(CODE):
                return None
            if event == "line":
                remaining -= 1
                if remaining < 0:
                    os._exit(KILLED)
            return trace

        try:
            sys.settrace(trace)
            life(folder, sent)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def check_kills(tmp_path: Path, step: int, life: Life = pass_once) -> None:
    line, was_killed = 0, True
    while was_killed:
        folder, sent = tmp_path / str(line), tmp_path / f"{line}.txt"
        was_killed = killed_at(line, life, folder, sent)
        life(folder, sent)
        assert set(sent.read_text().splitlines()) == {"1.2.3.1 report", "1.2.3.2 picture"}, line
        queue = Queue(folder)
        assert queue_upkeep.counts(queue) == {"received": 0, "predicted": 0, "failed": 0}, line
        assert files(queue) == [], line
        queue.close()
        line += step


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_kill_between_any_two_steps_loses_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    check_kills(tmp_path, step=29)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_kill_before_every_fourth_line_loses_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    check_kills(tmp_path, step=4)


@pytest.mark.soak
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_kill_before_any_line_loses_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    check_kills(tmp_path, step=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_kill_at_a_failure_loses_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    check_kills(tmp_path, step=127, life=pass_with_failures)


@pytest.mark.soak
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_kill_before_any_line_at_failures_loses_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    check_kills(tmp_path, step=1, life=pass_with_failures)
