"""What pip writes as the console script of ``ads``, which has no bindings."""

import sys

from callsheet.launcher import main

if __name__ == "__main__":
    sys.exit(main())
