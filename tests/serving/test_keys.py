"""Keys: files of them, what is refused, and how much each may ask."""

import hmac
from pathlib import Path
from typing import Any

import pytest

from redheart.configuration.errors import InputError
from redheart.serving.keys import VARIABLE, Accounts, Bucket, Key, check_key, environment_key, read_keys

SECRET = "xylophone-xylophone"
OTHER = "glockenspiel-glockenspiel"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "keys.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_of_keys(tmp_path: Path) -> None:
    text = f'[web]\nkey = "{SECRET}"\ntexts_per_minute = 60\n\n[prometheus]\nkey = "{OTHER}"\nmetrics = true\n'
    assert read_keys(written(tmp_path, text)) == (
        Key("web", SECRET, texts_per_minute=60),
        Key("prometheus", OTHER, metrics=True),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no keys"),
        ("[web", r"is not TOML \(at line 1, column 5\)|is not TOML \(at end of document\)"),
        (f'[web]\nkey = "{SECRET}', "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (f'web = "{SECRET}"', "must be a table"),
        ("[web]\nmetrics = true", "lacks `key`"),
        (f'[web]\nkye = "{SECRET}"', "did you mean 'key'"),
        ("[web]\nkey = 7", "must be a str, got int"),
        ('[web]\nkey = "short"', r"\(5 characters\) must be 16 or more"),
        ('[web]\nkey = "xylophone xylophone"', "without spaces"),
        (f'["a b"]\nkey = "{SECRET}"', "The name of a key is 'a b'"),
        (f'[web]\nkey = "{SECRET}"\ntexts_per_minute = 0', "1 or more, got 0"),
        (f'[web]\nkey = "{SECRET}"\nrequests_per_minute = true', "a number, 1 or more, got True"),
        (f'[web]\nkey = "{SECRET}"\ntexts_per_minute = nan', "got nan"),
        (f'[web]\nkey = "{SECRET}"\nmetrics = 1', "true or false, got 1"),
    ],
)
def test_a_file_that_is_refused_is_named_without_its_keys(tmp_path: Path, text: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_keys(written(tmp_path, text))
    assert "keys.toml" in str(caught.value)
    assert "xylophone" not in str(caught.value)


def test_a_folder_and_an_absent_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match="cannot be read"):
            read_keys(path)


def test_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert environment_key() == ()
    monkeypatch.setenv(VARIABLE, SECRET)
    assert environment_key() == (Key("environment", SECRET, metrics=True),)
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(InputError, match=VARIABLE):
        environment_key()


def test_a_key_is_not_shown() -> None:
    assert SECRET not in repr(Key("web", SECRET))
    assert check_key(SECRET) == SECRET


def test_keys_that_contradict_each_other() -> None:
    for keys, words in (
        ((Key("a", SECRET), Key("b", SECRET)), r"same key \(a, b\)"),
        ((Key("a", SECRET), Key("a", OTHER)), "same name"),
        ((Key("a", SECRET, texts_per_minute=3),), "fewer than a request may have"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            Accounts(keys, texts=4)
        assert SECRET not in str(caught.value)


def test_a_key_is_compared_with_all_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts([Key("a", SECRET), Key("b", OTHER)], texts=1)
    compared: list[bytes] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: bool(compared.append(one)) or real(one, other))
    for offered, name in ((SECRET, "a"), (OTHER, "b"), ("neither", None), ("é\udcff", None), ("", None)):
        compared.clear()
        found = accounts.find(offered)
        assert (found.key.name if found else None) == name
        assert compared == [SECRET.encode(), OTHER.encode()]  # the first that fits does not end it


def test_a_bucket_refills_steadily() -> None:
    now = 100.0
    bucket = Bucket(60, lambda: now)
    assert bucket.take(60) == 0
    assert bucket.take(5) == pytest.approx(5)  # seconds, at one per second
    now += 3
    assert bucket.take(5) == pytest.approx(2)
    now += 2
    assert bucket.take(5) == 0
    bucket.give_back(4)
    assert bucket.take(4) == 0
    now += 3600
    assert (bucket.take(60), bucket.take(1)) == (0, pytest.approx(1))  # never more than those of a minute
    assert Bucket(None).take(10**9) == 0
