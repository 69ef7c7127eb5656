// SDM 2A 2.1 and 2.2: prefixes, opcode, ModRM, SIB, displacement.
#include <string.h>

#include "cpu/operand.h"

enum {
    REX_B = 1,
    REX_X = 2,
    REG_RSP = 4,
    REG_RBP = 5,
    PREFIXES_MAX = 14,
};

static uint64_t get(const trap_frame_t *frame, unsigned reg) {
    const uint64_t regs[] = {
        frame->rax, frame->rcx, frame->rdx, frame->rbx, frame->rsp, frame->rbp, frame->rsi, frame->rdi,
        frame->r8, frame->r9, frame->r10, frame->r11, frame->r12, frame->r13, frame->r14, frame->r15,
    };
    return regs[reg];
}

// SDM 2D A.3, the tables of one- and two-byte opcodes: those whose ModRM may name memory.
static bool has_modrm(uint8_t opcode) {
    return opcode < 0x40 ? (opcode & 7) < 4
        : opcode == 0x63 || opcode == 0x69 || opcode == 0x6b || (opcode >= 0x80 && opcode <= 0x8f)
           || opcode == 0xc0 || opcode == 0xc1 || opcode == 0xc6 || opcode == 0xc7 || (opcode >= 0xd0 && opcode <= 0xd3)
           || (opcode >= 0xd8 && opcode <= 0xdf) || opcode == 0xf6 || opcode == 0xf7 || opcode >= 0xfe;
}

static bool has_modrm_0f(uint8_t opcode) {
    return !((opcode >= 0x04 && opcode <= 0x0c) || (opcode >= 0x20 && opcode <= 0x23) || (opcode >= 0x30 && opcode <= 0x37)
        || opcode == 0x0e || opcode == 0x77 || (opcode >= 0x80 && opcode <= 0x8f) || (opcode >= 0xa0 && opcode <= 0xa2)
        || (opcode >= 0xa8 && opcode <= 0xaa) || (opcode >= 0xc8 && opcode <= 0xcf));
}

static bool find_string(const trap_frame_t *frame, uint8_t opcode, uint64_t *addr) {
    bool source = opcode <= 0xa7 || opcode == 0xac || opcode == 0xad; // MOVS, CMPS, LODS
    bool target = opcode != 0xac && opcode != 0xad;
    *addr = source && !(target && operand_is_canonical(frame->rsi)) ? frame->rsi : frame->rdi;
    return true;
}

bool operand_find(const trap_frame_t *frame, uint64_t *addr) {
    const uint8_t *code = (const uint8_t *)frame->rip;
    unsigned prefixes = 0;
    for (; prefixes < PREFIXES_MAX; ++prefixes, ++code) {
        // Operand size, REP, LOCK and the segments that mean nothing.
        bool plain = *code == 0x66 || *code == 0xf2 || *code == 0xf3 || *code == 0xf0 || *code == 0x2e
            || *code == 0x36 || *code == 0x3e || *code == 0x26;
        if (!plain) {
            break;
        }
    }
    unsigned rex = (*code & 0xf0) == 0x40 ? *code++ & 0xf : 0;
    uint8_t opcode = *code++;
    if ((opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf)) {
        return find_string(frame, opcode, addr);
    }
    if (opcode >= 0xa0 && opcode <= 0xa3) {
        // The address itself.
        memcpy(addr, code, sizeof(*addr));
        return true;
    }
    if (opcode == 0x0f) {
        opcode = *code++;
        if (!has_modrm_0f(opcode)) {
            return false;
        }
        if (opcode == 0x38 || opcode == 0x3a) {
            ++code;
        }
    } else if (!has_modrm(opcode)) {
        return false;
    }

    uint8_t modrm = *code++;
    unsigned mod = modrm >> 6, base = modrm & 7;
    if (mod == 3 || (mod == 0 && base == REG_RBP)) {
        return false;
    }
    uint64_t sum = 0;
    bool has_base = true;
    if (base == REG_RSP) {
        uint8_t sib = *code++;
        unsigned index = (sib >> 3 & 7) | (rex & REX_X ? 8 : 0);
        base = sib & 7;
        has_base = !(mod == 0 && base == REG_RBP);
        if (index != REG_RSP) {
            sum = get(frame, index) << (sib >> 6);
        }
    }
    if (has_base) {
        sum += get(frame, base | (rex & REX_B ? 8 : 0));
    }
    if (mod == 1) {
        sum += (uint64_t)(int8_t)*code;
    } else if (mod == 2 || !has_base) {
        int32_t displacement;
        memcpy(&displacement, code, sizeof(displacement));
        sum += (uint64_t)displacement;
    }
    *addr = sum;
    return true;
}
