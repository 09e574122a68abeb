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
        str,
        typer.Option(
            callback=known_model, help="Model to read with: a shipped checkpoint, a folder, or a Hugging Face Hub id."
        ),
    ] = DEFAULT_MODEL,
    host: Annotated[
        str, typer.Option(help="Address to listen on; the default can be reached from this machine only.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes the first free port from 7860.")
    ] = 7860,
    language: Annotated[
        PageLanguage,
        typer.Option(help="Language of the page when it opens; auto takes the language of the browser."),
    ] = PageLanguage.auto,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write a Hugging Face Space with this model to this folder, and do not start a server.",
        ),
    ] = None,
) -> None:
    """Show readings on a page in the browser: type a text, see what it says, how sure that is, and what is withheld.

    [bold]redheart demo[/bold]
    the page on this machine, in English or Korean; Ctrl+C stops it

    [bold]redheart demo --space my-space[/bold]
    the same page as the folder of a Hugging Face Space; `python app.py` in that folder starts it anywhere
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
        raise OSError(f"Port {port} of {host} cannot be used; --port 0 takes the first free port.") from error
    typer.echo(f"Red Heart is running on {url} (Ctrl+C stops it)")
    page.block_thread()


__all__ = ["demo"]
