"""A training run from its recipe: `redheart train recipe.yaml`, or under accelerate.

    accelerate launch -m redheart train recipe.yaml

Notable: both are the same code; the trainer detects whatever starts several processes. The output folder holds the
model (``model``) or its adapter (``adapter``), the checkpoints, and the reports: ``report.json``, ``losses.png``, and
those of the callbacks.
"""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedTokenizerBase, TrainingArguments
from transformers.trainer_utils import unwrap_peft_model

from ...batches.constant_baseline import constant_losses
from ...batches.supervision import HELD_OUT, confidence_keys, extended, supervision_of
from ...data.loading import Unit, held_out
from ...modeling_redheart.modeling_redheart import RedHeartModel
from ...storage.files import write_json
from ...storage.folders import whole_or_nothing
from ...storage.output_folder import ADAPTER, MODEL, claim_output, discard_other
from ..callbacks.crossover_callback import CrossoverCallback
from ..callbacks.plots import plot_losses
from ..callbacks.sweet_spot import SweetSpotCallback, redheart_modules
from ..trainers.arguments import RedHeartTrainingArguments
from ..trainers.oom_callback import OOMCallback
from ..trainers.trainer import RedHeartTrainer
from .adapter_records import AdapterRecord, weights_digest
from .adapters import add_adapter, merge_adapter, save_adapter
from .building import (
    build_masked_lm,
    build_model,
    build_sizes,
    build_texts,
    build_units,
    check_model,
    check_sources,
    check_texts,
)
from .confidence_phase import train_confidence
from .lr_sweep import sweep_learning_rates
from .pretraining import pretrain
from .recipe import PretrainingRecipe, Recipe

logger = logging.getLogger(__name__)

# Ends of the names of `metrics.reading_metrics`.
_MEASURES = ("_accuracy", "_average_precision", "_f1")


@dataclass
class _Split:
    """The units of a run, by what they are for; those of ``unseen`` train the confidence."""

    train: list[Unit]
    validation: list[Unit]
    unseen: list[Unit]
    selection: list[Unit]
    acceptance: list[Unit]


