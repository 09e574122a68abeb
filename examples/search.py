"""Find texts of a similar meaning: embed them once, and then search as often as you like.

    python examples/search.py index examples/own_rows.csv runs/index
    python examples/search.py query runs/index "my friend told everybody my secret" --top 3

The index has `embeddings.npy`, float32 (texts, d), each row of length 1, and `rows.jsonl`, the rows in the same order;
`index.json` has the model. The similarity is the cosine, a single product for rows of length 1, so a few hundred
thousand rows need no library. Look at what it finds among your texts before you rely on it: the shipped model is small.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from redheart.commands.read.texts import read_items
from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.formats.printable import printable
from redheart.formats.strict_json import json_line
from redheart.loading import load_pipeline


def embed(model: str, texts: list[str]) -> np.ndarray:
    """Embed texts.

    Args:
        model: Name of the model.
        texts: At least one.

    Returns:
        Embeddings in float32, shape ``(texts, d)``, each row of length 1.

    Raises:
        SystemExit: When the model withholds its embedding.
    """
    readings = load_pipeline(model)(texts, outputs=["embedding"], batch_size=16)
    if "embedding" not in readings[0]:
        raise SystemExit(f"{model} withholds its embedding, because no training data supervised it.")
    vectors = np.array([reading["embedding"] for reading in readings], dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
commands = parser.add_subparsers(dest="command", required=True)
index = commands.add_parser("index", help="embed the rows of a file")
index.add_argument("rows", type=Path, help=".csv, .jsonl or .parquet with a column of texts")
index.add_argument("folder", type=Path, help="folder of the index, created if it does not exist")
index.add_argument("--text-column", default="text", help="column that has the text")
index.add_argument("--model", default=DEFAULT_MODEL, help="model to embed with")
query = commands.add_parser("query", help="find the rows that are closest to a text")
query.add_argument("folder", type=Path, help="folder of the index")
query.add_argument("text", help="text to compare with")
query.add_argument("--top", type=int, default=5, help="number of rows to print")
options = parser.parse_args()

if options.command == "index":
    items = list(read_items((), [options.rows], options.text_column))
    if wrong := [item.error for item in items if item.error]:
        raise SystemExit(printable(f"error: {wrong[0]} (--text-column names the column that has the text)"))
    vectors = embed(options.model, [item.text for item in items])
    options.folder.mkdir(parents=True, exist_ok=True)
    np.save(options.folder / "embeddings.npy", vectors, allow_pickle=False)
    lines = [json_line({options.text_column: item.text, **item.fields}) + "\n" for item in items]
    (options.folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    about = {"model": options.model, "text_column": options.text_column}
    (options.folder / "index.json").write_text(json.dumps(about), encoding="utf-8")
    print(f"{len(items)} rows, {vectors.shape[1]} dimensions, in {options.folder}")
else:
    about = json.loads((options.folder / "index.json").read_text(encoding="utf-8"))
    vectors = np.load(options.folder / "embeddings.npy", mmap_mode="r", allow_pickle=False)
    with (options.folder / "rows.jsonl").open(encoding="utf-8") as lines:  # str.splitlines ends a line at U+2028, too
        rows = [json.loads(line) for line in lines]
    similarity = vectors @ embed(about["model"], [options.text])[0]
    for place in np.argsort(-similarity)[: options.top]:
        print(f"{similarity[place]:.3f}  {printable(rows[place][about['text_column']])}")
