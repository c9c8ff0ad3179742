"""A multi-agent role-play orchestrator whose runs can be replayed, resumed, forked and audited."""

__version__ = "0.1.0"
