"""Publish a model bundle on the Hub: one atomic commit, and a tag that never moves. The result is the commit to pin.

`plan` only reads from the Hub, `execute` writes to it; a dry run stops after the plan. This package does not depend on
`evaluation`, so the caller first checks with `evaluation.consistency` that figures and files agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import HubUnreachable, TagTaken, UsageError
from ..inference import bundle
from ..inference.bundle import Bundle
from ..inference.embedded import CONFIG_SHA256
from ..inference.sources import EMBEDDED_FOLDERS
from .hub_client import Repository
from .plan import UploadPlan, find_head, prepare_repository

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

_TAG = re.compile(r"[A-Za-z0-9](?:[\w-]|\.(?!\.|$))*")
"""Tags that git accepts and that `owner/name@tag` can contain."""

_COMMIT = re.compile(r"[0-9a-f]{40}")

_BUNDLE_FILES = re.compile(rf"{bundle.EXAMPLES}/[^/]+\.png|{re.escape(bundle.KERAS)}")
"""Optional files of a bundle: they are removed from the Hub if the new version of the model does not have them. Any
other file on the Hub belongs to its owner and is left there."""


@dataclass(frozen=True, kw_only=True)
class PublishPlan(UploadPlan):
    """The changes to a model repository that publishing makes."""

    tag: str
    model: Bundle
    published: str | None = None
    """The commit that has the tag already, with the same content; None if the tag is new."""


def load(folder: Path) -> Bundle:
    """Load the bundle in `folder` and verify every file, including those for fine-tuning.

    Raises `ModelNotFound` and `BundleCorrupt`.
    """
    anchors = {path.resolve(): CONFIG_SHA256.get(name) for name, path in EMBEDDED_FOLDERS.items()}
    anchor = anchors.get(folder.resolve())
    return bundle.load(folder, folder.resolve().name, config_sha256=anchor, require_all_files=True)


def default_tag(model: Bundle) -> str:
    """Recipe and start of the sha256, such as `default-2f9c0a1b3d4e`; page and results show the same sha256."""
    return f"{model.config['recipe']}-{model.identity.sha256[:12]}"


def plan(model: Bundle, repository: Repository, tag: str | None = None, *, private: bool = False) -> PublishPlan:
    """Compare the bundle with the repository on the Hub, without writing.

    Raises `TagTaken` if the tag exists with other content, `UsageError` for an invalid tag or a public repository with
    `private`, and the errors of `Repository`.
    """
    tag = _check_tag(default_tag(model) if tag is None else tag)
    files = {name: model.folder / name for name in (bundle.CONFIG, *model.config["files"])}
    head = find_head(repository, private=private)
    creation = PublishPlan(repository=repository, private=private, files=files, tag=tag, model=model)
    if head is None:
        return creation
    published = _published_commit(repository, tag, model) if tag in repository.tags() else None
    remote_files = repository.files(head)
    obsolete = tuple(sorted(name for name in remote_files if _BUNDLE_FILES.fullmatch(name) and name not in files))
    return replace(creation, obsolete=obsolete, head=head, published=published)


def execute(plan: PublishPlan) -> str:
    """Upload, commit and tag; returns the commit to pin. Raises the errors of `Repository`, and `TagTaken`."""
    if plan.published is not None:
        return plan.published
    repository = plan.repository
    commit = repository.commit(plan.files, plan.obsolete, f"Model {plan.tag}", parent=prepare_repository(plan))
    _verify(plan, commit)
    if not repository.tag(plan.tag, commit):
        # Somebody else has created the tag in the meantime. It is not moved. If the content is the same, its commit is
        # the result.
        return _published_commit(repository, plan.tag, plan.model)
    return commit


def _verify(plan: PublishPlan, commit: str) -> None:
    """Read back what the Hub has, because a tag never moves: huggingface_hub does not compare after the commit."""
    differences = _differences(plan.model, plan.repository.files(commit))
    if differences:
        names = ", ".join(differences)
        raise HubUnreachable(f"The Hub has other content than was uploaded ({names}); no tag was created.")


def _published_commit(repository: Repository, tag: str, model: Bundle) -> str:
    """The commit that has the tag; raises `TagTaken` if its content differs from the bundle's."""
    info = repository.info(tag)
    commit = str(info.sha) if info else ""
    differences = _differences(model, repository.files(commit))
    if differences:
        raise TagTaken(
            f"The tag {tag!r} of {repository.name} exists with other content, and a tag is never moved. Allowed: "
            f"another --tag. Received: {tag!r}, which names {commit}; different: {', '.join(differences)}."
        )
    return commit


def _differences(model: Bundle, remote_files: Mapping[str, RepoFile]) -> list[str]:
    """The names of the bundle's files that a commit lacks or has with other content; downloads nothing."""
    from huggingface_hub.utils.sha import git_hash

    sha256 = {bundle.CONFIG: model.identity.sha256} | {
        name: entry["sha256"] for name, entry in model.config["files"].items()
    }

    def is_same(name: str, remote: RepoFile | None) -> bool:
        if remote is None or remote.lfs is None:
            return remote is not None and remote.blob_id == git_hash((model.folder / name).read_bytes())
        return bool(remote.lfs.sha256 == sha256[name])

    return sorted(name for name in sha256 if not is_same(name, remote_files.get(name)))


def _check_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag) or _COMMIT.fullmatch(tag) or tag in {"main", "HEAD"} or tag.endswith(".lock"):
        raise UsageError(
            "Invalid version tag. Allowed: letters, digits, '.', '_' and '-', such as v1.0; not main, not HEAD, no "
            f".lock at the end, not 40 hexadecimal digits. Received: {tag!r}."
        )
    return tag
