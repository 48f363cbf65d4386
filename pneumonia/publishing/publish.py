"""A model bundle goes to the Hub: one atomic commit, a tag that never moves, the commit to pin.

First a plan, which only reads; then it is carried out. A dry run is the plan alone. That figures and files agree is
judged before, by `evaluation.agreement`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import HubUnreachable, TagTaken, UsageError
from ..inference import bundle
from ..inference.bundle import Bundle
from ..inference.embedded import CONFIG_SHA256
from ..inference.sources import EMBEDDED_FOLDER
from .hub_client import Content, Repository, changed_files, content_size

_TAG = re.compile(r"[A-Za-z0-9](?:[\w-]|\.(?!\.|$))*")
"""What git takes for a tag, and `owner/name@tag` can be written with."""
_COMMIT = re.compile(r"[0-9a-f]{40}")

_OURS = re.compile(rf"{bundle.EXAMPLES}/[^/]+\.png|{re.escape(bundle.KERAS)}")
"""Files that an older version of the model may have and this one not; anything else in a repository is its owner's."""


@dataclass(frozen=True)
class PublishPlan:
    """What publishing will do."""

    repository: Repository
    tag: str
    private: bool
    files: Mapping[str, Content]
    send: Mapping[str, Content]
    stale: tuple[str, ...] = ()
    head: str | None = None
    """The commit that `main` stands for; None where the repository has to be made."""
    published: str | None = None
    """The commit that already has the tag, with this very content."""

    @property
    def bytes(self) -> int:
        """What is to be sent at most; the Hub may have some of it from a run that broke off."""
        return sum(content_size(content) for content in self.send.values())


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, every file of it verified, those for fine-tuning too."""
    anchor = CONFIG_SHA256 if folder.resolve() == EMBEDDED_FOLDER.resolve() else None
    return bundle.load(folder, folder.resolve().name, config_sha256=anchor, require_all_files=True)


def default_tag(model: Bundle) -> str:
    """`default-2f9c0a1b3d4e`: recipe and the sha256 that page and answers show, so a tag names one content for ever."""
    return f"{model.config['recipe']}-{model.identity.sha256[:12]}"


def plan(model: Bundle, repository: Repository, tag: str | None = None, *, private: bool = False) -> PublishPlan:
    """Ask the Hub what it has. Raises `TagTaken` where the tag names something else, and what the Hub refuses."""
    tag = _legal(default_tag(model) if tag is None else tag)
    names = [bundle.CONFIG, *model.config["files"]]
    files: dict[str, Content] = {name: model.folder / name for name in names}
    info = repository.info()
    if info is None:
        return PublishPlan(repository, tag, private, files, files)
    if private and not info.private:
        raise UsageError(
            f"{repository.name} is there and public. Allowed: to make it private in its settings, or another name. "
            "Received: --private."
        )
    published = _published(repository, tag, files) if tag in repository.tags() else None
    there = repository.files(info.sha)
    stale = tuple(sorted(name for name in there if _OURS.fullmatch(name) and name not in files))
    return PublishPlan(repository, tag, private, files, changed_files(files, there), stale, info.sha, published)


def execute(todo: PublishPlan) -> str:
    """Upload, commit, tag; returns the commit to pin."""
    if todo.published is not None:
        return todo.published
    repository = todo.repository
    repository.require_login()
    if todo.head is None:
        repository.create(private=todo.private)
    commit = _committed(todo, todo.head or _first_commit(repository))
    if not repository.tag(todo.tag, commit):
        # Somebody was faster; the tag stays theirs unless it means the same.
        return _published(repository, todo.tag, todo.files)
    return commit


def _committed(todo: PublishPlan, parent: str) -> str:
    if not todo.send and not todo.stale:
        return parent
    commit = todo.repository.commit(todo.send, todo.stale, f"Model {todo.tag}", parent=parent)
    wrong = changed_files(todo.files, todo.repository.files(commit))
    if wrong:
        names = ", ".join(sorted(wrong))
        raise HubUnreachable(f"The Hub holds something else than was sent ({names}); no tag was set.")
    return commit


def _first_commit(repository: Repository) -> str:
    info = repository.info()
    if info is None:
        raise HubUnreachable(f"The Hub made {repository.name} and does not find it. Run the same command again.")
    return str(info.sha)


def _published(repository: Repository, tag: str, files: Mapping[str, Content]) -> str:
    """The tag's commit where it holds this very content."""
    info = repository.info(tag)
    commit = str(info.sha) if info else ""
    other = changed_files(files, repository.files(commit))
    if other:
        raise TagTaken(
            f"The tag {tag!r} of {repository.name} is there with other content, and a tag is never moved. Allowed: "
            f"another --tag. Received: {tag!r}, which names {commit}; other there: {', '.join(sorted(other))}."
        )
    return commit


def _legal(tag: str) -> str:
    if not _TAG.fullmatch(tag) or _COMMIT.fullmatch(tag) or tag in {"main", "HEAD"} or tag.endswith(".lock"):
        raise UsageError(
            "That is no name for a version. Allowed: letters, digits, '.', '_' and '-', such as v1.0, but neither main "
            f"nor what looks like a commit. Received: {tag!r}."
        )
    return tag
