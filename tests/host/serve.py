# Runs in MicroPython's unix port and does what a test on the other end of the pipe asks for.
#
# A request is a line of JSON: [source, whether it is an expression]. So is the answer: [null, its
# value], or [name of the exception's type, its message].

import json
import sys

names = {}


def answer(source, is_expression):
    try:
        if is_expression:
            return None, eval(source, names)
        exec(source, names)
        return None, None
    except Exception as error:
        return type(error).__name__, str(error)


# readline() of the unix port's stdin is what it should be; iterating over it reads ahead.
while True:
    request = sys.stdin.readline()
    if not request:
        break
    print(json.dumps(answer(*json.loads(request))))
