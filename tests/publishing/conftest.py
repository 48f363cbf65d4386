"""A local fake Hub for each test, isolated from the developer's settings."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from pneumonia import cli
from pneumonia.inference import sources
from pneumonia.publishing import publish, space_files
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import OWNER, TOKEN, WritableHub

MODEL = f"{OWNER}/chest-films"
SPACE = f"{OWNER}/page"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """The seconds that the hub library would sleep between attempts; it does not sleep in tests."""
    delays: list[float] = []
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    clock = SimpleNamespace(**{**vars(time), "sleep": delays.append})
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock)
    set_client_factory(default_client_factory)
    return delays


@pytest.fixture(scope="session", autouse=True)
def modules_found_once() -> Iterator[None]:
    """The imports of `app.py` are followed once, because this takes half a second and gives the same for each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space_files, "modules", cache(space_files.modules))
        yield


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableHub]:
    """A fake Hub that is also the default endpoint, so that the command line uses it."""
    with WritableHub() as fake_hub:
        # The library builds this template from the endpoint when it is imported.
        address = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, fake_hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
        monkeypatch.setattr(constants, "ENDPOINT", fake_hub.url)
        yield fake_hub


@pytest.fixture
def model(hub: WritableHub) -> Repository:
    return Repository(MODEL, endpoint=hub.url)


@pytest.fixture
def page(hub: WritableHub) -> Repository:
    return Repository(SPACE, "space", endpoint=hub.url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the embedded bundle, used as a run folder."""
    return Path(shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path / "run"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`command("publish", ...)` -> (exit code, stdout, stderr)."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


@pytest.fixture
def published(model: Repository) -> str:
    """Publish the embedded model with tag v1; returns its commit."""
    return publish.execute(publish.plan(publish.load(sources.EMBEDDED_FOLDER), model, "v1"))
