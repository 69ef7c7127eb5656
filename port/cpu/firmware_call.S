// Into firmware and back: firmware_call.h. UEFI 2.10, 2.3.4: the stack is at a multiple of 16, the direction
// flag clear, the FPU as after its reset, and MXCSR 0x1f80.

    .section .text.firmware_call, "ax"
    .code64
    .globl firmware_call, firmware_call_end
firmware_call:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, own_stack
    movq %cr3, %rax
    movq %rax, own_root
    movq %rdi, %rax
    movq %rsi, %rsp
    movq %rdx, %cr3
    cld
    fninit
    ldmxcsr mxcsr_start
    movq (%rsp), %rcx
    movq 8(%rsp), %rdx
    movq 16(%rsp), %r8
    movq 24(%rsp), %r9
    call *%rax
firmware_call_end:
    movq own_root, %rdx
    movq %rdx, %cr3
    movq own_stack, %rsp
    fninit
    fldcw 4(%rsp)
    ldmxcsr (%rsp)
    addq $8, %rsp
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

    .section .percpu, "aw"
    .balign 8
own_stack:
    .quad 0
own_root:
    .quad 0

    .section .note.GNU-stack, "", @progbits
