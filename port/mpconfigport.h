// Everything that MicroPython can do, less what this kernel has no hardware or library for.
#include <stdint.h>
#include <alloca.h>

#include "mpconfigboard.h"

#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_EVERYTHING)

#ifndef MICROPY_HW_BOARD_NAME
#define MICROPY_HW_BOARD_NAME                   "PC"
#endif
// In the banner, in sys.version and in os.uname(). pyproject.toml has the number.
#define MICROPY_BUILD_TYPE                      "Ringzero " RINGZERO_VERSION
#define MICROPY_BANNER_NAME_AND_VERSION \
    "MicroPython " MICROPY_GIT_TAG " on " MICROPY_BUILD_DATE " (" MICROPY_BUILD_TYPE ")"
#define MICROPY_HW_MCU_NAME                     "x86_64"
#define MICROPY_PY_SYS_PLATFORM                 "x86_64"

// Machine code.
#define MICROPY_EMIT_X64                        (1)
#define MICROPY_PERSISTENT_CODE_LOAD            (1)

// The interpreter.
#define MICROPY_ENABLE_GC                       (1)
#define MICROPY_GC_SPLIT_HEAP                   (1)
#define MICROPY_GC_SPLIT_HEAP_AUTO              (1)
// With room for those of the start.
#define MICROPY_LOADED_MODULES_DICT_SIZE        (16)
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_DOUBLE)
#define MICROPY_ERROR_REPORTING                 (MICROPY_ERROR_REPORTING_DETAILED)
#define MICROPY_WARNINGS                        (1)
#define MICROPY_PY_STR_BYTES_CMP_WARN           (1)
#define MICROPY_STACK_CHECK_MARGIN              (8192)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF  (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE    (256)
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE       (1024)
#define MICROPY_MALLOC_USES_ALLOCATED_SIZE      (1)
#define MICROPY_MEM_STATS                       (1)
#define MICROPY_USE_INTERNAL_ERRNO              (1)
// Every error that the file systems raise has its name, those of littlefs that py/mperrno.h lacks too.
#define MP_ENAMETOOLONG                         (36)
#define MP_ENOTEMPTY                            (39)
#define MP_ENODATA                              (61)
#define MP_EILSEQ                               (84)
#define MICROPY_PY_ERRNO_LIST \
    X(EPERM) X(ENOENT) X(EIO) X(EBADF) X(EAGAIN) X(ENOMEM) X(EACCES) X(EFAULT) X(EBUSY) X(EEXIST) X(ENODEV) \
    X(ENOTDIR) X(EISDIR) X(EINVAL) X(EMFILE) X(EFBIG) X(ENOSPC) X(EROFS) X(EPIPE) X(ENAMETOOLONG) \
    X(ENOTEMPTY) X(ENODATA) X(EILSEQ) X(EOPNOTSUPP) X(EAFNOSUPPORT) X(EADDRINUSE) X(ECONNABORTED) \
    X(ECONNRESET) X(ENOBUFS) X(EISCONN) X(ENOTCONN) X(ETIMEDOUT) X(ECONNREFUSED) X(EHOSTUNREACH) \
    X(EALREADY) X(EINPROGRESS)
#define MICROPY_USE_INTERNAL_PRINTF             (1)
#define MICROPY_ALLOC_PATH_MAX                  (256)
#define MICROPY_SCHEDULER_STATIC_NODES          (1)
#define MICROPY_SCHEDULER_DEPTH                 (8)
#define MICROPY_READLINE_HISTORY_SIZE           (50)
#define MICROPY_REPL_INFO                       (1)
#define MICROPY_HELPER_REPL                     (1)
#define MICROPY_PY_BUILTINS_HELP                (1)
#define MICROPY_PY_BUILTINS_HELP_TEXT           ringzero_help_text
#define MICROPY_PY_BUILTINS_HELP_MODULES        (1)

// Modules.
#define MICROPY_PY_GC_COLLECT_RETVAL            (1)
#define MICROPY_PY_SYS_ATEXIT                   (1)
#define MICROPY_PY_SYS_EXC_INFO                 (1)
#define MICROPY_PY_SYS_STDIO_BUFFER             (1)
#define MICROPY_PY_OS_DUPTERM                   (1)
#define MICROPY_PY_OS_DUPTERM_STREAM_DETACHED_ATTACHED (1)
#define MICROPY_PY_OS_INCLUDEFILE               "port/mpy/modos.c"
#define MICROPY_PY_OS_SYNC                      (1)
#define MICROPY_PY_OS_UNAME                     (1)
#define MICROPY_PY_OS_URANDOM                   (1)
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC        (random_seed())
#define MICROPY_PY_WEBSOCKET                    (1)
#define MICROPY_PY_THREAD                       (1)
#define MICROPY_PY_THREAD_GIL                   (1)
#define MICROPY_PY_TIME                         (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS            (1)
#define MICROPY_PY_TIME_INCLUDEFILE             "port/mpy/modtime.c"
#define MICROPY_EPOCH_IS_1970                   (1)
#define MICROPY_PY_MACHINE                      (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE          "port/mpy/modmachine.c"
#define MICROPY_PY_MACHINE_MEMX                 (0) // machine_port.c has them
#define MICROPY_PY_MACHINE_PIN_BASE             (1)
#define MICROPY_PY_MACHINE_PULSE                (1)
#define MICROPY_PY_MACHINE_RESET                (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS     (1)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)
#define MICROPY_PY_MACHINE_UART                 (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE     "port/mpy/machine_uart.c"
#define MICROPY_PY_MACHINE_UART_SENDBREAK       (1)
#define MICROPY_PY_MACHINE_UART_IRQ             (1)
#define MICROPY_PY_MACHINE_WDT                  (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE      "port/mpy/machine_wdt.c"
#define MICROPY_PY_MACHINE_WDT_TIMEOUT_MS       (1)
// Pages of what is typed ahead fit the ring of the serial port.
#define MICROPY_REPL_STDIN_BUFFER_MAX           (4096)
#define MICROPY_PY_UCTYPES_NATIVE_C_TYPES       (1)

