// What the allocator asks of its machine: threads of a Linux process stand for CPUs.
#ifndef FRAMES_HOST_CPU_H
#define FRAMES_HOST_CPU_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

extern _Thread_local unsigned host_cpu;

long syscall(long number, ...);

static inline unsigned frames_cpu(void) {
    return host_cpu;
}

static inline void frames_cpus_sync(void) {
    // MEMBARRIER_CMD_PRIVATE_EXPEDITED; with one thread it need not succeed.
    syscall(SYS_membarrier, 1 << 3, 0, 0);
}

static inline void frames_cpu_wait(void) {
    sched_yield();      // There can be more threads than CPUs.
}

extern _Thread_local unsigned long host_words;
#define FRAMES_COUNT_WORDS(n) (host_words += (n))

// Where a test lets threads wait for each other. Most have no need to.
#ifdef HOST_PREEMPTION
void host_preemption(int point) __attribute__((weak));
#define FRAMES_PREEMPTION(point) (host_preemption ? host_preemption(point) : (void)0)
#endif

// What a test calls an interrupt.
extern _Thread_local int host_in_interrupt;

static inline void frames_assert_context(void) {
    if (host_in_interrupt) {
        fputs("frames: called from an interrupt\n", stderr);
        abort();
    }
}
#define FRAMES_ASSERT_CONTEXT() frames_assert_context()

#endif
