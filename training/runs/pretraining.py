"""Pre-training of the native encoder on plain text: windows of tokens, some of them masked.

Notable: texts are read as a stream and never all held in memory; several texts share a window, so that only the last
tokens are padding.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase, Trainer, TrainingArguments

from ...modeling_redheart.masked_lm import RedHeartForMaskedLM
from ...modeling_redheart.modeling_redheart import RedHeartModel
from ...storage.strict_loading import weight_files
from ...storage.weights import float_tensors

_ENCODER = "backbone.encoder."


class TokenWindows(IterableDataset[dict[str, list[int]]]):
    """Windows of ``length`` tokens from a stream of texts, with a separator after each text.

    The last window of a pass is shorter. Texts without tokens are skipped. Of several workers each takes every n-th
    window.

    Args:
        texts: Called for a new stream at each pass.
        tokenizer: Has a mask token, a separator and a class token.
        length: Tokens of a window, 3 or more.

    Raises:
        ValueError: For a ``length`` out of range and for a tokenizer without these tokens.
    """

    def __init__(self, texts: Callable[[], Iterable[str]], tokenizer: PreTrainedTokenizerBase, length: int) -> None:
        super().__init__()
        if length < 3:
            raise ValueError(
                f"`length` must be 3 or more, to hold a token and the special ones around it; got {length}."
            )
        if tokenizer.mask_token_id is None or tokenizer.sep_token_id is None or tokenizer.cls_token_id is None:
            raise ValueError("The tokenizer needs a mask token, a separator and a class token ([MASK], [SEP], [CLS]).")
        self.texts, self.tokenizer, self.length = texts, tokenizer, length

    def __iter__(self) -> Iterator[dict[str, list[int]]]:
        worker = get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for place, window in enumerate(self._windows()):
            if place % count == number:
                yield {"input_ids": window}

    def _windows(self) -> Iterator[list[int]]:
        first, last, room = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id, self.length - 1
        held: list[int] = []
        for text in self.texts():
            tokens = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            if not tokens:
                continue
            held += [*tokens, last]
            while len(held) >= room:
                yield [first, *held[:room]]
                held = held[room:]
        if held:
            yield [first, *held]


def pretrain(
    model: RedHeartForMaskedLM,
    tokenizer: PreTrainedTokenizerBase,
    texts: Callable[[], Iterable[str]],
    args: TrainingArguments,
    length: int,
    validation: Callable[[], Iterable[str]] | None = None,
    masked: float = 0.3,
    resume: bool = False,
) -> Trainer:
    """Train the encoder to predict masked tokens.

    Evaluation masks the same tokens each time.

    Args:
        model: The masked language model.
        tokenizer: Its tokenizer.
        texts: Called for a new stream of texts at each pass.
        args: The training arguments; ``max_steps`` must be set, as a stream has no length.
        length: Tokens of a window, 3 or more.
        validation: As ``texts``, for evaluation; None = no evaluation.
        masked: Share of the tokens that is masked (Wettig et al. 2023, arXiv:2202.08005, find 0.3 to 0.4 better than
            0.15 for larger models).
        resume: Whether to resume from the newest checkpoint.

    Returns:
        The trainer, whose ``save_model`` writes the checkpoint.

    Raises:
        ValueError: When ``max_steps`` is not set, and for what `TokenWindows` refuses.
    """
    if args.max_steps < 1:
        raise ValueError("`max_steps` must be set: a stream of texts has no end to count epochs by.")
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=TokenWindows(texts, tokenizer, length),
        eval_dataset=None if validation is None else _fixed_masks(validation, tokenizer, length, masked, args.seed),
        data_collator=_Collator(tokenizer=tokenizer, mlm_probability=masked, pad_to_multiple_of=8),
        processing_class=tokenizer,
    )
    trainer.train(resume_from_checkpoint=resume or None)
    return trainer


class _Collator(DataCollatorForLanguageModeling):
    """Masks at random, but leaves windows unchanged that are masked already."""

    def __call__(self, features: Any, return_tensors: str | None = None) -> Any:
        if "labels" not in features[0]:
            return super().__call__(features, return_tensors)
        width = max(len(item["input_ids"]) for item in features)
        padding = {"input_ids": self.tokenizer.pad_token_id, "attention_mask": 0, "labels": -100}
        return {
            name: torch.tensor([[*item[name], *[pad] * (width - len(item[name]))] for item in features])
            for name, pad in padding.items()
        }


def _fixed_masks(
    texts: Callable[[], Iterable[str]], tokenizer: PreTrainedTokenizerBase, length: int, masked: float, seed: int
) -> list[dict[str, list[int]]]:
    """The windows of a validation set, masked once."""
    collator = DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=masked, seed=seed)
    rows = []
    for window in TokenWindows(texts, tokenizer, length):
        batch = collator([window])
        rows.append({name: value[0].tolist() for name, value in batch.items()})
    return rows


def load_encoder(model: RedHeartModel, folder: Path) -> None:
    """Copy the encoder of a `RedHeartForMaskedLM` (or `RedHeartModel`) checkpoint into ``model``.

    Args:
        model: The model, which is changed.
        folder: Folder of the checkpoint.

    Raises:
        ValueError: Unless the folder has exactly the encoder's weights, in its shapes.
    """
    read = float_tensors(weight_files(folder))
    found = {name.removeprefix(_ENCODER): tensor for name, tensor in read if name.startswith(_ENCODER)}
    own = model.backbone.encoder.state_dict()
    if found.keys() != own.keys():
        odd = sorted(found.keys() ^ own.keys())
        raise ValueError(f"{folder} has another encoder: {len(odd)} weights are in only one of the two, as {odd[0]!r}.")
    for name, value in own.items():
        if value.shape != found[name].shape:
            raise ValueError(
                f"{folder} has another encoder: {name!r} has the shape {tuple(found[name].shape)} in it and "
                f"{tuple(value.shape)} in the model."
            )
    model.backbone.encoder.load_state_dict(found)


__all__ = ["TokenWindows", "load_encoder", "pretrain"]
