// Where the kernel is: its functions by name, its stack, the Python lines that run on it.
#ifndef RINGZERO_MPY_TRACE_H
#define RINGZERO_MPY_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "mpy/thread.h"

typedef struct {
    const char *file, *function;
    size_t line;
} trace_line_t;

// The function that addr lies in, written to name, and how far behind its start; 0 and an empty name
// where there is none.
uint64_t trace_function(uint64_t addr, char *name, size_t size);

// The return address of the frame at *frame, which becomes its caller's; 0 at the end.
uint64_t trace_return(uint64_t *frame);

// The next Python function that runs on the stack from *from on, the innermost first. NULL: there are no
// more.
const void *trace_python(uint64_t *from, const thread_stack_t *stack, trace_line_t *line);

#endif
