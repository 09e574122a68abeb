"""The reference of the public modules, and of the public names of each.

Notable: this file only lists the public names; the site shows their signatures and docstrings.
"""

from importlib import import_module

from .markdown import Block, BlockError, table

# Page below `docs/api` -> module -> public names. Other names may change without notice.
PUBLIC: dict[str, dict[str, tuple[str, ...]]] = {
    "reading": {
        "redheart.configuration.configuration_redheart": ("RedHeartConfig",),
        "redheart.modeling_redheart.modeling_redheart": ("RedHeartModel",),
        "redheart.modeling_redheart.classification": ("RedHeartForSequenceClassification",),
        "redheart.modeling_redheart.pipeline_redheart": ("EthicalAnalysisPipeline",),
        "redheart.names": ("forget_names",),
        "redheart.configuration.errors": (
            "RedHeartError",
            "InputError",
            "DataError",
            "CheckpointError",
            "MissingPackageError",
            "MemoryExhaustedError",
            "HubError",
            "ServerError",
            "ServerConnectionError",
            "ServerBusyError",
            "ServerPermissionError",
            "ServerRequestError",
        ),
        "redheart.configuration.labels": (
            "EMOTIONS",
            "NUANCE_LEVELS",
            "AFFECT",
            "BENTHAM",
            "SIGNED_BENTHAM",
            "REGRET_TYPES",
            "VIEWS",
            "VERDICTS",
            "PERSPECTIVES",
            "SURD",
            "SURD_SOURCES",
            "RISKS",
            "OUTPUTS",
            "FAST_OUTPUTS",
            "RATED",
            "LOSSES",
            "UNLABELLED_LOSSES",
            "TASKS",
            "MODULES",
            "record_keys",
            "closest",
        ),
        "redheart.configuration.shipped": (
            "DEFAULT_MODEL",
            "preset_names",
            "list_checkpoints",
            "load_preset",
            "shipped_folder",
            "checkpoint_path",
        ),
        "redheart.configuration.inputs": ("check_text", "check_options", "check_outputs"),
        "redheart.configuration.raters": ("RATED_BY_MODEL", "rated_by"),
        "redheart.configuration.budget": ("BUDGETS", "budget_table"),
        "redheart.configuration.components": ("COMPONENT_SIZES", "component_path"),
        "redheart.modeling_redheart.outputs": (
            "RedHeartOutput",
            "EmotionOutput",
            "BenthamOutput",
            "RegretOutput",
            "CounterfactualOutput",
            "SURDOutput",
            "PerspectivesOutput",
            "VerdictOutput",
        ),
        "redheart.modeling_redheart.headline": ("headline", "Headline"),
        "redheart.modeling_redheart.risk": ("risks",),
        "redheart.modeling_redheart.masked_lm": ("RedHeartForMaskedLM",),
        "redheart.loading": ("load_pipeline", "load_text_pipeline"),
        "redheart.batch.reader": ("Reader",),
        "redheart.batch.columns": ("arrow_schema", "columns_of", "Column"),
        "redheart.batch.tables": ("read_file", "Summary"),
        "redheart.clusters.spark": ("spark_schema",),
        "redheart.formats.tables": ("read_table", "columns_of"),
    },
    "rows": {
        "redheart.data.rows": ("read_rows", "Rows"),
        "redheart.data.schema": ("to_examples", "iter_examples", "NAMES", "RANKINGS"),
        "redheart.data.check": ("check",),
        "redheart.data.own_rows": ("own_units",),
        "redheart.data.column_map": ("ColumnMap", "parse_columns"),
        "redheart.data.examples": (
            "Example",
            "SHAPES",
            "PAIRS",
            "MISSING",
            "to_units",
            "held_out",
            "drop_seen",
            "overlap",
            "normalised",
        ),
        "redheart.data.problems": ("RowsError",),
        "redheart.data.loading": ("load", "load_hub", "examples_of", "texts_of", "find_data"),
        "redheart.data.public_sets": ("SETS", "NON_COMMERCIAL"),
    },
    "training": {
        "redheart.training.runs.recipe": (
            "read_recipe",
            "Recipe",
            "ModelRecipe",
            "DataRecipe",
            "Source",
            "PeftRecipe",
            "ConfidenceRecipe",
            "PretrainingRecipe",
        ),
        "redheart.training.runs.run": ("run", "summary"),
        "redheart.training.trainers.trainer": ("RedHeartTrainer",),
        "redheart.training.trainers.arguments": ("RedHeartTrainingArguments",),
        "redheart.batches.collator": ("RedHeartCollator", "LengthBatches", "source_sizes"),
        "redheart.training.callbacks.sweet_spot": ("SweetSpotCallback", "redheart_modules"),
        "redheart.training.callbacks.crossover_callback": ("CrossoverCallback",),
        "redheart.training.trainers.oom_callback": ("OOMCallback",),
        "redheart.training.trainers.out_of_memory": ("MemoryExhaustedError",),
        "redheart.training.runs.lr_sweep": ("sweep_learning_rates", "LRSweep"),
        "redheart.training.runs.memory_planner": ("plan_memory",),
        "redheart.training.trainers.metrics": ("reading_metrics",),
        "redheart.batches.constant_baseline": ("constant_losses",),
        "redheart.training.runs.pretraining": ("pretrain",),
        "redheart.training.runs.adapters": (
            "load_adapter",
            "add_adapter",
            "save_adapter",
            "merge_adapter",
            "unload_adapters",
            "read_record",
            "weights_digest",
        ),
    },
    "evaluation": {
        "redheart.evaluation.evaluate": ("evaluate", "store_fit"),
        "redheart.evaluation.measurement.rows": ("own_rows", "public_rows", "PUBLIC"),
        "redheart.evaluation.measurement.results": ("Evaluation", "Figure"),
        "redheart.statistics.measures": (
            "macro_f1",
            "micro_f1",
            "label_f1",
            "average_precision",
            "soft_cross_entropy",
            "pair_accuracy",
            "pearson",
            "right_verdicts",
            "verdict_f1",
            "bootstrap",
        ),
        "redheart.statistics.calibration": (
            "expected_calibration_error",
            "reliability",
            "fit_threshold",
            "fit_thresholds",
            "fit_temperature",
            "cross_fitted_f1",
        ),
        "redheart.statistics.selective": (
            "risk_coverage",
            "augrc",
            "auroc",
            "coverage_at_risk",
            "risk_at_coverage",
        ),
        "redheart.statistics.agreement": ("krippendorff_alpha",),
        "redheart.evaluation.measurement.floor": ("Floor",),
        "redheart.statistics.surd_estimator": ("estimate",),
        "redheart.rewording.variants": ("variants", "FAMILIES"),
        "redheart.evaluation.texts.fairness": ("fairness", "fairness_texts"),
        "redheart.evaluation.reports.html_report": ("write_report",),
    },
    "smaller": {
        "redheart.compression.quantize": ("quantize", "SCHEMES"),
        "redheart.compression.pruning": ("prune", "parse_target"),
        "redheart.compression.distillation_recipe": ("read_distillation",),
        "redheart.compression.distill": ("distill",),
        "redheart.compression.distillation": ("DistillationTrainer",),
        "redheart.compression.student": ("cut_student", "Cut"),
        "redheart.compression.onnx_export": ("export_onnx",),
        "redheart.compression.onnx_reader": ("open_graph",),
        "redheart.readers": ("load_reader", "load_for_evaluation"),
        "redheart.views.sentence_folder": ("write_sentence_folder",),
        "redheart.views.recipe": ("read_plain_recipe", "PlainRecipe"),
        "redheart.views.plain": ("make_plain_view",),
    },
    "hub": {
        "redheart.storage.strict_loading": ("load_strict",),
        "redheart.storage.create": ("create_checkpoint",),
        "redheart.storage.remote_code": ("bundle_code", "add_auto_map"),
        "redheart.hub_upload.staging": ("staged", "Extras"),
        "redheart.hub_upload.push": ("push", "Target"),
        "redheart.hub_upload.model_card": ("model_card", "write_model_card"),
        "redheart.data.facts": ("DATA_SETS", "DataSet", "read_facts"),
        "redheart.hub_upload.output_record": ("output_record",),
        "redheart.hub_upload.label_schema": ("label_schema",),
        "redheart.hub_upload.handler": ("EndpointHandler",),
        "redheart.recipes.ship": ("ship",),
    },
    "server": {
        "redheart.serving.app": ("create_app",),
        "redheart.serving.keys": ("Key", "read_keys"),
        "redheart.serving.limits": ("Limits",),
        "redheart.serving.schema": ("ReadRequest", "ReadResponse", "Reading"),
        "redheart.serving.wire": ("ModelFacts", "Problem", "Fault"),
        "redheart.client.client": ("Client", "ReadOptions"),
        "redheart.client.reading": ("Reading",),
        "redheart.demo.page": ("build_page",),
        "redheart.demo.space": ("write_space",),
    },
}


def _checked(module: str, names: tuple[str, ...]) -> None:
    found = import_module(module)
    if missing := [name for name in names if not hasattr(found, name)]:
        raise BlockError(f"{module} has no {', '.join(missing)}; correct `PUBLIC` in docs/blocks/api.py.")


def _first_line(module: str) -> str:
    return (import_module(module).__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")


def modules(page: str) -> str:
    """Return the directives of a page: each module with its public names."""
    parts = []
    for module, names in PUBLIC[page].items():
        _checked(module, names)
        members = "".join(f"        - {name}\n" for name in names)
        parts.append(f"## `{module}`\n\n::: {module}\n    options:\n      members:\n{members}")
    return "\n".join(parts)


def index() -> str:
    """Return a table of the public modules."""
    rows = [
        (f"[`{module}`](api/{page}.md)", _first_line(module), ", ".join(f"`{name}`" for name in names))
        for page, found in PUBLIC.items()
        for module, names in found.items()
    ]
    return table(("module", "what it is for", "names"), rows)


def _block(page: str) -> Block:
    return lambda: modules(page)


BLOCKS: dict[str, Block] = {"api-index": index, **{f"api-{page}": _block(page) for page in PUBLIC}}
