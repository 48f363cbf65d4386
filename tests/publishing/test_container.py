"""The container: checks of its files, and a build of the image step by step."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pneumonia import settings

from ..support import container
from ..support.interpreters import find_python

ROOT = Path(__file__).parents[2]
STEPS = container.steps((ROOT / "Dockerfile").read_text())
IMAGE_PYTHON = re.findall(r"3\.\d+", STEPS[0].rest)[0]
LOCKED_PYTHONS = ("3.11", "3.12")
"""The Python versions that need exactly the packages of requirements.lock; 3.13 needs one more (audioop-lts)."""

DOCS = (ROOT / "docs" / "container.md").read_text()
NOT_OFFERED = {settings.SHARE, settings.MCP, settings.DATA}
"""Settings for a public link, for additional requirements and for test films; not needed in a hospital's container."""


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    compose_service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["film"]
    return dict(compose_service)


def steps_named(name: str) -> list[container.Step]:
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
    check = container.health_check(STEPS)
    assert service["healthcheck"]["test"] == ["CMD", *check]
    assert "http://127.0.0.1:7860/health" in check[-1]


def test_compose_passes_every_setting(service: dict[str, Any]) -> None:
    assert set(service["environment"]) == {row.name for row in settings.SETTINGS if row not in NOT_OFFERED}
    defaults = {"PNEUMONIA_TRUSTED_PROXIES": "172.30.78.0/24"}
    for name, value in service["environment"].items():
        assert value == f"${{{name}:-{defaults.get(name, '')}}}"


def test_compose_trusts_the_addresses_of_its_own_network_only() -> None:
    """So the page receives the client's address from the proxy in the file and from one on the machine."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    (network,) = compose["networks"]["default"]["ipam"]["config"]
    trusted = compose["services"]["film"]["environment"]["PNEUMONIA_TRUSTED_PROXIES"]
    assert network["subnet"] in trusted
    assert compose["services"]["proxy"]["profiles"] == ["tls"], "the proxy starts on request only"
    caddyfile = compose["configs"]["caddyfile"]["content"]
    assert "reverse_proxy film:7860" in caddyfile and "read_header" in caddyfile


def test_the_image_contains_what_serving_needs_and_nothing_else() -> None:
    names = [path.as_posix() for path in container.build_context(ROOT, container.ignore_patterns())]
    assert {name.partition("/")[0] for name in names} == {
        "app.py",
        "requirements.lock",
        "LICENSE",
        "NOTICE",
        "pneumonia",
    }
    assert {"pneumonia/models/children/model.tflite", "pneumonia/web/page.css", "pneumonia/cli/main.py"} <= set(names)
    assert not [name for name in names if re.search(r"pneumonia/(learning|archive)/|__pycache__|\.pyc$", name)]
    copied = {word for step in steps_named("COPY") for word in step.words[:-1]}
    assert copied == {name.partition("/")[0] for name in names}


def test_packages_are_installed_from_the_lock_only() -> None:
    (command,) = (step.rest for step in steps_named("RUN") if "pip install" in step.rest)
    assert command == "pip install --require-hashes --only-binary :all: -r requirements.lock"


def test_the_lock_is_made_for_the_python_of_the_base_image() -> None:
    assert IMAGE_PYTHON in LOCKED_PYTHONS
    assert f"pip-compile with Python {IMAGE_PYTHON}\n" in (ROOT / "requirements.lock").read_text()


def test_dockerfile_steps_are_parsed() -> None:
    parsed = container.steps('FROM a\n# no\nENV B=1 \\\n    C="2 3"\nCMD ["x", "y z"]\n')
    assert [(step.name, step.words) for step in parsed] == [
        ("FROM", ["a"]),
        ("ENV", ["B=1", "C=2 3"]),
        ("CMD", ["x", "y z"]),
    ]


@pytest.mark.slow
def test_it_builds_starts_and_predicts_without_a_network(tmp_path: Path) -> None:
    if os.name != "posix" or os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "nsenter", "ip"))):
        pytest.skip("needs Linux, root, unshare, setpriv, nsenter and ip")
    python = find_python(IMAGE_PYTHON) or next(filter(None, map(find_python, LOCKED_PYTHONS)), None)
    if python is None:
        pytest.skip(f"needs Python {' or '.join(LOCKED_PYTHONS)}, for which requirements.lock is made")
    report_path = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.support.container", "--python", python, "--json", str(report_path)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    if "mount: " in process.stderr and not report_path.exists():
        pytest.skip(f"no overlay can be mounted here: {process.stderr.strip().splitlines()[-1]}")
    assert process.returncode == 0, process.stdout + process.stderr
    report = json.loads(report_path.read_text())
    assert report["prediction"]["label"] == "Normal"
    assert (report["uid"], report["capabilities"], report["no_new_privileges"]) == (10001, 0, True)
    assert report["writes"] == ["/tmp"]
    assert report["training"] == [] and report["foreign_libraries"] == []
    size = report["packages_mb"] + report["app_mb"]
    (documented_mb,) = re.findall(r"\*\*(\d+) MB\*\*", DOCS)
    assert size < 700 and size == pytest.approx(int(documented_mb), rel=0.1)
