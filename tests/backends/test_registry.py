"""From configuration to backend: the right kind, paths from the file's folder, one instance a name."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.backends.registry import Backends, make_backend
from orchestrator.config import BackendConfig, LlamaConfig, OpenAIConfig, ScriptConfig
from orchestrator.errors import BadModelFile, UnknownModel

SERVER = OpenAIConfig(base_url="http://127.0.0.1:9/v1", model="m", concurrency=3)


def test_each_kind_makes_its_backend(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    configured: list[BackendConfig] = [SERVER, ScriptConfig(path="a.jsonl"), LlamaConfig(model="m.gguf")]
    for config in configured:
        assert make_backend("x", config, base=tmp_path).kind == config.kind
    server = make_backend("x", SERVER, base=tmp_path)
    assert (server.model, server.abilities.concurrency) == ("m", 3)


def test_paths_count_from_the_base(tmp_path: Path) -> None:
    assert str(tmp_path / "a.jsonl") in repr(make_backend("x", ScriptConfig(path="a.jsonl"), base=tmp_path))
    with pytest.raises(BadModelFile, match=r"sub/m\.gguf"):
        make_backend("x", LlamaConfig(model="sub/m.gguf"), base=tmp_path)
    with pytest.raises(UnknownModel, match="nosuch"):
        make_backend("x", LlamaConfig(model="nosuch"), base=tmp_path)


def test_one_instance_a_name(tmp_path: Path) -> None:
    backends = Backends({"a": SERVER, "b": SERVER}, base=tmp_path)
    assert backends.made == ()
    assert backends.get("a") is backends.get("a")
    assert backends.get("a") is not backends.get("b")
    assert backends.made == (backends.get("a"), backends.get("b"))


def test_a_kind_that_is_not_used_is_not_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from orchestrator.backends.registry import make_backend;"
        "from orchestrator.config import ScriptConfig; make_backend('x', ScriptConfig(path='a'), base=Path());"
        "print([name for name in ('xllamacpp', 'httpx', 'aiohttp') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
