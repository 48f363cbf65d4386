"""The download, against a local server that speaks the Hub's protocol."""

from __future__ import annotations

import errno
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from benchmarks.stalls import StallWatch
from pneumonia.cli import main
from pneumonia.errors import BundleCorrupt, DiskFull, HubUnreachable, ModelNotFound, PneumoniaError, RevisionNotFound
from pneumonia.inference import bundle, hub_download, sources

from ..support.fake_hub import FakeHub, Fault
from ..support.wait import until

REPOSITORY = "clinic/chest-films"
TOKEN = "hf_averysecrettokenthatnobodymaysee"
TIMEOUT_S = 1
"""Of tests in which the Hub fails. The others have `LONG_TIMEOUT_S`, since a shared machine may stop for seconds."""

LONG_TIMEOUT_S = 60
MAX_DURATION_S = 60
"""The timeout, and the time that two busy cores may take for the rest."""

Fetch = Callable[..., tuple[Path, str]]


abandoned_threads: set[threading.Thread] = set()


def client_without_abandoned_downloads() -> httpx2.Client:
    """An abandoned download keeps retrying in its thread; its requests must not affect later tests."""

    def refuse(request: httpx2.Request) -> None:
        if threading.current_thread() in abandoned_threads:
            raise RuntimeError(f"{request.method} of an abandoned download")

    client = default_client_factory()
    client.event_hooks = {**client.event_hooks, "request": [refuse, *client.event_hooks["request"]]}
    return client


@pytest.fixture(autouse=True)
def no_real_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replaces the Hub settings of the developer, and creates a new client for each test."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("PNEUMONIA_HUB_TIMEOUT_S", str(LONG_TIMEOUT_S))
    set_client_factory(client_without_abandoned_downloads)
    yield
    abandoned_threads.update(thread for thread in threading.enumerate() if thread.name == "hub-download")