#if MICROPY_SSL_MBEDTLS
#define MICROPY_PY_HASHLIB_MD5                  (1)
#define MICROPY_PY_HASHLIB_SHA1                 (1)
#define MICROPY_PY_CRYPTOLIB                    (1)
#define MICROPY_PY_CRYPTOLIB_CTR                (1)
#define MICROPY_PY_CRYPTOLIB_CONSTS             (1)
#define MICROPY_TRACKED_ALLOC                   (1)
#endif

// The network: where it is entered and left, lwIP has its turn (mpy/network.h).
#if RINGZERO_NET
#define MICROPY_PY_NETWORK                      (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT     "ringzero"
#define MICROPY_PY_LWIP                         (1)
#define MICROPY_PY_LWIP_SOCK_RAW                (1)
#define MICROPY_PY_LWIP_ENTER                   network_enter();
#define MICROPY_PY_LWIP_REENTER
#define MICROPY_PY_LWIP_EXIT                    network_exit();
#define MICROPY_PY_SOCKET_LISTEN_BACKLOG_DEFAULT (128)
#define MICROPY_PY_WEBREPL                      (1)
#define MICROPY_PORT_NETWORK_INTERFACES \
    { MP_ROM_QSTR(MP_QSTR_LAN), MP_ROM_PTR(&network_lan_type) }, \
    { MP_ROM_QSTR(MP_QSTR_WLAN), MP_ROM_PTR(&network_wlan_type) },
extern const struct _mp_obj_type_t network_lan_type, network_wlan_type;
#endif

// Files.
#define MICROPY_READER_VFS                      (1)
#define MICROPY_VFS                             (1)
#define MICROPY_VFS_ROM                         (1)
#define MICROPY_VFS_ROM_IOCTL                   (1)
#define MICROPY_FATFS_ENABLE_LFN                (2)
#define MICROPY_FATFS_LFN_CODE_PAGE             437
#define MICROPY_FATFS_USE_LABEL                 (1)
#define MICROPY_FATFS_RPATH                     (2)
#define MICROPY_FATFS_MAX_SS                    (4096)

typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX                            (0x7fffffffffffffff)

// Native code, in frames.
#include <stdbool.h>
#include <stddef.h>
void *native_commit(void *code, size_t size, void *reloc);
#define MP_PLAT_COMMIT_EXEC(code, size, reloc)  native_commit(code, size, reloc)

// Where the allocator of frames may have its own data.
#include <stdint.h>
bool space_writable(uint64_t va, size_t size);
#define MICROPY_FRAMES_REACH(addr, size)        space_writable((addr), (size))

// Frames that Python has mapped otherwise go back as free memory is mapped.
bool modspace_restore(uint64_t addr, uint64_t count);
#define MICROPY_PAGES_RESTORE(addr, count)      modspace_restore((addr), (count))

// A hard callback runs: nobody may ask for frames now.
extern volatile bool irq_active;
#define MICROPY_FRAMES_IN_INTERRUPT             (irq_active)

extern const struct _mp_obj_type_t mp_type_FaultError;
#define MICROPY_PORT_EXTRA_BUILTINS \
    { MP_ROM_QSTR(MP_QSTR_FaultError), MP_ROM_PTR(&mp_type_FaultError) },

#define MP_STATE_PORT                           MP_STATE_VM

// Ctrl-C ends the compiler, too; what is being pasted has a reader that looks for it.
#define MICROPY_BOARD_BEFORE_PYTHON_EXEC(kind, flags) \
    do { \
        if (!((flags) & (EXEC_FLAG_SOURCE_IS_READER | EXEC_FLAG_NO_INTERRUPT))) { \
            mp_hal_set_interrupt_char(CHAR_CTRL_C); \
        } \
    } while (0)

// A program's end, on its way to an exit status.
#define MICROPY_BOARD_AFTER_PYTHON_EXEC(kind, flags, ret_val, ret) status_after_exec(ret_val, ret)
void status_after_exec(void *ret_val, int *ret);

// Interrupts schedule callbacks and exceptions.
#include "cpu/io.h"
#define MICROPY_BEGIN_ATOMIC_SECTION()          cpu_irq_save()
#define MICROPY_END_ATOMIC_SECTION(state)       cpu_irq_restore(state)
// What mpy/interrupt.c does where mp_handle_pending() is called, mp_event_handle_nowait() has from this; or it
// does nothing: what a callback waits in leaves Ctrl-C to the program.
bool interrupt_holds_events(void);
#define MICROPY_INTERNAL_EVENT_HOOK \
    do { \
        if (interrupt_holds_events()) { \
            return; \
        } \
    } while (0)
#define MICROPY_INTERNAL_WFE(timeout_ms)        mp_hal_wait(timeout_ms)
void mp_hal_wait(unsigned long timeout_ms);

uint64_t random_seed(void);
