"""Flags and ``--input`` make the body that the user meant, byte for byte where it is theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.cli.given import action, param, sent

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = action(
    param("text"),
    param("seed", "integer", nullable=True),
    param("ratio", "number"),
    param("loud", "boolean"),
    param("tags", "array", items="string"),
    param("sizes", "array", items="integer"),
    param("camera", "object"),
    param("camera.pan", "number"),
    param("camera.auto", "boolean"),
    param("points", "array", items="array"),
    param("parts", "array", items="object"),
    param("free", "any"),
    param("pictures", "array", items="string", comma=True),
    param("picture", "string", media=True),
    param("shots", "array", items="string", media=True),
    param("input.json", "string", path=["json"]),
    param("maybe", nullable=True),
    param("either", "any", reads=("number", "string")),
    param("media", "any", media=True),
    param("rows", "array", items="any", reads=("object", "string")),
)

CASES = [
    (["--text", "x"], '{"text":"x"}'),
    (["--text", ""], '{"text":""}'),
    (["--text", "@x"], '{"text":"@x"}'),
    (["--text", "--seed"], '{"text":"--seed"}'),
    (["--text=-5"], '{"text":"-5"}'),
    (["--text", "5"], '{"text":"5"}'),
    (["--text", "null"], '{"text":"null"}'),
    (["--text", "a,https://b"], '{"text":"a,https://b"}'),
    (["--text", "é\u2028"], '{"text":"é\u2028"}'),
    (["--seed", "5"], '{"seed":5}'),
    (["--seed", "-5"], '{"seed":-5}'),
    (["--seed", "5.0"], '{"seed":5.0}'),
    (["--seed", "1e3"], '{"seed":1e3}'),
    (["--seed", "null"], '{"seed":null}'),
    (["--seed", "123456789012345678901234567890"], '{"seed":123456789012345678901234567890}'),
    (["--ratio", "1"], '{"ratio":1}'),
    (["--ratio", "1.0"], '{"ratio":1.0}'),
    (["--ratio", "1.10"], '{"ratio":1.10}'),
    (["--ratio", "0.1234567890123456789"], '{"ratio":0.1234567890123456789}'),
    (["--loud"], '{"loud":true}'),
    (["--no-loud"], '{"loud":false}'),
    (["--loud", "false"], '{"loud":false}'),
    (["--loud=true"], '{"loud":true}'),
    (["--tags", "a", "--tags", "b"], '{"tags":["a","b"]}'),
    (["--tags", "a,b"], '{"tags":["a,b"]}'),
    (["--tags", '["a","b"]', "--tags", "c"], '{"tags":["a","b","c"]}'),
    (["--tags", "[]"], '{"tags":[]}'),
    (["--tags", "[draft"], '{"tags":["[draft"]}'),
    (["--tags", "https://a/x,y,https://b"], '{"tags":["https://a/x,y","https://b"]}'),
    (["--tags", "data:a;base64,QQ==,https://b"], '{"tags":["data:a;base64,QQ==,https://b"]}'),
    (["--sizes", "1,2", "--sizes", "3"], '{"sizes":[1,2,3]}'),
    (["--pictures", "a,b"], '{"pictures":["a","b"]}'),
    (["--pictures", "https://a, https://b"], '{"pictures":["https://a","https://b"]}'),
    (["--camera", '{"pan":1.50}'], '{"camera":{"pan":1.50}}'),
    (["--camera.pan", "3", "--camera", '{"tilt":1}'], '{"camera":{"tilt":1,"pan":3}}'),
    (["--camera.no-auto"], '{"camera":{"auto":false}}'),
    (["--points", "[1,2]", "--points", "[3,4]"], '{"points":[[1,2],[3,4]]}'),
    (["--points", "[[1,2],[3,4]]"], '{"points":[[1,2],[3,4]]}'),
    (["--parts", '{"a":1}', "--parts", '[{"b":2}]'], '{"parts":[{"a":1},{"b":2}]}'),
    (["--free", "5"], '{"free":5}'),
    (["--free", "five"], '{"free":"five"}'),
    (["--free", '{"a":[1.0]}'], '{"free":{"a":[1.0]}}'),
    (["--picture", "https://x/y.png"], '{"picture":"https://x/y.png"}'),
    (["--picture", "img_123"], '{"picture":"img_123"}'),
    (["--input.json", '{"a":1}'], '{"json":{"a":1}}'),
    (["--maybe", "null"], '{"maybe":null}'),
    (["--maybe", '"null"'], '{"maybe":"null"}'),
    (["--maybe", '"\\"null\\""'], '{"maybe":"\\"null\\""}'),
    (["--maybe", '"x"'], '{"maybe":"\\"x\\""}'),
    (["--text", '"null"'], '{"text":"\\"null\\""}'),
    (["--either", "5"], '{"either":5}'),
    (["--either", '"5"'], '{"either":"5"}'),
    (["--either", "true"], '{"either":"true"}'),
    (["--either", "[1]"], '{"either":"[1]"}'),
    (["--picture", '"@nowhere"'], '{"picture":"@nowhere"}'),
    (["--media", '["@a"]'], '{"media":["@a"]}'),
    (["--media", '"@a"'], '{"media":"@a"}'),
    (["--rows", "5", "--rows", '{"a":1}'], '{"rows":["5",{"a":1}]}'),
    (["--rows", "{draft"], '{"rows":["{draft"]}'),
    (["--points", "[null,[1]]"], '{"points":[null,[1]]}'),
    (
        ["--camera.pan", "1", "--text", "x", "--camera.auto"],
        '{"camera":{"pan":1,"auto":true},"text":"x"}',
    ),
    (["--seed", "1", "--text", "x", "--loud"], '{"seed":1,"text":"x","loud":true}'),
    ([], "{}"),
    (["--input", '{"b": 1.0,  "a":2}'], '{"b": 1.0,  "a":2}'),
    (["--input", '{"b":1.0,"a":2}', "--text", "x"], '{"b":1.0,"a":2,"text":"x"}'),
    (["--input", '{"text":1,"b":2}', "--text", "x"], '{"text":"x","b":2}'),
    (["--input", '{"camera":null}', "--camera.pan", "1"], '{"camera":{"pan":1}}'),
]


@pytest.mark.parametrize(("words", "body"), CASES)
def test_words_become_the_body(words: list[str], body: str) -> None:
    assert sent(TEXTS, *words) == body


# What is not of the flag's kind is read as JSON or as text, for the schema to judge.
OTHER_KINDS = [
    (["--seed", "x"], '{"seed":"x"}'),
    (["--seed", "1.5"], '{"seed":1.5}'),
    (["--seed", "+5"], '{"seed":5}'),
    (["--seed", "+x"], '{"seed":"+x"}'),
    (["--ratio", "1e999"], '{"ratio":"1e999"}'),
    (["--ratio", "NaN"], '{"ratio":"NaN"}'),
    (["--loud", "maybe"], '{"loud":"maybe"}'),
    (["--sizes", "1,x"], '{"sizes":[1,"x"]}'),
    (["--camera", "[1]"], '{"camera":[1]}'),
    (["--camera", "wide"], '{"camera":"wide"}'),
    (["--input.json", "text"], '{"json":"text"}'),
]


@pytest.mark.parametrize(("words", "body"), OTHER_KINDS)
def test_a_text_of_another_kind_is_left_to_the_schema(words: list[str], body: str) -> None:
    assert sent(TEXTS, *words) == body


UNREADABLE = [
    (
        ["--camera", "{"],
        "--camera: not JSON: Expecting property name enclosed in double quotes at line 1 column 2",
    ),
    (["--tags", "@nowhere"], "--tags: there is no file 'nowhere'"),
    (["--picture", "@nowhere"], "--picture: there is no file 'nowhere'"),
    (["--text-file", "nowhere"], "--text-file: nowhere: No such file or directory"),
    (["--input", "nowhere"], "--input: nowhere: No such file or directory"),
    (["--camera", '{"a":1,"a":2}'], '--camera: the key "a" occurs twice in one object'),
    (["--input", '{"a":1,"a":2}'], '--input: the key "a" occurs twice in one object'),
    (["--input", "[1]", "--text", "x"], "--input: flags can only be added to a JSON object"),
]


@pytest.mark.parametrize(("words", "message"), UNREADABLE)
def test_a_text_that_cannot_be_read_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sent(TEXTS, *words)

    assert caught.value.message == message


def test_files_are_read_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("first\nsecond\n", "utf-8")
    (tmp_path / "camera.json").write_text('{"pan": 1.0}', "utf-8")
    (tmp_path / "tags.json").write_text('["a", "b"]\n', "utf-8")
    (tmp_path / "body.json").write_bytes(b'{ "text":\t"x" }\n')

    read = [
        sent(TEXTS, "--text-file", str(tmp_path / "prompt.txt")),
        sent(TEXTS, "--camera", f"@{tmp_path / 'camera.json'}"),
        sent(TEXTS, "--tags", f"@{tmp_path / 'tags.json'}"),
        sent(TEXTS, "--shots", f"@{tmp_path / 'tags.json'}"),
        sent(TEXTS, "--input", str(tmp_path / "body.json")),
    ]

    assert read == [
        '{"text":"first\\nsecond\\n"}',
        '{"camera":{"pan":1.0}}',
        '{"tags":["a","b"]}',
        '{"shots":["a","b"]}',
        '{ "text":\t"x" }\n',
    ]


def test_existing_paths_part_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "c,d.png"):
        (tmp_path / name).touch()

    assert sent(TEXTS, "--tags", "a.png,b.png") == '{"tags":["a.png","b.png"]}'
    assert sent(TEXTS, "--tags", "c,d.png") == '{"tags":["c,d.png"]}'
