// The console: the serial port, the keyboard and the screen, os.dupterm's terminals, and Ctrl-C that is typed.
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/misc.h"
#include "shared/readline/readline.h"
#include "shared/runtime/interrupt_char.h"

#include "boot/percpu.h"
#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/lock.h"
#include "devices/keyboard.h"
#include "devices/screen.h"
#include "devices/uart.h"
#include "mpy/fault.h"
#include "mpy/interrupt.h"
#include "mpy/thread.h"

static uart_t *const console = &uarts[UART_CONSOLE];

static bool keyboard_interrupts;
static bool piped;

bool mp_hal_init_console(void) {
    console->intercept = mp_hal_is_interrupt_char;
    bool serial = uart_use_interrupt(console) || !console->present;
    keyboard_interrupts = keyboard_init(mp_hal_is_interrupt_char);
    return serial && keyboard_interrupts;
}

void mp_hal_service_console(void) {
    if (cpus_number == 0) {
        uart_service(console);
        keyboard_service();
    }
}

void mp_hal_set_piped(bool input_is_piped) {
    piped = input_is_piped;
}

// The value of mp_interrupt_char where no program runs.
#define NO_PROGRAM  (-2)

static const void *prompt;
static bool interrupted; // the last program, whether it has noticed or not

void mp_hal_set_program_char(int c) {
    if (c >= 0 && mp_interrupt_char == NO_PROGRAM) {
        // It was meant for what ran before.
        interrupt_drop();
        interrupted = false;
    }
    if (c < 0) {
        // The next program has a heap again, whatever this one has locked.
        MP_STATE_THREAD(gc_lock_depth) = 0;
    }
    mp_hal_set_interrupt_char(c >= 0 ? c : NO_PROGRAM);
}

bool mp_hal_is_prompt(void) {
    return prompt != NULL && MP_STATE_THREAD(nlr_top) == prompt;
}

static bool main_is_at_prompt(void) {
    return prompt != NULL && thread_main_catcher() == prompt;
}

// Without a program Ctrl-C is for the prompt, but ends what else runs: callbacks, finalisers, exit
// functions, terminals, the printing of an exception.
static int interrupt_char(void) {
    if (mp_interrupt_char != NO_PROGRAM) {
        return mp_interrupt_char;
    }
    return piped || main_is_at_prompt() ? -1 : CHAR_CTRL_C;
}

bool mp_hal_is_interrupt_char(int byte) {
    if (byte == UART_ANY) {
        return interrupt_char() >= 0 && !piped;
    }
    if (byte != interrupt_char()) {
        if (byte == CHAR_CTRL_C && !piped && !thread_is_main() && main_is_at_prompt()) {
            // Another thread may never let the prompt have it.
            interrupt_press();
        }
        return false;
    }
    interrupt_press();
    interrupted |= mp_interrupt_char != NO_PROGRAM;
    return mp_interrupt_char != NO_PROGRAM;
}

#if MICROPY_PY_OS_DUPTERM
// A terminal of os.dupterm is Python, which may use the console in turn, or be the console: what it
// does with it while it is asked goes to the serial port and the screen alone. In an interrupt it may
// be in the middle of anything, and is not asked.
enum {
    TERMINAL_POLL = 1,
    TERMINAL_READ = 2,
    TERMINAL_WRITE = 4,
};
static THREAD_OWN uint8_t terminal_busy;
static THREAD_OWN const char *terminal_text; // that is being written to one
extern struct _mp_dummy_t mp_sys_stdout_obj;

static bool terminal_is_console(void) {
    mp_obj_t terminal = MP_STATE_VM(dupterm_objs[0]);
    return terminal != MP_OBJ_NULL && mp_obj_get_type(terminal) == mp_obj_get_type(MP_OBJ_FROM_PTR(&mp_sys_stdout_obj));
}

static uintptr_t ask_terminal(uint8_t what, uintptr_t poll_flags, const char *str, size_t len) {
    uintptr_t result = what == TERMINAL_READ ? (uintptr_t)-1 : 0;
    if ((terminal_busy & what) || irq_active || terminal_is_console()) {
        return result;
    }
    terminal_busy |= what;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        if (what == TERMINAL_POLL) {
            result = mp_os_dupterm_poll(poll_flags);
        } else if (what == TERMINAL_READ) {
            result = mp_os_dupterm_rx_chr();
        } else {
            terminal_text = str;
            mp_os_dupterm_tx_strn(str, len);
        }
        nlr_pop();
        terminal_busy &= ~what;
        return result;
    }
    terminal_busy &= ~what;
    nlr_jump(nlr.ret_val);
}
#endif

