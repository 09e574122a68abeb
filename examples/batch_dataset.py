"""Read a whole data set in several processes: exactly one row out per row in, in order, and resumable.

    accelerate launch --num_processes 2 examples/batch_dataset.py rows.csv readings.jsonl       # two GPUs
    ACCELERATE_USE_CPU=true accelerate launch --multi_gpu --num_processes 2 --mixed_precision no \
        examples/batch_dataset.py rows.csv readings.jsonl --outputs emotion verdict             # two processes on a CPU
    python examples/batch_dataset.py rows.csv readings.jsonl                                    # one process

The input is .csv, .jsonl or .parquet. Each row becomes a line: its reading, or the error where the row or its text
cannot be read, and its other columns, such as an id, as JSON has them. The rows are cut into parts; a part is written
in one step when all of it is read (in `readings.jsonl.parts`), so that after a kill the same command goes on with the
parts that are missing, also with another number of processes. In the end the parts are put together and removed.
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
    """The command line."""
    options = parse()
    if not options.input.is_file():
        raise SystemExit(f"{options.input} is no file, which is read more than once; name one.")
    columns = columns_of(options.input)
    if columns is not None and options.text_column not in columns:
        raise SystemExit(f"{options.input} has no column {options.text_column!r}; name one with --text-column.")
    folder = options.output.with_name(f"{options.output.name}.parts")
    if options.output.exists() and not folder.exists():
        raise SystemExit(f"{options.output} is there already; remove it, or name another output.")
    # A process that is done waits for the others, however long these still read.
    accelerator = Accelerator(kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(days=7))])
    count = sum(1 for _ in rows_of(options))
    parts = range(-(-count // options.part_rows))
    with accelerator.main_process_first():
        agree(folder, {"input": digest(options.input), "rows": count, **asked(options)})
    missing = [number for number in parts if not part_path(folder, number).exists()]
    accelerator.wait_for_everyone()  # until all have looked, and nobody has written a part yet
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
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path, help="a .jsonl file")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--outputs", nargs="+", choices=OUTPUTS, help="all but the embedding by default")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--part-rows", type=int, default=512, help="rows that are lost at most when it is killed")
    return parser.parse_args()


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the parts of one run must have in common, beside their input."""
    names = ("model", "text_column", "outputs", "part_rows")
    return {name: getattr(options, name) for name in names}


def agree(folder: Path, plan: dict[str, Any]) -> None:
    """Note ``plan`` in ``folder``, or compare it with what a run before has noted."""
    note = folder / "plan.json"
    if note.exists():
        before = json.loads(note.read_text(encoding="utf-8"))
        if differing := [name for name in plan if plan[name] != before[name]]:
            name = differing[0]
            raise SystemExit(
                f"{folder} has parts of a run whose {name} was {before[name]!r}, not {plan[name]!r}: "
                "go on as it began, or remove the folder."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write(note, [plan])


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def part_path(folder: Path, number: int) -> Path:
    """Where a part lies."""
    return folder / f"{number:08d}.jsonl"


def in_parts(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """``rows`` in lists of ``size``."""
    waiting = iter(rows)
    while part := list(islice(waiting, size)):
        yield part


def rows_of(options: argparse.Namespace) -> Iterator[Item]:
    """The rows to read; their other columns go with them."""
    for item in read_items((), [options.input], options.text_column):
        if item.is_source:
            raise SystemExit(item.error)
        yield item


def write(path: Path, answers: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines; the file is there when all of it is on the disk, or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        for answer in answers:
            file.write(json_line(answer) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def join(folder: Path, parts: Iterable[int], output: Path, count: int) -> int:
    """Put the parts together in their order, and remove them; returns how many rows have an error.

    Raises `RuntimeError` unless there is a line per row.
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
        raise RuntimeError(f"{lines} lines for {count} rows: something else writes to {folder}; remove it, start anew.")
    os.replace(partial, output)
    shutil.rmtree(folder)
    return failed


if __name__ == "__main__":
    with torch.inference_mode():
        main()
