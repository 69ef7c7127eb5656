metadata(version="1.0", description="Reports what the machine is made of.")
package("hwinfo")
module("main.py")
