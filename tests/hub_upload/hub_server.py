"""A very small Hugging Face Hub on loopback: what `huggingface_hub` asks for when it pushes and loads a model.

Files lie in memory, and every request is noted. Large files go by LFS, as without xet. Uploads can be told to fail.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

TOKEN = "hf_loopback"  # what the server takes
READ_ONLY = "hf_readonly"  # known, and may not write


@dataclass
class Repository:
    """Branch -> the commits on it, newest last; a commit is its hash and all of its files."""

    private: bool = False
    branches: dict[str, list[tuple[str, dict[str, bytes]]]] = field(default_factory=lambda: {"main": [_commit({})]})
    messages: list[str] = field(default_factory=list)

    def find(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision in self.branches:
            return self.branches[revision][-1]
        commits = (commit for branch in self.branches.values() for commit in branch)
        return next((commit for commit in commits if commit[0] == revision), None)

    @property
    def files(self) -> dict[str, bytes]:
        """What main has now."""
        return self.branches["main"][-1][1]


def _commit(files: dict[str, bytes]) -> tuple[str, dict[str, bytes]]:
    text = "".join(f"{name} {hashlib.sha1(content).hexdigest()}\n" for name, content in sorted(files.items()))
    return hashlib.sha1(text.encode()).hexdigest(), files


@dataclass
class Hub:
    """What the server has and was asked. fail_uploads: numbers of the uploads, from 1 on, that fail. drop: whether such
    a one loses its connection halfway, instead of being refused."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    uploads: list[tuple[str, int]] = field(default_factory=list)
    fail_uploads: frozenset[int] = frozenset()
    drop: bool = False
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def _is_large(name: str, size: int) -> bool:
    return name.endswith(".safetensors") or size > 10_000_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, content: Any = b"", **headers: str) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._answer(status, {"error": message}, X_Error_Code=code, X_Error_Message=message)

    def _may(self, write: bool) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in (TOKEN, READ_ONLY):
            self._refuse(401, "", "Invalid credentials in Authorization header")
            return False
        if write and token == READ_ONLY:
            self._refuse(403, "", "You don't have the rights to write here")
            return False
        return True

    def _route(self) -> None:
        path = urlsplit(self.path).path
        with self.hub.lock:
            self.hub.requests.append((self.command, path))
        parts = [unquote(part) for part in path.strip("/").split("/")]  # a branch may have a / in its name
        if path == "/api/whoami-v2":
            self._answer(200, {"name": "user", "type": "user"})
        elif path == "/api/repos/create":
            self._create()
        elif path == "/api/validate-yaml":
            self._body()
            self._answer(200, {"errors": [], "warnings": []})
        elif parts[:2] == ["api", "models"]:
            action, revision, *inside = [*parts[4:], *("revision", "main")[len(parts[4:6]) :]]
            self._model("/".join(parts[2:4]), action, revision, "/".join(inside))
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch("/".join(parts[:2]).removesuffix(".git"))
        elif parts[0] == "lfs":
            self._upload(parts[1])
        elif len(parts) > 4 and parts[2] == "resolve":
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._refuse(404, "RepoNotFound", "Repository not found")

    do_GET = do_HEAD = do_POST = do_PUT = _route  # noqa: N815 - as http.server calls them

    def _create(self) -> None:
        asked = json.loads(self._body())
        if not self._may(write=True):
            return
        name = f"{asked['organization'] or 'user'}/{asked['name']}"
        known = name in self.hub.repositories
        if not known:
            self.hub.repositories[name] = Repository(private=asked.get("visibility") == "private")
        self._answer(409 if known else 200, {"url": f"{self.hub.url}/{name}", "name": name})

    def _model(self, name: str, action: str, revision: str, inside: str) -> None:
        body = self._body()
        repository = self.hub.repositories.get(name)
        if repository is None:
            self._refuse(404, "RepoNotFound", "Repository not found")
        elif action == "branch":
            if self._may(write=True):
                known = revision in repository.branches
                repository.branches.setdefault(revision, [repository.branches["main"][-1]])
                self._answer(409 if known else 200, {})
        elif (commit := repository.find(revision)) is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif action == "revision":
            files = [{"rfilename": path} for path in sorted(commit[1])]
            self._answer(200, {"id": name, "sha": commit[0], "private": repository.private, "siblings": files})
        elif action == "tree":
            files = [_entry(path, content) for path, content in sorted(commit[1].items()) if path.startswith(inside)]
            if files:
                self._answer(200, files)
            else:
                self._refuse(404, "EntryNotFound", f"{inside} does not exist")
        elif action == "preupload" and self._may(write=True):
            self._preupload(json.loads(body), commit[1])
        elif action == "commit" and self._may(write=True):
            self._commit(repository, name, revision, body)

    def _preupload(self, asked: Any, files: dict[str, bytes]) -> None:
        told = []
        for file in asked["files"]:
            mode = "lfs" if _is_large(file["path"], file["size"]) else "regular"
            known = files.get(file["path"])
            oid = {} if known is None else {"oid": _oid(file["path"], known)}
            told.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, **oid})
        self._answer(200, {"files": told})

    def _batch(self, name: str) -> None:
        asked = json.loads(self._body())
        if name not in self.hub.repositories or not self._may(write=True):
            return
        objects = []
        for item in asked["objects"]:
            one = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.hub.objects:
                one["actions"] = {
                    "upload": {"href": f"{self.hub.url}/lfs/{item['oid']}"},
                    "verify": {"href": f"{self.hub.url}/lfs/{item['oid']}"},
                }
            objects.append(one)
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _upload(self, oid: str) -> None:
        if self.command == "POST":  # the verification
            asked = json.loads(self._body())
            good = len(self.hub.objects.get(oid, b"")) == asked["size"]
            self._answer(200 if good else 404)
            return
        with self.hub.lock:
            self.hub.asked += 1
            fails = self.hub.asked in self.hub.fail_uploads
        if fails and self.hub.drop:
            self.rfile.read(100)
            self.close_connection = True
            self.connection.close()
            return
        content = self._body()
        if fails or hashlib.sha256(content).hexdigest() != oid:
            self._refuse(400, "", "The upload failed")
            return
        with self.hub.lock:
            self.hub.objects[oid] = content
            self.hub.uploads.append((oid, len(content)))
        self._answer(200)

    def _commit(self, repository: Repository, name: str, revision: str, body: bytes) -> None:
        files = dict(repository.branches[revision][-1][1])
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                repository.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        repository.branches[revision].append(_commit(files))
        sha = repository.branches[revision][-1][0]
        answer = {"commitUrl": f"{self.hub.url}/{name}/commit/{sha}", "commitOid": sha}
        asks = "create_pr=1" in self.path
        self._answer(200, {**answer, **({"pullRequestUrl": f"{self.hub.url}/{name}/discussions/1"} if asks else {})})

    def _resolve(self, name: str, revision: str, path: str) -> None:
        repository = self.hub.repositories.get(name)
        commit = repository.find(revision) if repository else None
        if commit is None:
            self._refuse(404, "RepoNotFound" if repository is None else "RevisionNotFound", "Not found")
            return
        if path not in commit[1]:
            self._answer(404, b"", X_Error_Code="EntryNotFound", X_Error_Message="Not found", X_Repo_Commit=commit[0])
            return
        content = commit[1][path]
        headers = {"ETag": f'"{_oid(path, content)}"', "X_Repo_Commit": commit[0], "Accept_Ranges": "bytes"}
        if _is_large(path, len(content)):
            headers |= {"X_Linked_Etag": headers["ETag"], "X_Linked_Size": str(len(content))}
        span = self.headers.get("Range", "").removeprefix("bytes=").split("-")
        if span[0]:
            start, end = int(span[0]), int(span[1] or len(content) - 1)
            headers["Content_Range"] = f"bytes {start}-{end}/{len(content)}"
            self._answer(206, content[start : end + 1], **headers)
        else:
            self._answer(200, content, **headers)


def _oid(path: str, content: bytes) -> str:
    if _is_large(path, len(content)):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": _oid(path, content)}
    if _is_large(path, len(content)):
        entry["lfs"] = {"oid": entry["oid"], "size": len(content), "pointerSize": 134}
    return entry


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A server on a free port of loopback, until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def connect(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process talk to ``hub``, keep its cache in ``home``, and have a token that may write."""
    values = {
        "ENDPOINT": hub.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_PROGRESS_BARS": True,
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
    }
    for name, value in values.items():  # read from the environment once, on import
        monkeypatch.setattr(constants, name, value)
    # transformers keeps one client, for the endpoint at its first use.
    monkeypatch.setattr("transformers.utils.hub._hf_api", None)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
