"""Where modules have moved to: their old names work for one release, with a `DeprecationWarning`.

Notable: a module of an old name looks each name up where it is now, so that classes stay one and the same. The next
release drops this file.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Old name -> new names, all inside the package: what was one module may have become several.
MOVED: dict[str, tuple[str, ...]] = {
    "bars": ("commands.read.bars",),
    "benching": ("commands.measure.bench",),
    "benchmark": ("benchmarking.benchmark",),
    "compression.readers": ("readers",),
    "evaluating": ("commands.measure.evaluate",),
    "evaluation.agreement": ("statistics.agreement",),
    "evaluation.calibration": ("statistics.calibration",),
    "evaluation.cases": (
        "evaluation.texts.cases",
        "evaluation.texts.case_part",
        "evaluation.texts.case_statistics",
    ),
    "evaluation.consistency": ("evaluation.texts.consistency",),
    "evaluation.cost": ("evaluation.measurement.cost",),
    "evaluation.fairness": ("evaluation.texts.fairness",),
    "evaluation.figures": ("evaluation.measurement.figures",),
    "evaluation.fitting": ("evaluation.measurement.fitting",),
    "evaluation.floor": ("evaluation.measurement.floor",),
    "evaluation.gallery": ("recipes.gallery",),
    "evaluation.html_report": ("evaluation.reports.html_report",),
    "evaluation.information": ("evaluation.measurement.information",),
    "evaluation.linear": ("evaluation.measurement.linear",),
    "evaluation.measures": ("statistics.measures",),
    "evaluation.no_signal": ("evaluation.texts.no_signal",),
    "evaluation.no_signal_templates": ("evaluation.texts.no_signal_templates",),
    "evaluation.own_events": ("evaluation.texts.own_events",),
    "evaluation.perturbations": ("rewording",),
    "evaluation.perturbations.korean": ("rewording.korean",),
    "evaluation.perturbations.paraphrase": ("rewording.paraphrase",),
    "evaluation.perturbations.persons": ("rewording.persons",),
    "evaluation.perturbations.point_of_view": ("rewording.point_of_view",),
    "evaluation.perturbations.protagonist": ("rewording.protagonist",),
    "evaluation.perturbations.surface": ("rewording.surface",),
    "evaluation.perturbations.synonyms": ("rewording.synonyms",),
    "evaluation.perturbations.tellings": ("rewording.tellings",),
    "evaluation.perturbations.variants": ("rewording.variants",),
    "evaluation.perturbations.verbs": ("rewording.verbs",),
    "evaluation.perturbations.wording": ("rewording.wording",),
    "evaluation.plain_facts": ("evaluation.texts.plain_facts",),
    "evaluation.plots": ("evaluation.reports.plots",),
    "evaluation.predict": ("evaluation.measurement.predict",),
    "evaluation.results": ("evaluation.measurement.results",),
    "evaluation.risk": ("evaluation.texts.risk",),
    "evaluation.rows": ("evaluation.measurement.rows",),
    "evaluation.selective": ("statistics.selective",),
    "evaluation.split": ("evaluation.measurement.split",),
    "evaluation.surd_estimator": ("statistics.surd_estimator",),
    "evaluation.terminal_report": ("evaluation.reports.terminal_report",),
    "evaluation.text_lists": ("evaluation.texts.text_lists",),
    "evaluation.unsupported": ("evaluation.texts.unsupported",),
    "evaluation.verdict_figures": ("evaluation.measurement.verdict_figures",),
    "hub_upload.bundle": ("storage.remote_code",),
    "hub_upload.card_parts": (
        "cards.card_parts",
        "data.facts",
        "cards.statements",
    ),
    "hub_upload.checkpoint": ("storage.strict_loading",),
    "hub_upload.classifier_card": ("cards.classifier_card",),
    "hub_upload.create": (
        "storage.create",
        "storage.folders",
    ),
    "hub_upload.plain_card": ("cards.plain_card",),
    "hub_upload.ship": ("recipes.ship",),
    "hub_upload.weights": ("storage.weights",),
    "informing": ("commands.measure.info",),
    "label_names": ("formats.label_names",),
    "measuring": (
        "benchmarking.measuring",
        "storage.quiet",
    ),
    "options": ("commands.options",),
    "planning": ("commands.measure.memory",),
    "printable": ("formats.printable",),
    "pushing": ("commands.make.push",),
    "serving.command": ("commands.read.serve",),
    "showing": ("commands.read.demo",),
    "shrinking": (
        "commands.make.quantize",
        "commands.make.prune",
        "commands.make.distill",
        "commands.make.export",
        "commands.measure.sizes",
    ),
    "sizes": ("benchmarking.sizes",),
    "strict_json": ("formats.strict_json",),
    "tables": ("formats.tables",),
    "terminal": ("commands.read.terminal",),
    "texts": ("commands.read.texts",),
    "training.adapters": (
        "training.runs.adapters",
        "training.runs.adapter_claims",
        "training.runs.adapter_records",
    ),
    "training.arguments": ("training.trainers.arguments",),
    "training.batching_trainer": ("training.trainers.batching_trainer",),
    "training.bilingual_encoder": ("recipes.bilingual_encoder",),
    "training.bilingual_vocabulary": ("recipes.bilingual_vocabulary",),
    "training.building": ("training.runs.building",),
    "training.candidates": ("training.callbacks.candidates",),
    "training.check": ("data.check",),
    "training.checkpoints": ("storage.checkpoints",),
    "training.collator": ("batches.collator",),
    "training.column_map": ("data.column_map",),
    "training.columns": ("data.columns",),
    "training.confidence_phase": ("training.runs.confidence_phase",),
    "training.constant_baseline": ("batches.constant_baseline",),
    "training.crossover_callback": ("training.callbacks.crossover_callback",),
    "training.crossover_search": ("training.callbacks.crossover_search",),
    "training.data": ("data.loading",),
    "training.dilemmas": ("data.dilemmas",),
    "training.disjoint": ("statistics.disjoint",),
    "training.ema": ("training.trainers.ema",),
    "training.examples": (
        "data.examples",
        "configuration.errors",
    ),
    "training.gradient_sync": ("training.trainers.gradient_sync",),
    "training.inherited": ("training.trainers.inherited",),
    "training.layer_decay": ("training.trainers.layer_decay",),
    "training.loss_means": ("training.trainers.loss_means",),
    "training.lr_sweep": ("training.runs.lr_sweep",),
    "training.memory_planner": ("training.runs.memory_planner",),
    "training.metrics": ("training.trainers.metrics",),
    "training.module_crossover": ("training.callbacks.module_crossover",),
    "training.oom_callback": ("training.trainers.oom_callback",),
    "training.options": ("training.runs.options",),
    "training.out_of_memory": ("training.trainers.out_of_memory",),
    "training.output_folder": ("storage.output_folder",),
    "training.own_rows": ("data.own_rows",),
    "training.plots": (
        "training.callbacks.plots",
        "storage.figures",
    ),
    "training.predictions": ("batches.predictions",),
    "training.prepared": ("batches.prepared",),
    "training.pretraining": ("training.runs.pretraining",),
    "training.problems": ("data.problems",),
    "training.recipe": ("training.runs.recipe",),
    "training.regularization": ("training.trainers.regularization",),
    "training.retrying_trainer": ("training.trainers.retrying_trainer",),
    "training.rows": ("data.rows",),
    "training.run": ("training.runs.run",),
    "training.schema": ("data.schema",),
    "training.series": ("statistics.series",),
    "training.sets": ("data.public_sets",),
    "training.sharding": ("training.trainers.sharding",),
    "training.shipped_recipes": ("recipes.shipped_recipes",),
    "training.snapshots": (
        "training.callbacks.snapshots",
        "storage.files",
    ),
    "training.supervision": ("batches.supervision",),
    "training.sweet_spot": ("training.callbacks.sweet_spot",),
    "training.sweet_spot_rules": ("training.callbacks.sweet_spot_rules",),
    "training.train_100m": ("recipes.train_100m",),
    "training.train_mini": ("recipes.train_mini",),
    "training.train_tokenizer": ("recipes.train_tokenizer",),
    "training.trainer": ("training.trainers.trainer",),
    "training.unit_sources": ("data.unit_sources",),
    "training.yaml_file": ("formats.yaml_file",),
}


class MovedFinder(MetaPathFinder):
    """Finder of modules by their old names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that has moved; None for every other name."""
        new = MOVED.get(fullname.removeprefix(f"{__package__}."))
        return None if new is None else ModuleSpec(fullname, _Moved(new), is_package=fullname.endswith("perturbations"))


class _Moved(Loader):
    """Makes a module with the names of its successors."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = [f"{__package__}.{name}" for name in names]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Warn, and let Python create the usual empty module."""
        warnings.warn(f"{spec.name} has moved to {' and '.join(self.names)}.", DeprecationWarning, stacklevel=2)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Make the module look up every name where it is now."""

        def look_up(name: str) -> Any:
            for successor in map(import_module, self.names):
                if hasattr(successor, name):
                    return getattr(successor, name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        vars(module)["__getattr__"] = look_up


def find_moved_modules() -> None:
    """Make imports find modules by their old names."""
    if not any(isinstance(finder, MovedFinder) for finder in sys.meta_path):
        sys.meta_path.append(MovedFinder())


__all__ = ["MOVED", "MovedFinder", "find_moved_modules"]
