# needs: micropython-argparse

import argparse

parser = argparse.ArgumentParser(description="what it does")
parser.add_argument("-a", action="store_true")
parser.add_argument("-b", "--bee", default="none")
parser.add_argument("files", nargs="*")
print(parser.parse_args(["-a", "-b", "3", "x", "y"]))
print(parser.parse_args([]).bee)
