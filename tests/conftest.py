"""Boot tests use the kit from this tree, installed or not."""

import importlib
import sys
from pathlib import Path


def pytest_addoption(parser, pluginmanager):
    if not any(pluginmanager.hasplugin(name) for name in ("ringzero", "pytest_ringzero")):
        sys.path.insert(0, str(Path(__file__).parent / "kit"))
        pluginmanager.register(importlib.import_module("pytest_ringzero"), "ringzero")
