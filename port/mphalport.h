#include "shared/runtime/interrupt_char.h"
#include "cpu/io.h"

#define mp_hal_ticks_cpu() ((mp_uint_t)cpu_tsc())
