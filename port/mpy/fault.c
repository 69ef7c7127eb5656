#include <string.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/objexcept.h"
#include "py/objtuple.h"
#include "py/runtime.h"
#include "py/smallint.h"

#include "boot/handoff.h"
#include "cpu/io.h"
#include "cpu/operand.h"
#include "cpu/trap.h"
#include "memory/space.h"
#include "mpy/blocks.h"
#include "mpy/collect.h"
#include "mpy/fault.h"
#include "mpy/modmachine.h"
#include "mpy/native.h"
#include "mpy/thread.h"
#include "mpy/trace.h"
#include "panic.h"

enum {
    // SDM 3A table 6-1.
    VECTOR_DIVIDE = 0,
    VECTOR_DEBUG = 1,
    VECTOR_NMI = 2,
    VECTOR_BREAKPOINT = 3,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_GENERAL_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    // SDM 3A 4.7: a page fault's error code.
    ERROR_PRESENT = 1 << 0,
    ERROR_WRITE = 1 << 1,
    ERROR_RESERVED = 1 << 3,
    ERROR_FETCH = 1 << 4,
    // SDM 1 3.4.3: single step, interrupts.
    RFLAGS_TF = 1 << 8,
    RFLAGS_IF = 1 << 9,
    // In words: what the memory functions use at most, as the link checks.
    MEMORY_FUNCTIONS_STACK = 32,
    // What raising an exception takes where the stack has overflown.
    RAISE_STACK = 8192,
    OPCODE_INT = 0xcd,
    OPCODE_CALL = 0xe8,
    CALL_SIZE = 5,
};

// The exception's arguments; after errno those of the fault, small integers all but the address.
enum { ARG_ERRNO, ARG_VECTOR, ARG_ADDR, ARG_ERROR, ARG_RIP, ARG_PLACE, ARGS };

// Whose instruction it was.
typedef enum {
    PLACE_KERNEL,       // the collector's and the allocator's are the kernel's
    PLACE_PROGRAM,      // made to access what Python names
    PLACE_INTERPRETER,
    PLACE_FIRMWARE,
} place_t;

extern char access_start[], access_end[], memory_functions_start[], memory_functions_end[];
extern char interpreter_start[], interpreter_end[];
extern char interrupt_stack_top[];

static bool in(uint64_t addr, const char *start, const char *end) {
    return addr >= (uint64_t)start && addr < (uint64_t)end;
}

static mp_obj_tuple_t *args_of(mp_obj_t self_in) {
    mp_obj_exception_t *self = MP_OBJ_TO_PTR(self_in);
    return self->args != NULL && self->args->len == ARGS ? self->args : NULL;
}

static qstr kind_of(const mp_obj_tuple_t *args) {
    if (args->items[ARG_VECTOR] != MP_OBJ_NEW_SMALL_INT(VECTOR_PAGE_FAULT)) {
        return MP_QSTRnull;
    }
    mp_int_t error = MP_OBJ_SMALL_INT_VALUE(args->items[ARG_ERROR]);
    return error & ERROR_FETCH ? MP_QSTR_execute : error & ERROR_WRITE ? MP_QSTR_write : MP_QSTR_read;
}

static void print_fault(const mp_print_t *print, const mp_obj_tuple_t *args) {
    mp_print_str(print, trap_name(MP_OBJ_SMALL_INT_VALUE(args->items[ARG_VECTOR])));
    mp_int_t rip = MP_OBJ_SMALL_INT_VALUE(args->items[ARG_RIP]);
    if (args->items[ARG_PLACE] == MP_OBJ_NEW_SMALL_INT(PLACE_INTERPRETER)) {
        char name[64];
        trace_function(rip, name, sizeof(name));
        mp_printf(print, " in the interpreter (%s)", name[0] != 0 ? name : "no function");
    }
    qstr kind = kind_of(args);
    if (args->items[ARG_PLACE] == MP_OBJ_NEW_SMALL_INT(PLACE_FIRMWARE)) {
        mp_print_str(print, " in firmware");
        if (kind != MP_QSTRnull) {
            mp_printf(print, " at 0x%lx", (unsigned long)rip);
        }
    }
    if (kind == MP_QSTRnull && args->items[ARG_ADDR] != mp_const_none) {
        mp_printf(print, ": access to 0x%lx: not canonical",
            (unsigned long)mp_obj_int_get_truncated(args->items[ARG_ADDR]));
        return;
    }
    if (kind == MP_QSTRnull) {
        mp_printf(print, " at 0x%lx", (unsigned long)rip);
        return;
    }
    mp_int_t error = MP_OBJ_SMALL_INT_VALUE(args->items[ARG_ERROR]);
    const char *why = !(error & ERROR_PRESENT) ? "not mapped"
        : error & ERROR_RESERVED ? "broken page table"
        : error & ERROR_FETCH ? "not executable" : "read-only";
    mp_printf(print, ": %q %s 0x", kind, error & ERROR_FETCH ? "at" : error & ERROR_WRITE ? "to" : "of");
    mp_obj_t addr = args->items[ARG_ADDR];
    mp_printf(print, "%lx: %s", addr == mp_const_none ? 0ul : (unsigned long)mp_obj_int_get_truncated(addr), why);
}

