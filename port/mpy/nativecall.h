// Put in front of py/nativeglue.c: machine code that goes round a loop of objects lets other threads have their
// turns there. No callback has ever come there, and a loop may count on it.
#include "py/runtime.h"
#include "mpy/interrupt.h"
#include "mpy/thread.h"

static inline void nativecall_take_turns(void) {
    if (thread_turn_is_over) {
        interrupt_take_turns();
    }
}

static inline mp_obj_t nativecall_iternext(mp_obj_t iterator) {
    nativecall_take_turns();
    return mp_iternext(iterator);
}
#define mp_iternext nativecall_iternext
