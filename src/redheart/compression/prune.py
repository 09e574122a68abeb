"""The command `redheart prune`: smaller checkpoints of a trained one, each with what it costs.

Notable: importance is measured and the recovery trained on training rows; validation rows only judge, and the pruned
weights are kept where the recovery made them worse. The original teaches the recovery (as in Xia et al. 2022,
arXiv:2204.00408), so that what the rows have no labels for is not forgotten. Each target is pruned from the original
model. What was fitted to that, such as thresholds, is kept: `redheart evaluate --fit` fits it again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from ..configuration.budget import budget_table
from ..data.column_map import ON_COMMAND_LINE
from ..data.loading import DataError, Unit
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..storage.figures import new_figure, require_matplotlib, save_figure
from ..storage.files import write_json
from ..storage.folders import whole_or_nothing
from ..training.runs.building import build_model, build_sizes, build_units, check_sources
from ..training.runs.recipe import DataRecipe, ModelRecipe
from ..training.trainers.arguments import RedHeartTrainingArguments
from ..training.trainers.trainer import RedHeartTrainer
from .distillation import DistillationTrainer
from .distillation_losses import Distillation, taught_claims
from .distillation_recipe import display_name
from .pruning import check_target, parse_target, prune
from .structure import find_sizes

# The weighted sum of the losses that have labels, by which a pruned model is judged.
QUALITY = "supervised"


def run(
    checkpoint: str,
    targets: Sequence[str],
    data: DataRecipe,
    output: Path,
    *,
    method: str = "fisher",
    measured: int = 1024,
    rounds: int = 4,
    epochs: float = 1.0,
    learning_rate: float = 1e-4,
    share: float = 0.6,
    training: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Prune ``checkpoint`` to each of ``targets``, into checkpoint folders of these names below ``output``.

    Args:
        checkpoint: A folder, the name of a shipped checkpoint, or a hub id.
        targets: Sizes, as `parse_target` reads them.
        data: Rows to measure and train on, and rows to judge by.
        output: Folder of the results.
        method: See `pruning.prune`.
        measured: Number of training units (texts or pairs) on which the importance is measured.
        rounds: See `pruning.prune`.
        epochs: Epochs of the recovery training; 0 = none.
        learning_rate: Learning rate of the recovery training.
        share: Share of the original as a teacher in the loss of the recovery (`Distillation`); 0, or an original that
            nothing supervised = labels alone.
        training: Other `RedHeartTrainingArguments`, such as ``seed``, ``longest_text`` or the batch sizes.

    Returns:
        The report, which is also in ``output`` as ``pruning.json``, with ``pruning.png``.

    Raises:
        ValueError: Before anything is measured, for a target that cannot be reached and for rows that `build_units`
            refuses.
        FileExistsError: Before anything is measured, for a target whose folder exists.
    """
    require_matplotlib()
    for text in targets:
        if (output / text).exists():
            raise FileExistsError(f"{output / text} exists already; name another output, or remove it.")
    args = RedHeartTrainingArguments(
        output_dir=str(output),
        num_train_epochs=epochs or 1,  # with 0 nothing is trained, and the arguments do not accept 0
        learning_rate=learning_rate,
        **{"save_strategy": "no", "report_to": "none", **(training or {})},
    )
    check_sources(data)
    model, tokenizer = build_model(ModelRecipe(checkpoint=checkpoint), args.seed)
    goals = {text: parse_target(text, model.num_parameters()) for text in targets}
    for goal in goals.values():
        check_target(model, goal)
    trainers = _Trainers(model, tokenizer, args, data, share, recovers=epochs > 0)
    sample = weighted_sample(
        trainers.train, {source.label: source.weight for source in data.train}, measured, args.seed
    )
    judge = trainers.judge(model)
    batches = list(judge.get_eval_dataloader(sample))
    units = {"train": len(trainers.train), "validation": len(trainers.validation), "measured": len(sample)}
    report: dict[str, Any] = {
        "model": display_name(checkpoint),
        "method": method,
        "rounds": rounds,
        "share": share,
        "units": units,
    }
    report |= {"parameters": model.num_parameters(), "before": losses(judge), "targets": []}
    for text, goal in goals.items():
        smaller = prune(model, goal, batches, method, rounds)
        report["targets"].append({"target": text, **_judged(model, smaller, trainers)})
        _save(smaller, tokenizer, output / text)
    write_json(output / "pruning.json", report)
    plot_pruning(report, output / "pruning.png")
    return report


