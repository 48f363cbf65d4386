"""A model bundle goes to the Hub: one atomic commit, a tag that never moves, the commit to pin.

First a plan, which only reads; then it is carried out. A dry run is the plan alone. That figures and files agree is
judged before, by `evaluation.agreement`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import HubUnreachable, TagTaken, UsageError
from ..inference import bundle
from ..inference.bundle import Bundle
from ..inference.embedded import CONFIG_SHA256
from ..inference.sources import EMBEDDED_FOLDER
from .hub_client import Files, Repository, changed_files
from .plan import UploadPlan, commit_changes, find_head, prepare_repository

_TAG = re.compile(r"[A-Za-z0-9](?:[\w-]|\.(?!\.|$))*")
"""What git takes for a tag, and `owner/name@tag` can be written with."""
_COMMIT = re.compile(r"[0-9a-f]{40}")

_BUNDLE_FILES = re.compile(rf"{bundle.EXAMPLES}/[^/]+\.png|{re.escape(bundle.KERAS)}")
"""Files that an older version of the model may have and this one not; anything else in a repository is its owner's."""


@dataclass(frozen=True, kw_only=True)
class PublishPlan(UploadPlan):
    """What publishing will do."""

    tag: str
    files: Files
    """All files of the bundle."""
    published: str | None = None
    """The commit that already has the tag, with this very content."""


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, every file of it verified, those for fine-tuning too."""
    anchor = CONFIG_SHA256 if folder.resolve() == EMBEDDED_FOLDER.resolve() else None
    return bundle.load(folder, folder.resolve().name, config_sha256=anchor, require_all_files=True)


def default_tag(model: Bundle) -> str:
    """`default-2f9c0a1b3d4e`: recipe and the sha256 that page and answers show, so a tag names one content for ever."""
    return f"{model.config['recipe']}-{model.identity.sha256[:12]}"


def plan(model: Bundle, repository: Repository, tag: str | None = None, *, private: bool = False) -> PublishPlan:
    """Ask the Hub what it has. Raises `TagTaken` where the tag names something else, and what the Hub refuses."""
    tag = _checked_tag(default_tag(model) if tag is None else tag)
    files: Files = {name: model.folder / name for name in [bundle.CONFIG, *model.config["files"]]}
    head = find_head(repository, private=private)
    if head is None:
        return PublishPlan(repository=repository, private=private, uploads=files, tag=tag, files=files)
    published = _published_commit(repository, tag, files) if tag in repository.tags() else None
    remote_files = repository.files(head)
    obsolete = tuple(sorted(name for name in remote_files if _BUNDLE_FILES.fullmatch(name) and name not in files))
    return PublishPlan(
        repository=repository,
        private=private,
        uploads=changed_files(files, remote_files),
        obsolete=obsolete,
        head=head,
        tag=tag,
        files=files,
        published=published,
    )


def execute(plan: PublishPlan) -> str:
    """Upload, commit, tag; returns the commit to pin."""
    if plan.published is not None:
        return plan.published
    repository = plan.repository
    commit = commit_changes(plan, prepare_repository(plan), f"Model {plan.tag}")
    if plan.has_changes:
        _verify(plan, commit)
    if not repository.tag(plan.tag, commit):
        # Somebody was faster; the tag stays theirs unless it means the same.
        return _published_commit(repository, plan.tag, plan.files)
    return commit


def _verify(plan: PublishPlan, commit: str) -> None:
    differences = changed_files(plan.files, plan.repository.files(commit))
    if differences:
        names = ", ".join(sorted(differences))
        raise HubUnreachable(f"The Hub holds something else than was sent ({names}); no tag was set.")


def _published_commit(repository: Repository, tag: str, files: Files) -> str:
    """The tag's commit where it holds this very content."""
    info = repository.info(tag)
    commit = str(info.sha) if info else ""
    differences = changed_files(files, repository.files(commit))
    if differences:
        raise TagTaken(
            f"The tag {tag!r} of {repository.name} is there with other content, and a tag is never moved. Allowed: "
            f"another --tag. Received: {tag!r}, which names {commit}; other there: {', '.join(sorted(differences))}."
        )
    return commit


def _checked_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag) or _COMMIT.fullmatch(tag) or tag in {"main", "HEAD"} or tag.endswith(".lock"):
        raise UsageError(
            "That is no name for a version. Allowed: letters, digits, '.', '_' and '-', such as v1.0, but neither main "
            f"nor what looks like a commit. Received: {tag!r}."
        )
    return tag
