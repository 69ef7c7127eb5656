# A report of the machine: printed, and in two files, as text and as JSON.

import json

from . import sections

TEXT = "/hwinfo.txt"
JSON = "/hwinfo.json"
_BEGIN = "-----BEGIN HWINFO JSON-----"
_END = "-----END HWINFO JSON-----"


def collect():
    """The report: a dict of each section's dict or list; "problems" says what could not be had."""
    report = {}
    problems = []
    for name, gather, _ in sections.ALL:
        try:
            report[name] = gather()
        except Exception as error:
            # Whatever is wrong with one part of a machine, the rest is of use.
            report[name] = None
            problems.append({"section": name, "problem": "%s: %s" % (type(error).__name__, error)})
    report["problems"] = problems
    return report


def text(report):
    """The report's lines."""
    for name, _, tell in sections.ALL:
        yield "== %s ==" % name
        found = report[name]
        lines = tell(found) if found else ["none"]
        for line in lines:
            yield line
        yield ""
    for one in report["problems"]:
        yield "%(section)s: not known: %(problem)s" % one
    yield "hwinfo: %d problems" % len(report["problems"])


def run():
    """Print a report, its JSON first, and write both files."""
    report = collect()
    with open(JSON, "w") as file:
        json.dump(report, file)
    print(_BEGIN)
    print(json.dumps(report))
    print(_END)
    with open(TEXT, "w") as file:
        for line in text(report):
            print(line)
            file.write(line + "\n")
    print("The report is in %s and %s: mpremote cp :%s ." % (TEXT, JSON, JSON))
