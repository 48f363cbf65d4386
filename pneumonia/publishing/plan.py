"""The plan of an upload to the Hub, and the steps that `publish` and `deploy` share.

Making a plan needs read-only requests; executing it is a separate step. A dry run stops after the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import HubUnreachable, UsageError
from .hub_client import Files, Repository


@dataclass(frozen=True, kw_only=True)
class UploadPlan:
    """The changes that an upload makes to a repository: one commit."""

    repository: Repository
    private: bool
    """True if the repository is to be private when it is created."""
    files: Files
    """All files of the version; those that the Hub has already are not sent."""
    obsolete: tuple[str, ...] = ()
    """Files on the Hub to remove."""
    head: str | None = None
    """The commit of `main`; None if the repository has to be created."""


def find_head(repository: Repository, *, private: bool) -> str | None:
    """The commit of `main`, or None if the repository does not exist.

    Raises `UsageError` if `private` is set and the repository is public.
    """
    info = repository.info()
    if info is None:
        return None
    if private and not info.private:
        raise UsageError(
            f"{repository.name} exists and is public. Allowed: make it private in its settings, or another name. "
            "Received: --private."
        )
    return str(info.sha)


def prepare_repository(plan: UploadPlan, variables: Mapping[str, str] | None = None) -> str:
    """Create the repository if needed; returns the commit that is the parent of the upload.

    `variables` are set on a Space that is created.

    Raises `NotLoggedIn` without a token.
    """
    repository = plan.repository
    repository.require_login()
    if plan.head is not None:
        return plan.head
    repository.create(private=plan.private, variables=variables)
    # The Hub creates the first commit of a new repository itself.
    info = repository.info()
    if info is None:
        raise HubUnreachable(f"The Hub created {repository.name} but does not list it yet. Run the same command again.")
    return str(info.sha)