static void fault_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    const mp_obj_tuple_t *args = args_of(self_in);
    if (args == NULL || (kind & ~PRINT_EXC_SUBCLASS) == PRINT_REPR) {
        mp_obj_exception_print(print, self_in, kind);
        return;
    }
    if (kind == PRINT_EXC) {
        mp_printf(print, "%q: ", MP_QSTR_FaultError);
    }
    print_fault(print, args);
}

static void fault_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    const mp_obj_tuple_t *args = args_of(self_in);
    if (dest[0] == MP_OBJ_NULL && args != NULL) {
        qstr kind = kind_of(args);
        switch (attr) {
            case MP_QSTR_vector:
                dest[0] = args->items[ARG_VECTOR];
                return;
            case MP_QSTR_addr:
                dest[0] = args->items[ARG_ADDR];
                return;
            case MP_QSTR_error:
                dest[0] = args->items[ARG_ERROR];
                return;
            case MP_QSTR_rip:
                dest[0] = args->items[ARG_RIP];
                return;
            case MP_QSTR_kind:
                dest[0] = kind == MP_QSTRnull ? mp_const_none : MP_OBJ_NEW_QSTR(kind);
                return;
        }
    }
    mp_obj_exception_attr(self_in, attr, dest);
}

// errno is EFAULT; vector; addr and kind ("read", "write" or "execute") of a page fault, else None, but
// for addr of what is not canonical; error, the CPU's error code; rip, the instruction's address.
MP_DEFINE_CONST_OBJ_TYPE(
    mp_type_FaultError,
    MP_QSTR_FaultError,
    MP_TYPE_FLAG_NONE,
    make_new, mp_obj_exception_make_new,
    print, fault_print,
    attr, fault_attr,
    parent, &mp_type_OSError
    );

// An address in the upper half is no small integer, which a locked heap has no room for.
static mp_obj_t new_addr(uint64_t addr) {
    mp_int_t small = (mp_int_t)addr;
    if (MP_SMALL_INT_FITS(small) && small >= 0) {
        return MP_OBJ_NEW_SMALL_INT(small);
    }
    return gc_is_locked() ? mp_const_none : mp_obj_new_int_from_uint(addr);
}

static NORETURN void raise_fault(uint64_t vector, mp_obj_t addr, uint64_t error, uint64_t rip, uint64_t place) {
    const mp_obj_t args[ARGS] = {
        [ARG_ERRNO] = MP_OBJ_NEW_SMALL_INT(MP_EFAULT),
        [ARG_VECTOR] = MP_OBJ_NEW_SMALL_INT(vector),
        [ARG_ADDR] = addr,
        [ARG_ERROR] = MP_OBJ_NEW_SMALL_INT(error),
        [ARG_RIP] = MP_OBJ_NEW_SMALL_INT(rip),
        [ARG_PLACE] = MP_OBJ_NEW_SMALL_INT(place),
    };
    nlr_raise(mp_obj_exception_make_new(&mp_type_FaultError, ARGS, 0, args));
}

// What the trap returns to, on the stack of the access.
static NORETURN void fault_raise(uint64_t vector, uint64_t addr, uint64_t error, uint64_t rip, uint64_t place) {
    // A hard callback may have come in the middle of a change to the blocks.
    if (place == PLACE_INTERPRETER && !irq_active && !blocks_check()) {
        panic("the interpreter has faulted, and its heap is broken");
    }
    bool known = vector == VECTOR_PAGE_FAULT || !operand_is_canonical(addr);
    raise_fault(vector, known ? new_addr(addr) : mp_const_none, error, rip, place);
}

static NORETURN void overflow_raise(void) {
    mp_raise_recursion_depth();
}

// Who has called the memory function, or the one that has called that: the first word on the stack
// that is the return address of such a call. 0: nobody.
static uint64_t find_caller(uint64_t rsp, uint64_t top) {
    for (size_t i = 0; i < MEMORY_FUNCTIONS_STACK && rsp < top; ++i, rsp += sizeof(uint64_t)) {
        uint64_t addr = *(uint64_t *)rsp;
        if (native_contains(addr)) {
            return addr;
        }
        if (in(addr, text_start + CALL_SIZE, text_end) && !in(addr, memory_functions_start, memory_functions_end)) {
            const uint8_t *call = (const uint8_t *)addr - CALL_SIZE;
            int32_t distance;
            memcpy(&distance, call + 1, sizeof(distance));
            if (*call == OPCODE_CALL && in(addr + distance, memory_functions_start, memory_functions_end)) {
                return addr;
            }
        }
    }
    return 0;
}

