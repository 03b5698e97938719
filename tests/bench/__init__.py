"""The benchmark: what the product takes, beside the floor and the peers, in one run."""
