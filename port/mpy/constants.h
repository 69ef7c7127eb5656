// Put in front of py/compile.c and py/persistentcode.c, which make a program's table of constants begin
// behind its names: where there are none, something else lies there, which would live as long.
#include "py/bc.h"

static inline void constants_alloc_tables(mp_module_context_t *context, size_t n_qstr, size_t n_obj) {
    mp_module_context_alloc_tables(context, n_qstr, n_obj);
    if (n_obj == 0) {
        context->constants.obj_table = NULL;
    }
}

#define mp_module_context_alloc_tables constants_alloc_tables
