// The three things that the allocator asks of a machine with several CPUs. A kernel names a header
// of its own in FRAMES_CPU_HEADER; these stand for a machine with one.
#ifndef RINGZERO_FRAMES_CPU_H
#define RINGZERO_FRAMES_CPU_H

#ifdef FRAMES_CPU_HEADER
#include FRAMES_CPU_HEADER
#else

// The index of the CPU that runs this, from 0.
static inline unsigned frames_cpu(void) {
    return 0;
}

// Return after every other CPU has passed a full memory barrier: an interrupt to each of them in
// a kernel, membarrier(2) in a Linux process. Slow paths only.
static inline void frames_cpus_sync(void) {
}

// Called over and over while another CPU is waited for.
static inline void frames_cpu_wait(void) {
    __builtin_ia32_pause();
}

#endif

// At the start of every function of frames.h: a build for tests stops here if an interrupt has come
// in the middle of another call on this CPU.
#ifndef FRAMES_ASSERT_CONTEXT
#define FRAMES_ASSERT_CONTEXT() ((void)0)
#endif

// A build for tests counts the words that searches look at.
#ifndef FRAMES_COUNT_WORDS
#define FRAMES_COUNT_WORDS(n) ((void)0)
#endif

// A build for tests lets other CPUs run between a look and the change that believes it.
enum { FRAMES_BEFORE_CLAIMS, FRAMES_BEFORE_ADD, FRAMES_BEFORE_MERGE, FRAMES_BEFORE_TAKE };
#ifndef FRAMES_PREEMPTION
#define FRAMES_PREEMPTION(point) ((void)0)
#endif

#endif // RINGZERO_FRAMES_CPU_H
