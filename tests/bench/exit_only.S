# A PVH kernel that does nothing but end QEMU: what a machine costs before any kernel of ours.
    .section .note.Xen, "a", @note
    .long 4, 4, 18          # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long _start

    .text
    .code32
    .globl _start
_start:
    movw $0xf4, %dx
    movb $1, %al
    outb %al, %dx
1:  hlt
    jmp 1b
