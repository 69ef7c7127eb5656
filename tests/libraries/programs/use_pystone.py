# needs: micropython-pystone-lowmem

import pystone_lowmem

pystone_lowmem.Proc0(500)
print(pystone_lowmem.IntGlob, pystone_lowmem.BoolGlob, pystone_lowmem.Char1Glob)
print(pystone_lowmem.Array1Glob[:12], [x[8] for x in pystone_lowmem.Array2Glob][:9])
