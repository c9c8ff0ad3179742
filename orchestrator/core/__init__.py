"""The pure part: values and functions without clock, IO, randomness or environment."""
