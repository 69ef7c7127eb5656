// The 32-bit entry that every boot loader jumps to, and the way from there to 64-bit C.
//
// PVH (Xen docs/misc/pvh.pandoc): %ebx = physical address of struct hvm_start_info, %eax undefined.
// Multiboot2 (specification 2.0, 3.3): %eax = 0x36d76289, %ebx = physical address of the tag list.
// Either way: 32-bit protected mode, flat segments, paging off, interrupts off, A20 on.

#include "boot/boot.h"

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_MAGIC        0x36d76289
#define TAG_INFORMATION_REQUEST 1
#define TAG_CONSOLE_FLAGS       4
#define TAG_FRAMEBUFFER         5
#define TAG_MODULE_ALIGN        6
#define TAG_OPTIONAL            1
#define PROTOCOL_PVH            1
#define PROTOCOL_MULTIBOOT2     2

// SDM 3A 4.5: page-table entries.
#define PTE_PRESENT_WRITABLE    0x03
#define PTE_2M                  0x83

#define UART_DATA               0x3f8
#define PATTERN                 0x5aa55aa5
#define DEBUG_EXIT_PORT         0xf4
#define DEBUG_EXIT_PANIC        0x70

    .section .note.Xen, "a", @note
    .balign 4
    .long 4                     // size of the name
    .long 8                     // size of the descriptor
    .long 18                    // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad _start

    // Multiboot2 3.1: each tag starts at a multiple of 8 bytes.
.macro tag type, flags
    .balign 8
1000:
    .short \type, \flags
    .long 1001f - 1000b
.endm
.macro tag_end
1001:
.endm

    .section .multiboot2, "a"
    .balign 8
multiboot2_header:
    .long MULTIBOOT2_HEADER_MAGIC
    .long 0                     // i386, protected mode
    .long multiboot2_end - multiboot2_header
    .long -(MULTIBOOT2_HEADER_MAGIC + (multiboot2_end - multiboot2_header))
    // What bootinfo.py and screen.c read: command line, modules, basic memory, memory map,
    // framebuffer, EFI's system table, both RSDPs, EFI's memory map.
    tag TAG_INFORMATION_REQUEST, TAG_OPTIONAL
    .long 1, 3, 4, 6, 8, 12, 14, 15, 17
    tag_end
    tag TAG_CONSOLE_FLAGS, TAG_OPTIONAL
    .long 2                     // VGA text will do
    tag_end
    tag TAG_FRAMEBUFFER, TAG_OPTIONAL
    .long 1024, 768, 32         // preferred, not required
    tag_end
    tag TAG_MODULE_ALIGN, 0     // to whole frames
    tag_end
    // EFI boot services are over when the loader jumps here: no tag asks for them.
    tag 0, 0
    tag_end
    .balign 8
multiboot2_end:

    // For debuggers alone: nothing of it is loaded.
    .cfi_sections .debug_frame

    .section .text.boot, "ax"
    .code32
    .globl _start
_start:
    cli
    cld
    movl $PROTOCOL_PVH, %edi
    cmpl $MULTIBOOT2_MAGIC, %eax
    jne 1f
    movl $PROTOCOL_MULTIBOOT2, %edi
1:  movl %edi, handoff
    movl %ebx, handoff + 8

    // Where memory ends before the kernel does, its last word is not there.
    movl $no_memory_text, %esi
    movl $image_end - 4, %edi
    movl $PATTERN, (%edi)
    cmpl $PATTERN, (%edi)
    jne refuse
    movl $0, (%edi)

    // SDM 2A CPUID: leaf 0x80000001, EDX bit 29 is long mode.
    movl $no_long_mode_text, %esi
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb refuse
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc refuse

    // Identity map of the first 4 GiB in 2 MiB pages.
    movl $boot_pml4, %edi
    movl $boot_pdpt + PTE_PRESENT_WRITABLE, (%edi)
    movl $boot_pdpt, %edi
    movl $boot_pd + PTE_PRESENT_WRITABLE, %eax
    movl $4, %ecx
2:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    loop 2b
    movl $boot_pd, %edi
    movl $PTE_2M, %eax
    movl $2048, %ecx
3:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 3b

    // The first CPU's own data at the last GiB, with the same table for what comes before: nothing is
    // looked for there.
    movl $boot_pdpt + PTE_PRESENT_WRITABLE, boot_pml4 + 511 * 8
    movl $boot_pd_percpu + PTE_PRESENT_WRITABLE, boot_pdpt + 511 * 8
    movl $boot_pt_percpu + PTE_PRESENT_WRITABLE, boot_pd_percpu
    movl $boot_pt_percpu, %edi
    movl $percpu_load + PTE_PRESENT_WRITABLE, %eax
    movl $percpu_frames, %ecx
4:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    loop 4b

    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $CR4_BOOT, %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl $CR0_BOOT, %eax
    movl %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $CODE_SELECTOR, $long_mode

refuse:
    movw $UART_DATA, %dx
5:  lodsb
    testb %al, %al
    jz 6f
    outb %al, %dx
    jmp 5b
6:  movb $DEBUG_EXIT_PANIC, %al
    outb %al, $DEBUG_EXIT_PORT
7:  hlt
    jmp 7b

    // With so little memory firmware may lie over what comes later in the kernel.
no_long_mode_text:
    .asciz "panic: this kernel needs a 64-bit CPU\r\n"
no_memory_text:
    .asciz "panic: this kernel needs more memory: 4 MiB at least\r\n"

    // Until each CPU has its own.
    .balign 8
    .globl boot_gdt
boot_gdt:
    .quad 0
    .quad 0x00209a0000000000    // 64-bit code, ring 0
    .quad 0x00cf92000000ffff    // data, ring 0, all of 32 bits
    .quad 0x00cf9a000000ffff    // 32-bit code, all of it
boot_gdt_pointer:
    .short BOOT_GDT_SIZE - 1
    .long boot_gdt

    .code64
long_mode:
    // Nobody has called this.
    .cfi_startproc
    .cfi_undefined rip
    movl $DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $stack_top, %rsp
    xorl %ebp, %ebp
    // RESET leaves it in single precision (SDM 3A table 9-1), and floats are printed with all of it
    // since MicroPython 1.26.
    fninit
    // What the other CPUs' own variables start with.
    movq $percpu_start, %rsi
    movq $percpu_initial, %rdi
    movl $percpu_data_size, %ecx
    rep movsb
    call cpu_tables_init
    call kernel_main
8:  hlt
    jmp 8b
    .cfi_endproc

    .section .bss.boot, "aw", @nobits
    .balign 4096
    .globl boot_pml4
boot_pml4:
    .skip 4096
boot_pdpt:
    .skip 4096
boot_pd:
    .skip 4 * 4096
boot_pd_percpu:
    .skip 4096
boot_pt_percpu:
    .skip 4096
    .globl percpu_initial
percpu_initial:
    .skip PERCPU_DATA_MAX

    .section .note.GNU-stack, "", @progbits
