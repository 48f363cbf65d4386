"""The page goes to a Space: what serving needs, in one commit, with the model pinned.

First a plan, which only reads; then it is carried out. A dry run is the plan alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import settings
from ..errors import UsageError
from ..inference import sources
from . import space_files
from .hub_client import HUB_MANAGED_FILES, Content, Repository, changed_files
from .plan import UploadPlan, commit_changes, find_head, prepare_repository
from .space_files import HubModel

_APP_MARKER = "pneumonia/__init__.py"
"""A Space that has it is one of this page; a new one has nothing but what the Hub put there."""
_NEW_SPACE_FILES = frozenset({*HUB_MANAGED_FILES, "README.md"})


@dataclass(frozen=True)
class SpaceContent:
    """What a Space will hold, and which model it will serve."""

    files: Mapping[str, Content]
    hub_model: HubModel | None = None
    """The model on the Hub; None for the embedded one, which goes along."""

    @property
    def variable(self) -> str | None:
        """What `PNEUMONIA_MODEL` will be; None: not set, so that the embedded model answers."""
        return self.hub_model.pinned if self.hub_model else None


@dataclass(frozen=True, kw_only=True)
class DeployPlan(UploadPlan):
    """What deploying will do."""

    content: SpaceContent


def collect_content(repository: Repository, model: str | None = None) -> SpaceContent:
    """The Space's files; a model on the Hub is fetched and verified first, for what cannot start is not deployed.

    `model` is `owner/name[@revision]`; a branch or tag is resolved to the commit that it names now. Raises a
    `ModelError`, and `UsageError` outside of a checkout.
    """
    embedded = sources.load_bundle("")
    if model is None:
        return SpaceContent(space_files.files(repository.name, embedded))
    model_bundle = sources.load_from_hub(model, endpoint=repository.endpoint)
    info = Repository(model_bundle.identity.name, endpoint=repository.endpoint).info()
    hub_model = HubModel.from_bundle(model_bundle, private=bool(info and info.private))
    return SpaceContent(space_files.files(repository.name, embedded, hub_model), hub_model)


def plan(repository: Repository, content: SpaceContent, *, private: bool = False) -> DeployPlan:
    """Ask the Hub what it has. Raises `UsageError` where the Space is another app's, and what the Hub refuses."""
    head = find_head(repository, private=private)
    if head is None:
        return DeployPlan(repository=repository, private=private, uploads=content.files, content=content)
    remote_files = repository.files(head)
    if _APP_MARKER not in remote_files and set(remote_files) - _NEW_SPACE_FILES:
        raise UsageError(
            f"The Space {repository.name} holds another app, which would be lost. Allowed: a new name, an empty Space, "
            "or one that this command made."
        )
    return DeployPlan(
        repository=repository,
        private=private,
        uploads=changed_files(content.files, remote_files),
        obsolete=tuple(sorted(set(remote_files) - set(content.files) - HUB_MANAGED_FILES)),
        head=head,
        content=content,
    )


def execute(plan: DeployPlan) -> str:
    """Create, set the variable, upload; returns the Space's address."""
    repository, variable = plan.repository, plan.content.variable
    parent = prepare_repository(plan, {settings.MODEL.name: variable} if variable else {})
    # Before the files: an older page with the newer model is whole, and the embedded model is never served for another.
    if repository.variables().get(settings.MODEL.name) != variable:
        repository.set_variable(settings.MODEL.name, variable)
    commit_changes(plan, parent, f"Serve {variable or 'the embedded model'}")
    return repository.address
