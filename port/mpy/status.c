#include "py/runtime.h"
#include "py/objexcept.h"
#include "shared/runtime/pyexec.h"
#include "devices/power.h"
#include "mpy/status.h"

static unsigned last;
static bool exited;

unsigned status_last(void) {
    return last;
}

unsigned status_of_exit(void) {
    return exited ? last : 0;
}

// As in CPython: None is 0, an integer itself, anything else is printed and stands for 1.
static unsigned of_system_exit(mp_obj_t exc) {
    mp_obj_t value = mp_obj_exception_get_value(exc);
    if (value == mp_const_none) {
        return 0;
    }
    mp_int_t number;
    if (mp_obj_is_bool(value)) {
        return value == mp_const_true;
    }
    if (!mp_obj_is_int(value)) {
        mp_obj_print_helper(&mp_plat_print, value, PRINT_STR);
        mp_print_str(&mp_plat_print, "\n");
        return 1;
    }
    if (!mp_obj_get_int_maybe(value, &number) || number < 0 || number > POWER_STATUS_MAX) {
        mp_print_str(&mp_plat_print, "SystemExit: the status ");
        mp_obj_print_helper(&mp_plat_print, value, PRINT_REPR);
        mp_printf(&mp_plat_print, " is not in 0 to %d\n", POWER_STATUS_MAX);
        return 1;
    }
    return number;
}

// pyexec throws the value of SystemExit away; this is its hook after every program.
void status_after_exec(void *ret_val, int *ret) {
    exited = ret_val != NULL && (*ret & PYEXEC_FORCED_EXIT);
    if (ret_val == NULL) {
        last = 0;
    } else if (exited) {
        // Printing the value may raise, and nobody else catches that.
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            last = of_system_exit(MP_OBJ_FROM_PTR(ret_val));
            nlr_pop();
        } else {
            mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
            last = 1;
        }
    } else {
        last = 1;
    }
}
