"""Batches against a sandbox: each row is sent once, whatever happens in between."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from callsheet import Bindings, Client
from callsheet.errors import InvalidInput, LimitReached, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callsheet_sandbox.server import Running

IMAGE = "ai.image.generate"


@pytest.fixture
def client(sandbox: Running, home: Path) -> Iterator[Client]:
    bindings = Bindings(command="ads", env="ADS")
    with Client(host=sandbox.url, api_key=sandbox.key, bindings=bindings) as opened:
        yield opened


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"prompt": "waves", **more}] * count


def references(sandbox: Running) -> Counter[str]:
    return Counter(charge["reference"] for charge in sandbox.charges())


def test_each_row_is_sent_once_saved_and_listed(
    client: Client, sandbox: Running, tmp_path: Path
) -> None:
    results = tmp_path / "r.jsonl"

    ended = list(
        client.batch(IMAGE, rows(12), out=f"{tmp_path}/{{n:02}}.png", results=str(results))
    )

    assert {result.state for result in ended} == {"saved"}
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        f"{n:02}.png" for n in range(1, 13)
    ]
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert [line["key"] for line in lines] == [result.key for result in ended]
    assert len({line["key"] for line in lines}) == 12
    assert set(references(sandbox).values()) == {1}


def test_the_same_rows_again_are_not_sent_again(client: Client, sandbox: Running) -> None:
    assert len(list(client.batch(IMAGE, rows(3)))) == 3

    list(client.batch(IMAGE, rows(3)))

    assert len(sandbox.charges()) == 3


def test_more_rows_under_the_same_name_are_new_ones_alone(client: Client, sandbox: Running) -> None:
    list(client.batch(IMAGE, rows(2), name="poster"))

    ended = list(client.batch(IMAGE, rows(5), name="poster"))

    assert [result.n for result in sorted(ended)] == [3, 4, 5]
    assert len(sandbox.charges()) == 5


def test_nothing_is_sent_while_a_row_is_refused(client: Client, sandbox: Running) -> None:
    with pytest.raises(UsageError, match=r"line 3: .*nothing was sent"):
        list(client.batch(IMAGE, [*rows(2), {"prompt": 3}]))

    assert sandbox.charges() == []


def test_an_unknown_row_is_listed_and_not_sent_again(client: Client, sandbox: Running) -> None:
    sandbox.set_faults(f"502 after {IMAGE} @2")
    first = Counter(result.state for result in client.batch(IMAGE, rows(3)))
    sandbox.clear_faults()

    second = Counter(result.state for result in client.batch(IMAGE, rows(3)))

    assert first == Counter(done=2, unknown=1)
    assert second == Counter(unknown=1)
    assert len(sandbox.charges()) == 3


def test_a_rate_limit_is_waited_for_and_no_row_is_lost(client: Client, sandbox: Running) -> None:
    sandbox.set_faults(f"429 retry-after=0 {IMAGE} @2-5")

    ended = Counter(result.state for result in client.batch(IMAGE, rows(8)))

    assert ended == Counter(done=8)
    assert set(references(sandbox).values()) == {1}


def test_nothing_is_sent_once_the_credit_is_gone(client: Client, sandbox: Running) -> None:
    cost = _cost_of_a_picture(client, sandbox)
    sandbox.set_credits(2 * cost)

    batch = client.batch(IMAGE, rows(6), parallel=1)
    ended = [next(batch), next(batch)]
    with pytest.raises(LimitReached):
        ended += list(batch)

    assert Counter(result.state for result in ended)["done"] == 2
    assert len(sandbox.charges()) == 3


def _cost_of_a_picture(client: Client, sandbox: Running) -> int:
    list(client.batch(IMAGE, rows(1), name="first"))
    return int(sandbox.charges()[0]["cost"])  # type: ignore[arg-type]  # it is a number


def test_nothing_is_sent_that_would_cost_more_than_may_be_spent(
    sandbox: Running, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADS_ASSUME_COST", "7")
    bindings = Bindings(command="ads", env="ADS")

    with (
        Client(host=sandbox.url, api_key=sandbox.key, bindings=bindings) as client,
        pytest.raises(LimitReached, match="the next row may cost 7"),
    ):
        list(client.batch(IMAGE, rows(5), max_cost=21))

    assert len(sandbox.charges()) == 3


def test_a_price_that_is_not_known_ends_a_batch_with_a_limit(
    client: Client, sandbox: Running
) -> None:
    with pytest.raises(LimitReached, match="is not known"):
        list(client.batch("ai.video.generate", rows(2), max_cost=1000))

    assert sandbox.charges() == []


def test_failures_end_the_sending(client: Client, sandbox: Running) -> None:
    bad = [{"prompt": f"[fail] {n}"} for n in range(9)]

    ended = Counter(
        result.state for result in client.batch(IMAGE, bad, parallel=1, stop_after_failures=2)
    )

    assert ended["failed"] == 2
    assert len(sandbox.charges()) == 2


def test_a_batch_that_is_left_goes_on_where_it_stood(client: Client, sandbox: Running) -> None:
    slow = rows(2, options={"sandboxSeconds": 60})
    mixed = [*slow, *rows(1, options={"sandboxSeconds": 0})]
    batch = client.batch(IMAGE, mixed)
    next(batch)
    batch.close()  # type: ignore[attr-defined]  # it is a generator
    sandbox.advance(120)

    ended = Counter(result.state for result in client.batch(IMAGE, mixed))

    assert ended == Counter(done=2)
    assert len(sandbox.charges()) == 3
    assert set(references(sandbox).values()) == {1}


def test_one_id_stands_for_one_row(client: Client) -> None:
    twice = [{"input": {"prompt": text}, "id": "a"} for text in "xy"]

    with pytest.raises(UsageError, match="line 1 has the id 'a' too"):
        list(client.batch(IMAGE, twice))


def test_two_rows_are_not_saved_at_one_path(client: Client, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1 would be saved to"):
        list(client.batch(IMAGE, rows(2), out=f"{tmp_path}/{{prompt}}.png"))


def test_a_file_that_exists_is_not_overwritten(
    client: Client, sandbox: Running, tmp_path: Path
) -> None:
    (tmp_path / "1.png").write_text("mine", "utf-8")

    with pytest.raises(UsageError, match="exists; nothing was sent"):
        list(client.batch(IMAGE, rows(2), out=f"{tmp_path}/{{n}}.png"))

    assert sandbox.charges() == []
    assert (tmp_path / "1.png").read_text("utf-8") == "mine"


def test_a_body_that_the_schema_refuses_names_its_line(client: Client) -> None:
    assert issubclass(InvalidInput, UsageError)
    with pytest.raises(UsageError, match="the rows line 1"):
        list(client.batch("ai.video.generate", [{"imageInput": "x"}]))
