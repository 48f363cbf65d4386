"""Dependencies: their number is limited, and each is pinned."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
REQUIREMENTS = sorted([*ROOT.glob("requirements*.txt"), *ROOT.glob("requirements/*.txt")])
MAX_SERVING_DEPENDENCIES = 13
"""Maximum number of direct dependencies of serving. To add one, give the reason in CHANGELOG.md and increase it."""


def direct_dependencies(name: str) -> list[str]:
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def test_serving_has_few_direct_dependencies() -> None:
    assert len(direct_dependencies("requirements.txt")) <= MAX_SERVING_DEPENDENCIES


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_dependency_is_pinned_to_one_version(path: Path) -> None:
    for line in direct_dependencies(str(path.relative_to(ROOT))):
        assert re.match(r"[\w.-]+(\[\w+\])?==\d[\w.]*(;.*)?$", line), line


def pin(line: str) -> tuple[str, str]:
    """(package, version) of a line, without its marker."""
    name, _, pinned = line.partition(";")[0].strip(" \\").partition("==")
    return name, pinned


def test_the_installed_versions_are_the_pinned_ones() -> None:
    for line in direct_dependencies("requirements.txt"):
        name, pinned = pin(line)
        assert version(name) == pinned


@pytest.mark.parametrize(
    ("system", "machine", "has_wheel"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("win32", "AMD64", True),
        ("win32", "ARM64", False),
        ("darwin", "arm64", True),
        ("darwin", "x86_64", False),
    ],
)
def test_litert_is_required_where_it_has_a_wheel(system: str, machine: str, has_wheel: bool) -> None:
    """Elsewhere the other packages are installed, and `pneumonia.inference.graph` says what is missing."""
    (line,) = (line for line in direct_dependencies("requirements.txt") if line.startswith("ai-edge-litert"))
    marker = Requirement(line).marker
    assert marker is not None
    assert marker.evaluate({"sys_platform": system, "platform_machine": machine}) is has_wheel


LOCKS = {
    "requirements.lock": ["requirements.txt"],
    "requirements-hospital.lock": ["requirements.txt", "requirements/hospital.txt"],
}
"""Lock -> the files whose pins it contains."""


def locked_packages(lock: str) -> dict[str, str]:
    """Package -> version, of every package in a lock."""
    lines = (ROOT / lock).read_text().splitlines()
    return dict(pin(line) for line in lines if re.match(r"[\w-]", line))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_the_pins_of_its_requirements_files(lock: str) -> None:
    for line in (line for name in LOCKS[lock] for line in direct_dependencies(name)):
        name, pinned = pin(line)
        assert locked_packages(lock)[name.lower().replace("_", "-")] == pinned


def test_the_locks_have_the_same_version_of_a_package() -> None:
    """So the page of an image with the PACS service is the page of the other image."""
    page, hospital = map(locked_packages, LOCKS)
    assert page.items() <= hospital.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=[\w-])", (ROOT / lock).read_text())[1:]
    assert len(blocks) == len(locked_packages(lock)) > 50
    for block in blocks:
        assert re.match(r"[\w-]+==[\w.]+( ; .*)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", block), block


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_contains_the_dependencies_of_its_packages(lock: str) -> None:
    """A dependency without a line in the lock would end `pip install --require-hashes` with an error."""
    image = {"extra": "", "python_version": "3.12", "python_full_version": "3.12.12", "sys_platform": "linux"}
    packages = locked_packages(lock)
    for name, pinned in packages.items():
        for text in installed_requirements(name, pinned):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(image):
                assert canonicalize_name(requirement.name) in packages, f"{name} needs {text}"


def installed_requirements(name: str, pinned: str) -> list[str]:
    """The dependencies of a package; none if it is not installed here in this version."""
    try:
        return (requires(name) or []) if version(name) == pinned else []
    except PackageNotFoundError:
        return []


def test_the_release_checklist_audits_the_pins() -> None:
    assert "pip-audit --strict -r requirements.txt" in (ROOT / "docs" / "release.md").read_text()


def test_the_ci_workflow_has_no_secret_and_no_extra_permission() -> None:
    text = (ROOT / ".github" / "workflows" / "check.yml").read_text()
    assert "secrets." not in text and "pull_request_target" not in text
