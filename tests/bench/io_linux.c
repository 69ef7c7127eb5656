// The first and only program of a Linux whose disk is measured: it loads the modules in /modules in the order of
// their names, does what io/main.py does with the same disk, and prints the same lines. Its argument, how many
// blocks of 4 KiB, is COUNT in its environment, as Linux gives what it does not know of its command line.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "linux_init.h"

enum { LARGE = 65536, SMALL = 4096, SIZE = 64 << 20 };
#define STEP 7919 // blocks, of which there are 2^14: all are met

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static int open_disk(void) {
    static const char *const names[] = { "/dev/vda", "/dev/nvme0n1", "/dev/sda" };
    for (int i = 0; i < 1000; ++i) {
        for (unsigned j = 0; j < 3; ++j) {
            int file = open(names[j], O_RDWR | O_DIRECT);
            if (file >= 0) {
                return file;
            }
        }
        usleep(10000);
    }
    fail("no disk");
    return -1;
}

static void measure(int file, const char *name, bool write, size_t size, int count, int step) {
    void *buf = aligned_alloc(LARGE, LARGE);
    memset(buf, 0x5a, LARGE);
    double start = seconds();
    for (int i = 0; i < count; ++i) {
        off_t at = (off_t)((long)i * step % (SIZE / size)) * size;
        if ((write ? pwrite(file, buf, size, at) : pread(file, buf, size, at)) != (ssize_t)size) {
            fail(name);
        }
    }
    if (write && fdatasync(file) != 0) {
        fail(name);
    }
    printf("%s %.6f\n", name, seconds() - start);
    free(buf);
}

int main(void) {
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    int file = open_disk();
    int count = atoi(getenv("COUNT"));
    measure(file, "read", false, LARGE, count == 0 ? SIZE / LARGE : 0, 1);
    measure(file, "write", true, LARGE, count == 0 ? SIZE / LARGE : 0, 1);
    measure(file, "random read", false, SMALL, count == 0 ? 2000 : count, STEP);
    measure(file, "random write", true, SMALL, count == 0 ? 2000 : 0, STEP);
    reboot(RB_POWER_OFF);
    return 0;
}
