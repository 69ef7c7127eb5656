// Put in front of extmod/modlwip.c, behind network_guard.h: what depends on the names of its variables.
#include <string.h>

#include "py/mphal.h"
#include "py/stream.h"

// Before 1.28 what a socket that listens has waiting for accept() is taken for bytes to read. ENTER knows its function's
// socket by name, or this one.
static const struct {
    int state;
} network_no_socket, *const socket __attribute__((unused)) = &network_no_socket;
static inline void network_enter_in(const char *function, int state) {
    enum { LISTENING = 1 };
    network_enter();
    if (state == LISTENING && strcmp(function, "lwip_tcp_receive") == 0) {
        mp_raise_OSError(MP_ENOTCONN);
    }
}
#undef MICROPY_PY_LWIP_ENTER
#define MICROPY_PY_LWIP_ENTER network_enter_in(__func__, socket->state);
// Where lwIP has no memory for what is to be sent, whoever does not wait is told so.
#define mp_hal_delay_ms(ms) \
    do { \
        if (socket->timeout == 0) { \
            *_errno = MP_EAGAIN; \
            return MP_STREAM_ERROR; \
        } \
        mp_hal_delay_ms(ms); \
    } while (0)
