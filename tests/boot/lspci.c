/*
 * The first and only program of a Linux that shows what is on its PCI buses.
 */

#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    mount("sysfs", "/sys", "sysfs", 0, 0);
    if (fork() == 0) {
        execl("/bin/lspci", "lspci", "-n", "-xxxx", (char *)0);
        _exit(1);
    }
    wait(0);
    return reboot(RB_AUTOBOOT);
}
