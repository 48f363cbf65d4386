"""A download that is killed, or made by two processes at once: no partial model ever loads, and a retry succeeds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia.errors import PneumoniaError
from pneumonia.inference import bundle, sources
from pneumonia.inference.embedded import CONFIG_SHA256

from ..support.fake_hub import FakeHub, Fault

ROOT = Path(__file__).parents[2]
REPOSITORY = "clinic/chest-films"
DOWNLOAD = """
import sys
from pathlib import Path
from huggingface_hub import constants
from pneumonia.inference import bundle, hub_download

print("started", flush=True)
folder, commit = hub_download.download_bundle(sys.argv[1], sys.argv[2], endpoint=sys.argv[3], cache=Path(sys.argv[4]))
print(bundle.load(folder, sys.argv[1], revision=commit).identity.sha256)
"""
SHA256 = CONFIG_SHA256["children"]

SLOW_S = 2.8
"""Time in which the fake Hub sends the bundle, with the graph in twelve parts."""


@pytest.fixture
def server() -> Iterator[FakeHub]:
    with FakeHub() as running:
        running.fault, running.faulty_file = Fault.STEADY, bundle.GRAPH
        yield running


@pytest.fixture
def commit(server: FakeHub) -> str:
    paths = [path for path in sources.EMBEDDED_FOLDER.rglob("*") if path.is_file()]
    return server.push(
        REPOSITORY, {path.relative_to(sources.EMBEDDED_FOLDER).as_posix(): path.read_bytes() for path in paths}
    )


def start(server: FakeHub, commit: str, cache: Path) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PNEUMONIA_", "HF_"))}
    settings = {"HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "PNEUMONIA_HUB_TIMEOUT_S": "120"}
    command = [sys.executable, "-c", DOWNLOAD, REPOSITORY, commit, server.url, str(cache)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**inherited, **settings}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(running: subprocess.Popen[str]) -> None:
    stdout, stderr = running.communicate(timeout=300)
    assert running.returncode == 0, stderr
    assert stdout.split() == ["started", SHA256]


def loadable(cache: Path) -> list[str]:
    """The sha256 of every model in the cache that can be loaded."""
    digests = []
    for snapshot in cache.glob("models--*/snapshots/*"):
        try:
            digests.append(bundle.load(snapshot, REPOSITORY).identity.sha256)
        except PneumoniaError:
            continue
    return digests


@pytest.mark.parametrize("kills", [pytest.param(5, marks=pytest.mark.slow), pytest.param(40, marks=pytest.mark.soak)])
def test_no_kill_leaves_a_partial_model_that_loads(server: FakeHub, commit: str, tmp_path: Path, kills: int) -> None:
    """`kill -9` at random moments of successive downloads, until `kills` of them have interrupted one."""
    random_source, round_ = random.Random(kills), 0
    while kills:
        cache = tmp_path / str(round_)
        round_ += 1
        for _ in range(min(kills, 1 + random_source.randrange(4))):
            running = start(server, commit, cache)
            assert running.stdout is not None and running.stdout.readline() == "started\n"
            time.sleep(random_source.random() * SLOW_S)
            running.kill()
            stdout, _ = running.communicate()
            kills -= not stdout  # not counted if the download had already ended
            assert set(loadable(cache)) <= {SHA256}
        finish(start(server, commit, cache))
        assert loadable(cache) == [SHA256]


@pytest.mark.slow
def test_two_processes_download_into_one_cache(server: FakeHub, commit: str, tmp_path: Path) -> None:
    for running in [start(server, commit, tmp_path) for _ in range(2)]:
        finish(running)
    assert sum(f"GET /{REPOSITORY}/resolve/{commit}/{bundle.GRAPH}" == request for request in server.requests) == 1
