"""The Space as the Hub builds it: the uploaded files only, their requirements only, a Space's environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from huggingface_hub import RepoCard

from benchmarks.service_process import free_port
from pneumonia import Predictor
from pneumonia.inference import sources
from pneumonia.publishing import deploy, publish
from pneumonia.publishing.hub_client import Repository

from ..support.interpreters import find_python
from ..support.writable_hub import WritableHub
from .conftest import MODEL, SPACE

pytestmark = pytest.mark.slow

KEY = f"spaces/{SPACE}"
START_TIMEOUT_S = 120
"""Maximum time until the page responds; two busy cores take 10 s."""
TRAINING_LIBRARIES = (
    "tensorflow",
    "tensorflow_cpu",
    "keras",
    "scikit_learn",
    "scipy",
    "matplotlib",
    "opencv_python_headless",
)
TEST_LIBRARIES = ("pytest", "playwright", "mypy", "ruff", "hypothesis")

PRELOAD = """
import sys
from huggingface_hub import hf_hub_download
repository, files, revision = sys.argv[1].split(" ")
for name in files.split(","):
    hf_hub_download(repository, name, revision=revision)
"""
"""The downloads of a Space's builder for an entry of `preload_from_hub`."""


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with `requirements.txt` and the SDK, installed together, as the builder does it.

    It has the Space's Python version if this machine has that, else the version that runs the tests.
    """
    folder = tmp_path_factory.mktemp("environment")
    root = Path(__file__).parents[2]
    card: Any = RepoCard((root / "README.md").read_text())
    python = find_python(card.data.python_version) or sys.executable
    subprocess.run([python, "-m", "venv", folder], check=True)
    interpreter_path = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    sdk = f"gradio[oauth,mcp]=={card.data.sdk_version}"
    command = [str(interpreter_path), "-m", "pip", "install", "-q", "-r", str(root / "requirements.txt"), sdk]
    subprocess.run(command, check=True, timeout=900)
    return interpreter_path


@pytest.fixture
def upload(hub: WritableHub, page: Repository, tmp_path: Path) -> Callable[..., Path]:
    """`upload(model)`: deploy to the fake Hub; returns a folder with the Space's files."""

    def upload_and_download(model: str | None = None) -> Path:
        deploy.execute(deploy.plan(page, deploy.collect_content(page, model)))
        for name, data in hub.files(KEY).items():
            (tmp_path / "space" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "space" / name).write_bytes(data)
        return tmp_path / "space"

    return upload_and_download


def environment(hub: WritableHub, home: Path, port: int) -> dict[str, str]:
    """The environment of a Space's container, with the address of the fake Hub."""
    owner, name = SPACE.split("/")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SYSTEM": "spaces",
        "SPACE_ID": SPACE,
        "SPACE_HOST": f"{owner}-{name}.hf.space",
        "SPACE_AUTHOR_NAME": owner,
        "SPACE_REPO_NAME": name,
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1,0.0.0.0,localhost",
        **hub.variables[KEY],
    }


@contextmanager
def running_space(interpreter: Path, folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """Run `python app.py` in the Space's folder; yields its address once it responds."""
    address = f"http://127.0.0.1:{variables['GRADIO_SERVER_PORT']}"
    log = folder.parent / "log"
    with log.open("w") as out:
        process = subprocess.Popen([interpreter, "app.py"], cwd=folder, env=variables, stdout=out, stderr=out)
    try:
        _wait(process, address, log)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/config", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(log.read_text())


def config(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/config", timeout=60) as response:
        page_config: dict[str, Any] = json.loads(response.read())
    return page_config


@pytest.mark.parametrize("from_hub", [False, True], ids=["embedded", "from the Hub"])
def test_a_built_space_predicts_like_the_local_predictor(
    interpreter: Path,
    hub: WritableHub,
    model: Repository,
    upload: Callable[..., Path],
    predictor: Predictor,
    tmp_path: Path,
    from_hub: bool,
) -> None:
    commit = publish.execute(publish.plan(publish.load(sources.EMBEDDED_FOLDER), model, "v1")) if from_hub else ""
    folder = upload(f"{MODEL}@v1" if from_hub else None)
    variables = environment(hub, tmp_path, free_port())
    if from_hub:
        card: Any = RepoCard((folder / "README.md").read_text())
        subprocess.run(
            [interpreter, "-c", PRELOAD, card.data.preload_from_hub[0]], env=variables, check=True, timeout=300
        )
        hub.requests.clear()
        hub.stop()  # a start with preloaded files sends no request
    with running_space(interpreter, folder, variables) as address:
        client = Client(address, verbose=False)
        for film in predictor.models[0].bundle.examples:
            remote = client.predict(handle_file(film), operating_point="balanced", api_name="/predict")
            local = predictor.predict(film).as_dict()
            assert {**remote, "file": None, "model": None} == {**local, "file": None, "model": None}
            name, revision = (MODEL, commit) if from_hub else ("embedded", predictor.models[0].identity.revision)
            assert remote["model"] == {
                "name": name,
                "revision": revision,
                "sha256": predictor.models[0].identity.sha256,
                "site": None,
            }
        assert_same_settings_as_locally(client, address)
    assert hub.requests == [] or not from_hub
    assert_no_errors((tmp_path / "log").read_text())


def assert_same_settings_as_locally(client: Client, address: str) -> None:
    """Gradio's defaults differ on a Space; the service sets its values explicitly, so they are the same there."""
    page_config = config(address)
    assert page_config["space_id"] == SPACE, "Gradio detects the Space"
    assert not page_config["pwa"]
    assert not page_config["analytics_enabled"]
    assert "dataset" not in {component["type"] for component in page_config["components"]}, (
        "no examples that Gradio would cache"
    )
    expected_endpoints = {"/predict", "/predict_batch", "/analyze", "/model"}
    assert expected_endpoints <= set(client.view_api(return_format="dict", print_info=False)["named_endpoints"])
    [function_index] = [event["id"] for event in page_config["dependencies"] if event["api_name"] == "predict"]
    body = json.dumps({"data": [None], "fn_index": function_index}).encode()
    request = urllib.request.Request(f"{address}/gradio_api/run/predict", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code in {401, 403, 404}, "the queue cannot be bypassed"


def assert_no_errors(log: str) -> None:
    # The real builder adds the package `spaces`; without it, the reload thread of Gradio ends with this traceback.
    assert log.count("Traceback") == log.count("`spaces` package is required to run hot-reloading"), log
    assert "SSR" not in log and "public URL" not in log, log


def test_no_library_of_training_or_tests_is_installed(interpreter: Path) -> None:
    command = [str(interpreter), "-m", "pip", "list", "--format", "json"]
    rows = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    names = {row["name"].lower().replace("-", "_") for row in rows}
    assert "gradio" in names
    assert not names & {*TRAINING_LIBRARIES, *TEST_LIBRARIES}
    subprocess.run([interpreter, "-m", "pip", "check"], check=True)
