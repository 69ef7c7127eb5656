// The way of a further CPU from its start, in real mode, to 64-bit C on page tables and a stack of its own.
// SDM 3A 8.4.4: a start-up interrupt with vector 0xvv begins at 0x000vv000, with that in cs.

#include "boot/boot.h"

    .section .rodata.start_cpu, "a"
    .globl cpus_trampoline, cpus_trampoline_end
    .code16
// Copied to a page below 1 MiB, wherever that is.
cpus_trampoline:
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl 1f - cpus_trampoline
    movl %cr0, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $CODE32_SELECTOR, $start_cpu
1:  .short BOOT_GDT_SIZE - 1
    .long boot_gdt
cpus_trampoline_end:

    // For debuggers alone: nothing of it is loaded.
    .cfi_sections .debug_frame

    .section .text.boot, "ax"
    .code32
start_cpu:
    movl $DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    // In reach of the low half of cr3, and with this code executable.
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $CR4_BOOT, %eax
    movl %eax, %cr4
    // The CPU's own tables forbid execution, which is a reserved bit without NXE.
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME | EFER_NXE, %eax
    wrmsr
    movl $CR0_BOOT, %eax
    movl %eax, %cr0
    ljmp $CODE_SELECTOR, $start_cpu_64

    .code64
start_cpu_64:
    .cfi_startproc
    .cfi_undefined rip
    movq cpus_start_root, %rax
    movq %rax, %cr3
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $stack_top, %rsp
    xorl %ebp, %ebp
    fninit
    ldmxcsr mxcsr_start
    call cpu_tables_load
    call cpus_enter
    ud2
    .cfi_endproc

    .section .note.GNU-stack, "", @progbits
