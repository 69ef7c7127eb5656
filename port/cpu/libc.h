// The C library's state. Its functions are musl's.
#ifndef RINGZERO_CPU_LIBC_H
#define RINGZERO_CPU_LIBC_H

// Comes before any call of a library function.
void libc_init(void);

#endif