def run(recipe: Recipe, resume: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Train what ``recipe`` describes.

    Args:
        recipe: The run.
        resume: Continue from the newest complete checkpoint of the output folder.
        overwrite: Replace what an earlier run has trained in the output folder.

    Returns:
        The report, which is also in the output folder.

    Raises:
        ValueError: When the output folder has a trained model and neither is given, and, before anything is loaded, for
            what does not exist.
    """
    output = Path(recipe.output)
    claim_output(output, resume, overwrite)
    check_model(recipe.model)
    if recipe.pretraining is not None:
        check_texts([*recipe.pretraining.texts, *recipe.pretraining.validation])
        return _pretrain(recipe, recipe.pretraining, output, resume)
    check_sources(recipe.data)
    # Without the callbacks' own states, a resumed run would train what the sweet spot had frozen.
    own = {"report_to": "none", "restore_callback_states_from_checkpoint": True}
    options = {"output_dir": str(output), **own, **recipe.training}
    args = RedHeartTrainingArguments(**options)
    split = _split(recipe, args.seed)
    model: Any  # a `RedHeartModel`, or a `peft.PeftModel` of one
    model, tokenizer = build_model(recipe.model, args.seed, args)
    model.config.clear_fitted()
    adapter = None
    if recipe.peft is not None:
        adapter = _base_record(str(recipe.model.checkpoint), args, output, resume)
        model = add_adapter(model, recipe.peft)
    trainer = RedHeartTrainer(
        model=model,
        args=args,
        train_dataset=split.train,
        eval_dataset=split.validation,
        processing_class=tokenizer,
        sizes=build_sizes(recipe.data, split.train),
        callbacks=[OOMCallback()],
    )
    _add_callbacks(trainer, recipe, split)
    report: dict[str, Any] = {"model": recipe.model.preset or recipe.model.checkpoint or recipe.model.encoder}
    if recipe.lr_sweep is not None:
        report["lr_sweep"] = _sweep(trainer, recipe, output, resume)
    before = trainer.evaluate()
    trainer.train(resume_from_checkpoint=resume or None)
    record = supervision_of(trainer.prepared(split.train).units)
    if recipe.confidence is not None:
        train_confidence(model, tokenizer, split.unseen, options, recipe.confidence)
        record |= {key: [HELD_OUT] for key in confidence_keys(record)}
    after = trainer.evaluate()
    report |= _comparison(constant_losses(split.train, split.validation), before, after)
    report["units"] = {name: len(getattr(split, name)) for name in vars(split)}
    report["left_out"] = {
        name: trainer.prepared(units).left_out()
        for name, units in (("train", split.train), ("validation", split.validation))
    }
    report["supervision"] = record
    _finish(trainer, recipe, tokenizer, adapter, report, overwrite)
    return report


def _finish(
    trainer: RedHeartTrainer,
    recipe: Recipe,
    tokenizer: PreTrainedTokenizerBase,
    adapter: AdapterRecord | None,
    report: dict[str, Any],
    overwrite: bool,
) -> None:
    """Write what was trained and the report, in the main process."""
    output = Path(recipe.output)
    model: Any = trainer.model
    if trainer.is_world_process_zero():
        _write(recipe, model, tokenizer, adapter, report["supervision"], output)
        if overwrite:
            merged = recipe.peft is not None and recipe.peft.merge
            discard_other(output, {MODEL} if recipe.peft is None else {ADAPTER, *([MODEL] if merged else [])})
        plot_losses(trainer.state.log_history, output / "losses.png")
        write_json(output / "report.json", report)
    elif recipe.model.sharded:
        with TemporaryDirectory() as unused:  # its part of the weights goes to the process that saves
            model.save_pretrained(unused, is_main_process=False)
    trainer.accelerator.wait_for_everyone()


def _split(recipe: Recipe, seed: int) -> _Split:
    # Each split has a separate seed: with the same seed, a second split would select the share that the first removed.
    train, validation = build_units(recipe.data, seed)
    unseen: list[Unit] = []
    if recipe.confidence is not None:
        train, unseen = held_out(train, recipe.confidence.share, seed + 1)
    selection: list[Unit] = []
    acceptance: list[Unit] = []
    if recipe.crossover is not None:
        # Three thirds: one to stop by, one to choose by, and one that is used for no choice.
        validation, others = held_out(validation, 2 / 3, seed + 2)
        selection, acceptance = held_out(others, 1 / 2, seed + 3)
    return _Split(train, validation, unseen, selection, acceptance)


def _base_record(checkpoint: str, args: TrainingArguments, output: Path, resume: bool) -> AdapterRecord:
    """Record of the base, written when the run begins. Raises `ValueError` for a run that began on another base."""
    record, note = AdapterRecord(checkpoint, weights_digest(checkpoint)), output / "adapter_base.json"
    if resume and note.is_file():
        begun = json.loads(note.read_text(encoding="utf-8"))["weights"]
        if begun != record.weights:
            raise ValueError(
                f"The run in {output} began on other weights ({begun[:12]}...) than {checkpoint} has now "
                f"({record.weights[:12]}...): restore those, or start a new run with another `output`."
            )
    if args.process_index == 0:
        write_json(note, {"base": record.base, "weights": record.weights})
    return record


def _add_callbacks(trainer: RedHeartTrainer, recipe: Recipe, split: _Split) -> None:
    if recipe.crossover is None and recipe.sweet_spot is None:
        return
    config: Any = unwrap_peft_model(trainer.model).config
    modules = redheart_modules(components=config.components)
    if recipe.peft is not None:
        modules = _adapted(trainer.model, modules)
    if recipe.crossover is not None:  # first: a candidate is what was evaluated, before a module is restored
        given = {"trainer": trainer, "selection": split.selection, "acceptance": split.acceptance, "modules": modules}
        chosen_by = {"metric": "eval_loss_supervised"}
        trainer.add_callback(CrossoverCallback(**{**given, **chosen_by, **recipe.crossover}))
    if recipe.sweet_spot is not None:
        trainer.add_callback(SweetSpotCallback(**{"modules": modules, **recipe.sweet_spot}))


def _adapted(model: Any, modules: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Those of the base's modules that its adapter changes, by their paths in the ``PeftModel``."""
    base = model.get_base_model()
    place = next(path for path, module in model.named_modules() if module is base)
    found = {
        f"{place}.{path}": metrics
        for path, metrics in modules.items()
        if any(parameter.requires_grad for parameter in base.get_submodule(path).parameters())
    }
    if not found:
        raise ValueError(
            f"The adapter changes none of the modules that `sweet_spot` and `crossover` follow ({', '.join(modules)}): "
            "leave the two out, or name one of these among `peft.components`."
        )
    return found


def _sweep(trainer: RedHeartTrainer, recipe: Recipe, output: Path, resume: bool) -> dict[str, Any]:
    """Sweep the learning rate, and set the suggested one."""
    stored = output / "lr_sweep.json"
    if resume and stored.is_file():
        found: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8"))
    else:
        sweep = sweep_learning_rates(trainer, **(recipe.lr_sweep or {}))
        sweep.save(output)
        found = {"verdict": sweep.verdict, "suggested": sweep.suggested, "reason": sweep.reason}
    if found["suggested"] is not None:
        trainer.args.learning_rate = found["suggested"]
    logger.warning("Learning rate %g: %s.", trainer.args.learning_rate, found["reason"])
    return {name: found[name] for name in ("verdict", "suggested", "reason")}


def _comparison(constant: dict[str, float], before: dict[str, float], after: dict[str, float]) -> dict[str, Any]:
    """Validation loss of each supervised output, of the best constant, before, and after; and other metrics."""
    rows = {
        name: {"constant": value, "before": before[f"eval_loss_{name}"], "after": after[f"eval_loss_{name}"]}
        for name, value in constant.items()
        if f"eval_loss_{name}" in after
    }
    missed = sorted(name for name, row in rows.items() if not row["after"] < row["constant"])
    measured = {
        name.removeprefix("eval_"): {"before": before[name], "after": value}
        for name, value in after.items()
        if name.endswith(_MEASURES) and name in before
    }
    return {"validation": rows, "not_better_than_constant": missed, "metrics": measured}


def _write(
    recipe: Recipe,
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    adapter: AdapterRecord | None,
    record: dict[str, list[str]],
    output: Path,
) -> None:
    """Write the model, or its adapter, with the record of what its own rows supervised."""
    if recipe.peft is None or adapter is None:
        _save(model, tokenizer, record, output)
        return
    save_adapter(model, tokenizer, replace(adapter, supervision=record), output / ADAPTER)
    if recipe.peft.merge:
        _save(merge_adapter(model), tokenizer, record, output)


def _save(model: RedHeartModel, tokenizer: PreTrainedTokenizerBase, record: dict[str, list[str]], output: Path) -> None:
    """Write the model with the record of what supervised it, whole or not at all."""
    model.config.supervision = extended(model.config.supervision, record)
    model.config.name_or_path = ""
    with whole_or_nothing(output / MODEL, needed=model.get_memory_footprint()) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)


