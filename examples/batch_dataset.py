"""Read a whole data set in several processes: exactly one row out per row in, in order, and resumable.

    accelerate launch --num_processes 2 examples/batch_dataset.py rows.csv readings.jsonl       # two GPUs
    ACCELERATE_USE_CPU=true accelerate launch --multi_gpu --num_processes 2 --mixed_precision no \
        examples/batch_dataset.py rows.csv readings.jsonl --outputs emotion verdict             # two processes on a CPU
    python examples/batch_dataset.py rows.csv readings.jsonl                                    # one process

The input is .csv, .jsonl or .parquet. Each row becomes a line: its reading, or the error when the row or its text
cannot be read, and its other columns, such as an id, as JSON. The rows are split into parts. A part is written in one
step when all of it is read (to `readings.jsonl.parts`), so that after a kill the same command continues with the
missing parts, also with another number of processes. In the end the parts are joined and removed.
"""

import argparse
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, InitProcessGroupKwargs

from redheart.commands.read.texts import Item, read_batches, read_items
from redheart.configuration.labels import OUTPUTS
from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.formats.strict_json import json_line
from redheart.formats.tables import columns_of
from redheart.loading import load_pipeline


def main() -> None:
    """Run the command line."""
    options = parse()
    if not options.input.is_file():
        raise SystemExit(f"{options.input} is not a file; give one, since it is read more than once.")
    columns = columns_of(options.input)
    if columns is not None and options.text_column not in columns:
        raise SystemExit(f"{options.input} has no column {options.text_column!r}; name one with --text-column.")
    folder = options.output.with_name(f"{options.output.name}.parts")
    if options.output.exists() and not folder.exists():
        raise SystemExit(f"{options.output} already exists; remove it, or give another output.")
    # A process that has finished waits for the others, however long they take.
    accelerator = Accelerator(kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(days=7))])
    count = sum(1 for _ in rows_of(options))
    parts = range(-(-count // options.part_rows))
    with accelerator.main_process_first():
        check_plan(folder, {"input": digest(options.input), "rows": count, **plan_options(options)})
    missing = [number for number in parts if not part_path(folder, number).exists()]
    accelerator.wait_for_everyone()  # so that all processes look before one of them writes a part
    mine = set(missing[accelerator.process_index :: accelerator.num_processes])
    if mine:
        pipe = load_pipeline(options.model)
        pipe.model.to(accelerator.device)
        pipe.device = accelerator.device
        call = {"outputs": options.outputs} if options.outputs else {}
        for number, part in enumerate(in_parts(rows_of(options), options.part_rows)):
            if number in mine:
                batches = read_batches(pipe, part, call, options.batch_size)
                write(part_path(folder, number), (item.answer() for batch in batches for item in batch))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        failed = join(folder, parts, options.output, count)
        print(f"{count} rows in {options.output}{f', {failed} of them with an error' if failed else ''}")
    accelerator.end_training()


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("input", type=Path, help="a .csv, .jsonl or .parquet file")
    parser.add_argument("output", type=Path, help="a new .jsonl file")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="model to read with")
    parser.add_argument("--text-column", default="text", help="column that has the text")
    parser.add_argument(
        "--outputs", nargs="+", choices=OUTPUTS, help="outputs to give; by default all except the embedding"
    )
    parser.add_argument("--batch-size", type=int, default=16, help="texts that are read together")
    parser.add_argument("--part-rows", type=int, default=512, help="rows of a part; a kill loses at most one part")
    return parser.parse_args()


def plan_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that all parts of a run must have in common."""
    names = ("model", "text_column", "outputs", "part_rows")
    return {name: getattr(options, name) for name in names}


def check_plan(folder: Path, plan: dict[str, Any]) -> None:
    """Write the plan of a run, or compare it with the plan of an earlier run.

    Args:
        folder: Folder of the parts.
        plan: What all parts of the run have in common.

    Raises:
        SystemExit: When the folder has parts of another plan.
    """
    file = folder / "plan.json"
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        if differing := [name for name in plan if plan[name] != before[name]]:
            name = differing[0]
            raise SystemExit(
                f"{folder} has parts of a run whose {name} was {before[name]!r}, not {plan[name]!r}: "
                "continue with the same options, or remove the folder."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write(file, [plan])


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def part_path(folder: Path, number: int) -> Path:
    """Return the path of a part."""
    return folder / f"{number:08d}.jsonl"


def in_parts(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield ``rows`` in lists of ``size``."""
    waiting = iter(rows)
    while part := list(islice(waiting, size)):
        yield part


def rows_of(options: argparse.Namespace) -> Iterator[Item]:
    """Yield the rows to read, with their other columns; exit when the file cannot be read."""
    for item in read_items((), [options.input], options.text_column):
        if item.is_source:
            raise SystemExit(item.error)
        yield item


def write(path: Path, answers: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines to a file that appears only when it is complete."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        for answer in answers:
            file.write(json_line(answer) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def join(folder: Path, parts: Iterable[int], output: Path, count: int) -> int:
    """Join the parts in their order, and remove them.

    Args:
        folder: Folder of the parts.
        parts: Their numbers.
        output: The file to write.
        count: The number of rows.

    Returns:
        How many rows have an error.

    Raises:
        RuntimeError: When there is not exactly one line per row.
    """
    partial = folder / ".joined"
    lines, failed = 0, 0
    with partial.open("wb") as file:
        for number in parts:
            for line in part_path(folder, number).open("rb"):
                file.write(line)
                lines += 1
                failed += "error" in json.loads(line)
        file.flush()
        os.fsync(file.fileno())
    if lines != count:
        raise RuntimeError(
            f"{lines} lines for {count} rows: another program writes to {folder}; remove it and start again."
        )
    os.replace(partial, output)
    shutil.rmtree(folder)
    return failed


if __name__ == "__main__":
    with torch.inference_mode():
        main()
