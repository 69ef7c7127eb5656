// What the first program of a Linux does before anything else, in io_linux.c and net_linux.c.
#ifndef RINGZERO_BENCH_LINUX_INIT_H
#define RINGZERO_BENCH_LINUX_INIT_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline void fail(const char *what) {
    printf("%s: %s\n", what, strerror(errno));
    reboot(RB_POWER_OFF);
    exit(1);
}

// Those in /modules, in the order of their names.
static inline void load_modules(void) {
    struct dirent **names;
    int count = scandir("/modules", &names, NULL, alphasort);
    for (int i = 0; i < count; ++i) {
        char path[512];
        snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
        int file = names[i]->d_name[0] == '.' ? -1 : open(path, O_RDONLY);
        if (file >= 0 && syscall(SYS_finit_module, file, "", 0) != 0) {
            fail(path);
        }
    }
}

#endif
