// What each CPU has for itself lies at the same addresses on all of them: in a section that every CPU
// maps to frames of its own. Nothing of it costs more to reach than any other variable.
//
// The rooms from boot/ to devices/ have the machine's state, which all CPUs share: there, what is a
// CPU's own is marked. Everywhere else a variable is an interpreter's and so a CPU's, MicroPython's
// own variables too, and what all share is marked.
#ifndef RINGZERO_BOOT_PERCPU_H
#define RINGZERO_BOOT_PERCPU_H

// In front of a variable's definition. Such a section is stored as it is, zeros too: for small ones.
#define PERCPU __attribute__((section(".percpu")))
#define SHARED __attribute__((section(".shared")))

// The linker script's marks: [percpu_start, percpu_end), the stacks from percpu_stacks on, and where the
// first CPU's lies in memory.
extern char percpu_start[], percpu_end[], percpu_load[], percpu_stacks[];
// What it starts with, percpu_data_size bytes; all else that is no stack starts with zeros.
extern char percpu_initial[], percpu_data_size[];

#endif
