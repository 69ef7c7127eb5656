"""What these tests have in common. `vm`, a guest at its prompt, comes from the plugin."""

import pytest


@pytest.fixture
def hello(tmp_path):
    """A program, as `ringzero run` takes one."""
    path = tmp_path / "hello.py"
    path.write_text("import sys\nprint('hello')\nsys.exit(3)\n")
    return path
