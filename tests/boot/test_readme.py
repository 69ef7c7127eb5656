"""What the READMEs show is what comes when one types it."""

import re

import pytest
from ringzero_vm import ROOT
from transcripts import blocks, plain

READMES = [
    path
    for path in sorted(ROOT.rglob("README.md"))
    if not {".deps", ".venv", "build"} & set(path.relative_to(ROOT).parts[:-1])
]
# modules/README.md has examples, which tests/boot/test_reference.py runs.
TRANSCRIPTS = [
    (path.relative_to(ROOT), line, text)
    for path in READMES
    for line, text in blocks(path)
    if ">>> " in text
]


def test_there_is_one():
    """The project's README begins with a transcript."""
    assert [str(path) for path, _, _ in TRANSCRIPTS][-1:] == ["README.md"]


def test_length():
    """Who reads the project's README has soon read all of it."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


@pytest.mark.parametrize("path, line, text", TRANSCRIPTS, ids=lambda value: str(value)[:12])
def test_transcript(boot, path, line, text):
    """Typed into a machine as the launcher makes it, a README's lines give what it shows."""
    vm = boot(smp=4 if ">>> import cpus" in text else 1).boot()
    typed = re.findall(r"^>>> (.+)$", text, re.M)
    got = vm.transcript().replace("\r", "")
    assert plain(got).endswith(plain(text[: text.index(">>> ")]) + ">>> ")
    got = ">>> "
    for one in typed:
        got += f"{one}\n{vm.run(one)}>>> "
    want = ">>> " + text.partition(">>> ")[2]
    assert plain(got.replace("\r", "")).rstrip("> \n") == plain(want).rstrip("> \n")
