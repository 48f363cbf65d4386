"""The HTTP routes of the writable fake Hub: each reads a request, changes the hub, and may fail as the test demands."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from huggingface_hub import RepoCard

from .fake_hub import AUTH_HEADER, Fault, HubHandler
from .writable_hub import ATTRIBUTES, LFS_SUFFIXES, OWNER, PAID_PLAN_MESSAGE, READ_TOKEN, TOKEN, Break, WritableHub

_API = re.compile(r"/api/(?P<kind>model|space)s/(?P<name>[^/]+/[^/?]+)(?:/(?P<route>\w+)(?:/(?P<revision>[^?]+))?)?")


_BATCH = re.compile(r"/(?P<name>(?:spaces/)?[^/]+/[^/]+)\.git/info/lfs/objects/batch")


Answer: TypeAlias = tuple[int, Any]


class WritingHandler(HubHandler):
    """The routes of the fake Hub, and those that write."""

    @property
    def hub(self) -> WritableHub:
        hub = self.server.hub
        assert isinstance(hub, WritableHub)
        return hub

    def do_GET(self) -> None:  # noqa: N802
        match = _API.match(self.path)
        if not match:
            return super().do_GET()
        self.hub.requests.append(f"GET {self.path}")
        key = _key(match)
        handlers: Mapping[str | None, Callable[[], Answer]] = {
            None: lambda: self._info(key, "main"),
            "revision": lambda: self._info(key, match["revision"]),
            "tree": lambda: self._tree(key, match["revision"]),
            "refs": lambda: self._refs(key),
            "variables": lambda: self._variables(key),
        }
        self._do(match["route"] or "info", handlers[match["route"]])

    def do_POST(self) -> None:  # noqa: N802
        self.hub.requests.append(f"POST {self.path}")
        if self.path == "/api/repos/create":
            return self._do("create", self._create)
        if self.path == "/api/validate-yaml":
            return self._do("validate", self._validate)
        if batch := _BATCH.fullmatch(self.path):
            name = batch["name"]
            return self._do("batch", lambda: self._batch(name))
        match = _API.match(self.path)
        assert match, self.path
        key, route, revision = _key(match), match["route"], match["revision"]
        handlers: Mapping[str, Callable[[], Answer]] = {
            "preupload": lambda: self._preupload(key),
            "commit": lambda: self._commit(key),
            "tag": lambda: self._tag(key, revision),
            "variables": lambda: self._set_variable(key),
        }
        self._do(route, handlers[route])

    def do_PUT(self) -> None:  # noqa: N802
        self.hub.requests.append("PUT")
        self._do("put", self._put)

    def do_DELETE(self) -> None:  # noqa: N802
        self.hub.requests.append(f"DELETE {self.path}")
        match = _API.match(self.path)
        assert match is not None
        self._do("variables", lambda: self._unset_variable(_key(match)))

    def _do(self, step: str, handler: Callable[[], Answer]) -> None:
        hub = self.hub
        hub.steps.append(step)
        if token := self.headers.get(AUTH_HEADER):
            hub.tokens.add(token)
        fault = hub.take_break(step)
        if fault is Break.SILENT:
            hub.closing.wait()
        if fault is Break.HALF:
            self.rfile.read(int(self.headers.get("Content-Length", 2)) // 2)
        if fault in {Break.CUT, Break.HALF, Break.SILENT}:
            self.close_connection = True
            return
        if isinstance(fault, int):
            self._body()
            return self._reply(fault, {"error": HTTPStatus(fault).phrase})
        with hub.lock:
            status, answer = handler()
        if fault is not Break.LOST:
            self._reply(status, answer)

    def _reply(self, status: int, answer: Any) -> None:
        data = json.dumps(answer).encode()
        message = answer.get("error") if isinstance(answer, dict) else None
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        if message:
            headers["X-Error-Message"] = message
        if isinstance(answer, dict) and "code" in answer:
            headers["X-Error-Code"] = answer["code"]
        self._send_head(status, headers)
        self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b"".join(iter(self._chunk, b""))
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.received += len(data)
        return data

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline(), 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _json(self) -> Any:
        return json.loads(self._body())

    def _write_denied(self, owner: str) -> Answer | None:
        """401 without a valid token, 403 for a token without write access to this owner."""
        token = self.headers.get(AUTH_HEADER)
        if token not in {f"Bearer {TOKEN}", f"Bearer {READ_TOKEN}"}:
            message = "Invalid credentials in Authorization header" if token else "Invalid username or password."
            return 401, {"error": message}
        if token != f"Bearer {TOKEN}" or owner != OWNER:
            return 403, {"error": f'You don\'t have the rights to write under the namespace "{owner}"'}
        return None

    def _not_found(self, key: str) -> Answer | None:
        is_visible = key not in self.hub.private or self.headers.get(AUTH_HEADER) == f"Bearer {TOKEN}"
        if self.hub.has(key) and is_visible:
            return None
        status = 404 if self.headers.get(AUTH_HEADER) else 401
        return status, {"error": "Repository not found", "code": "RepoNotFound"}

    def _denied(self, key: str) -> Answer | None:
        return self._not_found(key) or self._write_denied(key.removeprefix("spaces/").split("/")[0])

    def _create(self) -> Answer:
        body = self._json()
        kind = body.get("type", "model")
        key = f"{'spaces/' if kind == 'space' else ''}{body['organization']}/{body['name']}"
        if denial := self._write_denied(body["organization"]):
            return denial
        if self.hub.has(key):
            return 409, {"error": "You already created this repo", "url": f"{self.hub.url}/{key}"}
        if kind == "space" and not self.hub.paid_plan:
            return 402, {"error": PAID_PLAN_MESSAGE}
        assert kind == "model" or body["sdk"] == "gradio"
        self.hub.push(key, {".gitattributes": ATTRIBUTES})
        if body.get("visibility") == "private":
            self.hub.private.add(key)
        self.hub.variables[key] = {row["key"]: row["value"] for row in body.get("variables", [])}
        return 200, {"url": f"{self.hub.url}/{key}"}

    def _validate(self) -> Answer:
        body = self._json()
        card_data: Any = RepoCard(body["content"]).data.__dict__
        errors = [
            {"message": f'"{name}" is missing'} for name in _REQUIRED_FIELDS[body["repoType"]] if name not in card_data
        ]
        return (400 if errors else 200), {"errors": errors, "warnings": []}

    def _preupload(self, key: str) -> Answer:
        body = self._json()
        if denial := self._denied(key):
            return denial
        remote_files = self.hub.files(key)
        rows = [
            {"path": row["path"], "shouldIgnore": False, **_mode(row["path"], remote_files)} for row in body["files"]
        ]
        return 200, {"files": rows}

    def _batch(self, key: str) -> Answer:
        body = self._json()
        if denial := self._denied(key):
            return denial
        assert body["operation"] == "upload" and body["hash_algo"] == "sha256"
        rows = []
        for row in body["objects"]:
            upload = {"upload": {"href": f"{self.hub.url}/storage/{row['oid']}?signature=secret"}}
            rows.append({**row, **({} if row["oid"] in self.hub.objects else {"actions": upload})})
        return 200, {"transfer": "basic", "objects": rows}

    def _put(self) -> Answer:
        assert AUTH_HEADER not in self.headers, "the storage belongs to a third party and must not receive the token"
        oid = self.path.removeprefix("/storage/").partition("?")[0]
        data = self._body()
        if hashlib.sha256(data).hexdigest() != oid:
            return 400, {"error": "wrong sha256"}
        self.hub.objects[oid] = data
        self.hub.uploads.append(oid)
        return 200, {}

    def _commit(self, key: str) -> Answer:
        lines = [json.loads(line) for line in self._body().splitlines()]
        if denial := self._denied(key):
            return denial
        head = self.hub.history(key)[-1]
        if lines[0]["value"].get("parentCommit", head) != head:
            return 412, {"error": "A commit has happened since. Please refresh and try again."}
        files = dict(self.hub.files(key))
        for line in lines[1:]:
            name, value = line["value"]["path"], line["value"]
            if line["key"] == "file":
                files[name] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile" and value["oid"] in self.hub.objects:
                files[name] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile" and name in files:
                del files[name]
            else:
                return 400, {"error": f"{line['key']} {name} cannot be committed"}
        self.hub.operations.append([f"{line['key']} {line['value']['path']}" for line in lines[1:]])
        commit = self.hub.push(key, files)
        return 200, {"commitOid": commit, "commitUrl": f"{self.hub.url}/{key}/commit/{commit}"}

    def _tag(self, key: str, revision: str) -> Answer:
        tag = self._json()["tag"]
        if denial := self._denied(key):
            return denial
        resolved = self.hub.resolve(key, revision)
        if isinstance(resolved, Fault):
            return 404, {"error": "no such revision", "code": "RevisionNotFound"}
        tags = self.hub.tags.setdefault(key, {})
        if tag in tags:
            return 409, {"error": f"Tag {tag} exists"}
        tags[tag] = resolved[0]
        return 200, {}

    def _info(self, key: str, revision: str) -> Answer:
        if denial := self._not_found(key):
            return denial
        resolved = self.hub.resolve(key, revision)
        if isinstance(resolved, Fault):
            return 404, {"error": "no such revision", "code": "RevisionNotFound"}
        siblings = [{"rfilename": name} for name in resolved[1]]
        name = key.removeprefix("spaces/")
        return 200, {"id": name, "sha": resolved[0], "private": key in self.hub.private, "siblings": siblings}

    def _tree(self, key: str, revision: str) -> Answer:
        if denial := self._not_found(key):
            return denial
        return 200, [_entry(name, data) for name, data in self.hub.files(key, revision).items()]

    def _refs(self, key: str) -> Answer:
        if denial := self._not_found(key):
            return denial
        head = self.hub.history(key)[-1]
        tags = [
            {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": commit}
            for tag, commit in self.hub.tags.get(key, {}).items()
        ]
        branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": head}
        return 200, {"branches": [branch], "converts": [], "tags": tags}

    def _variables(self, key: str) -> Answer:
        if denial := self._denied(key):
            return denial
        variables = self.hub.variables.setdefault(key, {})
        return 200, {name: {"key": name, "value": value} for name, value in variables.items()}

    def _set_variable(self, key: str) -> Answer:
        body = self._json()
        if denial := self._denied(key):
            return denial
        self.hub.variables.setdefault(key, {})[body["key"]] = body["value"]
        return self._variables(key)

    def _unset_variable(self, key: str) -> Answer:
        body = self._json()
        if denial := self._denied(key):
            return denial
        del self.hub.variables[key][body["key"]]
        return self._variables(key)


_REQUIRED_FIELDS = {"model": ("license",), "space": ("title", "sdk", "sdk_version", "app_file")}


def _key(match: re.Match[str]) -> str:
    return f"{'spaces/' if match['kind'] == 'space' else ''}{match['name']}"


def _mode(name: str, remote_files: Mapping[str, bytes]) -> dict[str, Any]:
    mode = "lfs" if name.endswith(LFS_SUFFIXES) else "regular"
    entry = _entry(name, remote_files[name]) if name in remote_files else None
    oid = None if entry is None else entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]
    return {"uploadMode": mode, "oid": oid}


def _entry(name: str, data: bytes) -> dict[str, Any]:
    if not name.endswith(LFS_SUFFIXES):
        return {"type": "file", "path": name, "size": len(data), "oid": _git_hash(data)}
    sha256 = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(data)}\n".encode()
    lfs = {"oid": sha256, "size": len(data), "pointerSize": len(pointer)}
    return {"type": "file", "path": name, "size": len(data), "oid": _git_hash(pointer), "lfs": lfs}


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
