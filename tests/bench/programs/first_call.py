"""A library user's first call: a client, one free action, its answer as JSON or as its model."""

import os
import sys


def main(host: str, key: str, *typed: str) -> None:
    """Make the call and look into its answer."""
    os.environ |= {"ADS_HOST": host, "ADS_API_KEY": key, "ADS_AUTH": "bearer"}
    from ads_client import Client

    with Client() as ads:
        result = ads.video.search(query="waves", page=1)
        assert (result.data.total if typed else result.json["total"]) == 1


if __name__ == "__main__":
    main(*sys.argv[1:])
