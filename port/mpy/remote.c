#include <string.h>

#include "py/bc.h"
#include "py/compile.h"
#include "py/objcode.h"
#include "py/objexcept.h"
#include "py/objfun.h"
#include "py/objmodule.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include "mpy/remote.h"

// How a function is named: by what follows.
typedef enum {
    BY_ADDRESS, // in the kernel's image, which all CPUs have
    BY_NAME,    // module, name
    BY_CODE,    // marshalled code, (module or None, defaults or None, those of keywords or None)
    BY_SOURCE,  // a program's text
} by_t;

extern const char text_end[], rodata_end[];

static bool in_image(mp_obj_t obj) {
    const char *addr = MP_OBJ_TO_PTR(obj);
    return mp_obj_is_obj(obj) && addr >= text_end && addr < rodata_end;
}

static mp_obj_t find(mp_obj_dict_t *dict, mp_obj_t key) {
    mp_map_elem_t *element = mp_map_lookup(&dict->map, key, MP_MAP_LOOKUP);
    return element != NULL ? element->value : MP_OBJ_NULL;
}

// The name under which all can import the module that has these variables, or MP_OBJ_NULL.
static mp_obj_t module_of(mp_obj_dict_t *globals) {
    mp_obj_t name = find(globals, MP_OBJ_NEW_QSTR(MP_QSTR___name__));
    if (name == MP_OBJ_NULL || !mp_obj_is_str(name) || globals == &MP_STATE_VM(dict_main)) {
        return MP_OBJ_NULL;
    }
    mp_obj_t module = find(&MP_STATE_VM(mp_loaded_modules_dict), name);
    bool same = module != MP_OBJ_NULL && mp_obj_is_type(module, &mp_type_module)
        && mp_obj_module_get_globals(module) == globals;
    return same ? name : MP_OBJ_NULL;
}

// Its name in there. Machine code does not know the one that it was defined with.
static mp_obj_t name_in(mp_obj_dict_t *globals, mp_obj_t function) {
    mp_obj_t name[2];
    mp_load_method_maybe(function, MP_QSTR___name__, name);
    if (name[0] != MP_OBJ_NULL && find(globals, name[0]) == function) {
        return name[0];
    }
    for (size_t i = 0; i < globals->map.alloc; ++i) {
        if (mp_map_slot_is_filled(&globals->map, i) && globals->map.table[i].value == function) {
            return globals->map.table[i].key;
        }
    }
    return MP_OBJ_NULL;
}

static bool is_python(mp_obj_t function) {
    return mp_obj_is_type(function, &mp_type_fun_bc) || mp_obj_is_type(function, &mp_type_gen_wrap)
           || mp_obj_is_type(function, &mp_type_fun_native) || mp_obj_is_type(function, &mp_type_fun_viper)
           || mp_obj_is_type(function, &mp_type_native_gen_wrap);
}

static mp_obj_t call_marshal(qstr name, mp_obj_t arg) {
    extern const mp_obj_module_t mp_module_marshal;
    return mp_call_function_1(mp_load_attr(MP_OBJ_FROM_PTR(&mp_module_marshal), name), arg);
}

static _Noreturn void refuse(mp_obj_t function) {
    mp_raise_msg_varg(&mp_type_TypeError,
        MP_ERROR_TEXT("%s cannot go to another CPU: it is in no module, and no plain function"
            " without functions or comprehensions in it"),
        mp_obj_get_type_str(function));
}

