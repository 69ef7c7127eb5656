#include <string.h>

#include "py/bc.h"
#include "py/objfun.h"
#include "py/objgenerator.h"
#include "py/runtime.h"

#include "boot/handoff.h"
#include "memory/space.h"
#include "mpy/trace.h"

// scripts/symbols.py says what is in there.
extern const char symbols_start[], symbols_end[];

uint64_t trace_function(uint64_t addr, char *name, size_t size) {
    name[0] = '\0';
    if (addr < (uint64_t)text_start || addr >= (uint64_t)text_end) {
        return 0;
    }
    uint64_t start = 0;
    for (const char *at = symbols_start; at < symbols_end;) {
        uint64_t distance = 0;
        unsigned shift = 0;
        do {
            distance |= (uint64_t)(*at & 0x7f) << shift;
            shift += 7;
        } while (*at++ & 0x80);
        if (start + distance > addr) {
            break;
        }
        start += distance;
        size_t common = (uint8_t)*at++;
        size_t length = strlen(at);
        if (common + length < size) {
            memcpy(name + common, at, length + 1);
        }
        at += length + 1;
    }
    return start != 0 ? addr - start : 0;
}

uint64_t trace_return(uint64_t *frame) {
    uint64_t at = *frame;
    if (at < PAGING_SIZE || at % sizeof(uint64_t) != 0 || !space_readable(at, 2 * sizeof(uint64_t))) {
        return 0;
    }
    uint64_t next = ((uint64_t *)at)[0];
    uint64_t addr = ((uint64_t *)at)[1];
    // The stack grows down.
    *frame = next > at ? next : 0;
    return addr;
}

static bool readable(const void *start, size_t size) {
    return (uintptr_t)start % sizeof(void *) == 0 && space_readable((uintptr_t)start, size);
}

// Whether that is the state of a function of bytecode that runs.
static bool is_code_state(const mp_code_state_t *state) {
    if (!readable(state, sizeof(*state)) || !readable(state->fun_bc, sizeof(*state->fun_bc))) {
        return false;
    }
    const mp_obj_fun_bc_t *fun = state->fun_bc;
    return (fun->base.type == &mp_type_fun_bc || fun->base.type == &mp_type_gen_wrap)
           && state->sp >= state->state - 1 && state->sp < state->state + state->n_state
           && space_readable((uintptr_t)fun->bytecode, 16)
           && state->ip > fun->bytecode && space_readable((uintptr_t)state->ip, 1)
           && readable(fun->context, sizeof(*fun->context));
}

static bool get_line(const mp_code_state_t *state, trace_line_t *line) {
    const byte *ip = state->fun_bc->bytecode;
    MP_BC_PRELUDE_SIG_DECODE(ip);
    MP_BC_PRELUDE_SIZE_DECODE(ip);
    (void)n_state;
    (void)n_exc_stack;
    (void)scope_flags;
    (void)n_def_pos_args;
    const byte *line_info_top = ip + n_info;
    const byte *code = line_info_top + n_cell;
    if (state->ip < code || !space_readable((uintptr_t)ip, n_info)) {
        return false;
    }
    qstr name = mp_decode_uint_value(ip);
    for (size_t i = 0; i < 1 + n_pos_args + n_kwonly_args; ++i) {
        ip = mp_decode_uint_skip(ip);
    }
    #if MICROPY_EMIT_BYTECODE_USES_QSTR_TABLE
    const qstr_short_t *names = state->fun_bc->context->constants.qstr_table;
    name = names[name];
    qstr file = names[0];
    #else
    qstr file = state->fun_bc->context->constants.source_file;
    #endif
    line->file = qstr_str(file);
    line->function = qstr_str(name);
    line->line = mp_bytecode_get_source_line(ip, line_info_top, state->ip - code);
    return true;
}

const void *trace_python(uint64_t *from, const thread_stack_t *stack, trace_line_t *line) {
    for (; *from + sizeof(uint64_t) <= stack->top;) {
        // The state lies on the stack itself, or where it is large something there points to it.
        const mp_code_state_t *here = (const mp_code_state_t *)*from;
        const mp_code_state_t *there = *(const mp_code_state_t **)*from;
        *from += sizeof(uint64_t);
        if (is_code_state(here) && get_line(here, line)) {
            return here;
        }
        if (((uint64_t)there < stack->bottom || (uint64_t)there >= stack->top)
            && is_code_state(there) && get_line(there, line)) {
            return there;
        }
    }
    return NULL;
}
