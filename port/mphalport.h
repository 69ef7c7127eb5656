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

// The console's devices, with interrupts off. False: one's do not arrive, and the next function has to be
// called in their place.
bool mp_hal_init_console(void);
// Takes what has come in; nothing on another CPU than the first.
void mp_hal_service_console(void);
// Where output goes; to both, where they are there, from the start.
void mp_hal_set_console(bool serial, bool screen);

// For uart_t.intercept, and the keyboard: true if it is the interrupt character, which has then been dealt with. Of any
// byte it says whether one may be.
bool mp_hal_is_interrupt_char(int byte);

// For pyexec.c, in the place of mp_hal_set_interrupt_char(): -1 says that no program runs.
void mp_hal_set_program_char(int c);

// Whether input comes from a file or a program, of which nothing is to be lost, even if an interrupt
// character behind unread input is then not seen. It is typed until told otherwise.
void mp_hal_set_piped(bool piped);

// For os.urandom().
void mp_hal_get_random(size_t size, uint8_t *buf);

// The handler around the prompt: where it is the innermost one, no program runs that a KeyboardInterrupt
// could end, and one that is pending is dropped.
void mp_hal_set_prompt(const void *handler);
bool mp_hal_is_prompt(void);

// Whether Ctrl-C has been typed while no program ran that it could end. What was typed before it is dropped.
bool mp_hal_interrupt_typed(void);
// Whether it has been for the last program, which may have ended before it was raised.
bool mp_hal_was_interrupted(void);

// Of several CPUs that write to the console, each has the line that it has begun: this one does not go on
// with it for now, or, as the only one that is left, takes whatever line there is.
void mp_hal_leave_line(void);
void mp_hal_take_line(void);

// Forgets the prompt and the terminals of a program that has been left.
void mp_hal_reset_console(void);

// Waits for an interrupt, at most until `due`, of clock_ns(). With interrupts off, in a hard callback, or
// none to be had, it looks at the console instead.
void mp_hal_idle(uint64_t due);

// Whether timers interrupt: without a local APIC none does.
bool mp_hal_has_timer(void);

// What mp_obj_get_int() says of an object; INT64_MIN for less, as a time that is over before it has begun.
int64_t mp_hal_get_time(void *object);
// Raises OverflowError for more than 146 years.
void mp_hal_check_time(uint64_t count, uint64_t ns);

// Sets the wall clock, in ns since 1970.
void mp_hal_set_time_ns(uint64_t ns);
