// The memory operand of an instruction, for exceptions whose address the CPU does not give.
#ifndef RINGZERO_CPU_OPERAND_H
#define RINGZERO_CPU_OPERAND_H

#include "cpu/trap.h"

// Whether the instruction at frame->rip names memory by registers, and then its address. Not known of
// operands relative to RIP, FS or GS, with 32-bit addresses, of VEX and later encodings, and of what an
// instruction uses by itself, but for the string instructions: theirs is the first that is not canonical.
bool operand_find(const trap_frame_t *frame, uint64_t *addr);

// Below 2^47 or from -2^47 on (SDM 1 3.3.7.1, with four levels of page tables).
static inline bool operand_is_canonical(uint64_t addr) {
    return addr + (UINT64_C(1) << 47) < UINT64_C(1) << 48;
}

#endif
