"""The process of a ``Loop``: prepares one step, repeats it as often as it is told."""

import importlib.util
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.memory import peak

sys.path.pop(0)


def main(name: str, facts: str) -> None:
    """Answer every number on standard input with wall, CPU and peak memory of so many steps."""
    path = Path(__file__).parent / "loops" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    step = module.prepare(**json.loads(facts))
    for line in sys.stdin:
        started, used = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            step()
        wall, cpu = time.perf_counter() - started, time.process_time() - used
        sys.stdout.write(json.dumps([wall, cpu, peak()]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
