"""`RedHeartTrainer`: a Trainer for units of labelled texts that knows the model's losses.

Notable: the loss of an optimiser step is the mean over all of its texts, whichever batch, process or piece they were
in, so that accumulation, the number of processes and a batch repeated in pieces after memory ran out change nothing but
the order of sums.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from transformers import PreTrainedTokenizerBase, TrainerCallback
from transformers.trainer_utils import unwrap_peft_model

from ..configuration.labels import LOSSES, OUTPUTS, UNLABELLED_LOSSES
from ..hub_upload.push_to_hub import push_trained
from ..modeling_redheart.modeling_redheart import TARGET_OUTPUTS
from .arguments import RedHeartTrainingArguments
from .checkpoints import discard_torn, is_disk_full, last_complete_checkpoint
from .collator import LengthBatches, RedHeartCollator, token_lengths
from .data import DataError, Unit
from .ema import ExponentialAverage, UpdateAverage
from .layer_decay import parameter_groups
from .lengths import measured_once
from .loss_means import LOGGED, LossMeans
from .out_of_memory import split
from .regularization import consistency_loss, divergence, smooth_targets, twice
from .retrying_trainer import RetryingTrainer
from .sharding import even_out, in_any_process, refuse_whole_weights, reshard


class RedHeartTrainer(RetryingTrainer):
    """Trains a Red Heart model on units (`training.data`): single texts, or the two texts of a pair.

    train_dataset, eval_dataset: lists of units, the latter also by name; a training set may be an iterable of units
    (then ``args.max_steps`` is needed and batches are not sorted by length). sizes: units of each set per epoch
    (`collator.source_sizes`). processing_class: the tokenizer. model: a `RedHeartModel`, or a `peft.PeftModel` of one
    (`adapters.add_adapter`), of which the adapter alone is trained, averaged and saved.

    Every loss is logged by its name, ``loss_emotion`` in training and ``eval_loss_emotion`` in evaluation, as the mean
    over the texts that have its target. Raises `ValueError` for options that do not fit the model or each other.
    """

    args: RedHeartTrainingArguments
    # The loss is divided by the texts of the whole step, in `compute_loss`.
    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: nn.Module,
        args: RedHeartTrainingArguments,
        train_dataset: Sequence[Unit] | IterableDataset[Any] | None = None,
        eval_dataset: Sequence[Unit] | Mapping[str, Sequence[Unit]] | None = None,
        processing_class: PreTrainedTokenizerBase | None = None,
        data_collator: Callable[[Sequence[Unit]], dict[str, Tensor]] | None = None,
        sizes: Mapping[str, int] | None = None,
        callbacks: Sequence[TrainerCallback] = (),
        **options: Any,
    ) -> None:
        if options.get("compute_metrics") is not None:
            raise ValueError(
                "`compute_metrics` gets flat arrays, which a reading is not; evaluation gives every loss by its name, "
                "and `redheart evaluate` the measures."
            )
        if args.push_to_hub:
            raise ValueError(
                "`push_to_hub=True` uploads the output folder while it trains: pickled arguments, and no code, card or "
                "licence. Leave it out, and call `push_to_hub()` of the trainer, or `redheart push`, when it has ended."
            )
        if processing_class is None:
            raise ValueError("`processing_class` is missing: the tokenizer that the texts are to be read with.")
        if data_collator is None:
            longest = args.longest_text // args.pad_to_multiple_of * args.pad_to_multiple_of
            data_collator = RedHeartCollator(processing_class, longest, pad_to_multiple_of=args.pad_to_multiple_of)
        super().__init__(
            model=model,
            args=args,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
            data_collator=data_collator,
            callbacks=list(callbacks),
            **options,
        )
        if self.sharded:
            refuse_whole_weights(args, at_load=self.is_distributed_loading_by_transformers)
        config: Any = unwrap_peft_model(model).config
        if isinstance(args.loss_weights, dict):  # as JSON it has been read by now
            config.loss_weights = {**config.loss_weights, **args.loss_weights}
        if args.longest_text > config.longest_text:
            raise ValueError(
                f"`longest_text` is {args.longest_text}, but the model reads at most {config.longest_text} tokens."
            )
        self.sizes = sizes
        self.average: ExponentialAverage | None = None
        self._lengths = measured_once(self._measure)
        self._means = {"train": LossMeans(), "eval": LossMeans()}
        self._attempt = LossMeans()
        self._position = 0  # of the next batch in its optimiser step
        self._outputs: tuple[str, ...] = OUTPUTS
        if args.ema_decay is not None:
            self.add_callback(UpdateAverage(lambda: self.average))

    # ---- Data ----

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches of one set and of similar length each; of an iterable, the units as they come."""
        units: Any = self.train_dataset
        if units is None:
            raise ValueError("There is no `train_dataset` to train on.")
        if isinstance(units, IterableDataset):
            return super().get_train_dataloader()
        batches = LengthBatches(
            units,
            self._lengths(units),
            self.args.batch_tokens,
            self.args.train_batch_size,
            sizes=self.sizes,
            seed=self.args.data_seed if self.args.data_seed is not None else self.args.seed,
            multiple_of=self.args.world_size,
            pad_to_multiple_of=self.args.pad_to_multiple_of,
        )
        loader: DataLoader[Any] = DataLoader(units, batch_sampler=batches, **self._loading())
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """Every unit once; each process has its share of the batches."""
        units: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(units, str):
            sets: Any = self.eval_dataset
            units = sets[units]
        if units is None:
            raise ValueError("There is no `eval_dataset` to evaluate on.")
        batches = list(
            LengthBatches(
                units,
                self._lengths(units),
                self.args.batch_tokens,
                self.args.eval_batch_size,
                shuffle=False,
                pad_to_multiple_of=self.args.pad_to_multiple_of,
            )
        )
        if self.sharded:
            batches = even_out(batches, self.args.world_size)
        share = batches[self.args.process_index :: self.args.world_size]
        return DataLoader(units, batch_sampler=share, **self._loading())

    def _measure(self, units: Sequence[Unit]) -> list[int]:
        tokenizer: Any = self.processing_class
        return token_lengths(units, tokenizer, self.args.longest_text)

    def _loading(self) -> dict[str, Any]:
        workers = self.args.dataloader_num_workers
        return {"collate_fn": self.data_collator, "num_workers": workers, "pin_memory": self.args.dataloader_pin_memory}

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> int:
        """Texts of the whole optimiser step, over all its batches and processes."""
        texts = torch.tensor([sum(len(batch["input_ids"]) for batch in batch_samples)], device=device)
        if self.args.world_size > 1:
            texts = self.accelerator.reduce(texts, "sum")
        return int(texts.item())

    # ---- Optimiser ----

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The optimiser of ``args.optim``, with a rate for each depth and none of the decay for learned tokens."""
        module: Any = unwrap_peft_model(self.model if model is None else model)
        if self.optimizer is None:
            reshard(module)
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, module)
            groups = parameter_groups(
                module,
                set(self.get_decay_parameter_names(module)),
                self.args.learning_rate,
                self.args.weight_decay,
                self.args.layer_decay,
                self.args.encoder_learning_rate,
            )
            self.optimizer = kind(groups, **options)
        optimizer: torch.optim.Optimizer = self.optimizer
        return optimizer

    # ---- Loss ----

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Mean cost of the batch's texts; in training, its share in the mean over the texts of the step."""
        if not model.training:
            output = model(**inputs, outputs=OUTPUTS)
            self._remember(output)
            return (output.loss, output) if return_outputs else output.loss
        texts = len(inputs["input_ids"])
        if self.args.label_smoothing_factor:
            inputs = smooth_targets(inputs, self.args.label_smoothing_factor)
        output = model(**(twice(inputs) if self.args.r_drop else inputs), outputs=self._outputs)
        loss = output.loss
        self._remember(output)
        for name, weight, extra in self._extra_losses(inputs, output):
            loss = loss + weight * extra
            self._attempt.add(name, extra, torch.tensor(texts, device=extra.device))
        if num_items_in_batch is not None:
            # Processes average their gradients, hence the number of them.
            loss = loss * (texts * self.args.world_size / int(num_items_in_batch))
        return (loss, output) if return_outputs else loss

    def _extra_losses(self, inputs: dict[str, Tensor], output: Any) -> Iterator[tuple[str, float, Tensor]]:
        if self.args.r_drop and (output.emotion or output.verdict or output.perspectives):
            yield "r_drop", self.args.r_drop, divergence(output)
        if self.args.consistency and self.average is not None:
            text = {name: inputs[name] for name in ("input_ids", "attention_mask")}
            bare: Any = self.model
            teacher = self.average.embed(bare, text)
            embedding = output.embedding[: len(teacher)]
            yield "consistency", self.args.consistency, consistency_loss(embedding, teacher)

    def _remember(self, output: Any) -> None:
        if output.losses is None:
            raise DataError(
                "A batch has no label to train on: leave out rows without one (`training.check` finds them)."
            )
        for name, mean in output.losses.items():
            self._attempt.add(name, mean, output.loss_texts[name])

    def _needed(self, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """The outputs that this batch is to run: all of them in every ``full_every``-th batch of the run.

        In a sharded model those that any process's batch is to run.
        """
        world = self.args.world_size
        number = (self.state.global_step * self.args.gradient_accumulation_steps + self._position) * world
        full = (number + self.args.process_index) % self.args.full_every == self.args.full_every - 1
        needed = {TARGET_OUTPUTS[name][0] for name in inputs if name in TARGET_OUTPUTS}
        if self.args.consistency:
            needed.add("embedding")
        outputs = tuple(name for name in OUTPUTS if full or name in needed)
        return in_any_process(outputs, OUTPUTS, self.args.device) if self.sharded else outputs

    # ---- Steps ----

    def training_step(
        self, model: nn.Module, inputs: dict[str, Tensor | Any], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Forward and backward of one batch; in smaller pieces when memory runs out (``args.oom_retry``)."""
        self._outputs = self._needed(inputs)
        self._position = 0 if self.accelerator.sync_gradients else self._position + 1
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._means["train"].merge(self._attempt)
        return loss

    def _note(self) -> tuple[str, ...]:
        return self._outputs

    def _begin(self, note: tuple[str, ...]) -> None:
        self._outputs, self._attempt = note, LossMeans()

    # ---- Evaluation ----

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[None, None, None]:
        """Add the batch to the means of `evaluation_loop`; in smaller pieces when memory runs out."""
        prepared: dict[str, Tensor] = self._prepare_inputs(inputs)

        def forward(pieces: int) -> LossMeans:
            self._attempt = LossMeans()
            for piece in split(prepared, pieces):
                with torch.no_grad(), self.compute_loss_context_manager():
                    loss = self.compute_loss(model, piece)
                self._attempt.add("", loss, torch.tensor(len(piece["input_ids"]), device=loss.device))
            return self._attempt

        self._means["eval"].merge(self._in_pieces(prepared, forward))
        return None, None, None

    def evaluation_loop(
        self,
        dataloader: DataLoader[Any],
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> Any:
        """As in the base; ``eval_loss`` and each ``eval_loss_NAME`` are means over texts, however they were batched.

        ``eval_loss_supervised`` is the weighted sum of the losses that have labels: what a checkpoint is to be chosen
        by, since the others say how well modules agree, which they do best before anything is learned.
        """
        self._means["eval"] = LossMeans()
        output = super().evaluation_loop(dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix)
        means = self._drain("eval", ("", *LOGGED))
        model: Any = self.model
        config = unwrap_peft_model(model).config
        labelled = [name for name in means if name in LOSSES and name not in UNLABELLED_LOSSES]
        if labelled:
            means["supervised"] = sum(config.loss_weight(name) * means[name] for name in labelled)
        for name, value in means.items():
            output.metrics[f"{metric_key_prefix}_loss{'_' if name else ''}{name}"] = value
        reshard(model)
        return output

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """As in the base, with the averaged weights where there are any."""
        with self._averaged():
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        return metrics

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Raises `NotImplementedError`: a reading is no flat array."""
        raise NotImplementedError(
            "A reading is no flat array; call the model, or pipeline('ethical-analysis', model=..., tokenizer=...)."
        )

    def _drain(self, phase: str, names: Sequence[str]) -> dict[str, float]:
        def reduce(held: Tensor) -> Tensor:
            return self.accelerator.reduce(held, "sum") if self.args.world_size > 1 else held

        return self._means[phase].drain(names, reduce, self.args.device)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the mean of each loss over the texts since the last log."""
        if "loss" in logs:
            logs |= {f"loss_{name}": value for name, value in self._drain("train", LOGGED).items()}
        super().log(logs, start_time)

    # ---- Averaged weights and checkpoints ----

    def train(
        self,
        resume_from_checkpoint: str | bool | None = None,
        trial: Any = None,
        ignore_keys_for_eval: list[str] | None = None,
    ) -> Any:
        """As in the base; ``resume_from_checkpoint=True`` goes on from the newest checkpoint that is whole."""
        model: Any = self.model
        if resume_from_checkpoint and self.is_distributed_loading_by_transformers:
            raise ValueError(
                "A run of a model that was sharded when it was loaded cannot be resumed: load the checkpoint's weights "
                "with `from_pretrained(..., distributed_config=...)`, and start anew from them."
            )
        if resume_from_checkpoint is True:
            resume_from_checkpoint = str(last_complete_checkpoint(Path(str(self.args.output_dir))))
        if self.args.ema_decay is not None:
            self.average = ExponentialAverage(model, self.args.ema_decay)
        self._position = 0
        # An evaluation before has marked the model as prepared, and without more it would then be trained as it is:
        # in several processes, each a model of its own.
        if getattr(model, "_is_accelerate_prepared", False) and self.model_wrapped is model:
            vars(model)["_is_accelerate_prepared"] = False
        return super().train(resume_from_checkpoint or None, trial, ignore_keys_for_eval)

    def _finalize_training(self, *args: Any, **kwargs: Any) -> Any:
        # From here on, the callbacks of the end included, the averaged weights are the model's.
        if self.average is not None:
            self.average.settle()
            self.average = None
        return super()._finalize_training(*args, **kwargs)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        with self.average.in_use() if self.average is not None else nullcontext():
            yield

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """As in the base, with the averaged weights where there are any."""
        with self._averaged():
            super().save_model(output_dir, _internal_call)

    def push_to_hub(  # type: ignore[override]  # what cannot be asked for is no parameter
        self,
        commit_message: str | None = None,
        *,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
    ) -> str | None:
        """Upload the model as `redheart push` does, checked, with its code and card; see `push_trained`."""
        return push_trained(self, commit_message, token, revision, private)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
        except Exception as error:
            if not is_disk_full(error):
                raise
            raise discard_torn(folder, self.args.should_save) from error

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self.average is not None and self.args.should_save:
            self.average.save_weights(Path(output_dir))

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        # The main process goes on to write the state, which says that the checkpoint is whole, random states included.
        self.accelerator.wait_for_everyone()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.average is not None:
            self.average.load(Path(resume_from_checkpoint))


__all__ = ["RedHeartTrainer"]
