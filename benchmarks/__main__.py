"""`python -m benchmarks [policy|ensemble|embedded]`: measures, and prints lines for benchmarks/README.md."""

import sys

from benchmarks import embedded, ensemble, policy


def main() -> None:
    wanted = sys.argv[1:] or ["policy"]
    if "policy" in wanted:
        policy.main()
    if "ensemble" in wanted:
        ensemble.main()
    if "embedded" in wanted:
        embedded.main(rounds=4)


main()
