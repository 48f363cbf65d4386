"""Ends the PACS service, as by SIGKILL, at a named step of its queue. Python imports this module by its name at start.

The folder of this file is in PYTHONPATH of the service and its workers (`benchmarks.pacs_transitions`), so that the
product needs no code for it. `FAULT_POINTS` names a folder: its file `events` gets a line for each step, and the
first line of its file `plan` names the next step that kills: "before" or "after", the processes ("all" or "one"), and
the step, or "*" for any.

Steps are the commits of the queue's database, named by the statements of the transaction, and the renames and
deletions of files in the queue's folders.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDERS = ("incoming", "films", "results")
_WRITE = re.compile(r"\s*(INSERT INTO|INSERT OR REPLACE INTO|UPDATE|DELETE FROM)\s+(\w+)")
_STATE = re.compile(r"SET state = '(\w+)'")


class TracedConnection(sqlite3.Connection):
    """Reports the commits of transactions that write."""

    _statements: tuple[str, ...] = ()

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        if statement == "COMMIT" and self._statements:
            name, self._statements = f"commit: {', '.join(self._statements)}", ()
            committed: sqlite3.Cursor = report(name, lambda: super(TracedConnection, self).execute(statement))
            return committed
        self._note(statement)
        return super().execute(statement, *arguments)

    def executemany(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        self._note(statement)
        return super().executemany(statement, *arguments)

    def _note(self, statement: str) -> None:
        if statement.startswith("BEGIN"):
            self._statements = ()
        if match := _WRITE.match(statement):
            state = _STATE.search(statement)
            verb, name = match[1].split()[0].lower(), match[2]
            text = f"{verb} {name}{f' ({state[1]})' if state else ''}"
            if text not in self._statements:
                self._statements = (*self._statements, text)


def report(name: str, step: Callable[[], Any]) -> Any:
    """Do a step; the process ends before or after it if the plan says so."""
    with (FOLDER / "events").open("a") as events:
        events.write(f"{name}\n")
    _kill_if_planned("before", name)
    result = step()
    _kill_if_planned("after", name)
    return result


def _kill_if_planned(moment: str, name: str) -> None:
    plan = FOLDER / "plan"
    try:
        line, *rest = plan.read_text().splitlines()
    except (FileNotFoundError, ValueError):
        return
    planned_moment, processes, planned_name = line.split(" ", 2)
    if planned_moment != moment or planned_name not in {"*", name}:
        return
    plan.write_text("\n".join(rest))
    with (FOLDER / "kills").open("a") as kills:
        kills.write(f"{moment} {processes} {name}\n")
    for process in _tree() if processes == "all" else []:
        os.kill(process, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _tree() -> list[int]:
    """The service with its workers and their decoders, seen from any of them; without this process."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    tree = [int(os.environ["FAULT_POINTS_ROOT"])]
    for each in tree:
        tree += [number for number, parent in parents.items() if parent == each]
    return [number for number in tree if number != os.getpid()]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _step_of(verb: str, path: Any) -> str | None:
    """The name of a step with a file of the queue; None for any other file."""
    folder = Path(os.fsdecode(path))
    if folder.parent.name not in FOLDERS or folder.parent.parent.name != "queue" or folder.suffix == ".partial":
        return None
    kind = f" {''.join(folder.suffixes)}" if folder.parent.name == "results" else ""
    return f"{verb} {folder.parent.name}{kind}"


def _report_step(verb: str, path: Any, step: Callable[[], Any]) -> None:
    name = _step_of(verb, path) if verb else None
    if name is None:
        step()
    else:
        report(name, step)


def install() -> None:
    """Report the steps of this process from now on."""
    connect, replace, unlink = sqlite3.connect, os.replace, os.unlink

    def traced_connect(*arguments: Any, **options: Any) -> Any:
        return connect(*arguments, **{"factory": TracedConnection, **options})

    def traced_replace(source: Any, target: Any, **options: Any) -> None:
        _report_step("rename into", target, lambda: replace(source, target, **options))

    def traced_unlink(path: Any, **options: Any) -> None:
        # The network library deletes its file after the queue has moved it: no transition.
        verb = "delete from" if os.path.lexists(path) else ""
        _report_step(verb, path, lambda: unlink(path, **options))

    sqlite3.connect, os.unlink = traced_connect, traced_unlink
    os.replace = traced_replace  # type: ignore[assignment]


if "FAULT_POINTS" in os.environ:
    FOLDER = Path(os.environ["FAULT_POINTS"])
    os.environ.setdefault("FAULT_POINTS_ROOT", str(os.getpid()))
    install()
