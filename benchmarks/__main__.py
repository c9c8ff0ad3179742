"""`python -m benchmarks [policy|embedded]`: measures, and prints lines for benchmarks/README.md."""

import sys

from benchmarks import embedded, policy


def main() -> None:
    wanted = sys.argv[1:] or ["policy"]
    if "policy" in wanted:
        policy.main()
    if "embedded" in wanted:
        embedded.main(rounds=4)


main()
