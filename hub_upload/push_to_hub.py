"""`push_to_hub` of models and pipelines: what it uploads loads without this package, and has a card and a licence.

Notable: remote code is made from the classes and has nothing of this folder, so `redheart/__init__.py` puts the method
on them; a model loaded by remote code pushes as transformers does, with its code.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


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

    Takes what transformers' own method takes. repo_id: user/name. token: True or None for the usual places.
    max_shard_size: most bytes in a weight file, or such as "500MB"; 2 GB by default. tags: of a card that is made; a
    complete card that is in the repository stays.

    Goes up: weights, config, the code for ``trust_remote_code=True``, label schema, card, licence and handler; with a
    bare model no tokenizer: push it, too (``tokenizer.push_to_hub``).

    Returns the address of the repository, or of the pull request. Raises as `redheart.hub_upload.push.push` does, and
    `ValueError` for a model that does not load as it was saved, or a data set whose licence is not known.
    """
    from transformers.utils.hub import convert_file_size_to_int

    from .push import Target, check_repo, hub_token, push
    from .staging import Extras, staged
    from .weights import MAX_SHARD_SIZE

    if token is False:
        raise ValueError("`token=False` cannot write to the hub; leave it out, or give a token.")
    check_repo(repo_id)
    target = Target(
        repo_id,
        private,
        revision,
        commit_message or "Upload model",
        commit_description or "",
        create_pr,
        hub_token(token if isinstance(token, str) else None),
    )
    shard = convert_file_size_to_int(MAX_SHARD_SIZE if max_shard_size is None else max_shard_size)
    extras = Extras(tags=[tags] if isinstance(tags, str) else tags or (), max_shard_size=shard, tokenizer=False)
    with tempfile.TemporaryDirectory(prefix="redheart-model-") as folder:
        self.save_pretrained(folder, max_shard_size=shard)
        with staged(folder, Path(repo_id).name, extras) as stage:
            pushed = push(stage, target)
    return pushed.pull_request or pushed.url


def refuse_upload(self: Any, *_: Any, **__: Any) -> None:
    """In the place of transformers' own upload of saved files, which ``save_pretrained(push_to_hub=True)`` runs."""
    raise ValueError(
        "`save_pretrained(push_to_hub=True)` would upload the weights without their code, card and label schema. The "
        "folder is saved and nothing was uploaded; call `push_to_hub(repo_id)` instead."
    )


__all__ = ["push_to_hub", "refuse_upload"]
