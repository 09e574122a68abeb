"""`push_to_hub` of models, pipelines and trainers: the upload loads without this package, with a card and a licence.

Notable: everything is checked before a repository is created, also that the saved model loads.
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

    The upload has weights, config, the code for ``trust_remote_code=True``, label schema, card, licence and handler. A
    bare model has no tokenizer: push it as well (``tokenizer.push_to_hub``).

    Args:
        self: The model or the pipeline.
        repo_id: user/name, or a name in the token's account.
        commit_message: Subject of the commit.
        commit_description: Body of the commit.
        private: Whether the repository must be private; None keeps it as it is, or follows the account's default.
        token: The token; True or None = the one of `hf auth login` or HF_TOKEN.
        revision: Branch, created where it does not exist.
        create_pr: Propose the change in a pull request instead.
        max_shard_size: Most bytes in a weight file, or a text such as "500MB"; 2 GB by default.
        tags: For a generated card; a complete card in the repository is kept.

    Returns:
        The address of the repository, or of the pull request.

    Raises:
        HubRequestError: As `redheart.hub_upload.push.push`, which may raise other errors, too, and for ``token=False``.
        ValueError: For a model that does not load as it was saved, or a data set whose licence is unknown.
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

    All processes call it; the first one uploads.

    Args:
        trainer: The trainer, whose arguments name the repository.
        commit_message: Subject of the commit.
        token: Token to write with; None = that of the trainer's arguments.
        revision: Branch; None = that of the trainer's arguments.
        private: Whether the repository must be private; None = as the trainer's arguments say.

    Returns:
        The address of the repository; None in all processes but the first.

    Raises:
        HubRequestError: When the arguments name no repository, for an adapter, and as `push_to_hub`.
    """
    from transformers.trainer import TRAINING_ARGS_NAME
    from transformers.trainer_utils import unwrap_peft_model

    from .push import Target, check_repo, full_name, hub_token
    from .staging import Extras

    args = trainer.args
    if args.hub_model_id is None:
        raise HubRequestError("`hub_model_id` of the arguments is missing; set it to a repository such as user/name.")
    if unwrap_peft_model(trainer.model) is not trainer.model:
        raise HubRequestError(
            "The model has an adapter, which is not a complete checkpoint: merge it (`merge_adapter`) and push the "
            "result, or upload its folder as PEFT does."
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
    # Inside the output folder: a model that several processes save must be where all of them see it.
    folder = Path(args.output_dir) / ".pushed"
    try:
        trainer.save_model(str(folder), _internal_call=True)
        if not trainer.is_world_process_zero():
            return None
        (folder / TRAINING_ARGS_NAME).unlink(missing_ok=True)  # a pickle, and specific to this machine
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
