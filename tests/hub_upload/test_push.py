"""Pushing: what arrives, what a second push sends again, what is reported when a push fails."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, constants
from typer.testing import CliRunner, Result

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.cards.plain_card import NO_FIGURES, missing_parts
from redheart.cli import main
from redheart.configuration import labels
from redheart.hub_upload.push import Target, check_repo, push
from redheart.hub_upload.staging import Extras, staged
from redheart.storage.create import create_checkpoint
from redheart.storage.remote_code import bundle_code
from redheart.storage.strict_loading import load_strict

from ..fixtures.hub_server import READ_ONLY, TOKEN, Hub

REPO = "user/mine"
SHARDS = 100_000

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    return lambda *words: CliRunner().invoke(main, ["push", *map(str, words)])


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    return create_checkpoint("redheart-tiny", tmp_path / "sharded", max_shard_size=SHARDS)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _push(folder: Path, **options: Any) -> Any:
    with staged(folder, "mine") as stage:
        return push(stage, Target(REPO, **options))


def test_everything_that_a_repository_needs_arrives(tiny: Path, hub: Hub, run: Run, tmp_path: Path) -> None:
    before = content(tiny)
    result = run(tiny, "--repo", REPO, "--message", "First weights")
    assert result.exit_code == 0, result.stderr
    assert f"{hub.url}/{REPO}" in result.stdout
    repository = hub.repositories[REPO]
    assert (repository.private, repository.messages) == (False, ["First weights"])
    files = repository.files
    code = bundle_code(tmp_path / "code")
    own = {"README.md", "SHA256SUMS", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert set(files) == {*own, *code, "LICENSE", "handler.py", "labels.json"}
    assert all(files[name] == (tmp_path / "code" / name).read_bytes() for name in code)
    assert files["model.safetensors"] == before["model.safetensors"]
    assert json.loads(files["config.json"])["auto_map"]["AutoModel"] == "redheart_remote.RedHeartModel"
    assert files["LICENSE"].decode().lstrip().startswith("Apache License")
    assert missing_parts(files["README.md"].decode()) == []
    assert content(tiny) == before  # nothing was written into it, no cache either


def test_the_label_schema_is_the_one_of_the_library(tiny: Path, hub: Hub) -> None:
    _push(tiny)
    schema = json.loads(hub.repositories[REPO].files["labels.json"])
    assert schema["emotions"] == list(labels.EMOTIONS)
    assert schema["verdicts"] == list(labels.VERDICTS)
    assert schema["record_keys"] == list(labels.record_keys())
    assert schema["ranges"]["affect"] == {"valence": [-1, 1], "arousal": [0, 1], "dominance": [0, 1]}
    assert schema["ranges"]["bentham"]["valence"] == [-1, 1]
    assert schema["ranges"]["bentham"]["extent"] == [0, 1]


def test_a_dry_run_lists_every_file_without_a_request(
    tiny: Path, hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    result = run(tiny, "--repo", REPO, "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert hub.requests == []
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert f"{(tiny / 'model.safetensors').stat().st_size:,}" in rows["model.safetensors"]
    assert "weights" in rows["model.safetensors"]
    assert "handler for Inference Endpoints, generated" in rows["handler.py"]
    assert "label schema, generated" in rows["labels.json"]
    with staged(tiny, REPO) as stage:
        assert {file.name for file in stage.files} <= set(rows)
        assert (stage.folder / "README.md").read_text(encoding="utf-8") in result.stdout
        total = sum(file.size for file in stage.files)
    assert f"{total:,}" in result.stdout.splitlines()[-1]


def test_an_interrupted_push_sends_only_what_had_not_arrived(sharded: Path, hub: Hub) -> None:
    paths = list(sharded.glob("*.safetensors"))
    shards = {hashlib.sha256(path.read_bytes()).hexdigest(): path.stat().st_size for path in paths}
    assert len(shards) > 6
    hub.fail_uploads = frozenset(range(4, 100))
    with pytest.raises(ConnectionError, match="same command again: what has arrived is not sent again"):
        _push(sharded)
    assert hub.repositories[REPO].files == {}  # half of a push is never loaded
    arrived = len(hub.uploads)
    assert 0 < arrived < len(shards)
    hub.fail_uploads = frozenset()
    _push(sharded)
    assert sorted(hub.uploads) == sorted(shards.items())  # each once, over both pushes
    names = {name for name in hub.repositories[REPO].files if name.endswith(".safetensors")}
    assert names == {path.name for path in paths}


def test_a_lost_connection_is_an_interruption_too(sharded: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    hub.fail_uploads, hub.drop = frozenset(range(3, 1000)), True
    with pytest.raises(ConnectionError, match="broke off"):
        _push(sharded)
    arrived = len(hub.uploads)
    hub.fail_uploads = frozenset()
    _push(sharded)
    assert len(hub.uploads) == len({oid for oid, _ in hub.uploads}) == len(list(sharded.glob("*.safetensors")))
    assert arrived > 0


def test_pushing_again_changes_and_sends_nothing(tiny: Path, hub: Hub, run: Run) -> None:
    _push(tiny)
    commits, uploads = len(hub.repositories[REPO].branches["main"]), len(hub.uploads)
    result = run(tiny, "--repo", REPO)
    assert "nothing has changed" in result.stdout
    assert (len(hub.repositories[REPO].branches["main"]), len(hub.uploads)) == (commits, uploads)


def test_other_weights_take_the_place_of_those_of_an_earlier_push(
    tiny: Path, sharded: Path, hub: Hub, run: Run
) -> None:
    _push(tiny)
    stale = ("evaluation.json", "pytorch_model-00001-of-00002.bin")
    for name in (*stale, "notes.md"):
        HfApi(token=TOKEN).upload_file(path_or_fileobj=b"{}", path_in_repo=name, repo_id=REPO)
    result = run(sharded, "--repo", REPO)
    files = hub.repositories[REPO].files
    for name in ("model.safetensors", *stale):
        assert f"Removed from the repository, left by an earlier push: {name}" in result.stdout
        assert name not in files
    assert "notes.md" in files
    assert "model.safetensors.index.json" in files


def test_large_weights_are_sharded_on_the_way(tiny: Path, hub: Hub, run: Run, tmp_path: Path) -> None:
    before = content(tiny)
    result = run(tiny, "--repo", REPO, "--max-shard-size", "100KB")
    assert result.exit_code == 0, result.stderr
    files = hub.repositories[REPO].files
    assert "model.safetensors" not in files
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    here, there = load_strict(tiny).state_dict(), load_strict(tmp_path).state_dict()
    assert all(value.equal(there[name]) for name, value in here.items())
    assert content(tiny) == before


def test_a_branch_and_privacy(tiny: Path, hub: Hub) -> None:
    _push(tiny, private=True, revision="next")
    repository = hub.repositories[REPO]
    assert repository.private
    assert repository.files == {}
    assert "config.json" in repository.branches["next"][-1][1]
    hub.repositories["user/open"] = type(repository)()
    with staged(tiny, "open") as stage, pytest.raises(ValueError, match="exists and is public"):
        push(stage, Target("user/open", private=True))
    assert hub.repositories["user/open"].files == {}


def test_a_change_can_be_proposed(tiny: Path, hub: Hub) -> None:
    assert _push(tiny, create_pr=True).pull_request == f"{hub.url}/{REPO}/discussions/1"


@pytest.mark.parametrize("repo", ["mi ne", "user/mi ne", "user/", "a/b/c", "user/mine.git", "https://hub/user/mine"])
def test_a_malformed_name_is_refused_before_anything_is_read(repo: str, run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "--repo", repo)  # which holds no model
    assert result.exit_code == 1
    assert repr(repo) in result.stderr
    with pytest.raises(ValueError, match="not a repository name"):
        check_repo(repo)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "There is no Hugging Face token; run `hf auth login`, or set HF_TOKEN"),
        ("hf_expired", "does not accept the token"),
        (READ_ONLY, "The token may not write to user/mine (You don't have the rights"),
    ],
)
def test_a_token_that_may_not_write_is_refused(
    token: str | None, message: str, tiny: Path, hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    result = run(tiny, "--repo", REPO)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert str(token) not in result.output
    assert REPO not in hub.repositories


def test_a_missing_network_is_reported(tiny: Path, hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    result = run(tiny, "--repo", REPO)
    assert result.exit_code == 1
    assert "http://127.0.0.1:9 cannot be reached" in result.stderr
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in run(tiny, "--repo", REPO).stderr
    assert TOKEN not in result.output


def test_the_repository_keeps_its_own_card_where_the_folder_has_none(tiny: Path, hub: Hub, tmp_path: Path) -> None:
    folder = create_checkpoint("redheart-tiny", tmp_path / "x")
    (folder / "README.md").unlink()
    assert not _push(folder).kept_card
    made = hub.repositories[REPO].files["README.md"].decode()
    assert NO_FIGURES in made
    assert "# mine" in made
    api = HfApi(token=TOKEN)
    own = made.replace("# mine", "# Mine, and a word on it")
    api.upload_file(path_or_fileobj=own.encode(), path_in_repo="README.md", repo_id=REPO)
    assert _push(folder).kept_card
    assert hub.repositories[REPO].files["README.md"].decode() == own
    api.upload_file(path_or_fileobj=b"---\nlicense: mit\n---\n", path_in_repo="README.md", repo_id=REPO)
    assert not _push(folder).kept_card
    assert hub.repositories[REPO].files["README.md"].decode() == made


def test_push_to_hub_of_a_model_is_a_whole_repository(hub: Hub, tmp_path: Path) -> None:
    model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny"))
    method: Any = model.push_to_hub
    url = method(REPO, max_shard_size="100KB", tags=["mine"], private=True, commit_message="Trained")
    assert url == f"{hub.url}/{REPO}"
    repository = hub.repositories[REPO]
    assert (repository.private, repository.messages) == (True, ["Trained"])
    assert {"LICENSE", "README.md", "SHA256SUMS", "handler.py", "labels.json", "redheart_remote.py"} <= set(
        repository.files
    )
    assert "- mine\n" in repository.files["README.md"].decode()
    for name, data in repository.files.items():
        (tmp_path / name).write_bytes(data)
    loaded = load_strict(tmp_path).state_dict()
    assert all(value.equal(loaded[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="token=False"):
        method(REPO, token=False)


def test_push_to_hub_of_a_classifier_names_its_class(hub: Hub) -> None:
    classifier: Any = RedHeartForSequenceClassification(RedHeartConfig.from_preset("redheart-tiny", num_labels=3))
    classifier.push_to_hub(REPO)
    config = json.loads(hub.repositories[REPO].files["config.json"])
    assert config["architectures"] == ["RedHeartForSequenceClassification"]
    assert config["auto_map"]["AutoModelForSequenceClassification"] == (
        "redheart_remote.RedHeartForSequenceClassification"
    )
    assert "custom_pipelines" not in config
    assert "labels.json" not in hub.repositories[REPO].files  # the label schema is of an analysis


def test_saving_with_an_upload_is_refused_before_anything_is_made(hub: Hub, tiny: Path, tmp_path: Path) -> None:
    """Also of a classifier and of a pipeline; what cannot go up for another reason leaves no repository, either."""
    from transformers import pipeline

    make: Any = pipeline
    config = RedHeartConfig.from_preset("redheart-tiny")
    savers: list[Any] = [RedHeartModel(config), RedHeartForSequenceClassification(config)]
    for saver in (*savers, make("ethical-analysis", model=str(tiny))):
        with pytest.raises(ValueError, match=r"call `push_to_hub\(repo_id\)` instead"):
            saver.save_pretrained(tmp_path / "saved", push_to_hub=True, repo_id=REPO)
    unknown = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", supervision={"verdict": ["of nobody"]}))
    with pytest.raises(ValueError, match="No licence is known for 'of nobody'"):
        unknown.push_to_hub(REPO)
    with pytest.raises(ValueError, match="is not a repository name"):
        savers[0].push_to_hub("user/mine/more")
    assert not (tmp_path / "saved").exists()
    assert hub.repositories == {}


def test_a_name_alone_is_in_the_account_of_the_token(hub: Hub, tiny: Path, run: Run) -> None:
    """As with the hub's own methods: by `push_to_hub`, the command, and a trainer (`test_push_to_hub`)."""
    model: Any = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny"))
    assert model.push_to_hub("mine") == f"{hub.url}/user/mine"
    assert run(tiny, "--repo", "second").exit_code == 0
    assert set(hub.repositories) == {"user/mine", "user/second"}
    hub.requests.clear()
    assert run(tiny, "--repo", "third", "--dry-run").exit_code == 0
    assert hub.requests == []


def test_a_missing_folder_is_reported(run: Run) -> None:
    result = run("absent", "--repo", REPO, "--dry-run")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "No checkpoint or folder 'absent'" in result.stderr
    assert "is not a size" in run(".", "--repo", REPO, "--dry-run", "--max-shard-size", "big").stderr


def test_a_pipeline_pushes_its_tokenizer_with_it(tiny: Path, hub: Hub) -> None:
    from transformers import pipeline

    make: Any = pipeline
    make("ethical-analysis", model=str(tiny)).push_to_hub(REPO)
    assert {"model.safetensors", "tokenizer.json", "redheart_remote.py"} <= set(hub.repositories[REPO].files)


def test_weights_are_linked_and_not_copied(tiny: Path) -> None:
    with staged(tiny, "mine", Extras()) as stage:
        assert (stage.folder / "model.safetensors").is_symlink()
        assert not (stage.folder / "config.json").is_symlink()
    assert not stage.folder.exists()
