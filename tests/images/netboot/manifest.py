metadata(version="1.0", description="Gets a program by DHCP and TFTP or HTTP, and runs it.")
package("netboot")
module("main.py")
