"""`BatchingTrainer`: the data of `RedHeartTrainer`, from rows to batches of units."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from ...batches.collator import LengthBatches
from ...batches.prepared import Prepared, once_per_set, prepare
from ...data.loading import DataError, Unit
from ...data.unit_sources import as_units
from .arguments import RedHeartTrainingArguments
from .loss_means import LossMeans
from .retrying_trainer import RetryingTrainer
from .sharding import even_out


class BatchingTrainer(RetryingTrainer):
    """A `RetryingTrainer` of units (`data.loading`), in batches of one set and of similar length.

    Units that cannot be trained on are left out of each set, with a warning that counts them (`prepared`).
    """

    args: RedHeartTrainingArguments
    needs_labels = True  # whether texts without a label are left out

    def __init__(self, *args: Any, **options: Any) -> None:
        for name, split in (("train_dataset", "train"), ("eval_dataset", "validation")):
            options[name] = self._units(options.get(name), split)
        self.sizes = options.pop("sizes", None)
        super().__init__(*args, **options)
        self.prepared = once_per_set(self._prepare)
        self._means = {"train": LossMeans(), "eval": LossMeans()}
        self._position = 0  # of the next batch in its optimiser step

    def _units(self, data: Any, split: str) -> Any:
        if split == "validation" and isinstance(data, dict):
            return {name: self._units(rows, name) for name, rows in data.items()}
        return as_units(data, split, self.needs_labels)

    def _inner_training_loop(self, *args: Any, **options: Any) -> Any:
        # Reset what an earlier loop left: one with a larger batch may have ended in the middle of a step.
        self._means["train"], self._position = LossMeans(), 0
        return super()._inner_training_loop(*args, **options)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Build the loader of training batches.

        Returns:
            Batches of one set and of similar length each; of a stream, the units in their order.

        Raises:
            ValueError: Without a ``train_dataset``.
        """
        units: Any = self.train_dataset
        if units is None:
            raise ValueError("`train_dataset` is missing: pass the data to train on.")
        if isinstance(units, IterableDataset):
            return super().get_train_dataloader()
        some = self.prepared(units)
        # `auto_find_batch_size` may have made the batches smaller, and their tokens with them.
        share = self._train_batch_size / self.args.train_batch_size
        batches = LengthBatches(
            some.units,
            some.lengths,
            max(1, int(self.args.batch_tokens * share)),
            self._train_batch_size,
            sizes=self._sizes(some.units),
            seed=self.args.data_seed if self.args.data_seed is not None else self.args.seed,
            multiple_of=self.args.world_size,
            pad_to_multiple_of=self.args.pad_to_multiple_of,
        )
        loader: DataLoader[Any] = DataLoader(some.units, batch_sampler=batches, **self._loading())  # type: ignore[arg-type]
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """Build the loader of evaluation batches.

        Args:
            eval_dataset: Rows, units, or the name of one of the trainer's evaluation sets; None = that of the trainer.

        Returns:
            Every unit once; each process has its share of the batches.

        Raises:
            ValueError: Without an ``eval_dataset``.
        """
        units: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(units, str):
            sets: Any = self.eval_dataset
            units = sets[units]
        elif eval_dataset is not None:
            units = self._units(units, "validation")
        if units is None:
            raise ValueError("`eval_dataset` is missing: pass the data to evaluate on.")
        some = self.prepared(units)
        batches = list(
            LengthBatches(
                some.units,
                some.lengths,
                self.args.batch_tokens,
                self.args.eval_batch_size,
                shuffle=False,
                pad_to_multiple_of=self.args.pad_to_multiple_of,
            )
        )
        if self.sharded:
            batches = even_out(batches, self.args.world_size)
        share = batches[self.args.process_index :: self.args.world_size]
        return DataLoader(some.units, batch_sampler=share, **self._loading())  # type: ignore[arg-type]

    def _prepare(self, units: Sequence[Unit]) -> Prepared:
        tokenizer: Any = self.processing_class
        return prepare(units, tokenizer, self.args.longest_text, self.needs_labels)

    def _sizes(self, units: Sequence[Unit]) -> dict[str, int] | None:
        """Units of each set per epoch. Raises `DataError` for a set without any unit to train on."""
        if self.sizes is None:
            return None
        left = {unit[0].source for unit in units}
        for name in self.sizes:
            if name not in left:
                raise DataError(
                    f"`sizes` names {name!r}, but no unit of that set can be trained on; leave the set out."
                )
        return dict(self.sizes)

    def _loading(self) -> dict[str, Any]:
        """Options that every loader has in common."""
        return {
            "collate_fn": self.data_collator,
            "num_workers": self.args.dataloader_num_workers,
            "pin_memory": self.args.dataloader_pin_memory,
            "persistent_workers": self.args.dataloader_persistent_workers,
            "prefetch_factor": self.args.dataloader_prefetch_factor,
            "multiprocessing_context": self.args.dataloader_multiprocessing_context,
            "in_order": self.args.dataloader_in_order,
        }

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> int:
        """Texts of the whole optimiser step, over all its batches and processes."""
        texts = torch.tensor([sum(len(batch["input_ids"]) for batch in batch_samples)], device=device)
        if self.args.world_size > 1:
            texts = self.accelerator.reduce(texts, "sum")
        return int(texts.item())


__all__ = ["BatchingTrainer"]
