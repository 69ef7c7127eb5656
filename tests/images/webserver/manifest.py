metadata(version="1.0", description="Serves files and a JSON API by HTTP and HTTPS.")
package("webserver")
module("main.py")
