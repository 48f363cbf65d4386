"""The wheel: its files, its metadata, and its behaviour in an environment that does not see this checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement

import pneumonia
from benchmarks import service_process
from benchmarks.service_process import free_port
from pneumonia import Predictor
from pneumonia.inference import sources

ROOT = Path(__file__).parents[1]
NOT_SOURCES = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs", "screenshots")
EXTRAS = ("train", "archive", "mcp", "hospital", "dev")
EXAMPLE = next(sources.EMBEDDED_FOLDER.glob("examples/*pneumonia*.png"))
INSTALL_TIMEOUT_S = 900
"""Two busy cores take half a minute if pip has the packages in its cache."""

PREDICT = """
import json, sys
import pneumonia
prediction = pneumonia.load_predictor().predict(sys.argv[1])
print(json.dumps([pneumonia.__file__, prediction.as_dict()]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy, because a build writes into the source folder.

    The build backend is the installed one: with an isolated build, pip would download it.
    """
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=NOT_SOURCES)
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder))
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(folder / "source")], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_contains_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    sources_on_disk = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pneumonia").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".po"  # the .mo files are read
    }
    packaged = {name for name in names(wheel) if ".dist-info/" not in name}
    assert packaged == sources_on_disk
    assert {"pneumonia/models/children/model.tflite", "pneumonia/web/page.css", "pneumonia/py.typed"} <= packaged


def test_the_wheel_contains_all_licences(wheel: Path) -> None:
    licences = {name.partition(".dist-info/licenses/")[2] for name in names(wheel)} - {""}
    assert licences == {
        "LICENSE",
        "NOTICE",
        *(f"pneumonia/reporting/fonts/LICENSE{end}" for end in ("", "-OFL", "-APACHE")),
    }


def test_the_version_is_that_of_the_package(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("pneumonia", pneumonia.__version__)


def test_the_classifiers_name_the_supported_python_versions(metadata: Message) -> None:
    prefix = "Programming Language :: Python :: 3."
    classified = [text.removeprefix(prefix) for text in metadata.get_all("Classifier", []) if text.startswith(prefix)]
    assert classified == ["11", "12", "13", "14"]
    assert metadata["Requires-Python"] == ">=3.11"
    tested = re.findall(r'"3\.(\d+)"', (ROOT / ".github" / "workflows" / "check.yml").read_text())
    assert set(tested) <= set(classified)


def requirements(path: Path) -> Iterator[Requirement]:
    """The requirements of a file and of the files that it includes by `-r`."""
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            yield from requirements(path.parent / line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            yield Requirement(line)


def declared(metadata: Message, extra: str | None) -> set[str]:
    """The requirements that the wheel declares: of an extra, without its marker, or of the package itself."""
    pins = set()
    for text in metadata.get_all("Requires-Dist", []):
        bare, marker, name = re.fullmatch(r'(.*?)(?:; (?:(.*) and )?extra == "(\w+)")?', text).groups()  # type: ignore[union-attr]
        if name == extra:
            pins.add(str(Requirement(f"{bare}; {marker}" if marker else bare)))
    return pins


def test_the_wheel_requires_the_pins_of_the_requirements_file(metadata: Message) -> None:
    assert declared(metadata, None) == {str(each) for each in requirements(ROOT / "requirements.txt")}


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_and_its_requirements_file_have_the_same_pins(metadata: Message, extra: str) -> None:
    pins = {str(each) for each in requirements(ROOT / f"requirements-{extra}.txt")}
    assert declared(metadata, extra) | declared(metadata, None) == pins
    assert set(metadata.get_all("Provides-Extra", [])) == set(EXTRAS)


def test_the_package_has_an_extra_for_each_requirements_file() -> None:
    assert {path.stem.removeprefix("requirements-") for path in ROOT.glob("requirements-*.txt")} == set(EXTRAS)
    assert {path.stem for path in ROOT.glob("requirements/*.txt")} == set(EXTRAS)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a new environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    command = [str(programs / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(command, check=True, timeout=INSTALL_TIMEOUT_S, cwd=folder, env=environment())
    return programs


def environment() -> dict[str, str]:
    """The environment without settings, and without a path to this checkout."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PNEUMONIA_", "PYTHON"))}


def run(installed: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment in a folder outside the checkout."""
    command = [str(installed / program), *arguments]
    return subprocess.run(command, cwd=installed, env=environment(), capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_the_installed_command_predicts_as_the_checkout_does(
    installed: Path, predictor: Predictor, tmp_path: Path
) -> None:
    film = str(shutil.copy(EXAMPLE, tmp_path))
    process = run(installed, "pneumonia", "predict", "--json", film)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == {**predictor.predict(film).as_dict(), "file": film}


@pytest.mark.slow
def test_the_installed_package_predicts_as_the_checkout_does(
    installed: Path, predictor: Predictor, tmp_path: Path
) -> None:
    film = str(shutil.copy(EXAMPLE, tmp_path))
    process = run(installed, "python", "-c", PREDICT, film)
    assert process.returncode == 0, process.stderr
    location, prediction = json.loads(process.stdout)
    assert Path(location).is_relative_to(installed.parent)
    assert prediction == predictor.predict(film).as_dict()
    assert prediction["label"] == "Pneumonia"


@pytest.mark.slow
def test_the_installed_command_describes_the_embedded_model(installed: Path, predictor: Predictor) -> None:
    process = run(installed, "pneumonia", "model", "--json")
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["sha256"] == predictor.models[0].identity.sha256


@pytest.mark.slow
def test_the_installed_command_serves_the_page_until_a_signal(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    settings = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [installed / "pneumonia", "serve"],
        cwd=installed,
        env=environment() | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert await_health(f"http://127.0.0.1:{port}/health", process) == "ready"
    finally:
        process.terminate()
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output == f"* Running on local URL:  http://127.0.0.1:{port}\n"


def await_health(address: str, process: subprocess.Popen[str]) -> str:
    """The text of `/health`, as soon as the page answers."""
    deadline = time.monotonic() + service_process.START_TIMEOUT_S
    while True:
        try:
            return httpx.get(address, trust_env=False, timeout=60).text
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "arguments", "prog"),
    [("pneumonia", (), "pneumonia"), ("python", ("-m", "pneumonia"), "python -m pneumonia")],
)
def test_both_forms_of_the_command_have_their_usage_and_exit_codes(
    installed: Path, program: str, arguments: tuple[str, ...], prog: str
) -> None:
    process = run(installed, program, *arguments)
    assert process.returncode == 2
    assert process.stderr.startswith(f"usage: {prog} [-h]")
    unreadable = run(installed, program, *arguments, "predict", "missing.png")
    assert unreadable.returncode == 1 and "Traceback" not in unreadable.stderr


@pytest.mark.slow
def test_the_environment_has_no_module_of_the_checkout_beside_the_package(installed: Path) -> None:
    code = "import importlib.util, sys; print(*filter(importlib.util.find_spec, sys.argv[1:]))"
    assert run(installed, "python", "-c", code, "pneumonia", "tests", "benchmarks", "app", "train").stdout.split() == [
        "pneumonia"
    ]


@pytest.mark.slow
def test_a_command_that_needs_a_checkout_says_so(installed: Path) -> None:
    process = run(installed, "pneumonia", "deploy", "owner/space", "--dry-run")
    assert process.returncode == 2
    assert process.stderr.startswith("usage: ") and "checkout" in process.stderr, process.stderr
