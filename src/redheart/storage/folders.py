"""Folders that are written completely or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def new_folder(folder: Path) -> Path:
    """The absolute path of ``folder``; `FileExistsError` for a file and for a folder that is not empty."""
    target = folder.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{folder} is not empty; give the name of a new folder.")
    return target


@contextmanager
def whole_or_nothing(target: Path, needed: int) -> Iterator[Path]:
    """A folder beside ``target`` that replaces it when the block ends well, and is removed otherwise."""
    partial = target.with_name(f"{target.name}.partial-{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        partial.mkdir()
        yield partial
        _take_place(partial, target)
    except OSError as error:
        raise OSError(error.errno or errno.EIO, _advice(error, target, needed)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _take_place(partial: Path, target: Path) -> None:
    if not target.exists() or not any(target.iterdir()):
        os.rename(partial, target)
        return
    old = partial.with_name(f"{target.name}.replaced-{secrets.token_hex(4)}")
    os.rename(target, old)
    try:
        os.rename(partial, target)
    except OSError:
        os.rename(old, target)
        raise
    shutil.rmtree(old)


def _advice(error: OSError, target: Path, needed: int) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"No space for {target}: it takes {needed:,} bytes. Free some there, or give a folder on another disk."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"No permission to write in {target.parent}. Give a folder that you may write to."
    return f"{target} could not be written: {error.strerror or error}. Nothing was changed there."


__all__ = ["new_folder", "whole_or_nothing"]
