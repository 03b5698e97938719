"""Each link between a schema and Python code, and what gets further when it is taken away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from callsheet import identifiers
from callsheet.schema import admission as schema
from callsheet.schema import keywords, limits, repair
from callsheet_codegen import code, names, verify
from callsheet_codegen.models import prepare, worker
from callsheet_codegen.models.pool import ModelSource, Worker
from callsheet_codegen.models.prepare import NoModel
from callsheet_codegen.render import environment, render

if TYPE_CHECKING:
    from pathlib import Path

VENDOR = {
    "type": "object",
    "customBasePath": "evil.Base",
    "properties": {"a": {"type": "string", "customTypePath": "subprocess.Popen"}},
}
DEEP: dict[str, Any] = {"type": "string"}
for _level in range(9):
    DEEP = {"anyOf": [DEEP, {"type": "object", "properties": {f"p{_level}": DEEP}}]}
TOUCH = "open('canary', 'w').close()\n"


def model_source(raw: Any) -> str:
    """Return the module that the worker gives for an admitted schema."""
    return worker.make({"AInput": (raw, False)}).source


class Unclean:
    """In place of the preparer: hands the schema on as it came."""

    def __init__(self, *, root: str, schema: Any, **_: Any) -> None:
        self.root, self.schema = root, schema

    def definitions(self) -> dict[str, Any]:
        """Return the schema itself."""
        return {self.root: self.schema}


def as_it_came(text: str, **_: Any) -> Any:
    """Stand in for the reshaping: return the output of the model generator as it came."""
    return ModelSource(source=text, fields={"AInput": {}})


def test_vendor_keywords_fall_at_the_firewall() -> None:
    assert schema.admit(VENDOR) == {"type": "object", "properties": {"a": {"type": "string"}}}


def test_without_the_firewall_they_fall_at_the_cleaner(monkeypatch: pytest.MonkeyPatch) -> None:
    more = keywords.PLAIN | {"customBasePath", "customTypePath"}
    monkeypatch.setattr(schema, "PLAIN", more)
    admitted = schema.admit(VENDOR)

    assert admitted == VENDOR
    assert "evil" not in model_source(admitted)
    assert "Popen" not in model_source(admitted)


def test_without_the_cleaner_the_output_is_not_reshaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ModelSchemaPreparer", Unclean)
    with pytest.raises(NoModel, match=r"unknown bases|used 'Popen'"):
        model_source(VENDOR)


def test_without_the_reshaping_the_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ModelSchemaPreparer", Unclean)
    monkeypatch.setattr(worker, "rewrite_module", as_it_came)
    source = model_source(VENDOR)

    assert "from subprocess import Popen" in source
    with pytest.raises(verify.Unsafe, match=r"a comment|import of"):
        verify.verify("models/a.py", source)


def test_without_the_check_the_import_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(verify.Unsafe):
        verify.verify("models/a.py", TOUCH)
    stopped = worker.run_guarded(lambda: worker.try_import(TOUCH), "import")

    assert stopped is not None
    assert "open while models were made" in stopped
    assert not (tmp_path / "canary").exists()

    worker.try_import(TOUCH)  # without the hook the code runs
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("ref", ["file:///etc/passwd", "http://127.0.0.1:1/x", "x.json"])
def test_references_fall_at_the_firewall_then_at_the_cleaner(
    ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = {"type": "object", "properties": {"a": {"$ref": ref}}}
    assert schema.admit(raw) == {"type": "object", "properties": {"a": {}}}

    monkeypatch.setattr(repair.RepairedSchema, "_check_links", lambda repaired: None)
    monkeypatch.setattr(schema._SchemaSanitizer, "_link", lambda self, ref, base: {"$ref": ref})
    with pytest.raises(NoModel, match="does not stay within"):
        model_source(schema.admit(raw))


def test_without_both_a_file_is_still_not_read(tmp_path: Path) -> None:
    target = tmp_path / "secret.json"
    target.write_text('{"type": "object"}')
    reading = worker.run_guarded(target.read_text, "generate")

    assert reading is not None
    assert target.read_text() != ""


def test_steering_words_are_gone() -> None:
    words = ("$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary", "$comment")
    raw = {**dict.fromkeys(words, "#x"), "$vocabulary": {}, "type": "object", "x-a": 1}
    raw["default_factory"] = raw["customTypePath"] = "os.system"

    assert schema.admit({**raw, "$dynamicRef": "http://127.0.0.1/x"}) == {"type": "object"}


def test_a_bomb_falls_at_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = {"anyOf": [DEEP, {"anyOf": [DEEP, DEEP]}]}
    deep: Any = {}
    for _ in range(70):
        deep = {"items": deep}
    assert len(str(schema.admit(twice))) < len(str(twice))
    assert len(str(schema.admit(deep))) < len(str(deep))

    monkeypatch.setattr(schema, "_cut_unions", lambda clean: [])
    assert schema.admit(twice) == twice
    monkeypatch.setattr(limits, "MOST_DEPTH", 80)
    assert schema.admit(deep) == deep


LIMITED = """
import sys
from callsheet_codegen.models import worker