void remote_describe_function(mp_obj_t function, mp_obj_t items[REMOTE_FUNCTION]) {
    items[1] = items[2] = mp_const_none;
    if (mp_obj_is_str(function)) {
        items[0] = MP_OBJ_NEW_SMALL_INT(BY_SOURCE);
        items[1] = function;
        return;
    }
    if (in_image(function) && mp_obj_is_callable(function)) {
        items[0] = MP_OBJ_NEW_SMALL_INT(BY_ADDRESS);
        items[1] = MP_OBJ_NEW_SMALL_INT((uintptr_t)MP_OBJ_TO_PTR(function));
        return;
    }
    if (!is_python(function)) {
        refuse(function);
    }
    const mp_obj_fun_bc_t *self = MP_OBJ_TO_PTR(function);
    mp_obj_dict_t *globals = self->context->module.globals;
    mp_obj_t module = module_of(globals);
    mp_obj_t name = module != MP_OBJ_NULL ? name_in(globals, function) : MP_OBJ_NULL;
    if (name != MP_OBJ_NULL) {
        items[0] = MP_OBJ_NEW_SMALL_INT(BY_NAME);
        items[1] = module;
        items[2] = name;
        return;
    }
    mp_obj_t code[2] = { MP_OBJ_NULL };
    if (mp_obj_is_type(function, &mp_type_fun_bc)) {
        mp_load_method_maybe(function, MP_QSTR___code__, code);
    }
    if (code[0] == MP_OBJ_NULL) {
        refuse(function);
    }
    const uint8_t *ip = self->bytecode;
    MP_BC_PRELUDE_SIG_DECODE(ip);
    (void)n_state, (void)n_exc_stack, (void)n_pos_args, (void)n_kwonly_args;
    mp_obj_t rest[] = {
        module != MP_OBJ_NULL ? module : mp_const_none,
        n_def_pos_args != 0 ? mp_obj_new_tuple(n_def_pos_args, self->extra_args) : mp_const_none,
        scope_flags & MP_SCOPE_FLAG_DEFKWARGS ? self->extra_args[n_def_pos_args] : mp_const_none,
    };
    items[0] = MP_OBJ_NEW_SMALL_INT(BY_CODE);
    items[1] = call_marshal(MP_QSTR_dumps, code[0]);
    items[2] = mp_obj_new_tuple(MP_ARRAY_SIZE(rest), rest);
}

static mp_obj_t import(mp_obj_t name) {
    mp_obj_t module = find(&MP_STATE_VM(mp_loaded_modules_dict), name);
    if (module == MP_OBJ_NULL) {
        // Of a package's module it is the package that this returns.
        module = mp_import_name(mp_obj_str_get_qstr(name), mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
        mp_obj_t inner = find(&MP_STATE_VM(mp_loaded_modules_dict), name);
        module = inner != MP_OBJ_NULL ? inner : module;
    }
    return module;
}

static mp_obj_t new_function(mp_obj_t bytes, mp_obj_t rest) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(rest, 3, &items);
    mp_module_context_t *context = m_new_obj(mp_module_context_t);
    context->module.base.type = &mp_type_module;
    context->module.globals = items[0] == mp_const_none ? &MP_STATE_VM(dict_main)
        : mp_obj_module_get_globals(import(items[0]));
    mp_obj_code_t *code = MP_OBJ_TO_PTR(call_marshal(MP_QSTR_loads, bytes));
    context->constants = *mp_code_get_constants(code);
    mp_obj_t defaults[] = {
        items[1] == mp_const_none ? MP_OBJ_NULL : items[1],
        items[2] == mp_const_none ? MP_OBJ_NULL : items[2],
    };
    bool any = defaults[0] != MP_OBJ_NULL || defaults[1] != MP_OBJ_NULL;
    return mp_make_function_from_proto_fun(mp_code_get_proto_fun(code), context, any ? defaults : NULL);
}

mp_obj_t remote_call(const mp_obj_t items[REMOTE_FUNCTION], size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_obj_t function;
    switch (MP_OBJ_SMALL_INT_VALUE(items[0])) {
        case BY_ADDRESS:
            function = MP_OBJ_FROM_PTR((void *)(uintptr_t)MP_OBJ_SMALL_INT_VALUE(items[1]));
            break;
        case BY_NAME:
            function = mp_load_attr(import(items[1]), mp_obj_str_get_qstr(items[2]));
            break;
        case BY_CODE:
            function = new_function(items[1], items[2]);
            break;
        default: {
            size_t size;
            const char *text = mp_obj_str_get_data(items[1], &size);
            mp_lexer_t *lexer = mp_lexer_new_from_str_len(MP_QSTR__lt_string_gt_, text, size, 0);
            mp_obj_dict_t *globals = &MP_STATE_VM(dict_main);
            return mp_parse_compile_execute(lexer, MP_PARSE_FILE_INPUT, globals, globals);
        }
    }
    return mp_call_function_n_kw(function, n_args, n_kw, args);
}

