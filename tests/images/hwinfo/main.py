import hwinfo

hwinfo.run()
