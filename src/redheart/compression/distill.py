"""A distillation run: a trained model teaches a smaller one, as a recipe (`distillation_recipe`) says.

    redheart distill recipe.yaml          # or under accelerate launch -m
    redheart distill --student redheart-mini --output runs/redheart-mini

Notable: the output folder has the student (``model``), ``distillation.json`` with the validation losses of both,
``losses.png`` and the checkpoints. The student's record names what supervised the teacher, and that it was distilled;
thresholds and the like are fitted to a model, so the student has none until `redheart evaluate --fit` fits its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..batches.supervision import HELD_OUT, confidence_keys, supervision_of
from ..configuration.labels import LOSSES, UNLABELLED_LOSSES, record_keys
from ..data.loading import Unit, held_out
from ..modeling_redheart.derived import PREFIX, derived_record
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..storage.files import write_json
from ..storage.folders import whole_or_nothing
from ..storage.output_folder import MODEL, claim_output
from ..storage.strict_loading import checkpoint_path, load_strict
from ..training.callbacks.plots import plot_losses
from ..training.runs.building import build_model, build_sizes, build_units, check_model, check_sources
from ..training.runs.confidence_phase import train_confidence
from ..training.trainers.arguments import RedHeartTrainingArguments
from ..training.trainers.oom_callback import OOMCallback
from ..training.trainers.trainer import RedHeartTrainer
from .distillation import DistillationTrainer, with_embeddings
from .distillation_recipe import DistillationRecipe, display_name
from .student import cut_student

_DISTILLED = f"{PREFIX}distilled from "
_FITTING_TEXTS = 1000  # training texts that the embeddings of a cut student are fitted on


def distill(recipe: DistillationRecipe, resume: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Run what ``recipe`` describes.

    Args:
        recipe: The run.
        resume: Continue from the newest whole checkpoint in the output folder.
        overwrite: Replace what an earlier run has trained there.

    Returns:
        The report, which is also in the output folder as ``distillation.json``.

    Raises:
        ValueError: When the output folder holds an earlier run and neither ``resume`` nor ``overwrite`` is given, for a
            teacher that nothing supervised, and for a student that cannot be made.
    """
    output = Path(recipe.output)
    claim_output(output, resume, overwrite)
    if recipe.student is not None:
        check_model(recipe.student)
    check_sources(recipe.data)
    own = {"report_to": "none", "restore_callback_states_from_checkpoint": True}
    options = {"output_dir": str(output), **own, **recipe.training}
    args = RedHeartTrainingArguments(**options)
    teacher, teacher_tokenizer = _teacher(recipe.teacher)
    train, validation, unseen = _split(recipe, args)
    student, tokenizer = _student(recipe, teacher, teacher_tokenizer, train, args)
    trainer = DistillationTrainer(
        student,
        args,
        teacher=teacher,
        distillation=recipe.distillation,
        teacher_tokenizer=teacher_tokenizer,
        train_dataset=train,
        eval_dataset=validation,
        processing_class=tokenizer,
        sizes=build_sizes(recipe.data, train),
        callbacks=[OOMCallback()],
    )
    before = trainer.evaluate()
    trainer.train(resume_from_checkpoint=resume or None)
    record = student_record(recipe, trainer.claims, teacher.config.supervision, train)
    if recipe.confidence is not None:
        train_confidence(student, tokenizer, unseen, options, recipe.confidence)
        record |= {key: [HELD_OUT] for key in confidence_keys(supervision_of(unseen))}
    after = trainer.evaluate()
    report = {
        "teacher": display_name(recipe.teacher),
        "student": recipe.student_name,
        "parameters": _sizes(teacher, student),
        "validation": _label_losses(_teacher_losses(teacher, teacher_tokenizer, validation, options), after),
        "distillation": _distances(before, after),
        "units": {"train": len(train), "validation": len(validation), "unseen": len(unseen)},
        "steps": trainer.state.global_step,
    }
    if trainer.is_world_process_zero():
        _save(student, tokenizer, record, output)
        plot_losses(trainer.state.log_history, output / "losses.png")
        write_json(output / "distillation.json", report)
    trainer.accelerator.wait_for_everyone()
    return report


