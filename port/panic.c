#include <string.h>

#include "cpu/io.h"
#include "cpu/trap.h"
#include "devices/power.h"
#include "devices/screen.h"
#include "devices/uart.h"
#include "panic.h"

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

// A fault while panicking must not start over.
static void enter(void) {
    static int depth;
    if (depth++ > 0) {
        put("\r\npanic: fault while panicking\r\n");
        power_off_panic();
    }
}

void panic(const char *message) {
    enter();
    put("\r\npanic: ");
    put(message);
    put("\r\n");
    power_off_panic();
}

void panic_trap(const trap_frame_t *f) {
    enter();
    put("\r\npanic: exception ");
    put_number(f->vector);
    put(" (");
    put(trap_name(f->vector));
    put(")");
    put_hex("\r\n  error ", f->error);
    put_hex("  rip ", f->rip);
    put_hex("  cr2 ", cpu_cr2());
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
    put_hex("  cr3 ", cpu_cr3());
    put("\r\n");
    power_off_panic();
}
