"""Fine-tune a model on your own CSV, and see on held-out rows whether it improved.

    python examples/finetune_csv.py examples/own_rows.csv runs/own
    python examples/finetune_csv.py mine.csv runs/mine --column sentence=text --column mood=emotion --adapter
    python examples/finetune_csv.py mine.csv runs/mine --column ticket= --column at_fault=verdict:yes=author,no=other

`redheart.data.schema` lists the columns that a row may have: `text` and any of the labels (`emotion`, `verdict`,
`affect.valence`, ...). `--column` renames a column or its values, or leaves it out. Errors in the rows are reported
before anything is loaded. `redheart train` does the same with a recipe; all other options of a recipe can be added to
the one below.

A whole model memorises a few dozen rows within some epochs; `--adapter` (pip install 'redheart[peft]') trains only a
small part of it. Watch the column `after` of the table, which is the loss on the held-out rows.
"""

import argparse
from pathlib import Path

from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.data.column_map import ON_COMMAND_LINE, parse_columns
from redheart.data.own_rows import own_units
from redheart.formats.printable import printable
from redheart.loading import load_pipeline
from redheart.training.runs.recipe import DataRecipe, ModelRecipe, PeftRecipe, Recipe, Source
from redheart.training.runs.run import run, summary

TEXT = "I borrowed her car without asking, and brought it back with a scratch."

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("csv", help="your rows; also .jsonl or .parquet")
parser.add_argument("output", type=Path, help="a new folder for the model and the reports")
parser.add_argument("--model", default=DEFAULT_MODEL, help="model to start from")
parser.add_argument(
    "--column", action="append", default=[], metavar="YOURS=OURS", help="rename a column of your rows; repeatable"
)
parser.add_argument("--held-out", type=float, default=0.25, help="share of the rows to evaluate on")
parser.add_argument("--epochs", type=float, default=3, help="epochs of the training")
parser.add_argument("--learning-rate", type=float, default=1e-4, help="highest learning rate")
parser.add_argument("--adapter", action="store_true", help="train an adapter instead of the whole model")
parser.add_argument("--overwrite", action="store_true", help="replace what an earlier run trained in the folder")
options = parser.parse_args()

try:
    columns = parse_columns(options.column)
    own_units(options.csv, column_names=columns, option=ON_COMMAND_LINE)
    recipe = Recipe(
        output=str(options.output),
        model=ModelRecipe(checkpoint=options.model),
        data=DataRecipe(train=[Source(path=options.csv, columns=columns)], held_out=options.held_out),
        training={
            "num_train_epochs": options.epochs,
            "learning_rate": options.learning_rate,
            "warmup_steps": 0.1,
            "per_device_train_batch_size": 8,
            "per_device_eval_batch_size": 16,
            "longest_text": 128,
            "save_strategy": "no",
            "logging_steps": 5,
            "disable_tqdm": True,
        },
        peft=PeftRecipe(rank=8, alpha=16, merge=True) if options.adapter else None,
    )
    report = run(recipe, overwrite=options.overwrite)
except (ValueError, OSError, ImportError) as error:
    raise SystemExit(printable(f"error: {error}")) from error
print(printable(summary(report)))

trained = options.output / "model"
for name in (options.model, str(trained)):
    reading = load_pipeline(name)(TEXT, outputs=["emotion", "verdict"])
    asserted, verdict = reading.get("emotion", {}).get("asserted"), reading.get("verdict", {}).get("label")
    print(f"{name}: {TEXT!r} -> {asserted}, {verdict}")
