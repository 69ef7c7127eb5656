#include <string.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/objexcept.h"
#include "py/objtuple.h"
#include "py/runtime.h"
#include "py/smallint.h"

#include "boot/handoff.h"
#include "cpu/io.h"
#include "cpu/trap.h"
#include "mpy/fault.h"
#include "mpy/native.h"
#include "memory/space.h"

enum {
    // SDM 3A table 6-1.
    VECTOR_DIVIDE = 0,
    VECTOR_DEBUG = 1,
    VECTOR_NMI = 2,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    // SDM 3A 4.7: a page fault's error code.
    ERROR_PRESENT = 1 << 0,
    ERROR_WRITE = 1 << 1,
    ERROR_RESERVED = 1 << 3,
    ERROR_FETCH = 1 << 4,
    // SDM 1 3.4.3: single step, direction, nested task, resume, alignment check.
    RFLAGS_TF = 1 << 8,
    RFLAGS_CLEARED = 1 << 8 | 1 << 10 | 1 << 14 | 1 << 16 | 1 << 18,
    RED_ZONE = 128,
    OPCODE_INT = 0xcd,
    // SDM 1 10.5.1 and table 10-2: where FXSAVE has them, and what they start with.
    FXSAVE_SIZE = 512,
    FXSAVE_FCW = 0,
    FXSAVE_FSW = 2,
    FXSAVE_FTW = 4,
    FXSAVE_MXCSR = 24,
    FCW_START = 0x37f,
    MXCSR_START = 0x1f80,
};

// The exception's arguments; after errno those of the fault, small integers all but the address.
enum { ARG_ERRNO, ARG_VECTOR, ARG_ADDR, ARG_ERROR, ARG_RIP, ARGS };

extern char access_start[], access_end[], memory_functions_start[], memory_functions_end[];
extern char interrupt_stack_guard[], interrupt_stack_top[];

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
    qstr kind = kind_of(args);
    if (kind == MP_QSTRnull) {
        mp_printf(print, " at 0x%lx", (unsigned long)MP_OBJ_SMALL_INT_VALUE(args->items[ARG_RIP]));
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

// errno is EFAULT; vector; addr and kind ("read", "write" or "execute") of a page fault, else None;
// error, the CPU's error code; rip, the instruction's address.
MP_DEFINE_CONST_OBJ_TYPE(
    mp_type_FaultError,
    MP_QSTR_FaultError,
    MP_TYPE_FLAG_NONE,
    make_new, mp_obj_exception_make_new,
    print, fault_print,
    attr, fault_attr,
    parent, &mp_type_OSError
    );

// What the trap returns to, on the stack of the access.
static NORETURN void fault_raise(uint64_t vector, uint64_t addr, uint64_t error, uint64_t rip) {
    mp_obj_t args[ARGS] = {
        [ARG_ERRNO] = MP_OBJ_NEW_SMALL_INT(MP_EFAULT),
        [ARG_VECTOR] = MP_OBJ_NEW_SMALL_INT(vector),
        [ARG_ADDR] = mp_const_none,
        [ARG_ERROR] = MP_OBJ_NEW_SMALL_INT(error),
        [ARG_RIP] = MP_OBJ_NEW_SMALL_INT(rip),
    };
    if (vector == VECTOR_PAGE_FAULT) {
        // An address in the upper half is no small integer, which a locked heap has no room for.
        mp_int_t small = (mp_int_t)addr;
        if (MP_SMALL_INT_FITS(small) && small >= 0) {
            args[ARG_ADDR] = MP_OBJ_NEW_SMALL_INT(small);
        } else if (!gc_is_locked()) {
            args[ARG_ADDR] = mp_obj_new_int_from_uint(addr);
        }
    }
    nlr_raise(mp_obj_exception_make_new(&mp_type_FaultError, ARGS, 0, args));
}

static bool is_access(uint64_t rip) {
    return in(rip, access_start, access_end) || native_contains(rip);
}

// The stack that the exception unwinds must be the one that the fault came on.
static bool can_unwind(uint64_t rsp) {
    uint64_t top = 0;
    if (rsp >= (uint64_t)stack_bottom && rsp < (uint64_t)stack_top) {
        top = (uint64_t)stack_top;
    } else if (in(rsp, interrupt_stack_guard + PAGING_SIZE, interrupt_stack_top)) {
        top = (uint64_t)interrupt_stack_top;
    }
    uint64_t catcher = (uint64_t)MP_STATE_THREAD(nlr_top);
    return catcher >= rsp && catcher < top && rsp % sizeof(uint64_t) == 0;
}

// Makes the trap return to where the exception is raised. False: the fault is the kernel's own.
static bool recover(trap_frame_t *frame) {
    uint64_t rip = frame->rip;
    if (!can_unwind(frame->rsp) || (MP_STATE_THREAD(gc_lock_depth) & GC_COLLECT_FLAG)) {
        return false;
    }
    uint64_t caller = *(uint64_t *)frame->rsp;
    bool access = is_access(rip)
        || (in(rip, memory_functions_start, memory_functions_end) && is_access(caller))
        // A jump to where there is no code.
        || (!in(rip, text_start, text_end) && is_access(caller));
    if (!access) {
        if (frame->vector == VECTOR_DEBUG && (frame->rflags & RFLAGS_TF)) {
            // Native code has turned single steps on and then called C.
            frame->rflags &= ~(uint64_t)RFLAGS_TF;
            return true;
        }
        return false;
    }
    if (frame->vector == VECTOR_NMI || frame->vector == VECTOR_MACHINE_CHECK || frame->vector == VECTOR_DOUBLE_FAULT) {
        // Only from an INT instruction are they the program's own.
        const uint8_t *code = (const uint8_t *)rip;
        if (!native_contains(rip - 2) || code[-2] != OPCODE_INT || code[-1] != frame->vector) {
            return false;
        }
    }
    uint8_t *fpu = (uint8_t *)frame - FXSAVE_SIZE;
    *(uint16_t *)(fpu + FXSAVE_FCW) = FCW_START;
    *(uint16_t *)(fpu + FXSAVE_FSW) = 0;
    *(uint16_t *)(fpu + FXSAVE_FTW) = 0;
    *(uint32_t *)(fpu + FXSAVE_MXCSR) = MXCSR_START;
    frame->rdi = frame->vector;
    frame->rsi = cpu_cr2();
    frame->rdx = frame->error;
    frame->rcx = rip;
    frame->rip = (uint64_t)fault_raise;
    frame->rsp = ((frame->rsp - RED_ZONE) & ~UINT64_C(15)) - sizeof(uint64_t);
    frame->rflags &= ~(uint64_t)RFLAGS_CLEARED;
    return true;
}

void fault_init(void) {
    for (unsigned vector = 0; vector < TRAP_EXCEPTIONS; ++vector) {
        trap_set_handler(vector, recover);
    }
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
