"""The command `redheart demo`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ...configuration.extras import missing
from ...configuration.shipped import DEFAULT_MODEL
from ...demo.names import Language
from ..options import known_model


class PageLanguage(StrEnum):
    """Language of the page when it opens."""

    auto = "auto"
    en = "en"
    ko = "ko"


def demo(
    model: Annotated[
        str, typer.Option(callback=known_model, help="A checkpoint that ships, a folder, or a Hugging Face Hub id.")
    ] = DEFAULT_MODEL,
    host: Annotated[str, typer.Option(help="Address to listen on; by default only this machine reaches it.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes the first free one from 7860 on.")] = 7860,
    language: Annotated[
        PageLanguage, typer.Option(help="Of the page when it opens; auto is the browser's.")
    ] = PageLanguage.auto,
    space: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Serve nothing; write a Hugging Face Space with this model there."),
    ] = None,
) -> None:
    """Show readings on a page in the browser: type a text, see what it says, how surely, and what is withheld.

    [bold]redheart demo[/bold]
    the page on this machine, in English or Korean; Ctrl+C ends it

    [bold]redheart demo --space my-space[/bold]
    the same page as the folder of a Hugging Face Space; `python app.py` in it starts it anywhere
    """
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise missing("`redheart demo` needs Gradio", "demo") from error
    if space is not None:
        from ...demo.space import write_space

        typer.echo(write_space(space, model))
        return
    from ...demo.page import build_page, launch_options
    from ...loading import load_pipeline

    first: Language | None = None if language is PageLanguage.auto else "ko" if language is PageLanguage.ko else "en"
    page = build_page(load_pipeline(model), Path(model).name, first)
    options: dict[str, Any] = {"server_name": host, "server_port": port or None, "prevent_thread_lock": True}
    try:
        _, url, _ = page.launch(**launch_options(), **options)
    except OSError as error:
        raise OSError(f"Port {port} of {host} cannot be used; --port 0 takes the first free one.") from error
    typer.echo(f"Red Heart reads on {url} (Ctrl+C ends it)")
    page.block_thread()


__all__ = ["demo"]