class _Trainers:
    """Trainers of pruned models, on the same rows.

    Args:
        model: The original.
        tokenizer: Its tokenizer.
        args: The training arguments.
        data: Rows to train on, and rows to judge by.
        share: Share of the original as a teacher in the loss of the recovery.
        recovers: Whether pruned models are trained at all.

    Raises:
        DataError: When no validation row has a label.
    """

    def __init__(
        self,
        model: RedHeartModel,
        tokenizer: PreTrainedTokenizerBase,
        args: RedHeartTrainingArguments,
        data: DataRecipe,
        share: float,
        recovers: bool,
    ) -> None:
        self.train, self.validation = build_units(data, args.seed, labelled=False, option=ON_COMMAND_LINE)
        if not any(item.targets for unit in self.validation for item in unit):
            raise DataError("No validation row has a label to judge a pruned model by; give labelled validation rows.")
        self.model, self.args, self.recovers = model, args, recovers
        self.share = share if taught_claims(model.config.supervision) else 0.0
        sizes = build_sizes(data, self.train)
        self._rows: dict[str, Any] = {
            "train_dataset": self.train,
            "eval_dataset": self.validation,
            "processing_class": tokenizer,
            "sizes": sizes,
        }

    def judge(self, model: RedHeartModel) -> RedHeartTrainer:
        """A trainer that evaluates ``model``."""
        return RedHeartTrainer(model, self.args, **self._rows)

    def recovery(self, model: RedHeartModel) -> RedHeartTrainer:
        """A trainer that recovers ``model``, with the original as its teacher where that has a share."""
        if self.share == 0:
            return self.judge(model)
        rows = {**self._rows, "eval_dataset": None}
        return DistillationTrainer(model, self.args, teacher=self.model, distillation=Distillation(self.share), **rows)


def _judged(model: RedHeartModel, smaller: RedHeartModel, trainers: _Trainers) -> dict[str, Any]:
    """The report on a pruned model, which is recovered first where there are epochs for that."""
    judge = trainers.judge(smaller)
    pruned = losses(judge)
    entry = {"parameters": smaller.num_parameters(), **difference(model, smaller)}
    entry |= {"pruned": pruned, "recovered": None, "kept": "pruned"}
    if trainers.recovers:
        entry |= recover(smaller, trainers.recovery(smaller), judge, pruned[QUALITY])
    return entry


def recover(model: RedHeartModel, recovery: RedHeartTrainer, judge: RedHeartTrainer, before: float) -> dict[str, Any]:
    """Train a pruned model, and restore its weights if that did not make it better.

    Args:
        model: The pruned model.
        recovery: Trains it.
        judge: Evaluates it.
        before: Its validation loss before the training, as in `QUALITY`.

    Returns:
        The losses after the training (``recovered``), and which of the two was ``kept``.
    """
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    recovery.train()
    after = losses(judge)
    better = after[QUALITY] < before
    if not better:
        model.load_state_dict(weights)
    return {"recovered": after, "kept": "recovered" if better else "pruned"}


