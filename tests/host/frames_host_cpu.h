// What the allocator asks of its machine, for a test that plays all of the CPUs itself.
#ifndef FRAMES_HOST_CPU_H
#define FRAMES_HOST_CPU_H

extern unsigned host_cpu;

static inline unsigned frames_cpu(void) {
    return host_cpu;
}

static inline void frames_cpus_sync(void) {
}

static inline void frames_cpu_wait(void) {
}

#endif