whole, calls = worker.make, []

def make(request):
    calls.append(request)
    if len(calls) == 1:
        return whole(request)
    {work}
    raise worker.NoModel("nothing held it")

worker.make, worker.CPU_SECONDS = make, {seconds}
{removed}
worker.serve(sys.stdin, sys.stdout, limit=worker._limit_cpu)
"""
CPU = "sum(n for n in range(30_000_000))"
MEMORY = "bytearray(400 * 2**20)"


@pytest.mark.parametrize(
    ("work", "removed", "refusal"),
    [
        (CPU, "", "more time or memory"),
        (CPU, "worker._limit_cpu = lambda seconds: None", "nothing held it"),
        (MEMORY, "", "MemoryError"),
        (MEMORY, "worker._limit_memory = lambda: None", "nothing held it"),
    ],
)
def test_the_worker_is_held_to_time_and_memory(work: str, removed: str, refusal: str) -> None:
    seconds = 0.3 if work == CPU else 2.0
    process = Worker(("-c", LIMITED.format(work=work, removed=removed, seconds=seconds)))
    try:
        assert refusal in process.ask({"AInput": ({"type": "object"}, False)}).refused
    finally:
        process.close()


def test_names_that_are_no_names_fall_at_the_emitter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names.fields(["class", "a-b", "a_b"]) == {"class": "class_", "a-b": "a_b_", "a_b": "a_b"}

    monkeypatch.setattr(identifiers, "keyword", SimpleNamespace(iskeyword=lambda name: False))
    with pytest.raises(code.CodeError, match="not an identifier"):
        code.Ident(names.fields(["class"])["class"])


def test_text_falls_at_the_emitter_then_at_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(source="import os", roles=())
    with pytest.raises(code.CodeError):
        render("model.py.jinja", module=module)

    monkeypatch.setattr(environment(None), "finalize", str)
    monkeypatch.setattr(environment(None), "cache", None)  # templates are compiled with finalize
    written = render("model.py.jinja", module=module)
    with pytest.raises(verify.Unsafe, match="Import"):
        verify.verify("groups/__init__.py", written)


def test_a_docstring_without_its_escapes_is_refused() -> None:
    text = 'x"""\nimport os\n"""'
    verify.verify("groups/a.py", code.Doc(text).text + "\n")
    with pytest.raises(verify.Unsafe):
        verify.verify("groups/a.py", f'"""{text}"""\n')


def test_the_cleaner_leaves_no_text_of_the_server() -> None:
    words = prepare.Vocabulary(fields={"evil\n": "evil"})
    preparer = prepare.ModelSchemaPreparer(
        root="A", words=words, open_enums=False, schema={"properties": {"evil\n": {"const": "\n"}}}
    )

    assert "\n" not in str(preparer.definitions())
