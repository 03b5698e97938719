"""Run some lines and say the peak memory that they took, after two zeros."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

exec(sys.argv[1])
found = spec_from_file_location("memory", Path(__file__).parents[1] / "memory.py")
assert found is not None
assert found.loader is not None
module = module_from_spec(found)
found.loader.exec_module(module)
sys.stdout.write(f"0 0 {module.peak()}\n")
