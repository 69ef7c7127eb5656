// Upstream's standard unix port; with a GIL it has no Ctrl-C that comes at once, and wants this mutex all the same.
#include "variants/standard/mpconfigvariant.h"

#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR (!MICROPY_PY_THREAD_GIL)
#define MICROPY_PY_THREAD_RECURSIVE_MUTEX (1)
