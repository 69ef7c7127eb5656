"""Examples and transcripts in the project's READMEs, for tests that run them."""

import doctest
import re

from ringzero_vm import GuestError

CHECKER = doctest.OutputChecker()


def blocks(path, language=""):
    """(number of the line, text) of each fenced block of that language in a Markdown file."""
    found = []
    lines = path.read_text().splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            if start is None:
                start, named = number, line[3:].strip()
            else:
                if named == language:
                    found.append((start + 1, "\n".join(lines[start : number - 1]) + "\n"))
                start = None
    return found


def examples(text):
    """What is typed at >>> in a text, and what is said to come of it, as doctest has them."""
    return doctest.DocTestParser().get_examples(text)


def run(vm, example):
    """What is wrong with an example, or None: what it does in the guest is what it says."""
    code = f"exec(compile({example.source!r}, '<stdin>', 'single'))"
    got, error = "", None
    try:
        got = vm.exec(code)
    except GuestError as problem:
        error = str(problem).splitlines()[-1]
    flags = doctest.ELLIPSIS
    if example.exc_msg is not None or error is not None:
        want = example.exc_msg or "no exception\n"
        if error is None or not CHECKER.check_output(want, error + "\n", flags):
            return f"{example.source}wanted {want}got {error}, {got}"
    elif not CHECKER.check_output(example.want, got, flags):
        return f"{example.source}wanted {example.want}got {got}"
    return None


def plain(text):
    """A transcript without what is another on another day, build or host."""
    for varies, name in (
        (r"v\d+\.\d+\.\d+\S* on \d{4}-\d\d-\d\d", "vVERSION on DATE"),
        (r"\(Ringzero \S+\)", "(Ringzero VERSION)"),
        (r"started in \d+ ms", "started in N ms"),
        (r"RSDP at 0x[0-9a-f]+", "RSDP at ADDRESS"),
        (r"\b(total|free|free_2m|metadata|metadata_frames)=\d+", r"\1=N"),
    ):
        text = re.sub(varies, name, text)
    return text