uintptr_t mp_hal_stdio_poll(uintptr_t poll_flags) {
    uintptr_t ready = 0;
    if (!console->interrupts || !keyboard_interrupts) {
        mp_hal_service_console();
    }
    if (cpus_number == 0 && (poll_flags & MP_STREAM_POLL_RD) && (uart_available(console) > 0 || keyboard_available() > 0)) {
        ready |= MP_STREAM_POLL_RD;
    }
    if ((poll_flags & MP_STREAM_POLL_WR) && uart_writable(console)) {
        ready |= MP_STREAM_POLL_WR;
    }
    #if MICROPY_PY_OS_DUPTERM
    ready |= ask_terminal(TERMINAL_POLL, poll_flags, NULL, 0);
    #endif
    return ready;
}

bool mp_hal_was_interrupted(void) {
    return interrupted;
}

static int receive_serial(void) {
    return uart_receive(console);
}

bool mp_hal_interrupt_typed(void) {
    if (piped) {
        return false;
    }
    int(*const receive)(void) = uart_has(console, CHAR_CTRL_C) ? receive_serial
        : keyboard_has(CHAR_CTRL_C) ? keyboard_receive : NULL;
    while (receive != NULL && receive() != CHAR_CTRL_C) {
    }
    return receive != NULL;
}

void mp_hal_set_prompt(const void *handler) {
    prompt = handler;
}

void mp_hal_reset_console(void) {
    mp_hal_leave_line();
    prompt = NULL;
    #if MICROPY_PY_OS_DUPTERM
    terminal_busy = 0;
    MP_STATE_VM(dupterm_objs[0]) = MP_OBJ_NULL;
    #endif
}

int mp_hal_stdin_rx_chr(void) {
    if (cpus_number != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the console's input is CPU 0's"));
    }
    for (;;) {
        int c = uart_receive(console);
        c = c >= 0 ? c : keyboard_receive();
        if (c >= 0) {
            return c;
        }
        #if MICROPY_PY_OS_DUPTERM
        c = (int)ask_terminal(TERMINAL_READ, 0, NULL, 0);
        if (c >= 0) {
            return c;
        }
        #endif
        if (mp_hal_is_prompt()) {
            interrupt_drop();
        }
        mp_event_wait_indefinite();
    }
}

// Bytes that are written between two looks for Ctrl-C.
enum { PART = 1024 };

SHARED static bool to_serial = true, to_screen = true;

void mp_hal_set_console(bool serial, bool screen) {
    to_serial = serial;
    to_screen = screen;
}

// A line that a CPU has begun is its own until it ends. Another one that wants to write waits for that, but
// not for a line with which nobody goes on: it begins a new one.
#define LINE_NS UINT64_C(500000000)
SHARED static lock_t line_lock;
SHARED static unsigned line_owner; // the CPU's number plus one; 0: no line is begun
SHARED static uint64_t line_ns; // when something was last written to it; 0: nobody goes on for now

void mp_hal_leave_line(void) {
    if (line_owner == cpus_number + 1) {
        __atomic_store_n(&line_ns, 0, __ATOMIC_RELAXED);
    }
}

void mp_hal_take_line(void) {
    line_ns = 0;
}

static void write_part(const char *str, size_t len) {
    if (to_serial) {
        uart_write(str, len);
    }
    if (to_screen) {
        screen_write(str, len);
    }
}

static void take_line(void) {
    bool may_wait = !irq_active && cpu_rflags() & CPU_RFLAGS_IF;
    for (bool mine = false; !mine;) {
        uint64_t state = lock_save(&line_lock);
        uint64_t now = clock_ns();
        bool other = line_owner != 0 && line_owner != cpus_number + 1;
        mine = !other || !may_wait || line_ns == 0 || now - line_ns > LINE_NS;
        if (mine) {
            if (other) {
                write_part("\r\n", 2);
            }
            line_owner = cpus_number + 1;
            line_ns = now;
        }
        lock_restore(&line_lock, state);
        cpu_pause();
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    // Python may name any memory: where it faults, not in the middle of a device.
    fault_probe(str, len);
    #if MICROPY_PY_OS_DUPTERM
    if ((terminal_busy & TERMINAL_WRITE) && str == terminal_text) {
        // A terminal that is the console in disguise, sys.stdout.buffer for one: it has been here.
        return len;
    }
    #endif
    for (size_t done = 0; done < len; done += PART) {
        if (!mp_hal_is_prompt()) {
            interrupt_check();
        }
        size_t part = MIN(len - done, PART);
        if (cpus_count > 1) {
            take_line();
        }
        write_part(str + done, part);
        line_owner = str[done + part - 1] == '\n' ? 0 : cpus_number + 1;
    }
    #if MICROPY_PY_OS_DUPTERM
    ask_terminal(TERMINAL_WRITE, 0, str, len);
    #endif
    return len;
}
