"""``actions``: what the server offers, live, from the cache or from the bindings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.conftest import BareProgram

SPEAK = {
    "id": "ai.voice.speak",
    "title": "Speak",
    "description": "Reads a text aloud.",
    "input": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "cost": 5,
    "does": "reply",
    "reply": {"said": "$text"},
}


def offline(ads: BareProgram) -> dict[str, str]:
    """Let the program know the catalogue, then stand before a server that is gone."""
    host = ads.server.refused_url
    known = next((ads.folder.parent / "home/.cache/ads").glob("*.sqlite3"))
    from callsheet.catalog.store import CatalogueCache

    known.rename(CatalogueCache(str(known.parent)).path(host))
    return {"ADS_HOST": host}


def test_the_list_has_group_kind_summary_and_source(ads: BareProgram) -> None:
    rows = ads("actions", "list", "--json").json
    blocking = next(row for row in rows if row["id"] == "ai.video.generate_and_wait")
    speaking = next(row for row in rows if row["id"] == "ai.video.generate")

    assert speaking["summary"].startswith("Starts a job that makes a video")
    assert [row["source"] for row in rows] == ["live"] * 10
    assert (speaking["group"], speaking["kind"], speaking["command"]) == (
        "video",
        "job",
        "ads video generate",
    )
    assert (blocking["group"], blocking["kind"], blocking["command"]) == (
        "video",
        "job, blocking",
        None,
    )


def test_refresh_asks_for_every_schema_anew(ads: BareProgram) -> None:
    ads("actions", "list")
    ads.server.reset()
    ads("actions", "list")
    known = [one["status"] for one in ads.server.requests()]
    ads.server.reset()
    ads("actions", "list", "--refresh")
    anew = [one["status"] for one in ads.server.requests()]

    assert set(known) == {304}
    assert set(anew) == {200}


def test_without_a_network_the_cache_answers_and_says_how_old_it_is(ads: BareProgram) -> None:
    ads("actions", "list")
    gone = offline(ads)
    done = ads("actions", "list", "--json", **gone)
    schema = ads("actions", "schema", "ai.video.query", **gone)

    assert (done.code, {row["source"] for row in done.json}) == (0, {"cached"})
    assert re.search(r"this is from the cache, \d+ s old\n", done.err)
    assert (schema.code, schema.json["required"], schema.err) == (0, ["taskId"], "")


def test_a_server_in_trouble_counts_as_no_network(ads: BareProgram) -> None:
    ads("actions", "list")
    ads.server.set_faults("503 GET /api/actions x*")
    done = ads("actions", "search", "upload")

    assert (done.code, done.out.split("\t")[0]) == (0, "storage.upload_image")
    assert "this is from the cache" in done.err


def test_a_refused_key_is_no_matter_for_the_cache(ads: BareProgram) -> None:
    ads("actions", "list")

    assert ads("actions", "list", ADS_API_KEY="sk-of-nobody").code == 3


def test_a_search_without_a_hit_says_so(ads: BareProgram) -> None:
    done = ads("actions", "search", "zebra")

    assert (done.code, done.out) == (0, "")
    assert done.err == "no action matches zebra; all: ads actions list\n"


def test_a_schema_is_pretty_or_raw(ads: BareProgram) -> None:
    pretty = ads("actions", "schema", "material.search")
    raw = ads("actions", "schema", "material.search", "--raw")
    answer = ads("actions", "schema", "material.search", "--answer", "--jmespath", "required")

    assert pretty.json == raw.json
    assert (pretty.out.count("\n") > 5, raw.out.count("\n")) == (True, 1)
    assert answer.json == ["items", "total"]


def test_a_program_without_bindings_has_nothing_to_compare(ads: BareProgram) -> None:
    done = ads("actions", "diff")

    assert done.code == 2
    assert done.err == "ads: ads has no bindings: all its commands are the server's own\n"
