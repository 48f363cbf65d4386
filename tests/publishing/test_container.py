"""The container: what its files promise, and, step by step, what they build."""

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

ROOT = Path(__file__).parents[2]
STEPS = container.steps((ROOT / "Dockerfile").read_text())
DOCS = (ROOT / "docs" / "container.md").read_text()
NOT_OFFERED = {settings.SHARE, settings.MCP, settings.DATA}
"""A link through a relay, what needs more requirements, and the films of tests: not in a hospital's container."""


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    (one,) = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    return dict(one)


def named(name: str) -> list[container.Step]:
    return [step for step in STEPS if step.name == name]


def test_the_base_is_slim_and_pinned() -> None:
    assert [step.name for step in STEPS][0] == "FROM"
    assert re.fullmatch(r"python:3\.12\.\d+-slim-\w+", STEPS[0].rest)


def test_it_runs_as_a_user_who_owns_nothing(service: dict[str, Any]) -> None:
    names = [step.name for step in STEPS]
    assert named("USER")[-1].rest == service["user"] == "film"
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])
    assert all("--chown" not in step.rest for step in named("COPY"))


def test_compose_leaves_it_nothing_but_what_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service and "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "volumes" not in service
    (tmpfs,) = service["tmpfs"]
    assert {"size=2g", "noexec", "nosuid", "nodev"} <= set(tmpfs.removeprefix("/tmp:").split(","))
    assert service["mem_limit"] == "4g"


def test_only_the_loopback_is_published(service: dict[str, Any]) -> None:
    assert service["ports"] == ["127.0.0.1:7860:7860"]


def test_both_health_checks_are_one(service: dict[str, Any]) -> None:
    check = container.health_check(STEPS)
    assert service["healthcheck"]["test"] == ["CMD", *check]
    assert "http://127.0.0.1:7860/health" in check[-1]


def test_every_setting_can_be_given(service: dict[str, Any]) -> None:
    assert set(service["environment"]) == {row.name for row in settings.SETTINGS if row not in NOT_OFFERED}
    assert all(service["environment"][name] == f"${{{name}:-}}" for name in service["environment"])


def test_it_gets_what_serving_needs_and_nothing_else() -> None:
    given = [path.as_posix() for path in container.build_context(ROOT, container.ignore_patterns())]
    assert {name.partition("/")[0] for name in given} == {
        "app.py",
        "requirements.txt",
        "LICENSE",
        "NOTICE",
        "pneumonia",
    }
    assert {"pneumonia/models/children/model.tflite", "pneumonia/web/page.css", "pneumonia/cli/main.py"} <= set(given)
    assert not [name for name in given if re.search(r"pneumonia/(learning|archive)/|__pycache__|\.pyc$", name)]
    copied = {word for step in named("COPY") for word in step.words[:-1]}
    assert copied == {name.partition("/")[0] for name in given}


def test_its_steps_are_read_as_an_engine_reads_them() -> None:
    parsed = container.steps('FROM a\n# no\nENV B=1 \\\n    C="2 3"\nCMD ["x", "y z"]\n')
    assert [(step.name, step.words) for step in parsed] == [
        ("FROM", ["a"]),
        ("ENV", ["B=1", "C=2 3"]),
        ("CMD", ["x", "y z"]),
    ]


@pytest.mark.slow
def test_it_builds_starts_and_answers_without_a_network(tmp_path: Path) -> None:
    if os.name != "posix" or os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "nsenter", "ip"))):
        pytest.skip("needs Linux, root, unshare, setpriv, nsenter and ip")
    seen = tmp_path / "seen.json"
    command = [sys.executable, "-m", "tests.support.container", "--json", str(seen)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    if "mount: " in done.stderr and not seen.exists():
        pytest.skip(f"no overlay can be mounted here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(seen.read_text())
    assert found["prediction"]["label"] == "Normal"
    assert (found["uid"], found["capabilities"], found["no_new_privileges"]) == (10001, 0, True)
    assert found["writes"] == ["/tmp"]
    assert found["training"] == [] and found["foreign_libraries"] == []
    size = found["packages_mb"] + found["app_mb"]
    (told,) = re.findall(r"\*\*(\d+) MB\*\*", DOCS)
    assert size < 700 and size == pytest.approx(int(told), rel=0.1)
