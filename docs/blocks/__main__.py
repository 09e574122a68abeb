"""Writes all generated blocks of README and docs from result files and code, or reports which pages differ.

python -m docs.blocks            # write
python -m docs.blocks --check    # exit status 1 where a page differs
"""

import argparse
import difflib
import sys
from pathlib import Path

from . import api, architecture, commands, figures, limits, recipes, rows, smaller, speed, views
from .markdown import Block, BlockError, names, written

ROOT = Path(__file__).resolve().parents[2]
BLOCKS: dict[str, Block] = {
    **figures.BLOCKS,
    **speed.BLOCKS,
    **views.BLOCKS,
    **smaller.BLOCKS,
    **limits.BLOCKS,
    **commands.BLOCKS,
    **recipes.BLOCKS,
    **rows.BLOCKS,
    **api.BLOCKS,
    **architecture.BLOCKS,
}


def pages() -> list[Path]:
    """Return README and the pages of the guide."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Of the command line; None for those of the process.

    Returns:
        The exit status: 1 when a block is wrong or unused, or when ``--check`` finds a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m docs.blocks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page differs")
    check = parser.parse_args(arguments).check
    used: set[str] = set()
    different = 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        place = page.relative_to(ROOT)
        try:
            used.update(names(text))
            new = written(text, BLOCKS)
        except BlockError as error:
            print(f"{place}: {error}", file=sys.stderr)
            return 1
        if new == text:
            continue
        different += 1
        if check:
            lines = difflib.unified_diff(text.splitlines(), new.splitlines(), str(place), "generated", n=0, lineterm="")
            print("\n".join(list(lines)[:20]), file=sys.stderr)
        else:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {place}")
    if unused := sorted(set(BLOCKS) - used):
        print(f"No page shows {', '.join(unused)}; name the block on a page, or remove it.", file=sys.stderr)
        return 1
    if check and different:
        print(f"{different} pages differ from their sources; run `python -m docs.blocks`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
