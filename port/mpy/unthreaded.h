// Put in front of py/vm.c and py/scheduler.c: they are as they are without threads. Then a loop looks at
// one word for everything that may be pending, and that it is a thread's turn is pending as well:
// mpy/thread.c says so, and mp_handle_pending() as mpy/interrupt.c has it switches.
#include "py/mpstate.h"
#include "py/runtime.h"

#undef MICROPY_PY_THREAD
#define MICROPY_PY_THREAD (0)
#undef MICROPY_PY_THREAD_GIL
#define MICROPY_PY_THREAD_GIL (0)
