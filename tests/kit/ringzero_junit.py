"""Makes JUnit's XML of what firmware_tests has printed: console on standard input, XML out. Where
that does not go on to the end, an error is among the cases, and the status is 1."""

import re
import sys
from xml.etree import ElementTree

LINE = re.compile(r"^(PASS|FAIL|SKIP) (\w+): (.*)$", re.MULTILINE)
END = re.compile(r"^Summary: ", re.MULTILINE)


def is_whole(text):
    """Whether the checks have come to their end."""
    return bool(END.search(text))


def junit(text):
    """The XML, a str: a test case for each line of a check, and for an end that is missing."""
    text = text.replace("\r", "")
    lines = LINE.findall(text)
    errors = int(not is_whole(text))
    counts = [str(sum(outcome == kind for outcome, _, _ in lines)) for kind in ("FAIL", "SKIP")]
    suite = ElementTree.Element(
        "testsuite",
        name="firmware_tests",
        tests=str(len(lines) + errors),
        failures=counts[0],
        errors=str(errors),
        skipped=counts[1],
    )
    for outcome, check, said in lines:
        name = check if outcome == "SKIP" else said.partition(": expected ")[0]
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"firmware_tests.{check}", name=name, time="0"
        )
        if outcome != "PASS":
            kind = "failure" if outcome == "FAIL" else "skipped"
            ElementTree.SubElement(case, kind, message=said)
    if errors:
        case = ElementTree.SubElement(
            suite, "testcase", classname="firmware_tests", name="end", time="0"
        )
        last = "\n".join(text.splitlines()[-20:])
        clean = "".join(one if one.isprintable() or one == "\n" else "?" for one in last)
        ElementTree.SubElement(case, "error", message="no summary: it broke off").text = clean
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


if __name__ == "__main__":
    console = sys.stdin.read()
    print(junit(console))
    sys.exit(not is_whole(console))