@pytest.fixture
def end_waits_soon(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`end_waits_soon()`: from now on a download without progress is aborted after `TIMEOUT_S`."""
    return lambda: monkeypatch.setenv("PNEUMONIA_HUB_TIMEOUT_S", str(TIMEOUT_S))


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """The embedded bundle as the files of a repository."""
    paths = [path for path in sources.EMBEDDED_FOLDER.rglob("*") if path.is_file()]
    return {path.relative_to(sources.EMBEDDED_FOLDER).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def server() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def commit(server: FakeHub, files: dict[str, bytes]) -> str:
    return server.push(REPOSITORY, files)


@pytest.fixture
def fetch(server: FakeHub, tmp_path: Path) -> Fetch:
    """`fetch(revision)` downloads from the local Hub into an empty cache."""

    def download(revision: str = "main", repository: str = REPOSITORY) -> tuple[Path, str]:
        return hub_download.download_bundle(repository, revision, endpoint=server.url, cache=tmp_path)

    return download


def test_a_download_is_the_model_that_was_pushed(fetch: Fetch, commit: str) -> None:
    folder, revision = fetch("main")
    downloaded = bundle.load(folder, REPOSITORY, revision=revision)
    embedded = sources.load_bundle("")
    assert revision == commit == downloaded.identity.revision
    assert downloaded.graph == embedded.graph
    assert (downloaded.config, downloaded.evaluation) == (embedded.config, embedded.evaluation)
    assert downloaded.identity.sha256 == embedded.identity.sha256


def test_what_is_not_needed_to_serve_is_not_downloaded(fetch: Fetch, server: FakeHub, files: dict[str, bytes]) -> None:
    server.push(REPOSITORY, {**files, "checkpoint.bin": b"x", "pytorch_model.bin": b"x"})
    folder, _ = fetch("main")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(files)


def test_a_cached_commit_makes_no_request(fetch: Fetch, server: FakeHub, commit: str) -> None:
    first = fetch(commit)
    server.requests.clear()
    assert fetch(commit) == first
    assert server.requests == []


def test_a_branch_is_resolved_again_but_not_downloaded_again(fetch: Fetch, server: FakeHub, commit: str) -> None:
    fetch("main")
    server.requests.clear()
    fetch("main")
    assert server.requests == [f"GET /api/models/{REPOSITORY}/revision/main"]


def test_a_branch_that_moved_gives_the_new_model(
    fetch: Fetch, server: FakeHub, commit: str, files: dict[str, bytes]
) -> None:
    old, _ = fetch("main")
    newer = server.push(REPOSITORY, files)
    folder, revision = fetch("main")
    assert revision == newer != commit
    assert folder != old


def test_a_cached_commit_works_offline(fetch: Fetch, server: FakeHub, commit: str) -> None:
    fetch(commit)
    server.stop()
    folder, revision = fetch(commit)
    assert bundle.load(folder, REPOSITORY, revision=revision).identity.revision == commit


def test_a_branch_offline_is_refused_and_the_cached_commit_named(
    fetch: Fetch, server: FakeHub, commit: str, end_waits_soon: Callable[[], None]
) -> None:
    fetch("main")
    server.stop()
    end_waits_soon()
    with pytest.raises(HubUnreachable, match=f"{REPOSITORY}@{commit}"):
        fetch("main")


def test_an_incomplete_commit_in_the_cache_is_not_suggested(
    fetch: Fetch, server: FakeHub, commit: str, end_waits_soon: Callable[[], None]
) -> None:
    end_waits_soon()
    server.fault, server.faulty_file = Fault.TRUNCATED, bundle.GRAPH
    with pytest.raises(HubUnreachable):
        fetch(commit)
    server.stop()
    with pytest.raises(HubUnreachable) as caught:
        fetch("main")
    assert commit not in caught.value.message


FAULTS: dict[Fault, type[PneumoniaError]] = {
    Fault.PRIVATE: ModelNotFound,
    Fault.BAD_TOKEN: HubUnreachable,
    Fault.NO_REPOSITORY: ModelNotFound,
    Fault.NO_REVISION: RevisionNotFound,
    Fault.NO_FILE: BundleCorrupt,
    Fault.TOO_MANY: HubUnreachable,
    Fault.BROKEN: HubUnreachable,
    Fault.NOT_A_HUB: HubUnreachable,
    Fault.LOOP: HubUnreachable,
    Fault.HANGING: HubUnreachable,
    Fault.CUT: HubUnreachable,
    Fault.STALLED: HubUnreachable,
    Fault.SLOW: HubUnreachable,
    Fault.TRUNCATED: HubUnreachable,
}


def assert_safe_to_show(message: str, server: FakeHub) -> None:
    """The message has no token, no address, and no exception name of a library."""
    assert until(lambda: f"Bearer {TOKEN}" in server.tokens), "the test is meaningful only if the token was sent"
    for secret in (TOKEN, "hf_", "Bearer", "http", "127.0.0.1", server.url, "Error("):
        assert secret not in message


TAKES_THE_TIMEOUT = {Fault.HANGING, Fault.STALLED, Fault.SLOW, Fault.TRUNCATED}
BRANCH_AND_COMMIT = [
    pytest.param(fault, pinned, marks=pytest.mark.slow if pinned and fault in TAKES_THE_TIMEOUT else ())
    for fault in FAULTS
    for pinned in (False, True)
]


@pytest.mark.parametrize(
    ("fault", "pinned"), BRANCH_AND_COMMIT, ids=lambda value: getattr(value, "name", f"pinned {value}").lower()
)
def test_each_fault_has_its_code_in_bounded_time(
    fetch: Fetch,
    server: FakeHub,
    commit: str,
    fault: Fault,
    pinned: bool,
    end_waits_soon: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if FAULTS[fault] is HubUnreachable:
        end_waits_soon()
        monkeypatch.setattr(hub_download, "MAX_DOWNLOAD_S", TIMEOUT_S)
    server.fault = fault
    started = time.monotonic()
    with pytest.raises(PneumoniaError) as caught:
        fetch(commit if pinned else "main")
    assert time.monotonic() - started < MAX_DURATION_S
    assert type(caught.value) is FAULTS[fault]
    assert_safe_to_show(caught.value.message, server)


@pytest.mark.parametrize("fault", [Fault.STALLED, Fault.TRUNCATED], ids=lambda fault: fault.name.lower())
def test_a_body_that_ends_early_is_aborted_after_the_timeout(
    fetch: Fetch, server: FakeHub, commit: str, fault: Fault, end_waits_soon: Callable[[], None]
) -> None:
    end_waits_soon()
    server.fault, server.faulty_file = fault, bundle.GRAPH
    started = time.monotonic()
    with pytest.raises(HubUnreachable):
        fetch(commit)
    assert time.monotonic() - started < MAX_DURATION_S


def test_an_unreachable_hub_is_reported_within_the_timeout(
    fetch: Fetch, server: FakeHub, commit: str, end_waits_soon: Callable[[], None]
) -> None:
    end_waits_soon()
    server.stop()
    started = time.monotonic()
    with pytest.raises(HubUnreachable, match="embedded model needs no Hub"):
        fetch(commit)
    assert time.monotonic() - started < MAX_DURATION_S


@pytest.mark.slow
def test_a_slow_connection_with_progress_is_not_aborted(
    fetch: Fetch, server: FakeHub, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download of the graph takes 6 s, longer than the timeout, but a part of it arrives every half second."""
    monkeypatch.setenv("PNEUMONIA_HUB_TIMEOUT_S", "4")
    server.pause_s = 0.5
    server.fault, server.faulty_file = Fault.STEADY, bundle.GRAPH
    folder = None
    while folder is None:
        with StallWatch() as stalls:
            try:
                folder, _ = fetch(commit)
            except HubUnreachable:
                assert stalls.has_stalled(), "aborted although this machine did not stand still"
    assert (folder / bundle.GRAPH).stat().st_size > 0


def test_a_download_is_aborted_after_the_total_limit_despite_progress(
    fetch: Fetch, server: FakeHub, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_download, "MAX_DOWNLOAD_S", 0.5)
    monkeypatch.setenv("PNEUMONIA_HUB_TIMEOUT_S", "60")
    server.fault, server.faulty_file = Fault.STEADY, bundle.GRAPH
    with pytest.raises(HubUnreachable, match="not complete after 0.5 s"):
        fetch(commit)


@pytest.mark.parametrize("fault", [Fault.WRONG_BYTES, Fault.POINTER], ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("file", [bundle.CONFIG, bundle.GRAPH, bundle.GATE, bundle.EVALUATION])
def test_wrong_content_is_never_loaded(fetch: Fetch, server: FakeHub, commit: str, fault: Fault, file: str) -> None:
    server.fault, server.faulty_file = fault, file
    with pytest.raises(BundleCorrupt) as caught:
        folder, revision = fetch(commit)
        bundle.load(folder, REPOSITORY, revision=revision)
    assert_safe_to_show(caught.value.message, server)


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.NO_FILE, Fault.CUT], ids=lambda fault: fault.name.lower())
def test_a_transient_fault_leaves_no_damage(fetch: Fetch, server: FakeHub, commit: str, fault: Fault) -> None:
    server.fault = fault
    with pytest.MonkeyPatch.context() as patch, pytest.raises(PneumoniaError):
        patch.setenv("PNEUMONIA_HUB_TIMEOUT_S", str(TIMEOUT_S))
        fetch("main")
    server.fault = Fault.NONE
    folder, revision = fetch("main")
    bundle.load(folder, REPOSITORY, revision=revision)


