"""The page goes to a Space: what serving needs, in one commit, with the model pinned.

First a plan, which only reads; then it is carried out. A dry run is the plan alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import settings
from ..errors import HubUnreachable, UsageError
from ..inference import sources
from . import space_files
from .hub_client import HUB_MANAGED_FILES, Content, Repository, changed_files
from .space_files import HubModel

_MARK = "pneumonia/__init__.py"
"""A Space that has it is one of this page; a new one has nothing but what the Hub put there."""
_EMPTY = frozenset({*HUB_MANAGED_FILES, "README.md"})


@dataclass(frozen=True)
class SpaceContent:
    """What a Space will hold, and which model it will serve."""

    files: Mapping[str, Content]
    served: HubModel | None = None
    """The model on the Hub; None for the embedded one, which goes along."""

    @property
    def variable(self) -> str | None:
        """What `PNEUMONIA_MODEL` will be; None: not set, so that the embedded model answers."""
        return self.served.pinned if self.served else None


@dataclass(frozen=True)
class DeployPlan:
    """What deploying will do."""

    repository: Repository
    cargo: SpaceContent
    private: bool
    send: Mapping[str, Content]
    stale: tuple[str, ...] = ()
    head: str | None = None
    """The commit that the Space is at; None where it has to be made."""


def collect_content(repository: Repository, model: str | None = None) -> SpaceContent:
    """The Space's files; a model on the Hub is fetched and verified first, for what cannot start is not deployed.

    `model` is `owner/name[@revision]`; a branch or tag is resolved to the commit that it names now. Raises a
    `ModelError`, and `UsageError` outside of a checkout.
    """
    embedded = sources.load_bundle("")
    if model is None:
        return SpaceContent(space_files.files(repository.name, embedded))
    found = sources.load_from_hub(model, endpoint=repository.endpoint)
    info = Repository(found.identity.name, endpoint=repository.endpoint).info()
    served = HubModel.of(found, private=bool(info and info.private))
    return SpaceContent(space_files.files(repository.name, embedded, served), served)


def plan(repository: Repository, cargo: SpaceContent, *, private: bool = False) -> DeployPlan:
    """Ask the Hub what it has. Raises `UsageError` where the Space is another app's, and what the Hub refuses."""
    info = repository.info()
    if info is None:
        return DeployPlan(repository, cargo, private, cargo.files)
    if private and not info.private:
        raise UsageError(
            f"The Space {repository.name} is there and public. Allowed: to make it private in its settings, or another "
            "name. Received: --private."
        )
    there = repository.files(info.sha)
    if _MARK not in there and set(there) - _EMPTY:
        raise UsageError(
            f"The Space {repository.name} holds another app, which would be lost. Allowed: a new name, an empty Space, "
            "or one that this command made."
        )
    stale = tuple(sorted(set(there) - set(cargo.files) - HUB_MANAGED_FILES))
    return DeployPlan(repository, cargo, private, changed_files(cargo.files, there), stale, info.sha)


def execute(todo: DeployPlan) -> str:
    """Create, set the variable, upload; returns the Space's address."""
    repository, variable = todo.repository, todo.cargo.variable
    repository.require_login()
    head = todo.head
    if head is None:
        repository.create(private=todo.private, variables={settings.MODEL.name: variable} if variable else {})
        info = repository.info()
        if info is None:
            raise HubUnreachable(f"The Hub made {repository.name} and does not find it. Run the same command again.")
        head = str(info.sha)
    # Before the files: an older page with the newer model is whole, and the embedded model is never served for another.
    if repository.variables().get(settings.MODEL.name) != variable:
        repository.set_variable(settings.MODEL.name, variable)
    if todo.send or todo.stale:
        repository.commit(todo.send, todo.stale, f"Serve {variable or 'the embedded model'}", parent=head)
    return repository.address
