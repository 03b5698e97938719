"""What pip writes as the console script of a generated client."""

import sys

from ads_client.cli import main

if __name__ == "__main__":
    sys.exit(main())
