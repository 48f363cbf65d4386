"""The container: its instructions, and whether its files and wheels suffice to start the page.

The GitHub workflow builds the image, starts it as compose.yaml says, and asks it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import service_process
from pneumonia import settings
from pneumonia.pacs.configuration import load_configuration

from ..support import dockerfile
from ..support.interpreters import find_python
from ..support.systems import linux

ROOT = Path(__file__).parents[2]
STEPS = dockerfile.parse((ROOT / "Dockerfile").read_text())
IMAGE_PYTHON = re.findall(r"3\.\d+", STEPS[0].rest)[0]
LOCKED_PYTHONS = ("3.11", "3.12")
"""The Python versions that need exactly the packages of requirements.lock; 3.13 needs one more (audioop-lts)."""

LOCKS = ("requirements.lock", "requirements-hospital.lock")
"""The packages of the page, and those of the PACS service too."""

INSTALL_TIMEOUT_S, START_TIMEOUT_S = 900, 120

DOCS = (ROOT / "docs" / "container.md").read_text()
NOT_OFFERED = {settings.SHARE, settings.MCP, settings.DATA}
"""Settings for a public link, for additional requirements and for test films; not needed in a hospital's container."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def service(compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"]["film"])


@pytest.mark.parametrize(
    ("name", "schema"), [("compose.yaml", "compose-spec"), (".github/workflows/check.yml", "github-workflows")]
)
def test_the_files_for_other_programs_follow_their_schemas(name: str, schema: str) -> None:
    """As `docker compose config` checks first; the schemas are those of the Compose Specification and of GitHub."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(ROOT / name)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stdout + process.stderr


def test_what_compose_refers_to_exists(compose: dict[str, Any]) -> None:
    """As `docker compose config` checks after the schema: services, configs, volumes, and the files of configs."""
    services, profiles = (
        compose["services"],
        {name: each.get("profiles", []) for name, each in compose["services"].items()},
    )
    for name, service in services.items():
        assert {each["source"] for each in service.get("configs", [])} <= set(compose["configs"]), name
        assert {each.partition(":")[0] for each in service.get("volumes", [])} <= set(compose["volumes"]), name
        for needed in service.get("depends_on", []):
            assert not profiles[needed] or set(profiles[name]) <= set(profiles[needed]), (name, needed)
    files = [re.sub(r"\$\{\w+:-(.*?)\}", r"\1", each["file"]) for each in compose["configs"].values() if "file" in each]
    assert all((ROOT / file).is_file() for file in files)
    text = re.sub(r"\$\{[A-Z_]+(:-[^${}]*)?\}|\$\$", "", (ROOT / "compose.yaml").read_text())
    assert "$" not in text, "any other dollar sign is an interpolation that Compose refuses or replaces"


def steps_named(name: str) -> list[dockerfile.Instruction]:
    return [step for step in STEPS if step.name == name]


def test_the_base_is_slim_and_pinned() -> None:
    assert [step.name for step in STEPS][0] == "FROM"
    assert re.fullmatch(r"python:3\.12\.\d+-slim-\w+", STEPS[0].rest)


def test_it_runs_as_an_unprivileged_user(service: dict[str, Any]) -> None:
    names = [step.name for step in STEPS]
    assert steps_named("USER")[-1].rest == service["user"] == "film"
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])
    assert all("--chown" not in step.rest for step in steps_named("COPY"))


def test_compose_drops_all_unneeded_privileges(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service and "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "volumes" not in service
    (tmpfs,) = service["tmpfs"]
    assert {"size=2g", "noexec", "nosuid", "nodev"} <= set(tmpfs.removeprefix("/tmp:").split(","))
    assert service["mem_limit"] == "4g"


def test_the_port_is_published_on_the_loopback_only(service: dict[str, Any]) -> None:
    assert service["ports"] == ["127.0.0.1:7860:7860"]


def test_dockerfile_and_compose_have_the_same_health_check(service: dict[str, Any]) -> None:
    (rest,) = (step.rest for step in steps_named("HEALTHCHECK"))
    check = json.loads(rest.split("CMD", 1)[1])
    assert service["healthcheck"]["test"] == ["CMD", *check]
    assert "http://127.0.0.1:7860/health" in check[-1]


def test_compose_passes_every_setting(service: dict[str, Any]) -> None:
    assert set(service["environment"]) == {row.name for row in settings.SETTINGS if row not in NOT_OFFERED}
    defaults = {"PNEUMONIA_TRUSTED_PROXIES": "172.30.78.0/24"}
    for name, value in service["environment"].items():
        assert value == f"${{{name}:-{defaults.get(name, '')}}}"


def test_compose_trusts_the_addresses_of_its_own_network_only(compose: dict[str, Any]) -> None:
    """So the page receives the client's address from the proxy in the file and from one on the machine."""
    (network,) = compose["networks"]["default"]["ipam"]["config"]
    trusted = compose["services"]["film"]["environment"]["PNEUMONIA_TRUSTED_PROXIES"]
    assert network["subnet"] in trusted
    assert compose["services"]["proxy"]["profiles"] == ["tls"], "the proxy starts on request only"
    caddyfile = compose["configs"]["caddyfile"]["content"]
    assert "reverse_proxy film:7860" in caddyfile and "read_header" in caddyfile