def _pretrain(recipe: Recipe, plan: PretrainingRecipe, output: Path, resume: bool) -> dict[str, Any]:
    args = TrainingArguments(**{"output_dir": str(output), "report_to": "none", **plan.training})
    model, tokenizer = build_masked_lm(recipe.model, args.seed)
    trainer = pretrain(
        model,
        tokenizer,
        lambda: build_texts(plan.texts),
        args,
        plan.length,
        validation=(lambda: build_texts(plan.validation)) if plan.validation else None,
        masked=plan.masked,
        resume=resume,
    )
    report: dict[str, Any] = {"steps": trainer.state.global_step, "log": trainer.state.log_history}
    if plan.validation:
        report["validation"] = trainer.evaluate()["eval_loss"]
    trainer.save_model(str(output / MODEL))
    if trainer.is_world_process_zero():
        write_json(output / "report.json", report)
    return report


def summary(report: dict[str, Any]) -> str:
    """Return the report as text for the terminal."""
    if "validation" not in report or not isinstance(report["validation"], dict):
        return f"Trained {report.get('steps')} steps; report.json has the figures."
    lines = [f"{'validation loss':<24}{'constant':>10}{'before':>10}{'after':>10}"]
    for name, row in report["validation"].items():
        mark = "" if row["after"] < row["constant"] else "  not better than a constant"
        lines.append(f"{name:<24}{_number(row['constant'])}{_number(row['before'])}{_number(row['after'])}{mark}")
    if report.get("metrics"):
        lines.append("validation")
        lines += [
            f"{name.replace('_', ' '):<34}{_number(row['before'])}{_number(row['after'])}"
            for name, row in report["metrics"].items()
        ]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{round(value, 4) + 0.0:>10.4f}"  # + 0.0: never -0.0000
