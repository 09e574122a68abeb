"""`push_to_hub` of models, pipelines and trainers: what goes up loads without this package, with a card and a licence.

Notable: everything is checked, the model loaded from what was saved among it, before a repository is made.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..configuration.errors import HubRequestError

if TYPE_CHECKING:
    from .push import Target
    from .staging import Extras


def push_to_hub(
    self: Any,
    repo_id: str,
    *,
    commit_message: str | None = None,
    commit_description: str | None = None,
    private: bool | None = None,
    token: bool | str | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    max_shard_size: int | str | None = None,
    tags: Sequence[str] | str | None = None,
) -> str:
    """Upload the model, or the pipeline with its tokenizer, as `redheart push` does.

    Takes what transformers' own method takes. repo_id: user/name, or a name in the token's account. token: True or
    None for the usual places. max_shard_size: most bytes in a weight file, or such as "500MB"; 2 GB by default. tags:
    of a card that is made; a complete card that is in the repository stays.

    Goes up: weights, config, the code for ``trust_remote_code=True``, label schema, card, licence and handler; with a
    bare model no tokenizer: push it, too (``tokenizer.push_to_hub``).

    Returns the address of the repository, or of the pull request. Raises as `redheart.hub_upload.push.push` does, and
    `ValueError` for a model that does not load as it was saved, or a data set whose licence is not known.
    """
    from transformers.utils.hub import convert_file_size_to_int

    from ..storage.weights import MAX_SHARD_SIZE
    from .push import Target, check_repo, full_name, hub_token
    from .staging import Extras

    if token is False:
        raise HubRequestError("`token=False` cannot write to the hub; leave it out, or give a token.")
    check_repo(repo_id)
    key = hub_token(token if isinstance(token, str) else None)
    message = commit_message or "Upload model"
    target = Target(full_name(repo_id, key), private, revision, message, commit_description or "", create_pr, key)
    shard = convert_file_size_to_int(MAX_SHARD_SIZE if max_shard_size is None else max_shard_size)
    extras = Extras(tags=[tags] if isinstance(tags, str) else tags or (), max_shard_size=shard, tokenizer=False)
    with tempfile.TemporaryDirectory(prefix="redheart-model-") as folder:
        self.save_pretrained(folder, max_shard_size=shard)
        return _upload(folder, target, extras)


def push_trained(
    trainer: Any, commit_message: str | None, token: str | None, revision: str | None, private: bool | None
) -> str | None:
    """Upload what ``trainer`` saves, with its tokenizer and without its pickled arguments, to ``args.hub_model_id``.

    token, revision, private: None takes those of the trainer's arguments. All processes call it; the first one uploads.
    Returns the address of the repository, in other processes None. Raises `ValueError` where the arguments name no
    repository and for an adapter, and as `push_to_hub`.
    """
    from transformers.trainer import TRAINING_ARGS_NAME
    from transformers.trainer_utils import unwrap_peft_model

    from .push import Target, check_repo, full_name, hub_token
    from .staging import Extras

    args = trainer.args
    if args.hub_model_id is None:
        raise HubRequestError("`hub_model_id` of the arguments says where to, such as user/name. It is missing.")
    if unwrap_peft_model(trainer.model) is not trainer.model:
        raise HubRequestError(
            "The model has an adapter, which is no checkpoint of its own: merge it (`merge_adapter`) and push that, or "
            "upload its folder as PEFT does."
        )
    check_repo(args.hub_model_id)
    key = hub_token(token or args.hub_token)
    target = Target(
        full_name(args.hub_model_id, key),
        args.hub_private_repo if private is None else private,
        revision or args.hub_revision,
        commit_message or "End of training",
        token=key,
    )
    # Below the output folder, as a model that is saved by several processes must be where all of them see it.
    folder = Path(args.output_dir) / ".pushed"
    try:
        trainer.save_model(str(folder), _internal_call=True)
        if not trainer.is_world_process_zero():
            return None
        (folder / TRAINING_ARGS_NAME).unlink(missing_ok=True)  # a pickle, and of this machine
        return _upload(folder, target, Extras())
    finally:
        if trainer.is_world_process_zero() and folder.exists():
            shutil.rmtree(folder)


def _upload(folder: str | Path, target: "Target", extras: "Extras") -> str:
    from .push import push
    from .staging import staged

    with staged(folder, target.repo, extras) as stage:
        pushed = push(stage, target)
    return pushed.pull_request or pushed.url


__all__ = ["push_to_hub", "push_trained"]
