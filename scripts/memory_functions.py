"""Check that a fault in the C library's memory functions leads to who has called them.

port/mpy/fault.c looks for the caller on the stack, STACK words up at most. So no chain of calls
among these functions may use more, and they may call nothing else.
"""

import argparse
import re
import subprocess
import sys

STACK = 32  # words: MEMORY_FUNCTIONS_STACK in port/mpy/fault.c
START, END = "memory_functions_start", "memory_functions_end"
LEAVES = {"__stack_chk_fail"}  # does not return


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def functions(objdump, kernel):
    """name: (words that it pushes, names that it calls)"""
    symbols = run(objdump, "-t", kernel)
    start, end = (
        int(re.search(rf"(?m)^([0-9a-f]+) .*\s{name}$", symbols)[1], 16) for name in (START, END)
    )
    text = run(objdump, "-d", f"--start-address={start}", f"--stop-address={end}", kernel)
    found = {}
    for line in text.splitlines():
        if match := re.match(r"[0-9a-f]+ <(\S+)>:", line):
            words, calls = found[match[1]] = [0, set()]
        elif re.search(r"\tpush\b", line):
            found[next(reversed(found))][0] += 1
        elif match := re.search(r"\tsub\s+\$(0x[0-9a-f]+),%rsp", line):
            found[next(reversed(found))][0] += int(match[1], 16) // 8
        elif re.search(r"\t(sub|lea|mov|add|and)\s.*%rsp$", line) and "add " not in line:
            raise SystemExit(f"{kernel}: a memory function moves its stack: {line.strip()}")
        elif match := re.search(r"\t(?:call|jmp)\s+[0-9a-f]+ <([^+>]+)>", line):
            found[next(reversed(found))][1].add(match[1])
        elif re.search(r"\tcall\s", line):
            raise SystemExit(f"{kernel}: a memory function calls what it is given: {line.strip()}")
    return found


def depth(name, found):
    words, calls = found[name]
    return words + 1 + max((depth(call, found) for call in calls - LEAVES - {name}), default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("kernel")
    options = parser.parse_args()
    found = functions(options.objdump, options.kernel)
    for name, (_, calls) in found.items():
        if others := calls - LEAVES - set(found):
            sys.exit(f"{options.kernel}: {name} calls {', '.join(others)}: not a memory function")
    for name in found:
        if (words := depth(name, found)) > STACK:
            sys.exit(f"{options.kernel}: {name} takes {words} words of the stack, not {STACK}")


main()