def test_the_pacs_service_has_as_few_privileges_as_the_page(compose: dict[str, Any]) -> None:
    page, pacs = compose["services"]["film"], compose["services"]["pacs"]
    for key in ("user", "read_only", "cap_drop", "security_opt", "mem_limit", "pids_limit", "init", "restart"):
        assert pacs[key] == page[key], key
    assert pacs["volumes"] == ["queue:/var/lib/pneumonia"]
    assert "--mode 0700 /var/lib/pneumonia" in " ".join(step.rest for step in steps_named("RUN"))
    assert pacs["build"]["args"] == {"LOCK": LOCKS[1]}
    assert set(pacs["environment"]) <= set(page["environment"])


def test_services_of_the_demonstration_start_on_request_and_publish_on_the_loopback_only(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert {name: service.get("profiles") for name, service in services.items()} == {
        "film": None,
        "pacs": ["pacs", "demo"],
        "orthanc": ["demo"],
        "proxy": ["tls"],
    }
    assert services["pacs"]["ports"] == ["${PNEUMONIA_PACS_ADDRESS:-127.0.0.1}:11112:11112"]
    assert all(port.startswith("127.0.0.1:") for port in services["orthanc"]["ports"])


def test_the_configurations_of_the_demonstration_fit_together(compose: dict[str, Any]) -> None:
    configuration = load_configuration(ROOT / "docs" / "pacs" / "container.toml")
    (command,) = [compose["services"]["pacs"]["command"]]
    assert command == [
        "python",
        "-m",
        "pneumonia",
        "pacs",
        "--config",
        compose["services"]["pacs"]["configs"][0]["target"],
    ]
    assert compose["configs"]["pacs"]["file"] == "${PNEUMONIA_PACS_CONFIG:-./docs/pacs/container.toml}"
    assert configuration.folder.is_relative_to("/var/lib/pneumonia")
    assert f"127.0.0.1:{configuration.metrics.port}/health" in compose["services"]["pacs"]["healthcheck"]["test"][-1]
    (peer,), (destination,) = configuration.peers, configuration.destinations
    assert [*peer.addresses] == [each["subnet"] for each in compose["networks"]["default"]["ipam"]["config"]]
    orthanc = json.loads((ROOT / "docs" / "pacs" / "orthanc.json").read_text())
    assert (destination.host, destination.ae_title, destination.port) == ("orthanc", orthanc["DicomAet"], 4242)
    assert orthanc["DicomModalities"]["pneumonia"]["AET"] == configuration.service.ae_title
    assert orthanc["DicomModalities"]["pneumonia"]["Port"] == configuration.service.port == 11112
    grace = int(compose["services"]["pacs"]["stop_grace_period"].removesuffix("s"))
    assert grace > configuration.limits.drain_s


def test_the_image_contains_what_serving_needs_and_nothing_else() -> None:
    names = [path.as_posix() for path in dockerfile.build_context(ROOT)]
    assert {name.partition("/")[0] for name in names} == {
        "app.py",
        "requirements.lock",
        "requirements-hospital.lock",
        "LICENSE",
        "NOTICE",
        "pneumonia",
    }
    assert {"pneumonia/models/children/model.tflite", "pneumonia/web/page.css", "pneumonia/cli/main.py"} <= set(names)
    assert not [name for name in names if re.search(r"pneumonia/(learning|archive)/|__pycache__|\.pyc$", name)]
    copied = {word for step in steps_named("COPY") for word in step.words[:-1]}
    assert copied == {name.partition("/")[0] for name in names}


def test_packages_are_installed_from_the_lock_only() -> None:
    for lock in LOCKS:
        steps = dockerfile.parse((ROOT / "Dockerfile").read_text(), LOCK=lock)
        (command,) = (step.rest for step in steps if step.name == "RUN" and "pip install" in step.rest)
        assert command == f"pip install --require-hashes --only-binary :all: -r {lock}"
    assert dockerfile.parse("ARG LOCK=a\nRUN x $LOCK $HOME")[1].rest == "x a $HOME"
    assert [step.rest for step in steps_named("ARG")] == ["LOCK=requirements.lock"], "the page is the default"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_made_for_the_python_of_the_base_image(lock: str) -> None:
    assert IMAGE_PYTHON in LOCKED_PYTHONS
    assert f"pip-compile with Python {IMAGE_PYTHON}\n" in (ROOT / lock).read_text()


def test_dockerfile_steps_are_parsed() -> None:
    parsed = dockerfile.parse('FROM a\n# no\nENV B=1 \\\n    C="2 3"\nCMD ["x", "y z"]\n')
    assert [(step.name, step.words) for step in parsed] == [
        ("FROM", ["a"]),
        ("ENV", ["B=1", "C=2 3"]),
        ("CMD", ["x", "y z"]),
    ]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(folder with the files that the image copies, interpreter with the packages of the lock)."""
    python = find_python(IMAGE_PYTHON) or next(filter(None, map(find_python, LOCKED_PYTHONS)), None)
    if python is None:
        pytest.skip(f"needs Python {' or '.join(LOCKED_PYTHONS)}, for which requirements.lock is made")
    app = tmp_path_factory.mktemp("app")
    dockerfile.copy_files(ROOT, STEPS, app)
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([python, "-m", "venv", environment], check=True)
    interpreter = environment / "bin" / "python"
    (install,) = (step.words for step in steps_named("RUN") if "pip install" in step.rest)
    subprocess.run([interpreter, "-m", *install, "--quiet"], cwd=app, check=True, timeout=INSTALL_TIMEOUT_S)
    return app, interpreter


@pytest.mark.slow
@linux
def test_its_files_and_wheels_suffice_to_start_the_page_and_answer(
    installation: tuple[Path, Path], tmp_path: Path
) -> None:
    app, interpreter = installation
    before = file_names(app)
    port = service_process.free_port()
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [str(interpreter), "-B", *steps_named("CMD")[-1].words[1:]]
    with (tmp_path / "log").open("wb") as log:
        page_variables = {**variables, "GRADIO_SERVER_PORT": str(port)}
        page = subprocess.Popen(command, cwd=app, env=page_variables, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        assert is_healthy(address, page), (tmp_path / "log").read_text()
        film = next((app / "pneumonia" / "models" / "children" / "examples").glob("*normal*.png"))
        ask = [str(interpreter), str(ROOT / "tests" / "support" / "ask_page.py"), address, str(film)]
        process = subprocess.run(ask, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120)
        assert process.returncode == 0, process.stderr + (tmp_path / "log").read_text()
        assert json.loads(process.stdout)["label"] == "Normal"
    finally:
        page.terminate()
        exit_code = page.wait(60)
    assert exit_code == 0
    assert file_names(app) == before, "the page writes only below /tmp"


@pytest.mark.slow
def test_its_size_is_the_documented_one_and_it_has_no_training_library(installation: tuple[Path, Path]) -> None:
    app, interpreter = installation
    (packages,) = interpreter.parents[1].glob("lib/python3.*/site-packages")
    added = [path for path in packages.iterdir() if not path.name.startswith(("pip", "setuptools"))]
    names = {path.name for path in added}
    assert not names & {"tensorflow", "keras", "sklearn", "scipy", "matplotlib", "cv2", "ray", "pyarrow"}
    size = sum(megabytes(path) for path in (*added, app))
    (documented_mb,) = re.findall(r"\*\*(\d+) MB\*\*", DOCS)
    assert size < 700 and size == pytest.approx(int(documented_mb), rel=0.1)


def is_healthy(address: str, page: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while page.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"{address}/health", timeout=5).status == 200)
        time.sleep(0.2)
    return False


def file_names(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def megabytes(path: Path) -> float:
    """Size on the disk."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_blocks * 512 for each in files) / 1e6


def workflow_steps(job: str) -> list[dict[str, Any]]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())
    return list(workflow["jobs"][job]["steps"])


def test_the_workflow_asks_the_image_as_compose_runs_it() -> None:
    commands = [step.get("run", "") for step in workflow_steps("image")]
    started, asked = commands[1], next(command for command in commands if "ask_page.py" in command)
    assert started == "docker compose up --build --detach --wait film"
    script = asked.split("< ")[1]
    assert (ROOT / script).is_file()
    assert any("id -u" in command and "is writable" in command for command in commands)
    film = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())["jobs"]["image"]["env"]["FILM"]
    assert Path(film).relative_to("/app") in dockerfile.build_context(ROOT)


def test_the_workflow_runs_the_fast_tests_on_windows_and_macos() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())
    assert workflow["jobs"]["systems"]["strategy"]["matrix"]["system"] == ["windows-latest", "macos-latest"]
    assert any(step.get("run", "").startswith("pytest") for step in workflow_steps("systems"))
