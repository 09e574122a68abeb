"""The tests mirror the code: a module has a test file of its own name in the same folder, or a line here says where it
is tested; and a test file is of a module, or a line here says what it is about.

Notable: read from the folders, so that nothing is imported.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
SOURCE = ROOT / "src" / "redheart"

pytestmark = pytest.mark.skipif(not SOURCE.is_dir(), reason="about a checkout; an installed package has none of this")

# Module without a test file of its own -> where it is tested.
TESTED_IN = {
    "__main__": "training/runs/test_run.py",
    "batch/frames": "batch/test_reader.py",
    "batch/parts": "batch/test_tables.py",
    "batch/reading": "test_cli.py",
    "batch/source": "batch/test_tables.py",
    "batch/writers": "batch/test_tables.py",
    "batches/predictions": "training/trainers/test_metrics.py",
    "benchmarking/measuring": "benchmarking/test_benchmark.py",
    "cards/card_parts": "hub_upload/test_model_card.py",
    "cards/plain_card": "storage/test_create.py",
    "cards/statements": "hub_upload/test_model_card.py",
    "client/connections": "client/test_client.py",
    "commands/errors": "test_cli.py",
    "commands/make/create": "test_cli.py",
    "commands/make/distill": "compression/test_distill.py",
    "commands/make/prune": "test_docs.py",
    "commands/make/push": "hub_upload/test_push.py",
    "commands/make/quantize": "test_docs.py",
    "commands/make/train": "training/runs/test_run.py",
    "commands/measure/bench": "benchmarking/test_benchmark.py",
    "commands/measure/calibrate": "evaluation/measurement/test_guarantees.py",
    "commands/measure/evaluate": "evaluation/test_evaluate.py",
    "commands/measure/info": "test_cli.py",
    "commands/measure/params": "test_cli.py",
    "commands/measure/sizes": "benchmarking/test_sizes.py",
    "commands/options": "test_cli.py",
    "commands/read/analyze": "test_cli.py",
    "commands/read/bars": "commands/read/test_terminal.py",
    "commands/read/demo": "demo/test_app.py",
    "commands/read/texts": "test_doors.py",
    "commands/make/export": "views/test_sentence_folder.py",
    "compression/distillation_recipe": "compression/test_distill.py",
    "compression/forms": "benchmarking/test_sizes.py",
    "compression/onnx_graph": "compression/test_onnx_export.py",
    "compression/onnx_reader": "compression/test_onnx_export.py",
    "configuration/component_sizes": "configuration/test_components.py",
    "configuration/earlier_versions": "modeling_redheart/test_earlier_weights.py",
    "configuration/inputs": "test_doors.py",
    "configuration/shipped": "storage/test_strict_loading.py",
    "configuration/vocabulary": "configuration/test_labels.py",
    "commands/read/compare": "corpus/test_compare.py",
    "commands/read/report": "corpus/test_page.py",
    "corpus/plots": "corpus/test_page.py",
    "corpus/readings": "corpus/test_page.py",
    "data/columns": "data/test_schema.py",
    "data/examples": "data/test_loading.py",
    "data/facts": "hub_upload/test_model_card.py",
    "data/own_rows": "evaluation/measurement/test_rows.py",
    "data/problems": "data/test_check.py",
    "data/unit_sources": "training/trainers/test_trainer.py",
    "demo/drawing": "demo/test_charts.py",
    "demo/examples": "demo/test_charts.py",
    "demo/interface": "demo/test_page.py",
    "demo/names": "demo/test_charts.py",
    "demo/plain_chart": "demo/test_charts.py",
    "demo/sections": "demo/test_charts.py",
    "demo/space": "demo/test_app.py",
    "evaluation/measurement/cost": "compression/test_onnx_export.py",
    "evaluation/measurement/results": "evaluation/reports/test_terminal_report.py",
    "evaluation/measurement/split": "evaluation/test_few_rows.py",
    "evaluation/measurement/verdict_figures": "evaluation/measurement/test_figures.py",
    "evaluation/reports/page": "evaluation/reports/test_html_report.py",
    "evaluation/texts/case_part": "evaluation/texts/test_cases.py",
    "evaluation/texts/case_statistics": "evaluation/texts/test_cases.py",
    "evaluation/texts/consistency": "evaluation/test_evaluate.py",
    "evaluation/texts/no_signal_templates": "evaluation/texts/test_no_signal.py",
    "evaluation/texts/text_lists": "evaluation/texts/test_plain_facts.py",
    "evaluation/texts/unsupported": "evaluation/test_few_rows.py",
    "formats/label_names": "data/test_rows.py",
    "formats/yaml_file": "training/runs/test_recipe.py",
    "hub_upload/label_schema": "hub_upload/test_push.py",
    "hub_upload/output_record": "hub_upload/test_model_card.py",
    "hub_upload/staging": "hub_upload/test_push.py",
    "loading": "modeling_redheart/test_pipeline_labels.py",
    "methods": "hub_upload/test_push_to_hub.py",
    "modeling_redheart/asserted": "modeling_redheart/test_pipeline_redheart.py",
    "modeling_redheart/backbone": "modeling_redheart/test_layers.py",
    "modeling_redheart/bridge": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/context": "modeling_redheart/test_composition.py",
    "modeling_redheart/counterfactual": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/crossover": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/digests": "training/callbacks/test_snapshots.py",
    "modeling_redheart/flags": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/heads": "modeling_redheart/test_bentham.py",
    "modeling_redheart/kinds": "modeling_redheart/test_losses.py",
    "modeling_redheart/masked_lm": "training/runs/test_pretraining.py",
    "modeling_redheart/memory": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/perspectives": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/pretrained": "modeling_redheart/test_loading.py",
    "modeling_redheart/reading": "modeling_redheart/test_pipeline_redheart.py",
    "modeling_redheart/regret": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/risk_english": "modeling_redheart/test_risk.py",
    "modeling_redheart/risk_english_abuse": "modeling_redheart/test_risk.py",
    "modeling_redheart/risk_english_child": "modeling_redheart/test_risk.py",
    "modeling_redheart/risk_english_self_harm": "modeling_redheart/test_risk.py",
    "modeling_redheart/risk_english_terms": "modeling_redheart/test_risk.py",
    "modeling_redheart/risk_korean": "modeling_redheart/test_risk.py",
    "modeling_redheart/risk_rules": "modeling_redheart/test_risk.py",
    "modeling_redheart/speakers": "modeling_redheart/test_sentences.py",
    "modeling_redheart/token_budget": "modeling_redheart/test_modeling_redheart.py",
    "modeling_redheart/windows": "modeling_redheart/test_pipeline_redheart.py",
    "recipes/evaluate_cases": "evaluation/texts/test_cases.py",
    "rewording/persons": "rewording/test_point_of_view.py",
    "rewording/synonyms": "rewording/test_variants.py",
    "rewording/tellings": "rewording/test_point_of_view.py",
    "serving/limits": "serving/test_app.py",
    "serving/metrics": "serving/test_app.py",
    "serving/middleware": "serving/test_app.py",
    "serving/problems": "serving/test_app.py",
    "serving/service": "serving/test_app.py",
    "serving/strict_body": "serving/test_app.py",
    "serving/wire": "client/test_client.py",
    "storage/figures": "training/callbacks/test_plots.py",
    "storage/files": "training/callbacks/test_snapshots.py",
    "storage/folders": "storage/test_create.py",
    "storage/processes": "storage/test_output_folder.py",
    "storage/quiet": "benchmarking/test_benchmark.py",
    "storage/weights": "storage/test_create.py",
    "training/callbacks/sweet_spot_rules": "training/callbacks/test_sweet_spot.py",
    "training/runs/adapter_claims": "training/runs/test_adapters.py",
    "training/runs/adapter_records": "training/runs/test_adapters.py",
    "training/runs/building": "training/runs/test_run.py",
    "training/runs/confidence_phase": "training/runs/test_run.py",
    "training/trainers/arguments": "training/trainers/test_trainer.py",
    "training/trainers/batching_trainer": "batches/test_prepared.py",
    "training/trainers/gradient_sync": "training/runs/test_processes.py",
    "training/trainers/inherited": "training/trainers/test_trainer.py",
    "training/trainers/layer_decay": "training/trainers/test_trainer.py",
    "training/trainers/loss_means": "training/trainers/test_trainer.py",
    "training/trainers/oom_callback": "training/trainers/test_out_of_memory.py",
}

# Test file that is of no single module -> what it is about.
OF_SEVERAL = {
    "benchmarks/test_fit_budget.py": "a script in benchmarks/",
    "benchmarks/test_overload.py": "a script in benchmarks/",
    "benchmarks/test_serving.py": "a script in benchmarks/",
    "clusters/test_datasets.py": "the reader in `datasets.map`",
    "clusters/test_ray_data.py": "the reader in Ray Data",
    "configuration/test_tokenizer.py": "the tokenizer that ships",
    "evaluation/test_few_rows.py": "evaluations of few rows, through all measures",
    "docs/test_blocks.py": "the generated parts of README and docs",
    "examples/test_examples.py": "the scripts in examples/",
    "examples/test_monitoring.py": "files for Prometheus, Grafana and containers",
    "hub_upload/test_pushed.py": "a model that was pushed, read without this package",
    "modeling_redheart/test_loading.py": "saving and loading by every class of the folder",
    "modeling_redheart/test_text_encoders.py": "text encoders of transformers below the model",
    "modeling_redheart/test_training.py": "the model in training: checkpointing, precision, learning",
    "test_awkward_texts.py": "texts that are hard to read, through the pipeline",
    "test_docs.py": "the guide's snippets",
    "test_doors.py": "what each door refuses and reads",
    "test_new_analyzer.py": "the recipe of CONTRIBUTING, followed in a copy of the sources",
    "test_floors.py": "the layers of folders",
    "test_guide.py": "the guide's tables",
    "test_mirror.py": "this",
    "test_packaging.py": "what ships",
    "test_shipped.py": "the checkpoint that ships",
    "test_workflows.py": "the files of hosts and hooks",
    "training/callbacks/test_sweet_spot_run.py": "the callback in whole runs, killed and resumed",
    "training/runs/test_adapter_roads.py": "adapters through every loader",
    "training/runs/test_processes.py": "training in two processes",
    "training/runs/test_table_rows.py": "tables of pandas, polars and pyarrow as rows",
}


def _modules() -> set[str]:
    """Path inside the package, without its ending; `__init__` is left out."""
    roots = [path for path in SOURCE.iterdir() if path.is_symlink()]
    found = set()
    for base, root in [(SOURCE, SOURCE), *((ROOT, path.resolve()) for path in roots)]:
        found |= {path.relative_to(base).with_suffix("").as_posix() for path in root.rglob("*.py")}
    return {name for name in found if not name.endswith("__init__")}


def _own_test(module: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"{folder}/test_{name}.py".lstrip("/")


MODULES = _modules() if SOURCE.is_dir() else set()
FILES = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_has_its_test_file_or_a_line_in_the_table(module: str) -> None:
    own = _own_test(module)
    if own in FILES:
        assert module not in TESTED_IN, f"{own} is there: take {module} out of `TESTED_IN`"
    else:
        assert TESTED_IN.get(module) in FILES, f"write tests/{own}, or say in `TESTED_IN` where {module} is tested"


def test_the_tables_name_only_what_is_there() -> None:
    assert set(TESTED_IN) <= MODULES
    mirrors = {_own_test(module) for module in MODULES}
    assert FILES - mirrors == set(OF_SEVERAL)
