"""The command `redheart push`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...formats.printable import printable
from ..options import known_folder

if TYPE_CHECKING:
    import torch
    from rich.console import Console

    from ...hub_upload.push import Pushed
    from ...hub_upload.staging import Stage

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
_WIDTH = 100


def push(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER", callback=known_folder, help="Folder of a checkpoint, or the name of a shipped one."
        ),
    ],
    repo: Annotated[
        str,
        typer.Option(
            metavar="USER/NAME",
            help="Repository on the Hub, created if it does not exist; NAME alone is in the account of your token.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the folder and show what would be uploaded, without network.")
    ] = False,
    private: Annotated[
        bool,
        typer.Option("--private", help="Create the repository as a private one; an existing public one is refused."),
    ] = False,
    revision: Annotated[
        str | None,
        typer.Option(metavar="BRANCH", help="Branch to upload to, instead of main; created if it does not exist."),
    ] = None,
    message: Annotated[str, typer.Option(metavar="TEXT", help="Message of the commit.")] = "Upload model",
    results: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Results that `redheart evaluate --json` wrote; by default the folder's evaluation.json.",
        ),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="YAML file that describes your own data, as for `redheart evaluate --facts`.",
        ),
    ] = None,
    max_shard_size: Annotated[
        str, typer.Option(metavar="SIZE", help="Maximum size of a weight file, such as 500MB.")
    ] = "2GB",
    dtype: Annotated[
        str | None,
        typer.Option(
            metavar="DTYPE",
            help="Type of the uploaded weights: float32, bfloat16 or float16; by default as they are stored.",
        ),
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Folder for temporary files, which a change of type or of sharding needs.",
        ),
    ] = None,
) -> None:
    """Upload a checkpoint to the Hugging Face Hub, checked, with its code, card, licence and label schema.

    [bold]redheart push runs/mine/model --repo me/mine --dry-run[/bold]
    the card and every file that would be uploaded, and what is wrong with the folder

    [bold]redheart push runs/mine/model --repo me/mine --private --results runs/mine/evaluation.json[/bold]
    if the upload breaks off, the same command continues it; FOLDER stays as it is
    """
    from rich.console import Console

    from ...data.facts import DATA_SETS, read_facts
    from ...hub_upload.push import Target, check_repo, full_name, hub_token
    from ...hub_upload.push import push as run
    from ...hub_upload.staging import Extras, staged
    from ...storage.quiet import silence_libraries

    check_repo(repo)
    if not dry_run:
        repo = full_name(repo, hub_token())  # before minutes go into checks
    silence_libraries()
    extras = Extras(
        results=results,
        data_sets=DATA_SETS | read_facts(facts) if facts is not None else None,
        max_shard_size=_bytes(max_shard_size),
        dtype=None if dtype is None else _dtype(dtype),
    )
    console = Console(highlight=False)
    with staged(folder, repo, extras, workdir) as stage:
        if dry_run:
            _show_card(stage, console)
        render(stage, repo, console)
        if not dry_run:
            pushed = run(stage, Target(repo, private or None, revision, message))
            _show_result(pushed, console)


def _bytes(size: str) -> int:
    match = re.fullmatch(r"([1-9]\d*) ?([KMG]?)B?", size.upper())
    if match is None:
        raise typer.BadParameter(f"{size!r} is not a size; write it like 500MB or 2GB.", param_hint="--max-shard-size")
    return int(match[1]) * _UNITS[match[2]]


def _dtype(name: str) -> "torch.dtype":
    from ...configuration.labels import closest
    from ...storage.create import DTYPES

    if name not in DTYPES:
        raise typer.BadParameter(f"No dtype {name!r}; {closest(name, DTYPES)}", param_hint="--dtype")
    return DTYPES[name]


def render(stage: "Stage", repo: str, console: "Console") -> None:
    """Print a table of the files to upload, their total, and what is left out.

    Args:
        stage: The files.
        repo: Name of the repository.
        console: Where to print; it is made at least 100 columns wide.
    """
    from rich.table import Table
    from rich.text import Text

    console.width = width = max(console.width, _WIDTH)
    table = Table(title=f"to {repo}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0),
                  header_style="dim", show_footer=True)  # fmt: skip
    total = sum(file.size for file in stage.files)
    table.add_column("file", footer=f"{len(stage.files)} files", no_wrap=True)
    table.add_column("bytes", justify="right", footer=f"{total:,}")
    table.add_column("what it is", footer=f"{total / 1e6:,.1f} MB")
    for file in stage.files:
        table.add_row(Text(printable(file.name)), f"{file.size:,}", file.what)
    console.print(table, width=width)
    if stage.left_out:
        left_out = printable(", ".join(stage.left_out))
        console.print(f"left out (hidden, or a cache): {left_out}", style="dim", markup=False)


def _show_card(stage: "Stage", console: "Console") -> None:
    from ...hub_upload.staging import CARD

    card = (stage.folder / CARD).read_text(encoding="utf-8")
    console.print(f"[bold]{CARD}[/bold]")
    console.print(printable(card), markup=False, soft_wrap=True)


def _show_result(pushed: "Pushed", console: "Console") -> None:
    if pushed.kept_card:
        console.print("The repository keeps its card, because FOLDER does not have one.", markup=False)
    for name in pushed.removed:
        console.print(f"Removed from the repository, left by an earlier push: {printable(name)}", markup=False)
    state = f"commit {pushed.commit}" if pushed.changed else "nothing has changed since the last push"
    console.print(f"{pushed.url} ({state})", markup=False, soft_wrap=True)


__all__ = ["push", "render"]
