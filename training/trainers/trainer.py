"""`RedHeartTrainer`: a Trainer for units of labelled texts that knows the model's losses.

Notable: the loss of an optimiser step is the mean over all of its texts, whichever batch, process or piece they were
in, so that accumulation, the number of processes and a batch repeated in pieces after memory ran out change nothing but
the order of sums.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerBase, TrainerCallback
from transformers.trainer_utils import unwrap_peft_model

from ...batches.collator import RedHeartCollator
from ...configuration.claims import TARGET_OUTPUTS
from ...configuration.labels import LOSSES, UNLABELLED_LOSSES
from ...data.loading import DataError, Unit
from ...data.unit_sources import UnitStream
from ...storage.checkpoints import discard_incomplete, is_disk_full, last_complete_checkpoint
from .arguments import RedHeartTrainingArguments
from .batching_trainer import BatchingTrainer
from .ema import ExponentialAverage, UpdateAverage, refuse_without_average
from .inherited import refuse_without_effect
from .layer_decay import parameter_groups
from .loss_means import LOGGED, LossMeans
from .metrics import Metrics, Readings, reading_metrics
from .out_of_memory import split
from .regularization import consistency_loss, divergence, double_batch, smooth_targets
from .sharding import in_any_process, refuse_whole_weights, reshard


class RedHeartTrainer(BatchingTrainer):
    """Trains a Red Heart model on rows, or on units (`data.loading`): single texts, or the two texts of a pair.

    Every loss is logged by its name, ``loss_emotion`` in training and ``eval_loss_emotion`` in evaluation, as the mean
    over the texts that have its target. ``eval_loss_supervised`` is the weighted sum of the losses that have labels:
    choose checkpoints by it, since the others measure how well modules agree, which is highest before training.

    Args:
        model: A `RedHeartModel`, or a `peft.PeftModel` of one (`adapters.add_adapter`), of which only the adapter is
            trained, averaged and saved.
        args: The training arguments.
        train_dataset: A data set of `datasets`, a table, rows in the columns of `data.schema`, a list of units, or a
            stream of rows or units (then ``args.max_steps`` is needed and batches are not sorted by length).
        eval_dataset: As ``train_dataset``, but not a stream; or a dict of several by name.
        processing_class: The tokenizer; required.
        data_collator: Makes a batch of units; None = a `RedHeartCollator`.
        sizes: Units of each set per epoch (`collator.source_sizes`); None = each unit once.
        callbacks: Callbacks of the run.
        compute_metrics: Metrics of an evaluation; its argument's ``predictions`` and ``label_ids`` are arrays by target
            (`metrics.Readings`). By default accuracy and F1; None = no metrics.
        **options: Further options of `transformers.Trainer`. ``compute_loss_func`` replaces the model's loss; it is
            called with the output, the targets of the batch by name, and ``num_items_in_batch``, the texts of the whole
            step, by which it divides a sum; None in an evaluation, for a mean.

    Raises:
        ValueError: For options that do not fit the model or each other, or would have no effect.
    """

    args: RedHeartTrainingArguments
    # The loss is divided by the texts of the whole step, in `compute_loss`.
    loss_is_scaled_for_ga: bool | None = True

    def __init__(
        self,
        model: nn.Module,
        args: RedHeartTrainingArguments,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: PreTrainedTokenizerBase | None = None,
        data_collator: Callable[[Sequence[Unit]], dict[str, Tensor]] | None = None,
        sizes: Mapping[str, int] | None = None,
        callbacks: Sequence[TrainerCallback] = (),
        compute_metrics: Metrics | None = reading_metrics,
        **options: Any,
    ) -> None:
        if args.push_to_hub:
            raise ValueError(
                "`push_to_hub=True` uploads the output folder during training: pickled arguments, and no code, card or "
                "licence. Leave it out, and call the trainer's `push_to_hub()` or run `redheart push` after training."
            )
        if processing_class is None:
            raise ValueError("`processing_class` is missing: pass the tokenizer of the model.")
        config: Any = unwrap_peft_model(model).config
        if args.longest_text > config.longest_text:
            raise ValueError(
                f"`longest_text` is {args.longest_text}, but the model reads at most {config.longest_text} tokens."
            )
        if data_collator is None:
            longest = args.longest_text // args.pad_to_multiple_of * args.pad_to_multiple_of
            data_collator = RedHeartCollator(processing_class, longest, pad_to_multiple_of=args.pad_to_multiple_of)
        if compute_metrics is reading_metrics:
            compute_metrics = partial(reading_metrics, thresholds=config.thresholds)
        if options.get("compute_loss_func") is not None:
            self.loss_is_scaled_for_ga = None  # whether it divides by the texts of the step is found out
        super().__init__(
            model=model,
            args=args,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
            data_collator=data_collator,
            sizes=sizes,
            callbacks=list(callbacks),
            compute_metrics=compute_metrics,
            **options,
        )
        refuse_without_effect(args, options, streamed=isinstance(self.train_dataset, UnitStream))
        if self.sharded:
            refuse_whole_weights(args, at_load=self.is_distributed_loading_by_transformers)
        if isinstance(args.loss_weights, dict):  # a JSON object is parsed by now
            config.loss_weights = {**config.loss_weights, **args.loss_weights}
        self.average: ExponentialAverage | None = None
        self._attempt, self._readings = LossMeans(), Readings()
        self._every: tuple[str, ...] = config.outputs_at("full")
        self._outputs = self._every
        if args.ema_decay is not None:
            self.add_callback(UpdateAverage(lambda: self.average))

    # ---- Optimiser ----

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Create the optimiser of ``args.optim``, with a rate per depth and no weight decay for learned tokens."""
        module: Any = unwrap_peft_model(self.model if model is None else model)
        if self.optimizer is None:
            reshard(module)
            kind, options = self.optimizer_cls_and_kwargs or self.get_optimizer_cls_and_kwargs(self.args, module)
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
        """Return the mean cost of the batch's texts; in training, its share in the mean over the texts of the step."""
        targets = {name: inputs[name] for name in TARGET_OUTPUTS if name in inputs}
        if not model.training:
            output = model(**inputs, outputs=self._every)
            self._record_losses(output)
            loss = self._own_loss(output, targets, None)
            loss = output.loss if loss is None else loss
            return (loss, output) if return_outputs else loss
        texts = len(inputs["input_ids"])
        if self.args.label_smoothing_factor:
            inputs = smooth_targets(inputs, self.args.label_smoothing_factor)
            targets = {name: inputs[name] for name in targets}
        output = model(**(double_batch(inputs) if self.args.r_drop else inputs), outputs=self._outputs)
        self._record_losses(output)
        # Processes average their gradients, hence the number of them.
        processes = 1 if num_items_in_batch is None else self.args.world_size
        share = 1.0 if num_items_in_batch is None else texts * processes / int(num_items_in_batch)
        own = self._own_loss(output, targets, num_items_in_batch)
        loss = output.loss * share if own is None else own * processes
        for name, weight, extra in self._extra_losses(inputs, output):
            loss = loss + weight * extra * share
            self._attempt.add(name, extra, torch.tensor(texts, device=extra.device))
        return (loss, output) if return_outputs else loss

    def _own_loss(self, output: Any, targets: dict[str, Tensor], items: Tensor | int | None) -> Any:
        """The loss of `compute_loss_func`; None without one."""
        if self.compute_loss_func is None:
            return None
        return self.compute_loss_func(output, targets, num_items_in_batch=items)

    def _extra_losses(self, inputs: dict[str, Tensor], output: Any) -> Iterator[tuple[str, float, Tensor]]:
        if self.args.r_drop and (output.emotion or output.verdict or output.perspectives):
            yield "r_drop", self.args.r_drop, divergence(output)
        if self.args.consistency and self.average is not None:
            text = {name: inputs[name] for name in ("input_ids", "attention_mask")}
            bare: Any = self.model
            teacher = self.average.embed(bare, text)
            embedding = output.embedding[: len(teacher)]
            yield "consistency", self.args.consistency, consistency_loss(embedding, teacher)

    def _record_losses(self, output: Any) -> None:
        if output.losses is None:
            raise DataError("A batch has no label to train on: leave out rows without one (`data.check` finds them).")
        for name, mean in output.losses.items():
            self._attempt.add(name, mean, output.loss_texts[name])

    def _needed(self, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Outputs that this batch runs: all in every ``full_every``-th batch; sharded, those of any process's batch."""
        world = self.args.world_size
        number = (self.state.global_step * self.args.gradient_accumulation_steps + self._position) * world
        full = (number + self.args.process_index) % self.args.full_every == self.args.full_every - 1
        needed = {TARGET_OUTPUTS[name][0] for name in inputs if name in TARGET_OUTPUTS}
        if self.args.consistency:
            needed.add("embedding")
        outputs = tuple(name for name in self._every if full or name in needed)
        return in_any_process(outputs, self._every, self.args.device) if self.sharded else outputs

    # ---- Steps ----

    def training_step(
        self, model: nn.Module, inputs: dict[str, Tensor | Any], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Run forward and backward of one batch; in smaller pieces when memory runs out (``args.oom_retry``)."""
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
        config: Any = unwrap_peft_model(self.model).config

        def forward(pieces: int) -> tuple[LossMeans, Readings]:
            self._attempt, readings = LossMeans(), Readings()
            for piece in split(prepared, pieces):
                with torch.no_grad(), self.compute_loss_context_manager():
                    loss, output = self.compute_loss(model, piece, return_outputs=True)
                self._attempt.add("", loss, torch.tensor(len(piece["input_ids"]), device=loss.device))
                if not prediction_loss_only:
                    readings.add(output, piece, config.verdict_temperature)
            return self._attempt, readings

        means, readings = self._in_pieces(prepared, forward)
        self._means["eval"].merge(means)
        self._readings.merge([readings])
        return None, None, None

    def evaluation_loop(
        self,
        dataloader: DataLoader[Any],
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> Any:
        """Evaluate as the base class does; losses are means over texts, however they were batched."""
        self._means["eval"], self._readings = LossMeans(), Readings()
        output = super().evaluation_loop(dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix)
        means = self._drain("eval", ("", *LOGGED))
        model: Any = self.model
        config = unwrap_peft_model(model).config
        labelled = [name for name in means if name in LOSSES and name not in UNLABELLED_LOSSES]
        if labelled:
            means["supervised"] = sum(config.loss_weight(name) * means[name] for name in labelled)
        for name, value in means.items():
            output.metrics[f"{metric_key_prefix}_loss{'_' if name else ''}{name}"] = value
        for name, value in self._measured().items():
            output.metrics[name if name.startswith(f"{metric_key_prefix}_") else f"{metric_key_prefix}_{name}"] = value
        reshard(model)
        return output

    def _measured(self) -> dict[str, float]:
        """The metrics of `compute_metrics` on the readings of all processes."""
        found, self._readings = self._readings, Readings()
        if self.args.world_size > 1:
            everything: list[Readings] = gather_object([found])
            found = Readings()
            found.merge(everything)
        if self.compute_metrics is None or not found.found:
            return {}
        return dict(self.compute_metrics(found.prediction()))

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate as the base class does, with the averaged weights where there are any."""
        with self._averaged():
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        return metrics

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Raise `NotImplementedError`: a reading is not a flat array."""
        raise NotImplementedError(
            "A reading is not a flat array; call the model, or pipeline('ethical-analysis', model=..., tokenizer=...)."
        )

    def _drain(self, phase: str, names: Sequence[str]) -> dict[str, float]:
        def reduce(held: Tensor) -> Tensor:
            return self.accelerator.reduce(held, "sum") if self.args.world_size > 1 else held

        return self._means[phase].drain(names, reduce, self.args.device)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the values, and the mean of each loss over the texts since the last log."""
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
        """Train as the base class does; ``resume_from_checkpoint=True`` resumes from the newest complete checkpoint."""
        model: Any = self.model
        if resume_from_checkpoint and self.is_distributed_loading_by_transformers:
            raise ValueError(
                "A run of a model that was sharded when it was loaded cannot be resumed: load the checkpoint's weights "
                "with `from_pretrained(..., distributed_config=...)`, and start a new run from them."
            )
        if resume_from_checkpoint is True:
            resume_from_checkpoint = str(last_complete_checkpoint(Path(str(self.args.output_dir))))
        if self.args.ema_decay is not None:
            self.average = ExponentialAverage(model, self.args.ema_decay)
        # An evaluation before training has marked the model as prepared. Unless the mark is removed, the model is not
        # wrapped for training, and each of several processes trains a separate model.
        if getattr(model, "_is_accelerate_prepared", False) and self.model_wrapped is model:
            vars(model)["_is_accelerate_prepared"] = False
        return super().train(resume_from_checkpoint or None, trial, ignore_keys_for_eval)

    def _finalize_training(self, *args: Any, **kwargs: Any) -> Any:
        # From here on, also for the callbacks at the end, the model has the averaged weights.
        if self.average is not None:
            self.average.apply()
            self.average = None
        return super()._finalize_training(*args, **kwargs)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        with self.average.in_use() if self.average is not None else nullcontext():
            yield

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save as the base class does, with the averaged weights where there are any."""
        with self._averaged():
            super().save_model(output_dir, _internal_call)

    def push_to_hub(  # type: ignore[override]  # without parameters that have no effect
        self,
        commit_message: str | None = None,
        *,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
    ) -> str | None:
        """Upload the model as `redheart push` does, checked, with its code and card; see `push_trained`."""
        model: Any = self.model  # `methods` gives its class this method and `push_to_hub`
        return model.push_trained(self, commit_message, token, revision, private)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
        except Exception as error:
            if not is_disk_full(error):
                raise
            raise discard_incomplete(folder, self.args.should_save) from error

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self.average is not None and self.args.should_save:
            self.average.save_weights(Path(output_dir))

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        # The main process then writes the state, which marks the checkpoint as complete, random states included.
        self.accelerator.wait_for_everyone()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if self.average is None:
            refuse_without_average(Path(resume_from_checkpoint))
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.average is not None:
            self.average.load(Path(resume_from_checkpoint))


__all__ = ["RedHeartTrainer"]
