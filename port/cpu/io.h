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

static inline uint64_t cpu_cr3(void) {
    uint64_t value;
    __asm__ volatile ("movq %%cr3, %0" : "=r" (value));
    return value;
}

static inline void cpu_set_cr3(uint64_t value) {
    __asm__ volatile ("movq %0, %%cr3" : : "r" (value) : "memory");
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
