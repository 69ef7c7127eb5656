// What the assembly of the first CPU's start and of the others' has in common.
#ifndef RINGZERO_BOOT_BOOT_H
#define RINGZERO_BOOT_BOOT_H

// SDM 3A 2.5: control registers.
#define CR0_PE                  0x00000001
#define CR0_BOOT                0x80010033 // PG | WP | NE | ET | MP | PE
#define CR4_BOOT                0x00000620 // OSXMMEXCPT | OSFXSR | PAE
#define MSR_EFER                0xc0000080
#define EFER_LME                0x00000100
#define EFER_NXE                0x00000800

// How much of a CPU's own variables may start with anything but 0, in bytes: kernel.ld checks it.
#define PERCPU_DATA_MAX         1024

// boot_gdt's.
#define CODE_SELECTOR           0x08
#define DATA_SELECTOR           0x10
#define CODE32_SELECTOR         0x18
#define BOOT_GDT_SIZE           0x20

#endif
