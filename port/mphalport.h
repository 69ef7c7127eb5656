#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/runtime/interrupt_char.h"
#include "cpu/io.h"

#define mp_hal_ticks_cpu() ((mp_uint_t)cpu_tsc())

// ACPI, interrupts, clock and console; interrupts are on from here.
void mp_hal_init(void);

// The first question for the time from now on has the clock measured better in the background.
void mp_hal_refine_clock(void);

// Where output goes; to both, where they are there, from the start.
void mp_hal_set_console(bool serial, bool screen);

// For uart_t.intercept: true if it is the interrupt character, which has then been dealt with.
bool mp_hal_is_interrupt_char(uint8_t byte);

// For os.urandom().
void mp_hal_get_random(size_t size, uint8_t *buf);

// Sets the wall clock, in ns since 1970.
void mp_hal_set_time_ns(uint64_t ns);
