metadata(version="1.0", description="Tests every free frame of the machine's memory.")
package("memtest")
module("main.py")
