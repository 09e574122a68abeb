"""Uploads a checked checkpoint to the Hugging Face Hub, as one commit, by `huggingface_hub`'s own upload.

Notable: with one commit, half of a push is never loaded. Pushing again resumes an interrupted push: the hub knows files
by their content. The commit also removes weights of an earlier push that the folder no longer has, because they
would be loaded instead, and evaluation results of other weights.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from httpx2 import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # exists, but is not exported

from ..cards.plain_card import missing_parts
from ..configuration.errors import HubConnectionError, HubError, HubPermissionError, HubRequestError
from .staging import CARD, RESULTS, Stage

_WEIGHTS = re.compile(r"(model|pytorch_model)([.-][^/]*)?\.(safetensors|bin)(\.index\.json)?")
_AGAIN = "Run the same command again: what has arrived is not sent again."


@dataclass(frozen=True)
class Target:
    """Where a push goes.

    Attributes:
        repo: user/name.
        private: Whether the repository must be private; None keeps it as it is, or follows the account's default.
        revision: Branch, created where it does not exist.
        message: Subject of the commit.
        description: Body of the commit.
        create_pr: Propose the change in a pull request instead.
        token: Token to write with; None = as `hub_token` finds it.
    """

    repo: str
    private: bool | None = None
    revision: str | None = None
    message: str = "Upload model"
    description: str = ""
    create_pr: bool = False
    token: str | None = None


@dataclass(frozen=True)
class Pushed:
    """The result of a push.

    Attributes:
        url: Address of the repository.
        commit: Hash of the commit.
        changed: False if the repository had everything already.
        removed: Files of an earlier push that were removed.
        kept_card: Whether the repository's own card was kept.
        pull_request: Its address, if there is one.
    """

    url: str
    commit: str
    changed: bool
    removed: list[str]
    kept_card: bool
    pull_request: str | None = None


def check_repo(repo: str) -> None:
    """Raise `HubRequestError` unless ``repo`` is user/name, or the name alone, in a form that the hub accepts."""
    if repo.count("/") > 1:
        raise HubRequestError(f"{repo!r} is not a repository name; write user/name, with your account as user.")
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise HubRequestError(f"{repo!r} is not a repository name: {error}") from error


def hub_token(token: str | None = None) -> str:
    """Find the token to write with.

    Args:
        token: A token; None = the one of `hf auth login` or HF_TOKEN.

    Returns:
        The token.

    Raises:
        HubRequestError: When there is no token.
        HubConnectionError: When HF_HUB_OFFLINE is set.
    """
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

    Args:
        stage: The checked folder.
        target: Where it goes.

    Returns:
        The result.

    Raises:
        HubRequestError: For a malformed name, no token, or a public repository where a private one was asked for.
        HubPermissionError: For a token that is wrong or may not write.
        HubConnectionError: When the hub cannot be reached or the upload is interrupted.
    """
    check_repo(target.repo)
    if "/" not in target.repo:
        raise HubRequestError(f"{target.repo!r} has no account in it; write user/name, or use `full_name`.")
    token = hub_token(target.token)
    api = HfApi(token=token, library_name="redheart")
    with _hub_errors(target.repo, api.endpoint):
        url = api.create_repo(target.repo, private=target.private, exist_ok=True)
        if target.private and not api.model_info(target.repo).private:
            raise HubRequestError(
                f"{target.repo} exists and is public, which --private cannot change; make it private in its settings "
                "on the hub, or push to another name."
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
    """``repo`` with a user: the token's account by default; raises as `push` does."""
    if "/" in repo:
        return repo
    api = HfApi(token=token, library_name="redheart")
    with _hub_errors(repo, api.endpoint):
        return f"{api.whoami()['name']}/{repo}"


@contextmanager
def _hub_errors(repo: str, endpoint: str) -> Iterator[None]:
    """Turn errors of the hub into errors with a cause and a remedy; none of them contains the token."""
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise HubConnectionError("HF_HUB_OFFLINE is set, so nothing can be uploaded; unset it.") from error
    except HfHubHTTPError as error:
        raise _refusal(error, repo) from error
    except TransportError as error:
        raise HubConnectionError(f"{endpoint} cannot be reached ({error}). {_AGAIN}") from error
    except RuntimeError as error:  # from the upload of one file, with the cause attached
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError) and cause.response.status_code in (401, 403):
            raise _refusal(cause, repo) from error
        message = f"{error} {cause or ''}".strip().rstrip(".")
        raise HubConnectionError(f"The upload broke off: {message}. {_AGAIN}") from error


def _refusal(error: HfHubHTTPError, repo: str) -> HubError:
    status = error.response.status_code
    message = error.server_message or str(error).strip()
    if status == 401:
        return HubPermissionError(
            f"The hub does not accept the token ({message}); it may have expired. Make a new one and run "
            "`hf auth login`."
        )
    if status == 403:
        return HubPermissionError(
            f"The token may not write to {repo} ({message}). Use a token that may, or a repository of yours."
        )
    if status == 404:
        return HubRequestError(f"The hub does not know {repo}, or not this revision of it ({message}).")
    if status >= 500 or status in (408, 429):
        return HubConnectionError(f"The hub failed with status {status} ({message}). {_AGAIN}")
    return HubRequestError(f"The hub refused the push to {repo} with status {status}: {message}")


__all__ = ["Pushed", "Target", "check_repo", "full_name", "hub_token", "push"]
