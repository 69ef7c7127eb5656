# needs: micropython-uargparse

import uargparse

parser = uargparse.ArgumentParser(description="what it does")
parser.add_argument("-a", "--all", action="store_true")
parser.add_argument("-n", nargs=2, help="two")
parser.add_argument("name")
print(parser.parse_args(["-a", "-n", "1", "2", "x"]))
