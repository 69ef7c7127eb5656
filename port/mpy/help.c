// help(): the text without an argument, modules/README.md's with one, and the list of modules.
#include <string.h>

#include "py/builtin.h"
#include "py/gc.h"
#include "py/objlist.h"
#include "py/objmodule.h"
#include "py/runtime.h"

const char ringzero_help_text[] =
    "Ringzero: MicroPython in ring 0 of an x86_64 machine.\n"
    "\n"
    "The machine's memory:\n"
    "  import memmap; memmap.show()          what the boot loader said of it\n"
    "  import frames; frames.alloc()         physical frames of 4 KiB, by address\n"
    "  frames.free(addr); frames.show()\n"
    "  import pages                          zeroed pages, as buffers:\n"
    "  with pages.alloc(4) as p: p[0:2] = b'hi'\n"
    "The machine itself:\n"
    "  import machine                        mem8 mem16 mem32 mem64[addr], port8 port16 port32[n],\n"
    "                                        cpuid(leaf), rdmsr(n), wrmsr(n, v), disable_irq(),\n"
    "                                        Timer, RTC, UART, WDT, reset(), poweroff()\n"
    "  import uctypes                        structures at any address\n"
    "\n"
    "Control commands:\n"
    "  CTRL-A        -- on a blank line, enter raw REPL mode\n"
    "  CTRL-B        -- on a blank line, enter normal REPL mode\n"
    "  CTRL-C        -- interrupt a running program\n"
    "  CTRL-D        -- on a blank line, do a soft reset of the interpreter\n"
    "  CTRL-E        -- on a blank line, enter paste mode\n"
    "\n"
    "For further help on a specific object, type help(obj), like help(frames.alloc)\n"
    "For a list of available modules, type help('modules')\n"
;

// scripts/reference.py makes it of modules/README.md; modules/_help.py reads it.
extern const byte help_reference[], help_reference_end[];

extern const mp_obj_fun_builtin_var_t help_upstream_obj;

// As upstream's, which takes what has been deleted from a module for a name.
static void list_names(mp_obj_t obj) {
    const mp_obj_type_t *type = mp_obj_get_type(obj);
    mp_print_str(MP_PYTHON_PRINTER, "object ");
    mp_obj_print(obj, PRINT_STR);
    mp_printf(MP_PYTHON_PRINTER, " is of type %q\n", (qstr)type->name);
    const mp_map_t *map = NULL;
    if (type == &mp_type_module) {
        map = &mp_obj_module_get_globals(obj)->map;
    } else {
        if (type == &mp_type_type) {
            type = MP_OBJ_TO_PTR(obj);
        }
        if (MP_OBJ_TYPE_HAS_SLOT(type, locals_dict)) {
            map = &MP_OBJ_TYPE_GET_SLOT(type, locals_dict)->map;
        }
    }
    for (size_t i = 0; map != NULL && i < map->alloc; ++i) {
        if (mp_map_slot_is_filled(map, i)) {
            mp_print_str(MP_PYTHON_PRINTER, "  ");
            mp_obj_print(map->table[i].key, PRINT_STR);
            mp_print_str(MP_PYTHON_PRINTER, " -- ");
            mp_obj_print(map->table[i].value, PRINT_STR);
            mp_print_str(MP_PYTHON_PRINTER, "\n");
        }
    }
}

// same(a, b): whether they are one object, or two of the wrappings that each look at a method in a
// built-in type makes anew.
static mp_obj_t same(mp_obj_t a, mp_obj_t b) {
    bool are = a == b;
    if (!are && mp_obj_is_obj(a) && mp_obj_is_obj(b)) {
        size_t size = gc_nbytes(MP_OBJ_TO_PTR(a));
        are = size > 0 && size == gc_nbytes(MP_OBJ_TO_PTR(b)) && mp_obj_is_callable(a)
            && memcmp(MP_OBJ_TO_PTR(a), MP_OBJ_TO_PTR(b), size) == 0;
    }
    return mp_obj_new_bool(are);
}
static MP_DEFINE_CONST_FUN_OBJ_2(same_obj, same);

static mp_obj_t help(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0 || args[0] == MP_OBJ_NEW_QSTR(MP_QSTR_modules)) {
        return help_upstream_obj.fun.var(n_args, args);
    }
    mp_obj_t show = mp_load_attr(
        mp_import_name(MP_QSTR__help, mp_const_none, MP_OBJ_NEW_SMALL_INT(0)), MP_QSTR_show);
    mp_obj_t show_args[] = {
        args[0],
        mp_obj_new_memoryview('B', help_reference_end - help_reference, (void *)help_reference),
        MP_OBJ_FROM_PTR(&same_obj),
    };
    if (!mp_obj_is_true(mp_call_function_n_kw(show, MP_ARRAY_SIZE(show_args), 0, show_args))) {
        list_names(args[0]);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mp_builtin_help_obj, 0, 1, help);

// Upstream lists an extensible module that a frozen one extends twice, and what nobody is to import.
mp_obj_t help_sort_modules(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs);
mp_obj_t help_sort_modules(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    mp_obj_list_sort(n_args, args, kwargs);
    size_t len;
    mp_obj_t *items;
    mp_obj_list_get(args[0], &len, &items);
    size_t count = 0;
    for (size_t i = 0; i < len; ++i) {
        bool again = count > 0 && mp_obj_equal(items[i], items[count - 1]);
        if (!again && *mp_obj_str_get_str(items[i]) != '_') {
            items[count++] = items[i];
        }
    }
    mp_obj_list_set_len(args[0], count);
    return mp_const_none;
}
