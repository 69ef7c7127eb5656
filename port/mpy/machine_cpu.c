// machine: cpuid, model-specific registers, interrupts that nobody asked for.
#include "py/runtime.h"

#include "cpu/io.h"
#include "cpu/irq.h"
#include "mpy/modmachine.h"

static uint32_t get_u32(mp_obj_t value) {
    mp_int_t n = mp_obj_get_int(value);
    if (n < 0 || n > UINT32_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a number is 0 to 0xffffffff, not %ld"), (long)n);
    }
    return n;
}

// cpuid(leaf, subleaf=0) -> (eax, ebx, ecx, edx)
static mp_obj_t machine_cpuid(size_t n_args, const mp_obj_t *args) {
    cpuid_t r = cpu_cpuid(get_u32(args[0]), n_args > 1 ? get_u32(args[1]) : 0);
    mp_obj_t items[4] = {
        MP_OBJ_NEW_SMALL_INT(r.eax), MP_OBJ_NEW_SMALL_INT(r.ebx),
        MP_OBJ_NEW_SMALL_INT(r.ecx), MP_OBJ_NEW_SMALL_INT(r.edx),
    };
    return mp_obj_new_tuple(4, items);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_cpuid_obj, 1, 2, machine_cpuid);

// rdmsr(n): a model-specific register of this CPU.
static mp_obj_t machine_rdmsr(mp_obj_t msr) {
    return mp_obj_new_int_from_uint(cpu_rdmsr(get_u32(msr)));
}
MP_DEFINE_CONST_FUN_OBJ_1(machine_rdmsr_obj, machine_rdmsr);

// wrmsr(n, value)
static mp_obj_t machine_wrmsr(mp_obj_t msr, mp_obj_t value) {
    cpu_wrmsr(get_u32(msr), machine_get_bits(value, sizeof(uint64_t)));
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(machine_wrmsr_obj, machine_wrmsr);

// stray_irqs() -> (count, vector of the last): interrupts that nobody asked for.
static mp_obj_t machine_stray_irqs(void) {
    mp_obj_t items[2] = {
        mp_obj_new_int_from_uint(irq_unexpected_count),
        irq_unexpected_count > 0 ? MP_OBJ_NEW_SMALL_INT(irq_unexpected_vector) : mp_const_none,
    };
    return mp_obj_new_tuple(2, items);
}
MP_DEFINE_CONST_FUN_OBJ_0(machine_stray_irqs_obj, machine_stray_irqs);