def test_another_commit_in_the_cache_is_never_taken_instead(
    fetch: Fetch, server: FakeHub, commit: str, files: dict[str, bytes], end_waits_soon: Callable[[], None]
) -> None:
    newer = server.push(REPOSITORY, files)
    fetch(commit)
    end_waits_soon()
    server.stop()
    with pytest.raises(HubUnreachable) as caught:
        fetch(newer)
    assert commit in caught.value.message, "the message must name the cached commit"


@pytest.mark.parametrize("fault", [Fault.HANGING, Fault.BROKEN, Fault.BAD_TOKEN], ids=lambda fault: fault.name.lower())
def test_the_embedded_model_asks_no_hub(
    server: FakeHub, fault: Fault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.fault = fault
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(hub_download, "download_bundle", lambda *_, **__: pytest.fail("the Hub was accessed"))
    assert sources.load_bundle("").identity.name == "embedded"
    assert server.requests == []


@pytest.mark.parametrize("revision", ["v2", "refs/pr/1", "0" * 40], ids=["tag", "reference", "commit"])
def test_an_unknown_revision_is_refused(fetch: Fetch, commit: str, revision: str) -> None:
    with pytest.raises(RevisionNotFound, match=revision):
        fetch(revision)


@pytest.mark.parametrize("repository", ["clinic/unknown", "clinic/--", "clinic/a..b", "clinic/" + "x" * 120])
def test_an_unknown_or_impossible_repository_is_refused(fetch: Fetch, commit: str, repository: str) -> None:
    with pytest.raises(ModelNotFound, match="owner/name"):
        fetch("main", repository)


def test_a_full_disk_is_reported(fetch: Fetch, commit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with pytest.raises(DiskFull):
        fetch(commit)


def test_a_bug_during_a_download_is_not_reported_as_a_missing_connection(
    server: FakeHub,
    commit: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command line shows `internal` with an id; the log names every frame and no value."""

    def faulty_config(folder: Path) -> None:
        raise AttributeError(f"no such attribute in {folder}")

    download = partial(hub_download.download_bundle, cache=tmp_path)
    monkeypatch.setattr(hub_download, "download_bundle", lambda *names, **_: download(*names, endpoint=server.url))
    monkeypatch.setattr(bundle, "read_config", faulty_config)
    assert main(["predict", "--model", f"{REPOSITORY}@{commit}", "film.png"]) == 2
    message = capsys.readouterr().err
    incident = re.search(r"^internal: .*report this id: ([0-9a-f]{12})\.$", message, re.MULTILINE)
    assert incident and incident[1] in caplog.text
    for frame in (
        r"pneumonia/cli/predict\.py:\d+ run",
        r"pneumonia/inference/hub_download\.py:\d+ _run_while_growing",
        r"pneumonia/inference/hub_download\.py:\d+ _download",
        r"tests/inference/test_hub_download\.py:\d+ faulty_config",
    ):
        assert re.search(frame, caplog.text)
    assert not any(value in caplog.text + message for value in (str(tmp_path), "no such attribute", commit, TOKEN))
