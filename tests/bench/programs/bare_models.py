"""datamodel-code-generator alone over the schemas of N actions: a call an action, one format."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.catalogue import actions
from datamodel_code_generator import generate

OPTIONS = {
    "input_file_type": "jsonschema",
    "output_model_type": "pydantic_v2.BaseModel",
    "formatters": [],
    "target_python_version": "3.11",
    "enum_field_as_literal": "all",
    "use_standard_collections": True,
    "use_union_operator": True,
    "disable_timestamp": True,
}


def main(count: int, at: int = 0, many: int = 0) -> None:
    """Make the modules of ``many`` actions (all, unless told otherwise) from number ``at``."""
    with tempfile.TemporaryDirectory() as folder:
        for action in actions(count)[at : at + (many or count)]:
            both = {"Input": action["inputSchema"], "Result": action["outputSchema"]}
            text = str(generate(json.dumps({"$defs": both}), **OPTIONS))  # type: ignore[arg-type]  # options by name
            Path(folder, f"{action['id'].replace('.', '_')}.py").write_text(text, encoding="utf-8")
        if not many:
            ruff = Path(sys.executable).with_name("ruff")
            subprocess.run([ruff, "format", "--isolated", "--quiet", folder], check=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
