"""One family of errors, whose members are caught as the built-in ones, too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import StrictDataclassClassValidationError

import redheart
from redheart import RedHeartConfig, RedHeartError
from redheart.configuration import errors
from redheart.configuration.extras import missing
from redheart.configuration.inputs import check_options, check_text
from redheart.configuration.shipped import checkpoint_path, load_preset
from redheart.data.check import check
from redheart.formats.strict_json import NotJSONError
from redheart.hub_upload.push import check_repo
from redheart.storage.strict_loading import load_strict

FAMILY: dict[str, type[Exception]] = {
    "InputError": ValueError,
    "DataError": ValueError,
    "CheckpointError": ValueError,
    "MissingPackageError": ImportError,
    "MemoryExhaustedError": RuntimeError,
    "HubError": RedHeartError,
    "HubConnectionError": ConnectionError,
    "HubPermissionError": PermissionError,
    "HubRequestError": ValueError,
    "ServerError": RedHeartError,
    "ServerConnectionError": ConnectionError,
    "ServerBusyError": RuntimeError,
    "ServerPermissionError": PermissionError,
    "ServerRequestError": ValueError,
}


def test_every_error_is_of_the_family_and_a_built_in_one() -> None:
    assert {*FAMILY, "RedHeartError"} == set(errors.__all__)
    for name, built_in in FAMILY.items():
        kind = getattr(errors, name)
        assert issubclass(kind, RedHeartError), name
        assert issubclass(kind, built_in), name
        assert str(kind("what went wrong")).count("what went wrong") == 1, name
    assert issubclass(NotJSONError, RedHeartError)
    assert redheart.RedHeartError is errors.RedHeartError


REFUSED: dict[str, tuple[Callable[[], Any], type[RedHeartError]]] = {
    "a blank text": (lambda: check_text(" "), errors.InputError),
    "an option": (lambda: check_options({"depht": "full"}), errors.InputError),
    "a preset": (lambda: load_preset("redheart-1000m"), errors.InputError),
    "an option of the config": (lambda: RedHeartConfig(hiden_size=8), errors.InputError),
    "a name of a checkpoint": (lambda: checkpoint_path("redheart-1000m"), errors.CheckpointError),
    "rows": (lambda: check([{"text": "a", "valence": 7}], None), errors.DataError),
    "a repository": (lambda: check_repo("a/b/c"), errors.HubRequestError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_of_the_family(name: str) -> None:
    call, kind = REFUSED[name]
    with pytest.raises(RedHeartError) as caught:
        call()
    assert isinstance(caught.value, kind)
    assert isinstance(caught.value, ValueError)


def test_a_missing_package_is_of_the_family() -> None:
    with pytest.raises(RedHeartError, match="pip install") as caught:
        raise missing("Reading tables needs pyarrow", "train")
    assert isinstance(caught.value, errors.MissingPackageError)


def test_a_folder_without_a_checkpoint_is_of_the_family(tmp_path: Path) -> None:
    with pytest.raises(errors.CheckpointError, match=r"has no config\.json"):
        load_strict(tmp_path)


def test_a_config_that_contradicts_itself_has_an_input_error_as_its_cause() -> None:
    with pytest.raises(StrictDataclassClassValidationError) as caught:
        RedHeartConfig(num_segments=1)
    assert isinstance(caught.value.__cause__, errors.InputError)
