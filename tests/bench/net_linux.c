// The first program of a Linux whose network is measured: it loads the modules in /modules in the order of their
// names, gives eth0 the address that QEMU's user network has for it, and becomes MicroPython, which runs net/main.py.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux_init.h"

static struct sockaddr address(const char *text) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
    } address = { .in = { .sin_family = AF_INET } };
    inet_pton(AF_INET, text, &address.in.sin_addr);
    return address.any;
}

static void set_up(int file, const char *name, const char *ip) {
    struct ifreq request = { 0 };
    strcpy(request.ifr_name, name);
    request.ifr_addr = address(ip);
    if (ip[0] != '\0' && ioctl(file, SIOCSIFADDR, &request) != 0) {
        fail(name);
    }
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(file, SIOCSIFFLAGS, &request) != 0) {
        fail(name);
    }
}

int main(void) {
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    set_up(file, "lo", "");
    set_up(file, "eth0", "10.0.2.15");
    struct rtentry route = {
        .rt_dst = address("0.0.0.0"), .rt_genmask = address("0.0.0.0"), .rt_gateway = address("10.0.2.2"),
        .rt_flags = RTF_UP | RTF_GATEWAY,
    };
    if (ioctl(file, SIOCADDRT, &route) != 0) {
        fail("route");
    }
    close(file);
    struct rlimit files = { 4096, 4096 };
    setrlimit(RLIMIT_NOFILE, &files);
    setenv("MICROPYPATH", "/rom", 1);
    execl("/micropython", "micropython", "-X", "heapsize=64M", "/rom/main.py", NULL);
    fail("/micropython");
}
