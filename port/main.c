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
#include "boot/percpu.h"
#include "cpu/libc.h"
#include "devices/block.h"
#include "devices/dma.h"
#include "devices/entropy.h"
#include "devices/power.h"
#include "devices/screen.h"
#include "devices/uart.h"
#include "devices/virtio.h"
#include "devices/virtio_console.h"
#include "firmware/fwcfg.h"
#include "frames/frames.h"
#include "main.h"
#include "memory/space.h"
#include "mpy/collect.h"
#include "mpy/cpus.h"
#include "mpy/fault.h"
#include "mpy/filesystem.h"
#include "mpy/heap.h"
#include "mpy/interrupt.h"
#include "mpy/modmachine.h"
#include "mpy/native.h"
#include "mpy/network.h"
#include "mpy/start.h"
#include "mpy/status.h"
#include "mpy/thread.h"
#include "mpy/tls.h"
#include "panic.h"

static char main_path[MICROPY_ALLOC_PATH_MAX];
static bool eof_is_poweroff;
SHARED static bool started;

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

static int name_file(const char *path) {
    if (path != NULL) {
        mp_printf(&mp_plat_print, "%s: ", path);
    }
    return 0;
}

// What function(path) returns. Where no program runs, file systems and terminals in Python still may raise,
// and Ctrl-C does: that is printed, and `failed` returned.
static int protect(int (*function)(const char *), const char *path, int failed) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        int result = function(path);
        nlr_pop();
        return result;
    }
    mp_obj_t raised = MP_OBJ_FROM_PTR(nlr.ret_val);
    if (function != name_file) {
        protect(name_file, path, 0);
    }
    mp_obj_print_exception(&mp_plat_print, raised);
    return failed;
}

static int say_soft_reboot(const char *unused) {
    (void)unused;
    mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
    return 0;
}

static int call_exit_functions(const char *unused) {
    (void)unused;
    if (mp_obj_is_callable(MP_STATE_VM(sys_exitfunc))) {
        mp_obj_t function = MP_STATE_VM(sys_exitfunc);
        MP_STATE_VM(sys_exitfunc) = mp_const_none;
        mp_call_function_0(function);
    }
    return 0;
}

static void run_exit_functions(void) {
    protect(call_exit_functions, NULL, 0);
}

static NORETURN void end(unsigned status) {
    run_exit_functions();
    cpus_end();
    power_off(status);
}

// boot.py and main.py where there are any, but for what follows Ctrl-C. False: one of them has ended Python,
// and not been asked to end itself.
static bool run_start_files(void) {
    // Those without a folder are frozen, in a kernel that somebody has made for a program of theirs,
    // or lie in /, where the interpreter starts.
    static const char *const names[] = {"/rom/boot.py", "boot.py", "/rom/main.py", "main.py"};
    for (size_t i = 0; i < MP_ARRAY_SIZE(names); ++i) {
        if (pyexec_mode_kind != PYEXEC_MODE_FRIENDLY_REPL || mp_hal_interrupt_typed()) {
            break;
        }
        if (protect(pyexec_file_if_exists, names[i], 0) & PYEXEC_FORCED_EXIT) {
            return mp_hal_was_interrupted();
        }
    }
    return true;
}

// What main= names: its status.
static int run_program(const char *path) {
    if (mp_find_frozen_module(path, NULL, NULL) == MP_IMPORT_STAT_FILE) {
        pyexec_frozen_module(path, false);
    } else if (mp_import_stat(path) == MP_IMPORT_STAT_FILE) {
        pyexec_file(path);
    } else {
        mp_printf(&mp_plat_print,
            "command line: main=%s: OSError: [Errno 2] ENOENT: there is no such file\n", path);
        return 1;
    }
    return status_last();
}

// Where the command line lies in an image, whoever starts QEMU cannot add to it.
static bool end_is_poweroff(void) {
    return eof_is_poweroff || fwcfg_file_is("opt/ringzero/eof", "poweroff");
}

static int run_prompt(const char *unused) {
    (void)unused;
    mp_hal_set_prompt(MP_STATE_THREAD(nlr_top));
    return pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
}

// Until Ctrl-D or SystemExit. What is raised where no program runs, for want of memory for a line, ends
// that line.
static void repl(void) {
    int ret;
    do {
        // As upstream does before each prompt. A locked heap has no room for a line at all.
        MP_STATE_THREAD(gc_lock_depth) = 0;
        ret = protect(run_prompt, NULL, 0);
        mp_hal_set_prompt(NULL);
    } while (!(ret & PYEXEC_FORCED_EXIT));
}

// From a fresh heap to the end of the prompt.
static void run_python(void) {
    mp_cstack_init_with_top(stack_top, stack_top - stack_bottom);
    started = false;
    // Nothing is to end what the kernel starts with.
    mp_hal_set_interrupt_char(-1);
    space_leave();
    heap_reset();
    native_reset();
    collect_reset();
    filesystem_reset();
    tls_reset();
    gc_init(heap_start, heap_end);
    mp_init();
    readline_init0();
    network_init();

    main_path[0] = '\0';
    eof_is_poweroff = false;
    if (!start_python()) {
        panic("_boot.py failed");
    }
    started = true;
    mp_hal_set_program_char(-1);
    mp_hal_refine_clock();
    mp_hal_set_piped(end_is_poweroff());
    if (main_path[0] != '\0') {
        end(protect(run_program, main_path, 1));
    }
    if (run_start_files()) {
        repl();
    }
    if (end_is_poweroff()) {
        end(status_of_exit());
    }

    protect(say_soft_reboot, NULL, 0);
    run_exit_functions();
    thread_end_others();
    if (cpus_end()) {
        filesystem_keep_running();
        machine_deinit();
        gc_sweep_all();
    } else {
        mp_hal_stdout_tx_str("cpus: one had interrupts off and was stopped: open files are lost\r\n");
    }
    // What a finaliser has started.
    machine_deinit();
    mp_deinit();
}

// Ctrl-C has been pressed three times in vain: without the exit functions and the finalisers, as the
// heap may be in the middle of anything.
static void end_now(void) {
    thread_end_others();
    mp_hal_set_interrupt_char(-1);
    mp_hal_reset_console();
    cpus_end();
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
    thread_end_others();
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
        } else if (nlr.ret_val == NULL) {
            end_now();
        } else {
            nlr_jump_fail(nlr.ret_val);
        }
        interrupt_set_end(NULL);
        // What the old program held of the machine's memory is the next one's.
        dma_reset();
        block_reset();
        entropy_reset();
        virtio_console_reset();
        virtio_reset();
        network_reset();
        frames_deinit();
    }
}

NORETURN void nlr_jump_fail(void *val) {
    (void)val;
    panic("an exception that nothing catches");
}
