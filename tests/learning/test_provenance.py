"""Provenance of a model."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pneumonia.learning import provenance

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")


def make_repository(folder: Path) -> str:
    """A repository with one commit, which is returned in twelve digits."""
    for arguments in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run([*GIT, *arguments], cwd=folder, check=True)
    revision = subprocess.run(
        [*GIT, "rev-parse", "--short=12", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return revision.stdout.strip()


def test_the_revision_is_the_commit_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = make_repository(tmp_path)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.git_revision() == commit


def test_an_installed_package_does_not_report_the_repository_around_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(tmp_path)
    packages = tmp_path / ".venv" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setattr(provenance, "ROOT", packages)
    assert provenance.git_revision() == provenance.UNKNOWN_REVISION
