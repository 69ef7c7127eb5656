// cpu/operand.c for test_operand.py: the registers from rax on as arguments, then a line of hexadecimal
// bytes for each instruction; a line with its operand's address or "-" for each.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/operand.h"

int main(int argc, char **argv) {
    uint64_t regs[16] = { 0 };
    for (int i = 1; i < argc && i <= 16; ++i) {
        regs[i - 1] = strtoull(argv[i], NULL, 16);
    }
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        uint8_t code[32] = { 0 };
        for (int i = 0; i < 15 && sscanf(line + 2 * i, "%2" SCNx8, &code[i]) == 1; ++i) {
        }
        trap_frame_t frame = {
            .rax = regs[0], .rcx = regs[1], .rdx = regs[2], .rbx = regs[3],
            .rsp = regs[4], .rbp = regs[5], .rsi = regs[6], .rdi = regs[7],
            .r8 = regs[8], .r9 = regs[9], .r10 = regs[10], .r11 = regs[11],
            .r12 = regs[12], .r13 = regs[13], .r14 = regs[14], .r15 = regs[15],
            .rip = (uint64_t)code,
        };
        uint64_t addr;
        if (operand_find(&frame, &addr)) {
            printf("%" PRIx64 "\n", addr);
        } else {
            puts("-");
        }
    }
}