def _teacher(name: str) -> tuple[RedHeartModel, PreTrainedTokenizerBase]:
    place = checkpoint_path(name)
    model: Any = load_strict(place, RedHeartModel, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(place)


def _student(
    recipe: DistillationRecipe,
    teacher: RedHeartModel,
    teacher_tokenizer: Any,
    train: Sequence[Unit],
    args: RedHeartTrainingArguments,
) -> tuple[RedHeartModel, PreTrainedTokenizerBase]:
    if recipe.cut is None:
        student: Any = recipe.student  # one of the two is given
        return build_model(student, args.seed)
    torch.manual_seed(args.seed)
    texts = [unit[0].text for unit in train[:: -(-len(train) // _FITTING_TEXTS)]]
    ids = teacher_tokenizer(texts, truncation=True, max_length=min(args.longest_text, teacher.config.longest_text))
    return cut_student(teacher, recipe.cut, ids["input_ids"]), teacher_tokenizer


def _split(recipe: DistillationRecipe, args: RedHeartTrainingArguments) -> tuple[list[Unit], list[Unit], list[Unit]]:
    """The units to train on, those to validate on, and the labelled ones that only the confidence sees."""
    train, validation = build_units(recipe.data, args.seed, labelled=False)
    if recipe.embeddings is not None:
        embedded = with_embeddings([*train, *validation], recipe.embeddings, args.longest_text)
        train, validation = embedded[: len(train)], embedded[len(train) :]
    if recipe.confidence is None:
        return train, validation, []
    train, unseen = held_out(train, recipe.confidence.share, args.seed + 1)
    labelled = _labelled(unseen)
    if not labelled:
        raise ValueError("`confidence` is learned from labelled rows, and there are none: leave it out.")
    return train, validation, labelled


def _labelled(units: Sequence[Unit]) -> list[Unit]:
    """The units with a label; an embedding by an encoder does not count as one."""
    return [unit for unit in units if any(item.targets.keys() - {"embedding_labels"} for item in unit)]


def student_record(
    recipe: DistillationRecipe, claims: set[str], teacher: Mapping[str, list[str]], train: Sequence[Unit]
) -> dict[str, list[str]]:
    """What supervised each claim of the student.

    The teacher's confidence is about its own losses, and is not passed on.

    Args:
        recipe: The run.
        claims: Record keys that were taught.
        teacher: Record of the teacher, its sources by record key.
        train: The units that the student was trained on.

    Returns:
        The student's record, sources by record key: what supervised the teacher, with the mark that it was distilled,
        and the labels that the student learned from itself.
    """
    mark = f"{_DISTILLED}{display_name(recipe.teacher)}"
    record = {key: [*teacher[key], mark] for key in claims}
    own = supervision_of(train)
    if recipe.embeddings is not None:
        record["embedding"] = own["embedding"] = [display_name(recipe.embeddings)]
    if recipe.distillation.share == 1:
        own = {key: sources for key, sources in own.items() if key == "embedding"}
    for key, sources in own.items():
        record[key] = list(dict.fromkeys([*record.get(key, ()), *sources]))
    return {key: record[key] for key in record_keys() if key in record} | derived_record(record)


def _sizes(teacher: RedHeartModel, student: RedHeartModel) -> dict[str, float]:
    theirs, own = (sum(parameter.numel() for parameter in model.parameters()) for model in (teacher, student))
    return {"teacher": theirs, "student": own, "ratio": theirs / own}


def _teacher_losses(
    teacher: RedHeartModel, tokenizer: PreTrainedTokenizerBase, validation: Sequence[Unit], options: dict[str, Any]
) -> dict[str, float]:
    labelled = _labelled(validation)
    if not labelled:
        return {}
    args = RedHeartTrainingArguments(**options)
    args.longest_text = min(args.longest_text, teacher.config.longest_text)
    return RedHeartTrainer(teacher, args, eval_dataset=labelled, processing_class=tokenizer).evaluate()


def _label_losses(teacher: Mapping[str, float], student: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The validation losses that need labels, and their weighted sum, of teacher and student."""
    names = [name for name in LOSSES if name not in UNLABELLED_LOSSES]
    return {
        name: {"teacher": teacher[key], "student": student[key]}
        for name in (*names, "supervised")
        if (key := f"eval_loss_{name}") in teacher
    }


def _distances(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The distance of the student from the teacher, by what is compared, before and after training."""
    start = "eval_loss_distill"
    return {
        name.removeprefix(start).removeprefix("_") or "all": {"before": value, "after": after[name]}
        for name, value in before.items()
        if name.startswith(start)
    }


def _save(
    student: RedHeartModel, tokenizer: PreTrainedTokenizerBase, record: dict[str, list[str]], output: Path
) -> None:
    """Write the student with its record, whole or not at all, without what was fitted to another model."""
    student.config.supervision = record
    student.config.clear_fitted()
    student.config.name_or_path = ""
    with whole_or_nothing(output / MODEL, needed=student.get_memory_footprint()) as partial:
        student.save_pretrained(partial)
        tokenizer.save_pretrained(partial)


def summary(report: Mapping[str, Any]) -> str:
    """The report as text for a terminal."""
    sizes = report["parameters"]
    lines = [
        f"teacher, {report['teacher']}: {sizes['teacher']:,} parameters",
        f"student, {report['student']}: {sizes['student']:,} parameters, {sizes['ratio']:.2f} times fewer",
        f"{'validation loss':<18}{'teacher':>10}{'student':>10}",
    ]
    lines += [f"{name:<18}{row['teacher']:>10.4f}{row['student']:>10.4f}" for name, row in report["validation"].items()]
    lines.append(f"{'from the teacher':<18}{'before':>10}{'after':>10}")
    lines += [f"{name:<18}{row['before']:>10.4f}{row['after']:>10.4f}" for name, row in report["distillation"].items()]
    return "\n".join(lines)
