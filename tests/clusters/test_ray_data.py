"""The reader in Ray Data: one model per actor, on two actors."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from redheart.batch import Reader

from .conftest import ROWS

pytestmark = pytest.mark.slow

Check = Callable[[list[dict[str, Any]]], None]


@pytest.fixture(scope="session")
def options(checkpoint: Path, ray_cluster: Any) -> dict[str, Any]:
    """How `map_batches` reads on two actors."""
    return {
        "fn_constructor_kwargs": {"model": str(checkpoint), "outputs": ["verdict"]},
        "batch_format": "pyarrow",
        "batch_size": 10,
        "num_cpus": 1,
        "compute": ray_cluster.data.ActorPoolStrategy(size=2),
    }


@pytest.fixture(scope="session")
def data(ray_cluster: Any) -> Any:
    context = ray_cluster.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.wait_for_min_actors_s = 120
    return ray_cluster.data


def test_rows_come_back_in_order_read_by_two_actors_that_load_once(
    data: Any, options: dict[str, Any], check: Check
) -> None:
    from redheart.batch import reader

    class Noting(Reader):
        """Adds the process, and how often it has loaded a model."""

        def __call__(self, batch: Any) -> Any:
            import os

            found = Reader.__call__(self, batch)
            facts = [os.getpid(), reader._load.cache_info().misses]
            for name, fact in zip(("process", "loads"), facts, strict=True):
                found = found.append_column(name, [[fact] * len(batch)])
            return found

    rows = data.from_items(ROWS, override_num_blocks=8).map_batches(Noting, **options).take_all()
    assert len({row.pop("process") for row in rows}) == 2
    assert {row.pop("loads") for row in rows} == {1}
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS]
    check(rows)


def test_a_wrong_column_and_a_wrong_model_stop_it_with_the_reason(data: Any, options: dict[str, Any]) -> None:
    rows = data.from_items([{"Text": "I lied."}])
    with pytest.raises(Exception, match="no column 'text'; did you mean 'Text'"):
        rows.map_batches(Reader, **options).take_all()
    nowhere = {**options, "fn_constructor_kwargs": {"model": "redheart-mina", "column": "Text"}}
    with pytest.raises(Exception, match="No checkpoint or folder 'redheart-mina'"):
        rows.map_batches(Reader, **nowhere).take_all()


def test_what_is_not_a_text_has_an_error_in_its_row(data: Any, options: dict[str, Any]) -> None:
    given = [None, 5, "I lied.", " ", ["a"], "x" * 3]
    rows = data.from_items([{"id": n, "text": text} for n, text in enumerate(given)], override_num_blocks=1)
    errors = [row["error"] for row in rows.map_batches(Reader, **options).take_all()]
    assert [error is None for error in errors] == [False, False, True, False, False, True]


def test_a_killed_actor_leaves_nothing_out_and_nothing_twice(
    data: Any, options: dict[str, Any], check: Check, tmp_path: Path
) -> None:
    mark = tmp_path / "killed"

    class Dying(Reader):
        """Kills its process once, in the middle of a batch."""

        def __call__(self, batch: Any) -> Any:
            import os
            import signal

            found = Reader.__call__(self, batch)
            with suppress(FileExistsError):
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
            return found

    folder = tmp_path / "readings"
    rows = data.from_items(ROWS, override_num_blocks=8).map_batches(Dying, **options)
    rows.write_parquet(str(folder))
    assert mark.is_file()
    check(data.read_parquet(str(folder)).take_all())
