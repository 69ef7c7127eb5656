// What port/frames/ asks of this kernel.
#ifndef RINGZERO_CPU_FRAMES_CPU_H
#define RINGZERO_CPU_FRAMES_CPU_H

extern unsigned cpus_number;
void cpus_barrier(void);

static inline unsigned frames_cpu(void) {
    return cpus_number;
}

static inline void frames_cpus_sync(void) {
    cpus_barrier();
}

static inline void frames_cpu_wait(void) {
    __builtin_ia32_pause();
}

#endif
