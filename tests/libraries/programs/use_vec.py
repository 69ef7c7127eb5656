# needs: micropython-vec

import vec
from vec.distance import euclidean, manhattan

a, b = (1.5, -2.0, 3.0), (4.0, 0.25, -1.0)
print(vec.add(a, b), vec.sub(a, b), vec.mul(a, 3), vec.div(b, 2), vec.dot(a, b))
print(manhattan(a, b), "%.6f" % euclidean(a, b))
