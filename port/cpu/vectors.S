// Descriptor tables and the way into a trap, for all 256 vectors.
// SDM 3A 3.4.5 (segments), 6.11 and 6.14 (gates, IST), 7.7 (task state).

#define CODE_SELECTOR   0x08
#define TSS_SELECTOR    0x18
#define GATE_INTERRUPT  0x8e // present, ring 0, 64-bit interrupt gate
#define STUB_SIZE       16
#define CR0_EM_TS       0x0c

// Interrupt stack table slots. Each kind of trap that can come inside another has a stack of its own.
#define IST_FAULT           1
#define IST_DOUBLE_FAULT    2
#define IST_NMI             3
#define IST_MACHINE_CHECK   4
#define IST_INTERRUPT       5
#define IST_HIGH            6

#define VECTOR_NMI              2
#define VECTOR_DOUBLE_FAULT     8
#define VECTOR_MACHINE_CHECK    18
#define VECTOR_HIGH             0xe0

    // For debuggers alone: nothing of it is loaded.
    .cfi_sections .debug_frame

    .section .text.vectors, "ax"
    .code64

// Fills the IDT, which all CPUs share, then loads it and this CPU's tables. Runs before the first line of C.
    .globl cpu_tables_init, cpu_tables_load
cpu_tables_init:
    movq $trap_stubs, %rax
    movq $idt, %rdi
    xorl %ecx, %ecx
1:  movw %ax, 0(%rdi)
    movw $CODE_SELECTOR, 2(%rdi)
    movb $IST_FAULT, 4(%rdi)
    cmpl $32, %ecx
    jb 2f
    movb $IST_INTERRUPT, 4(%rdi)
    cmpl $VECTOR_HIGH, %ecx
    jb 2f
    movb $IST_HIGH, 4(%rdi)
2:  movb $GATE_INTERRUPT, 5(%rdi)
    movq %rax, %rdx
    shrq $16, %rdx
    movw %dx, 6(%rdi)
    shrq $16, %rdx
    movl %edx, 8(%rdi)
    movl $0, 12(%rdi)
    addq $STUB_SIZE, %rax
    addq $16, %rdi
    incl %ecx
    cmpl $256, %ecx
    jb 1b
    movb $IST_NMI, idt + 16 * VECTOR_NMI + 4
    movb $IST_DOUBLE_FAULT, idt + 16 * VECTOR_DOUBLE_FAULT + 4
    movb $IST_MACHINE_CHECK, idt + 16 * VECTOR_MACHINE_CHECK + 4
cpu_tables_load:
    lidt idt_pointer
    lgdt gdt_pointer
    movq $tss, %rax
    movw %ax, gdt_tss + 2
    shrq $16, %rax
    movb %al, gdt_tss + 4
    movb %ah, gdt_tss + 7
    shrq $16, %rax
    movl %eax, gdt_tss + 8
    movl $TSS_SELECTOR, %eax
    ltr %ax
    ret

    .balign STUB_SIZE
trap_stubs:
    .set vector, 0
    .rept 256
    .balign STUB_SIZE
    .if vector < 32
    // Some exceptions push an error code (SDM 3A 6.3.1), but not where an INT instruction raises
    // them. The stack started 16-byte aligned; without one it is not now.
    testb $8, %spl
    jz 1f
    .endif
    pushq $0
1:
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

// The stack now holds trap_frame_t from its vector on; the rest is pushed here. IST stacks start
// 16-byte aligned and the frame is 22 words, so the C call is aligned.
    .cfi_startproc simple
    .cfi_signal_frame
trap_common:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    cld
    // Native code may have turned the FPU off.
    movq %cr0, %rax
    testb $CR0_EM_TS, %al
    jz 2f
    andb $~CR0_EM_TS, %al
    movq %rax, %cr0
2:
    subq $512, %rsp
    // From the frame's end: rip, rsp, and of trap_frame_t what a caller may have kept something in.
    .cfi_def_cfa rsp, 512 + 22 * 8
    .cfi_offset rsp, -2 * 8
    .cfi_offset rip, -5 * 8
    .cfi_offset rbx, -9 * 8
    .cfi_offset rbp, -14 * 8
    .cfi_offset r12, -19 * 8
    .cfi_offset r13, -20 * 8
    .cfi_offset r14, -21 * 8
    .cfi_offset r15, -22 * 8
    fxsave64 (%rsp)
    // Native code may have registers of the x87 in use, and exceptions unmasked.
    fninit
    ldmxcsr mxcsr_start
    call trap_handle
    fxrstor64 (%rsp)
    addq $512, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq
    .cfi_endproc

// bool cpu_probe_rdmsr(uint32_t index, uint64_t *value), bool cpu_probe_wrmsr(uint32_t index, uint64_t value):
// cpu/ask.c has a fault there go on at cpu_probe_failed.
    .globl cpu_probe_rdmsr, cpu_probe_rdmsr_at, cpu_probe_wrmsr, cpu_probe_wrmsr_at, cpu_probe_failed
cpu_probe_rdmsr:
    movl %edi, %ecx
cpu_probe_rdmsr_at:
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, (%rsi)
    movl $1, %eax
    ret
cpu_probe_wrmsr:
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
cpu_probe_wrmsr_at:
    wrmsr
    movl $1, %eax
    ret
cpu_probe_failed:
    xorl %eax, %eax
    ret

    .section .rodata.vectors, "a"
    .balign 4
    .globl mxcsr_start
mxcsr_start:
    .long 0x1f80                // SDM 1 10.2.3: all exceptions masked

    .section .percpu, "aw"
    .balign 16
gdt:
    .quad 0
    .quad 0x00209a0000000000    // 0x08: 64-bit code, ring 0
    .quad 0x0000920000000000    // 0x10: data, ring 0
gdt_tss:
    .quad 0x0000890000000067    // 0x18: 64-bit TSS, limit 0x67; base set by cpu_tables_init
    .quad 0
gdt_end:

    .balign 16
tss:
    .long 0
    .quad 0, 0, 0               // RSP0 to RSP2: there is no other ring
    .quad 0
    .quad fault_stack_top, double_fault_stack_top, nmi_stack_top
    .quad machine_check_stack_top, interrupt_stack_top, high_stack_top, 0
    .quad 0
    .short 0
    .short 0x68                 // no I/O bitmap

    .section .rodata.vectors
gdt_pointer:
    .short gdt_end - gdt - 1
    .quad gdt
idt_pointer:
    .short 256 * 16 - 1
    .quad idt

    .section .bss.cpu, "aw", @nobits
    .balign 16
idt:
    .skip 256 * 16

// A guard frame below each stack.
.macro stack name, size
    .globl \name\()_guard, \name\()_top
\name\()_guard:
    .skip 4096
    .skip \size
\name\()_top:
.endm
    .section .stacks, "aw", @nobits
    .balign 4096
    stack fault_stack, 8192
    stack double_fault_stack, 8192
    stack nmi_stack, 8192
    stack machine_check_stack, 8192
    stack interrupt_stack, 32768   // hard callbacks run Python here
    stack high_stack, 8192          // and these interrupts interrupt them

    .section .note.GNU-stack, "", @progbits
