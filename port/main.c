// The kernel's main function: devices, heap, interpreter, and the order in which Python starts.
#include <string.h>

#include "py/compile.h"
#include "py/cstack.h"
#include "py/frozenmod.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/repl.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/pyexec.h"

#include "boot/handoff.h"
#include "cpu/libc.h"
#include "devices/power.h"
#include "devices/screen.h"
#include "devices/uart.h"
#include "firmware/fwcfg.h"
#include "frames/frames.h"
#include "main.h"
#include "memory/space.h"
#include "mpy/collect.h"
#include "mpy/fault.h"
#include "mpy/filesystem.h"
#include "mpy/heap.h"
#include "mpy/interrupt.h"
#include "mpy/modmachine.h"
#include "mpy/native.h"
#include "mpy/status.h"
#include "panic.h"

static char main_path[MICROPY_ALLOC_PATH_MAX];
static bool eof_is_poweroff;
static bool started;

bool main_set_program(const char *path, size_t len) {
    if (len >= sizeof(main_path)) {
        return false;
    }
    memcpy(main_path, path, len);
    main_path[len] = '\0';
    return true;
}

void main_set_eof_is_poweroff(bool on) {
    eof_is_poweroff = on;
}

bool main_has_started(void) {
    return started;
}

static void run_exit_functions(void) {
    if (mp_obj_is_callable(MP_STATE_VM(sys_exitfunc))) {
        mp_obj_t function = MP_STATE_VM(sys_exitfunc);
        MP_STATE_VM(sys_exitfunc) = mp_const_none;
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            mp_call_function_0(function);
            nlr_pop();
        } else {
            mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
        }
    }
}

static NORETURN void end(unsigned status) {
    run_exit_functions();
    power_off(status);
}

// boot.py and main.py where there are any.
static void run_start_files(void) {
    // Those without a folder are frozen, in a kernel that somebody has made for a program of theirs,
    // or lie in /, where the interpreter starts.
    static const char *const names[] = {"/rom/boot.py", "boot.py", "/rom/main.py", "main.py"};
    for (size_t i = 0; i < MP_ARRAY_SIZE(names); ++i) {
        if (pyexec_mode_kind != PYEXEC_MODE_FRIENDLY_REPL) {
            return;
        }
        if (pyexec_file_if_exists(names[i]) & PYEXEC_FORCED_EXIT) {
            return;
        }
    }
}

// What main= names.
static NORETURN void run_program(void) {
    if (mp_find_frozen_module(main_path, NULL, NULL) == MP_IMPORT_STAT_FILE) {
        pyexec_frozen_module(main_path, false);
    } else if (mp_import_stat(main_path) == MP_IMPORT_STAT_FILE) {
        pyexec_file(main_path);
    } else {
        mp_printf(&mp_plat_print,
            "command line: main=%s: OSError: [Errno 2] ENOENT: there is no such file\n", main_path);
        end(1);
    }
    end(status_last());
}

// Where the command line lies in an image, whoever starts QEMU cannot add to it.
static bool end_is_poweroff(void) {
    return eof_is_poweroff || fwcfg_file_is("opt/ringzero/eof", "poweroff");
}

// Until Ctrl-D or SystemExit. What is raised where no program runs, for want of memory for a line, ends
// that line.
static void repl(void) {
    for (;;) {
        int ret = 0;
        // As upstream does before each prompt. A locked heap has no room for a line at all.
        MP_STATE_THREAD(gc_lock_depth) = 0;
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            mp_hal_set_prompt(&nlr);
            ret = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
            nlr_pop();
        } else {
            mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
        }
        mp_hal_set_prompt(NULL);
        if (ret & PYEXEC_FORCED_EXIT) {
            return;
        }
    }
}

// From a fresh heap to the end of the prompt.
static void run_python(void) {
    mp_cstack_init_with_top(stack_top, stack_top - stack_bottom);
    started = false;
    mp_hal_set_program_char(-1);
    space_leave();
    heap_reset();
    native_reset();
    collect_reset();
    filesystem_reset();
    gc_init(heap_start, heap_end);
    mp_init();
    readline_init0();

    main_path[0] = '\0';
    eof_is_poweroff = false;
    if (pyexec_frozen_module("_boot.py", false) == 0) {
        panic("_boot.py failed");
    }
    started = true;
    mp_hal_set_program_char(-1);
    mp_hal_refine_clock();
    mp_hal_set_piped(end_is_poweroff());
    if (main_path[0] != '\0') {
        run_program();
    }
    run_start_files();
    repl();
    if (end_is_poweroff()) {
        end(status_of_exit());
    }

    mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
    run_exit_functions();
    machine_deinit();
    gc_sweep_all();
    // What a finaliser has started.
    machine_deinit();
    mp_deinit();
}

// Ctrl-C has been pressed three times in vain: without the exit functions and the finalisers, as the
// heap may be in the middle of anything.
static void end_now(void) {
    mp_hal_set_interrupt_char(-1);
    mp_hal_reset_console();
    mp_hal_stdout_tx_str("\r\nMPY: Ctrl-C three times without an answer: open files are lost\r\n");
    if (main_path[0] != '\0' || end_is_poweroff()) {
        power_off(1);
    }
    mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
    machine_deinit();
    pyexec_mode_kind = PYEXEC_MODE_FRIENDLY_REPL;
}

NORETURN void kernel_main(void) {
    // Before anything else: emulators translate all code anew when a protection is switched on.
    space_cpu_init();
    libc_init();
    fault_init();
    interrupt_init();
    uart_init();
    screen_init();
    mp_hal_init();
    for (;;) {
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            interrupt_set_end(&nlr);
            run_python();
            nlr_pop();
        } else {
            end_now();
        }
        interrupt_set_end(NULL);
        // What the old program held of the machine's memory is the next one's.
        frames_deinit();
    }
}

NORETURN void nlr_jump_fail(void *val) {
    (void)val;
    panic("an exception that nothing catches");
}
