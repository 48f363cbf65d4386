"""Dependencies: their number is limited, and each is pinned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_SERVING_DEPENDENCIES = 11
"""Maximum number of direct dependencies of serving. To add one, give the reason in CHANGELOG.md and increase it."""


def direct_dependencies(name: str) -> list[str]:
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def test_serving_has_few_direct_dependencies() -> None:
    assert len(direct_dependencies("requirements.txt")) <= MAX_SERVING_DEPENDENCIES


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_each_dependency_is_pinned_to_one_version(path: Path) -> None:
    for line in direct_dependencies(path.name):
        assert re.match(r"[\w-]+(\[\w+\])?==\d[\w.]*(;.*)?$", line), line


def test_the_installed_versions_are_the_pinned_ones() -> None:
    from importlib.metadata import version

    for line in direct_dependencies("requirements.txt"):
        name, pinned = line.split("==")
        assert version(name) == pinned


def test_the_release_checklist_audits_the_pins() -> None:
    assert "pip-audit --strict -r requirements.txt" in (ROOT / "docs" / "release.md").read_text()


def test_the_ci_workflow_has_no_secret_and_no_extra_permission() -> None:
    text = (ROOT / ".github" / "workflows" / "check.yml").read_text()
    assert "secrets." not in text and "pull_request_target" not in text
