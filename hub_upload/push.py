"""Puts a checked checkpoint on the Hugging Face Hub, as one commit, by `huggingface_hub`'s own upload.

Notable: one commit means that nobody ever loads half of a push. What breaks off is resumed by pushing again: what has
arrived is known there by its content. Weights of an earlier push that are no longer there are removed in that commit,
because they would be loaded instead, and so are its evaluation results, which are of other weights.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from httpx2 import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # there, and not said to be

from ..cards.plain_card import missing_parts
from ..configuration.errors import HubConnectionError, HubError, HubPermissionError, HubRequestError
from .staging import CARD, RESULTS, Stage

_WEIGHTS = re.compile(r"(model|pytorch_model)([.-][^/]*)?\.(safetensors|bin)(\.index\.json)?")
_AGAIN = "Run the same command again: what has arrived is not sent again."


@dataclass(frozen=True)
class Target:
    """Where a push goes. repo: user/name. private: whether it must be; None takes what is there, or the account's rule.
    revision: branch, made where it is not there. create_pr: propose the change instead. token: None takes the one of
    the usual places."""

    repo: str
    private: bool | None = None
    revision: str | None = None
    message: str = "Upload model"
    description: str = ""
    create_pr: bool = False
    token: str | None = None


@dataclass(frozen=True)
class Pushed:
    """What became of a push. url: of the repository. commit: its hash. changed: False where all was there already.
    removed: files of an earlier push. kept_card: the repository's own card was kept. pull_request: its address."""

    url: str
    commit: str
    changed: bool
    removed: list[str]
    kept_card: bool
    pull_request: str | None = None


def check_repo(repo: str) -> None:
    """Raise `ValueError` unless ``repo`` is user/name, or the name alone, as the hub takes it."""
    if repo.count("/") > 1:
        raise HubRequestError(f"{repo!r} is no name of a repository; write user/name, user being your account.")
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise HubRequestError(f"{repo!r} is no name of a repository: {error}") from error


def hub_token(token: str | None = None) -> str:
    """The token to write with. Raises `ValueError` where there is none, and `ConnectionError` where offline is set."""
    if constants.is_offline_mode():
        raise HubConnectionError("HF_HUB_OFFLINE is set, so nothing can be uploaded; unset it, or use --dry-run.")
    found = token or get_token()
    if not found:
        raise HubRequestError(
            "There is no Hugging Face token; run `hf auth login`, or set HF_TOKEN to one that may write."
        )
    return found


def push(stage: Stage, target: Target) -> Pushed:
    """Upload what is staged.

    Raises `ValueError` for a malformed name, no token, or a public repository where a private one was asked for;
    `PermissionError` for a token that is wrong or may not write; `ConnectionError` when the hub cannot be reached or
    the upload breaks off.
    """
    check_repo(target.repo)
    if "/" not in target.repo:
        raise HubRequestError(f"{target.repo!r} does not say whose repository; see `full_name`.")
    token = hub_token(target.token)
    api = HfApi(token=token, library_name="redheart")
    with _told(target.repo, api.endpoint):
        url = api.create_repo(target.repo, private=target.private, exist_ok=True)
        if target.private and not api.model_info(target.repo).private:
            raise HubRequestError(
                f"{target.repo} is there and public, which --private cannot change; make it private in its settings on "
                "the hub, or push to another name."
            )
        if target.revision is not None and not target.revision.startswith("refs/pr/"):
            api.create_branch(target.repo, branch=target.revision, exist_ok=True)
        info = api.model_info(target.repo, revision=target.revision)
        there = {file.rfilename for file in info.siblings or []}
        kept_card = stage.made_card and CARD in there and _has_card(api, target)
        names = [file.name for file in stage.files if not (kept_card and file.name == CARD)]
        stale = {name for name in there if _WEIGHTS.fullmatch(name) or (name == RESULTS and not kept_card)}
        removed = sorted(stale - set(names))
        commit = api.create_commit(
            target.repo,
            [
                *(CommitOperationAdd(name, stage.folder / name) for name in names),
                *(CommitOperationDelete(name) for name in removed),
            ],
            commit_message=target.message,
            commit_description=target.description,
            revision=target.revision,
            create_pr=target.create_pr,
        )
    return Pushed(str(url), commit.oid, commit.oid != info.sha, removed, kept_card, commit.pr_url)


def _has_card(api: HfApi, target: Target) -> bool:
    """Whether the repository has a complete card, which a generated one must not replace."""
    card = api.hf_hub_download(target.repo, CARD, revision=target.revision)
    return not missing_parts(Path(card).read_text(encoding="utf-8"))


def full_name(repo: str, token: str) -> str:
    """``repo`` with the name of the token's account before it where it has none. Raises as `push` does."""
    if "/" in repo:
        return repo
    api = HfApi(token=token, library_name="redheart")
    with _told(repo, api.endpoint):
        return f"{api.whoami()['name']}/{repo}"


@contextmanager
def _told(repo: str, endpoint: str) -> Iterator[None]:
    """What goes wrong on the way, as errors with a cause and a remedy. None of them has the token."""
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise HubConnectionError("HF_HUB_OFFLINE is set, so nothing can be uploaded; unset it.") from error
    except HfHubHTTPError as error:
        raise _refusal(error, repo) from error
    except TransportError as error:
        raise HubConnectionError(f"{endpoint} cannot be reached ({error}). {_AGAIN}") from error
    except RuntimeError as error:  # of the upload of one file, which has its own cause
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError) and cause.response.status_code in (401, 403):
            raise _refusal(cause, repo) from error
        told = f"{error} {cause or ''}".strip().rstrip(".")
        raise HubConnectionError(f"The upload broke off: {told}. {_AGAIN}") from error


def _refusal(error: HfHubHTTPError, repo: str) -> HubError:
    status = error.response.status_code
    said = error.server_message or str(error).strip()
    if status == 401:
        return HubPermissionError(
            f"The hub does not accept the token ({said}); it may have expired. Make a new one and run `hf auth login`."
        )
    if status == 403:
        return HubPermissionError(
            f"The token may not write to {repo} ({said}). Take a token that may, or a repository of an account that is "
            "yours."
        )
    if status == 404:
        return HubRequestError(f"The hub does not know {repo}, or not this revision of it ({said}).")
    if status >= 500 or status in (408, 429):
        return HubConnectionError(f"The hub failed with status {status} ({said}). {_AGAIN}")
    return HubRequestError(f"The hub refused the push to {repo} with status {status}: {said}")


__all__ = ["Pushed", "Target", "check_repo", "full_name", "hub_token", "push"]
