"""Deploy the page to a Space: upload the files that serving needs in one commit, with the model pinned to a commit.

`plan` only reads from the Hub, `execute` writes to it; a dry run stops after the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import settings
from ..errors import UsageError
from ..inference import sources
from . import space_files
from .hub_client import HUB_MANAGED_FILES, Content, Repository
from .plan import UploadPlan, find_head, prepare_repository
from .space_files import HubModel

_APP_MARKER = "pneumonia/__init__.py"
"""A Space that contains this file contains this app and can be updated."""

_NEW_SPACE_FILES = frozenset({*HUB_MANAGED_FILES, "README.md"})
"""Files that the Hub itself creates in a new Space."""


@dataclass(frozen=True)
class SpaceContent:
    """The files of a Space, and the model that it serves."""

    files: Mapping[str, Content]
    hub_model: HubModel | None = None
    """The model on the Hub; None for the embedded model, which is part of `files`."""

    @property
    def variable(self) -> str | None:
        """The value of `PNEUMONIA_MODEL` on the Space; None leaves it unset, so that the embedded model is used."""
        return self.hub_model.pinned if self.hub_model else None


@dataclass(frozen=True, kw_only=True)
class DeployPlan(UploadPlan):
    """The changes to a Space that a deployment makes."""

    content: SpaceContent


def collect_content(repository: Repository, model: str | None = None) -> SpaceContent:
    """Collect the Space's files.

    A model on the Hub is downloaded and verified first, so that an invalid one is never deployed. `model` is
    `owner/name[@revision]`; a branch or tag is resolved to its current commit. Raises a `ModelError`, and `UsageError`
    if the package does not run from a checkout of this repository.
    """
    embedded = sources.load_bundles("")
    if model is None:
        return SpaceContent(space_files.files(repository.name, embedded))
    model_bundle = sources.load_from_hub(model, endpoint=repository.endpoint)
    info = Repository(model_bundle.identity.name, endpoint=repository.endpoint).info()
    hub_model = HubModel.from_bundle(model_bundle, private=bool(info and info.private))
    return SpaceContent(space_files.files(repository.name, embedded, hub_model), hub_model)


def plan(repository: Repository, content: SpaceContent, *, private: bool = False) -> DeployPlan:
    """Compare `content` with the Space on the Hub, without writing.

    Raises `UsageError` if the Space holds another app, or is public and `private` is set, and the errors of
    `Repository`.
    """
    head = find_head(repository, private=private)
    if head is None:
        return DeployPlan(repository=repository, private=private, files=content.files, content=content)
    remote_files = repository.files(head)
    if _APP_MARKER not in remote_files and set(remote_files) - _NEW_SPACE_FILES:
        raise UsageError(
            f"The Space {repository.name} holds another app, which would be overwritten. Allowed: a new name, an empty "
            "Space, or a Space that this command created."
        )
    return DeployPlan(
        repository=repository,
        private=private,
        files=content.files,
        obsolete=tuple(sorted(set(remote_files) - set(content.files) - HUB_MANAGED_FILES)),
        head=head,
        content=content,
    )


def execute(plan: DeployPlan) -> str:
    """Create the Space if needed, set its variable `PNEUMONIA_MODEL`, upload the files; returns the Space's address.

    Raises the errors of `Repository`.
    """
    repository, variable = plan.repository, plan.content.variable
    parent = prepare_repository(plan, {settings.MODEL.name: variable} if variable else {})
    # The variable is set before the files are committed: until then, the older page serves the newer model, which
    # works. In the opposite order, the embedded model could be served in place of the requested one.
    if repository.variables().get(settings.MODEL.name) != variable:
        repository.set_variable(settings.MODEL.name, variable)
    repository.commit(plan.files, plan.obsolete, f"Serve {variable or 'the embedded model'}", parent=parent)
    return repository.address
