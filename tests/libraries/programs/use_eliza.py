# needs: micropython-eliza

import random

random.seed(7)
from micropython_eliza import demo  # noqa: E402

rounds = []


class Enough(Exception):
    pass


def say(text):
    rounds.append(text)
    print(text)
    if len(rounds) > 30:
        raise Enough


try:
    demo.demo(_print=say)
except Enough:
    pass
