// Instructions that C has no words for.
#ifndef RINGZERO_CPU_IO_H
#define RINGZERO_CPU_IO_H

#include <stdint.h>

static inline uint8_t io_in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile ("inb %1, %0" : "=a" (value) : "Nd" (port));
    return value;
}

static inline uint16_t io_in16(uint16_t port) {
    uint16_t value;
    __asm__ volatile ("inw %1, %0" : "=a" (value) : "Nd" (port));
    return value;
}

static inline uint32_t io_in32(uint16_t port) {
    uint32_t value;
    __asm__ volatile ("inl %1, %0" : "=a" (value) : "Nd" (port));
    return value;
}

static inline void io_out8(uint16_t port, uint8_t value) {
    __asm__ volatile ("outb %0, %1" : : "a" (value), "Nd" (port));
}

static inline void io_out16(uint16_t port, uint16_t value) {
    __asm__ volatile ("outw %0, %1" : : "a" (value), "Nd" (port));
}

static inline void io_out32(uint16_t port, uint32_t value) {
    __asm__ volatile ("outl %0, %1" : : "a" (value), "Nd" (port));
}

static inline uint64_t cpu_tsc(void) {
    uint32_t low, high;
    __asm__ volatile ("rdtsc" : "=a" (low), "=d" (high));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t cpu_cr2(void) {
    uint64_t value;
    __asm__ volatile ("movq %%cr2, %0" : "=r" (value));
    return value;
}

// SDM 3A 10.8.6: holds back the interrupts up to vector class << 4 | 0xf; 0: none.
static inline void cpu_set_cr8(uint64_t class) {
    __asm__ volatile ("movq %0, %%cr8" : : "r" (class) : "memory");
}

static inline uint64_t cpu_cr3(void) {
    uint64_t value;
    __asm__ volatile ("movq %%cr3, %0" : "=r" (value));
    return value;
}

static inline void cpu_set_cr3(uint64_t value) {
    __asm__ volatile ("movq %0, %%cr3" : : "r" (value) : "memory");
}

// Forgets what the CPU holds of the page at this address.
static inline void cpu_invlpg(uint64_t va) {
    __asm__ volatile ("invlpg (%0)" : : "r" (va) : "memory");
}

// SDM 3A 2.5: write protection of read-only pages.
#define CPU_CR0_WP UINT64_C(0x10000)

static inline uint64_t cpu_cr0(void) {
    uint64_t value;
    __asm__ volatile ("movq %%cr0, %0" : "=r" (value));
    return value;
}

static inline void cpu_set_cr0(uint64_t value) {
    __asm__ volatile ("movq %0, %%cr0" : : "r" (value) : "memory");
}

static inline uint64_t cpu_cr4(void) {
    uint64_t value;
    __asm__ volatile ("movq %%cr4, %0" : "=r" (value));
    return value;
}

static inline void cpu_set_cr4(uint64_t value) {
    __asm__ volatile ("movq %0, %%cr4" : : "r" (value) : "memory");
}

// SDM 3A 2.3: the interrupt flag in RFLAGS.
#define CPU_RFLAGS_IF UINT64_C(0x200)

static inline uint64_t cpu_rflags(void) {
    uint64_t value;
    __asm__ volatile ("pushfq; popq %0" : "=r" (value));
    return value;
}

static inline void cpu_irq_off(void) {
    __asm__ volatile ("cli" : : : "memory");
}

static inline void cpu_irq_on(void) {
    __asm__ volatile ("sti" : : : "memory");
}

// Turns interrupts off. What it returns is for cpu_irq_restore().
static inline uint64_t cpu_irq_save(void) {
    uint64_t state = cpu_rflags() & CPU_RFLAGS_IF;
    cpu_irq_off();
    return state;
}

static inline void cpu_irq_restore(uint64_t state) {
    if (state & CPU_RFLAGS_IF) {
        cpu_irq_on();
    }
}

// Turns interrupts on and halts until one comes. SDM 2B STI: none comes between the two.
static inline void cpu_irq_wait(void) {
    __asm__ volatile ("sti; hlt" : : : "memory");
}

static inline uint64_t cpu_rdmsr(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile ("rdmsr" : "=a" (low), "=d" (high) : "c" (msr));
    return (uint64_t)high << 32 | low;
}

static inline void cpu_wrmsr(uint32_t msr, uint64_t value) {
    __asm__ volatile ("wrmsr" : : "c" (msr), "a" ((uint32_t)value), "d" ((uint32_t)(value >> 32)) : "memory");
}

typedef struct {
    uint32_t eax, ebx, ecx, edx;
} cpuid_t;

static inline cpuid_t cpu_cpuid(uint32_t leaf, uint32_t subleaf) {
    cpuid_t r;
    __asm__ volatile ("cpuid" : "=a" (r.eax), "=b" (r.ebx), "=c" (r.ecx), "=d" (r.edx) : "a" (leaf), "c" (subleaf));
    return r;
}

static inline void cpu_wbinvd(void) {
    __asm__ volatile ("wbinvd" : : : "memory");
}

static inline void cpu_pause(void) {
    __asm__ volatile ("pause");
}

// Stops this CPU for good.
static inline __attribute__((noreturn)) void cpu_halt(void) {
    for (;;) {
        __asm__ volatile ("cli; hlt");
    }
}

#endif
