"""Names of checkpoints that ship, for transformers: ``AutoModel.from_pretrained("redheart-100m")`` without a network.

`registration` installs one hook, and `forget_names` removes it: where transformers would ask the hub for a file of
"redheart-100m", it finds the folder inside this package. A folder of that name in the current directory takes
precedence, as for transformers' own names, and every other name is handled as before.

Notable: the hook replaces what `AutoConfig`, `AutoTokenizer`, `AutoModel...` and `pipeline` all use: the function that
locates files, and the client that asks the hub about a repository. So the network is not used for such a name, and no
file is copied into a cache.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

from huggingface_hub import HfApi, ModelInfo
from transformers import __version__
from transformers.utils import hub

from .configuration.labels import closest
from .configuration.shipped import checkpoint_path, preset_names
from .modeling_redheart.pipeline_redheart import TASK

_before: dict[str, Any] = {}


def _folder(name: Any) -> str | None:
    """The folder of the shipped checkpoint ``name``; None for a folder, and for a name that is not of the family."""
    # `OSError` for a name of the family without weights here: the callers in transformers let it through.
    name = str(name)
    if os.path.isdir(name) or "/" in name or not name.startswith("redheart-"):
        return None
    if name not in preset_names():
        raise OSError(f"There is no checkpoint {name!r}; {closest(name, preset_names())}")
    try:
        return checkpoint_path(name)
    except ValueError as error:
        raise OSError(str(error)) from error


class _Api(HfApi):
    """Client that answers for the shipped checkpoints what transformers asks about a repository before loading."""

    def resolve_revision(self, repo_id: str, **options: Any) -> Any:
        return options.get("revision") if _folder(repo_id) else super().resolve_revision(repo_id, **options)

    def model_info(self, repo_id: str, **options: Any) -> Any:
        if _folder(repo_id):
            return ModelInfo(id=repo_id, pipeline_tag=TASK, library_name="transformers")
        return super().model_info(repo_id, **options)

    def list_repo_tree(self, repo_id: str, *args: Any, **options: Any) -> Iterable[Any]:
        return () if _folder(repo_id) else super().list_repo_tree(repo_id, *args, **options)

    def list_repo_files(self, repo_id: str, **options: Any) -> list[str]:
        folder = _folder(repo_id)
        return sorted(os.listdir(folder)) if folder else super().list_repo_files(repo_id, **options)


def install_names() -> None:
    """Install the hook, unless it is installed."""
    if not _before:
        _before.update(cached_files=hub.cached_files, _hf_api=hub._hf_api)
        hub.cached_files = _located(hub.cached_files)
        hub._hf_api = _Api(library_name="transformers", library_version=__version__)


def forget_names() -> None:
    """Remove the hook, if it is installed."""
    for name, value in _before.items():
        setattr(hub, name, value)
    _before.clear()


def _located(locate: Callable[..., Any]) -> Callable[..., Any]:
    def cached_files(path_or_repo_id: Any, filenames: list[str], *args: Any, **options: Any) -> Any:
        return locate(_folder(path_or_repo_id) or path_or_repo_id, filenames, *args, **options)

    return cached_files


__all__ = ["forget_names", "install_names"]
