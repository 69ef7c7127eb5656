// What musl's libc.a asks of an operating system, where we give another answer than it would.
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "boot/percpu.h"
#include "cpu/io.h"
#include "cpu/libc.h"
#include "panic.h"

// SDM 4, table 2-2: the base of %fs.
#define MSR_FS_BASE 0xc0000100

// The start of a thread control block, which %fs points to (ELF TLS ABI for x86-64). Distributions
// build libc.a with a stack protector, and gcc has its canary at %fs:0x28.
PERCPU static struct {
    void *self;
    uint64_t unused[4];
    uint64_t canary;
} thread;

void libc_init(void) {
    thread.self = &thread;
    // The lowest byte is 0, so that no string function writes over it unseen.
    thread.canary = cpu_tsc() * UINT64_C(0x9e3779b97f4a7c15) << 8;
    cpu_wrmsr(MSR_FS_BASE, (uint64_t)&thread);
}

__attribute__((noreturn)) void __stack_chk_fail(void);
__attribute__((noreturn)) void __stack_chk_fail(void) {
    panic("a function of the C library has overrun its stack frame");
}

// musl keeps errno in thread-local storage, of which there is none here.
int *__errno_location(void) {
    PERCPU static int value;
    return &value;
}

// What musl's own code calls it.
int *___errno_location(void) __attribute__((alias("__errno_location"), const));

// musl's takes more of the stack than a fault's caller is looked for in (kernel.ld).
char *strstr(const char *text, const char *wanted) {
    size_t size = strlen(wanted);
    while (strncmp(text, wanted, size) != 0) {
        if (*text++ == '\0') {
            return 0;
        }
    }
    return (char *)text;
}
