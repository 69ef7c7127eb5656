"""Makes JUnit's XML of what firmware_tests has printed: console on standard input, XML out."""

import re
import sys
from xml.etree import ElementTree

LINE = re.compile(r"^(PASS|FAIL|SKIP) (\w+): (.*)$", re.MULTILINE)


def junit(text):
    """The XML, a str: one test case for each line of a check."""
    lines = LINE.findall(text.replace("\r", ""))
    counts = [str(sum(outcome == kind for outcome, _, _ in lines)) for kind in ("FAIL", "SKIP")]
    suite = ElementTree.Element(
        "testsuite",
        name="firmware_tests",
        tests=str(len(lines)),
        failures=counts[0],
        errors="0",
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
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


if __name__ == "__main__":
    print(junit(sys.stdin.read()))
