// What C lends to Python that it calls, and what comes back from there: buffers that are kept,
// exceptions that cannot be printed, streams that claim more than they were given.
#include <string.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"

#include "cpu/irq.h"
#include "mpy/callback.h"
#include "mpy/filesystem.h"
#include "mpy/interrupt.h"
#include "mpy/modblock.h"
#include "mpy/modramdisk.h"
#include "mpy/thread.h"

mp_obj_t __real_mp_call_function_1_protected(mp_obj_t function, mp_obj_t arg);
mp_obj_t __wrap_mp_call_function_1_protected(mp_obj_t function, mp_obj_t arg);

mp_obj_t __wrap_mp_call_function_1_protected(mp_obj_t function, mp_obj_t arg) {
    mp_obj_t result = __real_mp_call_function_1_protected(function, arg);
    interrupt_settle();
    return result;
}

bool callback_call(mp_obj_t function, mp_obj_t arg) {
    bool go_on = true;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_1(function, arg);
        nlr_pop();
    } else {
        mp_obj_t raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        go_on = !mp_obj_exception_match(raised, MP_OBJ_FROM_PTR(&mp_type_KeyboardInterrupt));
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, raised);
    }
    interrupt_settle();
    return go_on;
}

void __real_mp_obj_print_exception(const mp_print_t *print, mp_obj_t exc);
void __wrap_mp_obj_print_exception(const mp_print_t *print, mp_obj_t exc);

// To the console, where there is nobody above who catches: the prompt, the scheduler, the collector's
// finalisers and hard callbacks print outside every handler. What has been printed so far stays. A
// terminal in Python may not even take the rest.
void __wrap_mp_obj_print_exception(const mp_print_t *print, mp_obj_t exc) {
    if (print != &mp_plat_print) {
        __real_mp_obj_print_exception(print, exc);
        return;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        __real_mp_obj_print_exception(print, exc);
        nlr_pop();
        return;
    }
    mp_obj_t raised = MP_OBJ_FROM_PTR(nlr.ret_val);
    if (nlr_push(&nlr) == 0) {
        mp_printf(print, "%q (printing it raised %q)\n", (qstr)mp_obj_get_type(exc)->name,
            (qstr)mp_obj_get_type(raised)->name);
        nlr_pop();
    }
}

#define ARGS_MAX 5 // method, object, block, buffer, offset

static mp_obj_array_t *buffer_in(mp_obj_t obj) {
    const mp_obj_type_t *type = mp_obj_get_type(obj);
    return type == &mp_type_bytearray || type == &mp_type_memoryview ? MP_OBJ_TO_PTR(obj) : NULL;
}

// A method's call of which one argument may be a buffer that lies, with its header, on C's stack: Python
// may keep what it gets, so it gets a copy, of which what it has changed is copied back if C wants it.
// Where there is no memory for one, and where the heap is locked, it gets the buffer itself, as with
// upstream.
static mp_obj_t lend(size_t n_args, size_t n_kw, const mp_obj_t *args, bool copy_back) {
    size_t count = 2 + n_args, at = 2;
    mp_obj_array_t *lent = NULL;
    while (count <= ARGS_MAX && at < count && (lent = buffer_in(args[at])) == NULL) {
        ++at;
    }
    mp_obj_array_t *copy = lent == NULL || gc_is_locked() ? NULL : m_new_obj_maybe(mp_obj_array_t);
    void *items = copy == NULL ? NULL : m_new_maybe(byte, MAX(lent->len, 1));
    if (items == NULL) {
        return mp_call_method_n_kw(n_args, n_kw, args);
    }
    memcpy(items, lent->items, lent->len);
    *copy = *lent;
    copy->items = items;
    mp_obj_t own[ARGS_MAX];
    memcpy(own, args, count * sizeof(mp_obj_t));
    own[at] = MP_OBJ_FROM_PTR(copy);
    mp_obj_t result = mp_call_method_n_kw(n_args, n_kw, own);
    // What a block device is written from may be read-only, and is the same still.
    size_t len = MIN(copy->len, lent->len);
    if (copy_back && memcmp(lent->items, copy->items, len) != 0) {
        memcpy(lent->items, copy->items, len);
    }
    return result;
}

mp_obj_t lending_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args);

// What a block device made in Python is called with. Those in C keep no buffer. After Ctrl-C the file
// system shall come to its end.
mp_obj_t lending_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    if (filesystem_is_interrupted()) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EIO);
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        bool in_c = ramdisk_is_method(args[0]) || modblock_is_method(args[0]);
        mp_obj_t result = in_c ? mp_call_method_n_kw(n_args, n_kw, args) : lend(n_args, n_kw, args, true);
        nlr_pop();
        return result;
    }
    return filesystem_keep(nlr.ret_val);
}

void iobase_load_method(mp_obj_t obj, qstr attr, mp_obj_t *dest);
mp_obj_t iobase_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args);

// What iobase_call_method_n_kw() is called for next, at once. An interrupt in between has the heap locked,
// and lends no copy.
static THREAD_OWN qstr iobase_method;

void iobase_load_method(mp_obj_t obj, qstr attr, mp_obj_t *dest) {
    mp_load_method(obj, attr, dest);
    if (!irq_active) {
        iobase_method = attr;
    }
}

// What io.IOBase calls readinto(), write() and ioctl() of a Python object with. Upstream since 1.29:
// more bytes than there was room for are an error, and not the start of an endless loop.
mp_obj_t iobase_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    // The buffer of the first two, before Python gets at it.
    size_t room = n_args == 1 ? ((const mp_obj_array_t *)MP_OBJ_TO_PTR(args[2]))->len : 0;
    mp_obj_t result = lend(n_args, n_kw, args, iobase_method == MP_QSTR_readinto);
    if (n_args == 1 && result != mp_const_none && mp_obj_get_int(result) > (mp_int_t)room) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EIO);
    }
    return result;
}
