// machine: cpuid, model-specific registers, interrupts that nobody asked for.
#include "py/mperrno.h"
#include "py/runtime.h"

#include "cpu/ask.h"
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "frames/modframes.h"
#include "mpy/cpus.h"
#include "mpy/fault.h"
#include "mpy/modmachine.h"

static uint32_t get_u32(mp_obj_t value) {
    mp_int_t n = mp_obj_get_int(value);
    if (n < 0 || n > UINT32_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a number is 0 to 0xffffffff, not %ld"), (long)n);
    }
    return n;
}

// Of the CPU that cpu= names, by an interrupt; without it, or where it names this one, at once. False: at once.
static bool ask(mp_obj_t cpu_in, ask_t *question) {
    if (cpu_in == mp_const_none) {
        return false;
    }
    frames_refuse_interrupt();
    cpus_use();
    mp_int_t number = mp_obj_get_int(cpu_in);
    if (number < 0 || number >= cpus_count) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a CPU is 0 to %u, not %ld"), cpus_count - 1, (long)number);
    }
    if (number == cpus_number) {
        return false;
    }
    if (!ask_cpu(number, question)) {
        mp_raise_OSError(MP_ETIMEDOUT);
    }
    if (question->faulted) {
        fault_raise_protection();
    }
    return true;
}

// cpuid(leaf, subleaf=0, cpu=None) -> (eax, ebx, ecx, edx)
static mp_obj_t machine_cpuid(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_leaf, ARG_subleaf, ARG_cpu };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_leaf, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_subleaf, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)} },
        { MP_QSTR_cpu, MP_ARG_OBJ | MP_ARG_KW_ONLY, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    ask_t question = { .what = ASK_CPUID, .index = get_u32(args[ARG_leaf].u_obj), .subleaf = get_u32(args[ARG_subleaf].u_obj) };
    if (!ask(args[ARG_cpu].u_obj, &question)) {
        question.registers = cpu_cpuid(question.index, question.subleaf);
    }
    cpuid_t r = question.registers;
    mp_obj_t items[4] = {
        MP_OBJ_NEW_SMALL_INT(r.eax), MP_OBJ_NEW_SMALL_INT(r.ebx),
        MP_OBJ_NEW_SMALL_INT(r.ecx), MP_OBJ_NEW_SMALL_INT(r.edx),
    };
    return mp_obj_new_tuple(4, items);
}
MP_DEFINE_CONST_FUN_OBJ_KW(machine_cpuid_obj, 1, machine_cpuid);

// rdmsr(n, cpu=None): a model-specific register.
static mp_obj_t machine_rdmsr(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_n, ARG_cpu };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_n, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_cpu, MP_ARG_OBJ | MP_ARG_KW_ONLY, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    ask_t question = { .what = ASK_RDMSR, .index = get_u32(args[ARG_n].u_obj) };
    if (!ask(args[ARG_cpu].u_obj, &question)) {
        question.value = cpu_rdmsr(question.index);
    }
    return mp_obj_new_int_from_uint(question.value);
}
MP_DEFINE_CONST_FUN_OBJ_KW(machine_rdmsr_obj, 1, machine_rdmsr);

// wrmsr(n, value, cpu=None)
static mp_obj_t machine_wrmsr(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_n, ARG_value, ARG_cpu };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_n, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_value, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_cpu, MP_ARG_OBJ | MP_ARG_KW_ONLY, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    ask_t question = { .what = ASK_WRMSR, .index = get_u32(args[ARG_n].u_obj) };
    question.value = machine_get_bits(args[ARG_value].u_obj, sizeof(uint64_t));
    if (!ask(args[ARG_cpu].u_obj, &question)) {
        cpu_wrmsr(question.index, question.value);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_KW(machine_wrmsr_obj, 2, machine_wrmsr);

// stray_irqs() -> (count, vector of the last): interrupts that nobody asked for.
static mp_obj_t machine_stray_irqs(void) {
    mp_obj_t items[2] = {
        mp_obj_new_int_from_uint(irq_unexpected_count),
        irq_unexpected_count > 0 ? MP_OBJ_NEW_SMALL_INT(irq_unexpected_vector) : mp_const_none,
    };
    return mp_obj_new_tuple(2, items);
}
MP_DEFINE_CONST_FUN_OBJ_0(machine_stray_irqs_obj, machine_stray_irqs);
