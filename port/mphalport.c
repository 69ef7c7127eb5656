#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/misc.h"
#include "py/ringbuf.h"
#include "devices/uart.h"
#include "shared/runtime/interrupt_char.h"

// Bytes that were read while looking for Ctrl-C.
static uint8_t stdin_bytes[1024];
static ringbuf_t stdin_ring = {stdin_bytes, sizeof(stdin_bytes), 0, 0};

void mp_hal_poll_stdin(void) {
    while (ringbuf_free(&stdin_ring) > 0) {
        int c = uart_read();
        if (c < 0) {
            return;
        }
        if (c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&stdin_ring, c);
        }
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t poll_flags) {
    uintptr_t ready = 0;
    mp_hal_poll_stdin();
    if ((poll_flags & MP_STREAM_POLL_RD) && ringbuf_avail(&stdin_ring)) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready | (poll_flags & MP_STREAM_POLL_WR);
}

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        mp_hal_poll_stdin();
        int c = ringbuf_get(&stdin_ring);
        if (c >= 0) {
            return c;
        }
        mp_handle_pending(true);
        cpu_pause();
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    uart_write(str, len);
    return len;
}

// No clock yet: QEMU's TSC runs at 1 GHz under TCG.
mp_uint_t mp_hal_ticks_us(void) {
    return cpu_tsc() / 1000;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return cpu_tsc() / 1000000;
}

uint64_t mp_hal_time_ns(void) {
    return cpu_tsc();
}

void mp_hal_delay_us(mp_uint_t us) {
    mp_uint_t start = mp_hal_ticks_us();
    while (mp_hal_ticks_us() - start < us) {
        mp_hal_poll_stdin();
        mp_handle_pending(true);
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    mp_hal_delay_us(ms * 1000);
}

// The time that FAT stamps its files with. No clock yet: the first moment that it can say.
uint32_t get_fattime(void) {
    return (1 << 21) | (1 << 16);
}
