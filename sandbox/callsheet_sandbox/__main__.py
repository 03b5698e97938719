"""Run the sandbox as ``python -m callsheet_sandbox``."""

import sys

from callsheet_sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m callsheet_sandbox"))
