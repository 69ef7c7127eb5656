// Put in front of every C file of the interpreter: the look at the stack's limit, without a call. Every
// call of a Python function takes it, and every comparison.
#ifndef RINGZERO_MPY_STACKCHECK_H
#define RINGZERO_MPY_STACKCHECK_H
#ifndef __ASSEMBLER__

#include "py/cstack.h"
#include "py/runtime.h"

static inline void stackcheck(void) {
    mp_uint_t usage = MP_STATE_THREAD(stack_top) - (char *)__builtin_frame_address(0);
    if (usage >= MP_STATE_THREAD(stack_limit)) {
        mp_raise_recursion_depth();
    }
}
#define mp_cstack_check stackcheck

#endif
#endif
