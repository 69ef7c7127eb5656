import netboot

netboot.run()
