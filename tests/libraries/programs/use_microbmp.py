# needs: micropython-microbmp

import io

from microbmp import MicroBMP

for depth in (1, 2, 4, 8, 24):
    image = MicroBMP(17, 9, depth)
    for y in range(9):
        for x in range(17):
            for z in range(3) if depth == 24 else (None,):
                if z is None:
                    image[x, y] = (x * y) % (1 << depth)
                else:
                    image[x, y, z] = (x * y * (z + 1)) & 255
    out = io.BytesIO()
    image.write_io(out)
    out.seek(0)
    again = MicroBMP().read_io(out)
    print(depth, len(out.getvalue()), str(again), sum(out.getvalue()), again[5, 5])
