"""Prints every figure of a model on the cases, with the worst texts, and writes them as JSON.

python -m redheart.recipes.evaluate_cases MODEL [--data DIR] [--split validation] [--json FILE] [--no-floors]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..data.loading import DataError
from ..evaluation.reports.terminal_report import render
from ..evaluation.texts.cases import evaluate_cases
from ..readers import load_for_evaluation
from ..storage.quiet import silence_libraries


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a shipped checkpoint, or a folder")
    parser.add_argument("--data", type=Path, help="folder of the data sets, where the cases are not beside the code")
    parser.add_argument("--split", default="validation", help="split of the cases (default: validation)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure and the worst texts to this file")
    parser.add_argument(
        "--no-floors",
        dest="floors",
        action="store_false",
        help="skip the comparison with a constant answer and TF-IDF, which takes minutes",
    )
    args = parser.parse_args(arguments)

    silence_libraries()
    model, tokenizer, _ = load_for_evaluation(args.model)
    try:
        found = evaluate_cases(Path(args.model).name, model, tokenizer, args.split, args.data, args.floors)
    except DataError as error:
        parser.error(str(error))
    if args.json is not None:
        found.save(args.json)
    render(found, Console(highlight=False))


if __name__ == "__main__":
    main()
