"""Run ``ads`` with ``python -m callsheet``."""

from callsheet.launcher import main

if __name__ == "__main__":
    raise SystemExit(main())
