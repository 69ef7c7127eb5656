// What musl's libc.a asks of an operating system, where we give another answer than it would.
#include <errno.h>

// musl keeps errno in thread-local storage at %fs; there is one thread here and no such segment.
int *__errno_location(void) {
    static int value;
    return &value;
}
