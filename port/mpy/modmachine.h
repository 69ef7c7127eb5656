// What modmachine.c lists of the files beside it.
#ifndef RINGZERO_MPY_MODMACHINE_H
#define RINGZERO_MPY_MODMACHINE_H

#include <stdint.h>

#include "py/obj.h"

extern const struct _machine_port_obj_t machine_memory8_obj, machine_memory16_obj, machine_memory32_obj, machine_memory64_obj;
extern const struct _machine_port_obj_t machine_port8_obj, machine_port16_obj, machine_port32_obj;

MP_DECLARE_CONST_FUN_OBJ_KW(machine_cpuid_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(machine_rdmsr_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(machine_wrmsr_obj);
MP_DECLARE_CONST_FUN_OBJ_0(machine_stray_irqs_obj);

// The bits of a number of that many bytes, 1 to 8, with a sign or without one; ValueError.
uint64_t machine_get_bits(mp_obj_t obj, unsigned size);

// Python has turned interrupts off.
extern bool machine_irq_is_off;

// Raises RuntimeError where no timer interrupts.
void machine_need_timer(void);

// Stops what the module has started and what lives in the heap, before that goes.
void machine_deinit(void);
// Whether that has been done, at a soft reset.
bool machine_soft_reset_done(void);
void machine_timer_deinit_all(void);
void machine_uart_deinit_all(void);

// machine.Console.
extern const mp_obj_type_t machine_console_type;

#endif