static place_t place_of(uint64_t rip, uint64_t rsp, uint64_t top) {
    if (in(rip, memory_functions_start, memory_functions_end)) {
        rip = find_caller(rsp, top);
    } else if (!in(rip, text_start, text_end) && !native_contains(rip)) {
        // A jump to where there is no code.
        rip = *(uint64_t *)rsp;
    }
    return in(rip, access_start, access_end) || native_contains(rip) ? PLACE_PROGRAM
        : in(rip, interpreter_start, interpreter_end) ? PLACE_INTERPRETER
        : PLACE_KERNEL;
}

// Makes the trap return to where the exception is raised. False: the fault is the kernel's own.
static bool recover(trap_frame_t *frame) {
    uint64_t rip = frame->rip;
    uint64_t catcher = (uint64_t)MP_STATE_THREAD(nlr_top);
    // The stack that the exception unwinds must be the one that the fault came on.
    thread_stack_t stack;
    if (!thread_find_stack(frame->rsp, &stack) || catcher < frame->rsp || catcher >= stack.top
        || frame->rsp % sizeof(uint64_t) != 0 || collect_would_unwind()) {
        return false;
    }
    bool overflow = frame->vector == VECTOR_PAGE_FAULT && cpu_cr2() >= stack.guard && cpu_cr2() < stack.bottom;
    if (frame->rsp < stack.bottom && !(overflow && in(rip, access_start, interpreter_end))) {
        return false;
    }
    place_t place = frame->rsp < stack.bottom ? PLACE_INTERPRETER : place_of(rip, frame->rsp, stack.top);
    if (place == PLACE_KERNEL) {
        if (frame->vector == VECTOR_DEBUG && (frame->rflags & RFLAGS_TF)) {
            // Native code has turned single steps on and then called C.
            frame->rflags &= ~(uint64_t)RFLAGS_TF;
            return true;
        }
        return false;
    }
    if (place == PLACE_INTERPRETER) {
        // With interrupts off, unless Python has said so, it may be about to write what they read, and nothing
        // would turn them on.
        bool atomic = !(frame->rflags & RFLAGS_IF) && !machine_irq_is_off && stack.top != (uint64_t)interrupt_stack_top;
        if (atomic || frame->vector == VECTOR_DEBUG || frame->vector == VECTOR_BREAKPOINT) {
            return false;
        }
    }
    if (frame->vector == VECTOR_NMI || frame->vector == VECTOR_MACHINE_CHECK || frame->vector == VECTOR_DOUBLE_FAULT) {
        // Only from an INT instruction are they the program's own.
        const uint8_t *code = (const uint8_t *)rip;
        if (!native_contains(rip - 2) || code[-2] != OPCODE_INT || code[-1] != frame->vector) {
            return false;
        }
    }
    if (overflow) {
        // There is room where the exception unwinds to, and what lies between is lost anyway.
        if (catcher < stack.bottom + RAISE_STACK) {
            return false;
        }
        frame->rsp = catcher;
    }
    uint64_t addr = 0;
    if (frame->vector == VECTOR_PAGE_FAULT) {
        addr = cpu_cr2();
    } else if (frame->vector == VECTOR_GENERAL_PROTECTION && frame->error == 0) {
        operand_find(frame, &addr);
    }
    frame->rdi = frame->vector;
    frame->rsi = addr;
    frame->rdx = frame->error;
    frame->rcx = rip;
    frame->r8 = place;
    trap_return_to(frame, overflow ? (void (*)(void))overflow_raise : (void (*)(void))fault_raise);
    // As if the instruction had called it, for a stack trace.
    *(uint64_t *)frame->rsp = rip;
    return true;
}

void fault_init(void) {
    for (unsigned vector = 0; vector < TRAP_EXCEPTIONS; ++vector) {
        trap_set_handler(vector, recover);
    }
}

void fault_raise_protection(void) {
    uint64_t rip = (uint64_t)__builtin_return_address(0);
    raise_fault(VECTOR_GENERAL_PROTECTION, mp_const_none, 0, rip, PLACE_PROGRAM);
}

void fault_raise_firmware(uint64_t vector, uint64_t addr, uint64_t error, uint64_t rip) {
    raise_fault(vector, vector == VECTOR_PAGE_FAULT ? new_addr(addr) : mp_const_none, error, rip, PLACE_FIRMWARE);
}

void fault_check_canonical(uint64_t addr) {
    if (operand_is_canonical(addr)) {
        return;
    }
    uint64_t rip = (uint64_t)__builtin_return_address(0);
    raise_fault(VECTOR_GENERAL_PROTECTION, new_addr(addr), 0, rip, PLACE_PROGRAM);
}

void fault_probe(const void *start, size_t size) {
    const volatile char *at = start;
    const volatile char *last = at + size - 1;
    if (size > 0) {
        (void)*last;
        for (; at < last; at += PAGING_SIZE) {
            (void)*at;
        }
    }
}

// Upstream's takes an address of 0 for bytes that come later, and makes an object without any.
mp_obj_t fault_new_bytes(const byte *data, size_t len);

mp_obj_t fault_new_bytes(const byte *data, size_t len) {
    if (data == NULL) {
        fault_probe(data, len);
        return mp_const_empty_bytes;
    }
    return mp_obj_new_bytes(data, len);
}
