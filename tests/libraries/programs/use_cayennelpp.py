# needs: micropython-pycayennelpp micropython-logging

from binascii import hexlify

from cayennelpp import LppFrame

frame = LppFrame()
frame.add_temperature(0, -1.2)
frame.add_humidity(6, 34.5)
frame.add_accelerometer(2, 1.234, -1.234, 0.0)
frame.add_luminosity(1, 1001)
frame.add_digital_input(3, 1)
data = bytes(frame.to_bytes() if hasattr(frame, "to_bytes") else frame)
print(hexlify(data), len(frame))
print(str(LppFrame.from_bytes(data)))