def weighted_sample(units: Sequence[Unit], weights: Mapping[str, float], count: int, seed: int) -> list[Unit]:
    """A sample of the units in which a source with more weight comes more often.

    Weighted sampling without replacement (Efraimidis & Spirakis 2006).

    Args:
        units: The units to choose from.
        weights: Weight of each source, above 0.
        count: Number of units to choose.
        seed: Seed of the random numbers.

    Returns:
        ``count`` units in their order, or all where there are fewer.
    """
    weight = np.array([weights[unit[0].source] for unit in units])
    keys = np.random.default_rng(seed).exponential(size=len(units)) / weight
    return [units[place] for place in sorted(keys.argsort(kind="stable")[:count].tolist())]


def losses(trainer: RedHeartTrainer) -> dict[str, float]:
    """Validation losses by name."""
    prefix = "eval_loss_"
    metrics = trainer.evaluate()
    return {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}


def difference(model: RedHeartModel, smaller: RedHeartModel) -> dict[str, dict[str, list[int]]]:
    """The parameters of each component, and each size that changed, before and after."""
    tables = [
        {row.name.strip(): row.parameters for row in budget_table(_parameters(some), preset="")}
        for some in (model, smaller)
    ]
    counts = [{".".join(size.key): size.units for size in find_sizes(some)} for some in (model, smaller)]
    return {
        "components": {name: [before, tables[1][name]] for name, before in tables[0].items()},
        "sizes": {name: [before, counts[1][name]] for name, before in counts[0].items() if before != counts[1][name]},
    }


def _parameters(model: RedHeartModel) -> list[tuple[str, int]]:
    return [(name, parameter.numel()) for name, parameter in model.named_parameters()]


def _save(model: RedHeartModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    with whole_or_nothing(folder, needed=model.get_memory_footprint()) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)


def plot_pruning(report: Mapping[str, Any], path: Path) -> None:
    """Plot the validation loss against the number of parameters: of the original, after pruning, after recovery.

    Args:
        report: As in ``pruning.json``.
        path: File of the plot.
    """
    figure, (panel,) = new_figure(7, 4.5, 1, 1)
    whole = (report["parameters"] / 1e6, report["before"][QUALITY])
    # Colours that the colour-blind tell apart (Okabe & Ito 2008).
    for kind, colour, marker, label in (
        ("pruned", "#8a8a8a", "s", "after pruning"),
        ("recovered", "#0072B2", "o", "after recovery"),
    ):
        points = [(entry["parameters"] / 1e6, entry[kind][QUALITY]) for entry in report["targets"] if entry[kind]]
        if points:
            panel.plot(
                *zip(whole, *sorted(points, reverse=True), strict=True), color=colour, marker=marker, label=label
            )
    panel.plot(*whole, color="#D55E00", marker="D", linestyle="", label="original")
    panel.set(xlabel="parameters (millions)", ylabel="validation loss of what has labels")
    panel.set_title(f"{Path(report['model']).name} pruned by {report['method']}")
    panel.legend(fontsize=8)
    save_figure(figure, path)


def summary(report: Mapping[str, Any]) -> str:
    """The report as text for a terminal."""
    lines = [f"{'validation loss':<16}{'parameters':>14}{'pruned':>10}{'recovered':>11}  kept"]
    lines.append(f"{'original':<16}{report['parameters']:>14,}{report['before'][QUALITY]:>10.4f}")
    for entry in report["targets"]:
        recovered = f"{entry['recovered'][QUALITY]:.4f}" if entry["recovered"] else ""
        lines.append(
            f"{entry['target']:<16}{entry['parameters']:>14,}{entry['pruned'][QUALITY]:>10.4f}{recovered:>11}  "
            f"{entry['kept']}"
        )
    for entry in report["targets"]:
        lines += ["", f"{entry['target']}: parameters of each component"]
        lines += [
            f"  {name:<26}{before:>14,}{after:>14,}{after / before:>7.0%}"
            for name, (before, after) in entry["components"].items()
        ]
    return "\n".join(lines)


__all__ = ["QUALITY", "difference", "losses", "plot_pruning", "recover", "run", "summary", "weighted_sample"]
