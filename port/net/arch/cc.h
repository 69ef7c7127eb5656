// What lwIP asks of the compiler and the machine (lwip/arch.h has the rest).
#ifndef RINGZERO_NET_ARCH_CC_H
#define RINGZERO_NET_ARCH_CC_H

#include <stdint.h>

#define BYTE_ORDER LITTLE_ENDIAN

// Nothing is printed: what is wrong with a packet or an argument is a value that lwIP returns.
#define LWIP_PLATFORM_DIAG(message)
__attribute__((noreturn)) void net_assert_failed(const char *message);
#define LWIP_PLATFORM_ASSERT(message) net_assert_failed(message)
#define LWIP_ERROR(message, expression, handler) \
    do { \
        if (!(expression)) { \
            handler; \
        } \
    } while (0)

uint32_t net_random(void);
#define LWIP_RAND() net_random()

#endif
