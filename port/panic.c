#include <string.h>

#include "boot/handoff.h"
#include "cpu/cpus.h"
#include "cpu/io.h"
#include "cpu/trap.h"
#include "devices/power.h"
#include "devices/screen.h"
#include "devices/uart.h"
#include "panic.h"
#include "mpy/thread.h"
#include "mpy/trace.h"

enum {
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PAGE_FAULT = 14,
    STACK_DEPTH = 32,
    PYTHON_DEPTH = 8,
};

// Straight to the port: nothing that could have caused the panic is used on the way.
static void put(const char *text) {
    uart_write(text, strlen(text));
    screen_write(text, strlen(text));
}

static void put_hex(const char *name, uint64_t value) {
    char text[19] = "0x";
    for (int i = 0; i < 16; ++i) {
        text[2 + i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
    }
    text[18] = 0;
    put(name);
    put(text);
}

static void put_number(unsigned value) {
    char text[11];
    char *end = text + sizeof(text) - 1;
    *end = 0;
    do {
        *--end = '0' + value % 10;
        value /= 10;
    } while (value > 0);
    put(end);
}

static void put_place(const char *before, uint64_t addr) {
    char name[64];
    uint64_t offset = trace_function(addr, name, sizeof(name));
    put_hex(before, addr);
    if (name[0] != 0) {
        put(" ");
        put(name);
        put("+");
        put_number(offset);
    }
}

// What has been said so far stays said.
static void put_stack(uint64_t rip, uint64_t frame) {
    put("\r\nstack:");
    if (rip != 0) {
        put_place("\r\n  ", rip);
    }
    for (unsigned depth = 0; depth < STACK_DEPTH; ++depth) {
        uint64_t addr = trace_return(&frame);
        if (addr == 0) {
            break;
        }
        put_place("\r\n  ", addr);
    }
}

static void put_python(uint64_t rsp) {
    thread_stack_t stack;
    if (!thread_find_stack(rsp, &stack)) {
        // No Python runs on this one.
        rsp = (uint64_t)stack_bottom;
        thread_find_stack(rsp, &stack);
    }
    rsp = rsp < stack.bottom ? stack.bottom : rsp;
    const void *last = 0;
    trace_line_t line;
    uint64_t at = (rsp + 7) & ~UINT64_C(7);
    for (unsigned depth = 0; depth < PYTHON_DEPTH;) {
        const void *state = trace_python(&at, &stack, &line);
        if (state == 0) {
            break;
        }
        if (state == last) {
            continue;
        }
        put(depth++ == 0 ? "\r\npython:\r\n  File \"" : "\r\n  File \"");
        put(line.file);
        put("\", line ");
        put_number(line.line);
        put(", in ");
        put(line.function);
        last = state;
    }
}

// There are other CPUs.
static bool several;

// A fault while panicking must not start over.
static void enter(const trap_frame_t *frame) {
    static int depth;
    several = several || cpus_count > 1;
    // What runs in an interrupt has nothing to add.
    cpu_irq_off();
    if (!cpus_panic()) {
        cpu_halt();
    }
    if (depth == 0) {
        screen_take_over();
    }
    if (depth++ > 0) {
        put("\r\npanic: fault while panicking");
        if (frame != 0 && depth == 2) {
            put(": ");
            put(trap_name(frame->vector));
            put_hex(" at ", frame->rip);
            put_hex(", cr2 ", cpu_cr2());
        }
        put("\r\n");
        power_off_panic();
    }
}

static void put_registers(const trap_frame_t *f) {
    if (f->vector == VECTOR_PAGE_FAULT || f->vector == VECTOR_DOUBLE_FAULT) {
        uint64_t addr = cpu_cr2();
        thread_stack_t stack;
        if (thread_find_stack(addr, &stack) && addr < stack.bottom) {
            put(": stack overflow");
        }
    }
    put_place("\r\n  rip ", f->rip);
    put_hex("\r\n  error ", f->error);
    put_hex("  cr2 ", cpu_cr2());
    put_hex("  cr3 ", cpu_cr3());
    put_hex("\r\n  rax ", f->rax);
    put_hex("  rbx ", f->rbx);
    put_hex("  rcx ", f->rcx);
    put_hex("\r\n  rdx ", f->rdx);
    put_hex("  rsi ", f->rsi);
    put_hex("  rdi ", f->rdi);
    put_hex("\r\n  rbp ", f->rbp);
    put_hex("  rsp ", f->rsp);
    put_hex("  r8  ", f->r8);
    put_hex("\r\n  r9  ", f->r9);
    put_hex("  r10 ", f->r10);
    put_hex("  r11 ", f->r11);
    put_hex("\r\n  r12 ", f->r12);
    put_hex("  r13 ", f->r13);
    put_hex("  r14 ", f->r14);
    put_hex("\r\n  r15 ", f->r15);
    put_hex("  cs  ", f->cs);
    put_hex("  ss  ", f->ss);
    put_hex("\r\n  rflags ", f->rflags);
}

// The exception that the panic is about, if it is about one.
static const trap_frame_t *fault;

// All come through here, so that a debugger stops at each with "break panic".
__attribute__((noinline)) void panic(const char *message) {
    const trap_frame_t *f = fault;
    enter(f);
    put("\r\npanic: ");
    if (several) {
        put("CPU ");
        put_number(cpus_number);
        put(": ");
    }
    if (f != 0) {
        put("exception ");
        put_number(f->vector);
        put(" (");
        put(message);
        put(")");
        put_registers(f);
        put_stack(f->rip, f->rbp);
        put_python(f->rsp);
    } else {
        put(message);
        uint64_t frame = (uint64_t)__builtin_frame_address(0);
        put_stack(0, frame);
        put_python(frame);
    }
    put("\r\n");
    power_off_panic();
}

void panic_trap(const trap_frame_t *f) {
    fault = f;
    panic(trap_name(f->vector));
}
