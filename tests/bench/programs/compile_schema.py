"""Import a validator and compile one schema; the last line says the seconds, wall and CPU."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "loops"))
from bodies import BODY, SCHEMA

begun, used = time.perf_counter(), time.process_time()
if sys.argv[1] == "ours":
    from callsheet.schema.validator import Validator

    assert Validator.of(SCHEMA).allows(BODY)
elif sys.argv[1] == "jsonschema":
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(BODY)
else:
    import jsonschema_rs

    assert jsonschema_rs.validator_for(SCHEMA).is_valid(BODY)
wall, cpu = time.perf_counter() - begun, time.process_time() - used
sys.stdout.write(f"{wall} {cpu}\n")