// --- Exceptions -----------------------------------------------------------------------------

// The class in the image that it is derived from.
static const mp_obj_type_t *type_in_image(const mp_obj_type_t *type) {
    while (!in_image(MP_OBJ_FROM_PTR(type))) {
        const void *parent = MP_OBJ_TYPE_GET_SLOT_OR_NULL(type, parent);
        if (parent == NULL) {
            return &mp_type_Exception;
        }
        if (((const mp_obj_base_t *)parent)->type == &mp_type_tuple) {
            const mp_obj_tuple_t *parents = parent;
            size_t i = 0;
            while (i + 1 < parents->len
                   && !mp_obj_is_subclass_fast(parents->items[i], MP_OBJ_FROM_PTR(&mp_type_BaseException))) {
                ++i;
            }
            parent = MP_OBJ_TO_PTR(parents->items[i]);
        }
        type = parent;
    }
    return type;
}

mp_obj_t remote_describe_exception(mp_obj_t exception, bool as_text) {
    const mp_obj_type_t *type = mp_obj_get_type(exception);
    const mp_obj_type_t *known = type_in_image(type);
    mp_obj_t args;
    if (known == type && !as_text) {
        args = mp_load_attr(exception, MP_QSTR_args);
    } else {
        vstr_t vstr;
        mp_print_t print;
        vstr_init_print(&vstr, 32, &print);
        mp_obj_print_helper(&print, exception, known == type ? PRINT_STR : PRINT_EXC);
        mp_obj_t values[] = { MP_OBJ_NULL, mp_obj_new_str_from_vstr(&vstr) };
        bool has_errno = mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(known), MP_OBJ_FROM_PTR(&mp_type_OSError));
        if (has_errno) {
            // Whoever handles it there asks for that.
            values[0] = mp_load_attr(exception, MP_QSTR_errno);
            has_errno = mp_obj_is_int(values[0]);
        }
        args = has_errno ? mp_obj_new_tuple(2, values) : mp_obj_new_tuple(1, &values[1]);
    }
    size_t count, *values;
    mp_obj_exception_get_traceback(exception, &count, &values);
    mp_obj_tuple_t *traceback = MP_OBJ_TO_PTR(mp_obj_new_tuple(count, NULL));
    for (size_t i = 0; i < count; ++i) {
        // File, line, function.
        traceback->items[i] = i % 3 == 1 ? MP_OBJ_NEW_SMALL_INT(values[i]) : MP_OBJ_NEW_QSTR(values[i]);
    }
    mp_obj_t items[] = { MP_OBJ_NEW_SMALL_INT((uintptr_t)known), args, MP_OBJ_FROM_PTR(traceback) };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}

mp_obj_t remote_new_exception(mp_obj_t description) {
    mp_obj_t *items, *args, *traceback;
    size_t n_args, count;
    mp_obj_get_array_fixed_n(description, 3, &items);
    mp_obj_get_array(items[1], &n_args, &args);
    mp_obj_get_array(items[2], &count, &traceback);
    const mp_obj_type_t *type = (const mp_obj_type_t *)(uintptr_t)MP_OBJ_SMALL_INT_VALUE(items[0]);
    mp_obj_t exception = mp_obj_exception_make_new(type, n_args, 0, args);
    for (size_t i = 0; i < count; i += 3) {
        mp_obj_exception_add_traceback(exception, mp_obj_str_get_qstr(traceback[i]),
            MP_OBJ_SMALL_INT_VALUE(traceback[i + 1]), mp_obj_str_get_qstr(traceback[i + 2]));
    }
    return exception;
}
