"""A stored catalogue: a row an action, written where it changed and read where it is used."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.scripted import HOST

from callsheet.catalog.snapshot import Catalogue
from callsheet.catalog.store import CatalogueCache
from callsheet.jsonio import digest
from callsheet.masking import watch
from callsheet.secret import Secret
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from collections.abc import Iterable

OBJECT = {"type": "object", "properties": {"prompt": {"type": "string"}}}
PATHS = {"/api/actions": {"etag": '"l"'}, "/api/actions/a.b/schema": {"etag": '"s"'}}


def advertised(name: str, **more: Any) -> Advertised:
    return Advertised(id=name, title=f"T {name}", input={**OBJECT, "title": name}, **more)


def catalogue_of(*actions: Advertised, **more: Any) -> Catalogue:
    return Catalogue(HOST, 12.5, actions, PATHS, ("a note",))._replace(**more)


FULL = catalogue_of(
    advertised("a.b", description="Does it.", output={"type": "object"}, hints={"readOnly": True}),
    Advertised(id="none", input=None, hints={"billable": True}),
    server="s",
    apart=("a.b",),
    whole=11.5,
    read_as="1",
    missing="the end",
    stated={"a.b": {"readOnly": True}},
    confirmed={"a.b": 12.0},
)


def in_memory(catalogue: Catalogue | None) -> Catalogue | None:
    """Return a stored catalogue with all that it reads when it is used."""
    if catalogue is None:
        return None
    return catalogue._replace(
        actions=tuple(catalogue.actions),
        tags=dict(catalogue.tags),
        stated=dict(catalogue.stated),
        confirmed=dict(catalogue.confirmed),
        apart=tuple(catalogue.apart),
    )


def cached(folder: Path) -> Catalogue | None:
    """Return what another process reads."""
    return in_memory(CatalogueCache(str(folder)).load(HOST))


def stored(folder: Path, catalogue: Catalogue = FULL) -> CatalogueCache:
    cache = CatalogueCache(str(folder))
    cache.store(catalogue)
    return cache


def change(folder: Path, *statements: str) -> None:
    """Change the file behind the back of the program."""
    with closing(sqlite3.connect(CatalogueCache(str(folder)).path(HOST))) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def log_writes(folder: Path) -> None:
    """Let the file record which rows are written from now on, by whomever."""
    change(folder, "CREATE TABLE written (what TEXT)")
    for table, name in (("actions", "id"), ("schemas", "id"), ("facts", "name")):
        for event, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")):
            change(
                folder,
                f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN "
                f"INSERT INTO written VALUES ('{event} {table} ' || {row}.{name}); END",
            )


def rows(folder: Path, query: str) -> list[str]:
    """Return the first column of what the file answers."""
    with closing(sqlite3.connect(CatalogueCache(str(folder)).path(HOST))) as db:
        return [row[0] for row in db.execute(query)]


def written(folder: Path) -> list[str]:
    return rows(folder, "SELECT what FROM written ORDER BY what")


def test_a_catalogue_is_stored_by_host_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    assert cached(folder) is None
    assert not folder.exists()
    cache = stored(folder)

    assert cached(folder) == FULL
    assert cache.load(HOST + ":8443") is None
    (path,) = folder.iterdir()
    assert str(path) == cache.path(HOST)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, path)] == [0o700, 0o600]


def test_single_rows_are_read(tmp_path: Path) -> None:
    catalogue = stored(tmp_path).load(HOST)
    assert catalogue is not None
    assert catalogue.get("a.b") == FULL.actions[0]
    assert catalogue.get("a") is None
    assert catalogue.marks_of("none") == {"billable": True}
    assert catalogue.marks_of("no") is None
    assert [catalogue.digest_of(name) for name in ("a.b", "none", "no")] == [
        digest({**OBJECT, "title": "a.b"}),
        "",
        None,
    ]
    assert (len(catalogue.actions), catalogue.actions[1].id) == (2, "none")
    assert catalogue.actions[:1] == (FULL.actions[0],)


def test_odd_ids_are_read_too(tmp_path: Path) -> None:
    names = ["a", 'b "c', "d\n1", "a.a", "%", "'; DROP TABLE actions"]
    catalogue = stored(tmp_path, catalogue_of(*map(advertised, names))).load(HOST)
    assert catalogue is not None
    assert sorted(catalogue.ids()) == sorted(names)
    assert [catalogue.digest_of(name) for name in names] == [
        digest({**OBJECT, "title": name}) for name in names
    ]


def test_one_that_did_not_change_is_confirmed_and_no_row_is_written(tmp_path: Path) -> None:
    cache = stored(tmp_path)
    log_writes(tmp_path)
    before = rows(tmp_path, "SELECT revision FROM head")
    later = FULL._replace(fetched=60.0)
    cache.touch(later)
    assert cached(tmp_path) == later
    cache.store(later._replace(fetched=70.0))

    assert cached(tmp_path) == FULL._replace(fetched=70.0)
    assert written(tmp_path) == []
    assert rows(tmp_path, "SELECT revision FROM head") == before


def test_the_one_of_many_that_changed_is_written(tmp_path: Path) -> None:
    many = [advertised(f"a.{number}") for number in range(200)]
    cache = stored(tmp_path, catalogue_of(*many))
    log_writes(tmp_path)
    many[7] = many[7]._replace(input={"type": "string"})
    cache.store(catalogue_of(*many[:-1]))

    assert written(tmp_path) == [
        "DELETE actions a.199",
        "DELETE schemas a.199",
        "INSERT schemas a.7",
        "UPDATE actions a.7",
    ]
    after = cached(tmp_path)
    assert after is not None
    assert after.get("a.7") == many[7]


def test_one_that_was_removed_meanwhile_is_not_confirmed(tmp_path: Path) -> None:
    cache = stored(tmp_path)
    os.unlink(cache.path(HOST))
    cache.touch(FULL)
    assert cache.load(HOST) is None


def test_hosts_that_look_alike_have_files_of_their_own() -> None:
    cache = CatalogueCache("/cache")
    hosts = ["https://a.example", "http://a.example", "https://a.example/x", "https://a_example"]
    hosts += [f"https://{'a' * 150}.example/{end}" for end in ("x", "X")]

    assert len({cache.path(host).lower() for host in hosts}) == len(hosts)
    assert all(len(cache.path(host)) < 250 for host in hosts)


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA user_version = 2",
        "DROP TABLE schemas",
        "DROP TABLE head",
        "UPDATE head SET document = '{'",
        "UPDATE head SET document = '{}'",
        "UPDATE head SET document = json_set(document, '$.fetched', 'now')",
        "UPDATE head SET document = json_set(document, '$.notes', 5)",
        "UPDATE head SET document = json_set(document, '$.server', 5)",
        "UPDATE actions SET about = '{'",
        "UPDATE actions SET about = '[1, 2, 3]'",
        "UPDATE actions SET about = '[]'",
        "UPDATE schemas SET input = '{' WHERE id = 'a.b'",
        "UPDATE schemas SET input = NULL",
        "UPDATE facts SET fact = ''",
    ],
)
def test_a_damaged_file_is_none_and_is_replaced(tmp_path: Path, statement: str) -> None:
    cache = stored(tmp_path)
    change(tmp_path, statement)
    cached(tmp_path)

    assert cached(tmp_path) is None
    stored(tmp_path)
    assert cached(tmp_path) == FULL
    assert cache.load(HOST) is not None


@pytest.mark.parametrize("content", [b"{", b"[" * 50_000, b"SQLite format 3\0", None])
def test_a_file_that_is_no_database_is_none_and_is_replaced(
    tmp_path: Path, content: bytes | None
) -> None:
    path = Path(stored(tmp_path).path(HOST))
    path.write_bytes(content if content is not None else path.read_bytes()[:-4096])
    cached(tmp_path)
    stored(tmp_path)
    assert cached(tmp_path) == FULL


def test_a_database_of_another_program_is_replaced(tmp_path: Path) -> None:
    path = CatalogueCache(str(tmp_path)).path(HOST)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")
    stored(tmp_path)
    assert cached(tmp_path) == FULL


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"")
    os.symlink(other, CatalogueCache(str(tmp_path)).path(HOST))
    stored(tmp_path)
    assert cached(tmp_path) == FULL
    assert other.read_bytes() == b""


def test_what_others_may_have_written_counts_as_none(tmp_path: Path) -> None:
    path = Path(stored(tmp_path).path(HOST))
    path.chmod(0o666)
    assert cached(tmp_path) is None
    stored(tmp_path)
    assert cached(tmp_path) == FULL
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_another_user_wrote_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cached(tmp_path) is None


def test_where_nothing_can_be_written_this_process_knows_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = stored(tmp_path / "file" / "cache")
    assert in_memory(cache.load(HOST)) == FULL
    cache.touch(FULL._replace(fetched=70.0))
    assert in_memory(cache.load(HOST)) == FULL._replace(fetched=70.0)
    assert cached(tmp_path / "file" / "cache") is None


def test_a_file_that_is_locked_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callsheet.catalog.store._PATIENCE", 0.01)
    cache = stored(tmp_path)
    with closing(sqlite3.connect(cache.path(HOST), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert cached(tmp_path) is None
        cache.store(FULL._replace(fetched=70.0))
        assert in_memory(cache.load(HOST)) == FULL._replace(fetched=70.0)
    assert cached(tmp_path) == FULL


def test_the_files_of_the_former_format_are_removed(tmp_path: Path) -> None:
    for name in ("https-a.json", "https-a.json.index", "http-b.json.rows", "uploads.json"):
        (tmp_path / name).write_text("{}")
    path = stored(tmp_path).path(HOST)
    assert sorted(tmp_path.iterdir()) == sorted([Path(path), tmp_path / "uploads.json"])


def test_no_key_is_stored(tmp_path: Path) -> None:
    key = Secret.parse("sk-0123456789abcdef-0123456789")
    watch(key)
    told = key.reveal()
    action = advertised("a.b", description=told, output={"const": told}, hints={"x": told})
    stored(tmp_path, catalogue_of(action, notes=(told,), server=told, stated={"a.b": {"y": told}}))
    (path,) = tmp_path.iterdir()
    assert told.encode() not in path.read_bytes()
    after = cached(tmp_path)
    assert after is not None
    assert after.actions[0].output == {"const": str(key)}


def open_files() -> Iterable[str]:
    """Return the files that this process has open."""
    for number in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue


def test_no_file_stays_open_and_a_child_reads_for_itself(tmp_path: Path) -> None:
    cache = stored(tmp_path)
    catalogue = cache.load(HOST)
    assert catalogue is not None
    assert catalogue.get("a.b") is not None
    path = cache.path(HOST)
    assert path not in set(open_files())
    child = os.fork()
    if child == 0:
        is_right = in_memory(catalogue) == FULL and path not in set(open_files())
        os._exit(0 if is_right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert catalogue.get("a.b") is not None
