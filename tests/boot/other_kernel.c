// A kernel that is none of this project's: 32 bits, Multiboot 1, a shell on the serial port, which
// knows VGA's text and the keyboard's codes. For test_other_kernel.py, which builds it.
#include <stdint.h>

#define MAGIC 0x1BADB002

__attribute__((section(".multiboot"), used))
static const uint32_t multiboot_header[] = { MAGIC, 0, -MAGIC };

__attribute__((used))
static char stack[4096];

__asm__ (".globl _start\n_start: movl $stack + 4096, %esp\n call kernel_main\n");

enum { COM1 = 0x3F8, LINE_STATUS = COM1 + 5, HAS_DATA = 1, HAS_ROOM = 0x20, EXIT = 0x501 };
enum { KEYBOARD = 0x60, KEYBOARD_STATUS = 0x64, VGA = 0xB8000, GREY = 0x0700 };

static void out(uint16_t port, uint8_t value) {
    __asm__ volatile ("outb %0, %1" : : "a" (value), "Nd" (port));
}

static uint8_t in(uint16_t port) {
    uint8_t value;
    __asm__ volatile ("inb %1, %0" : "=a" (value) : "Nd" (port));
    return value;
}

static void put(char c) {
    while (!(in(LINE_STATUS) & HAS_ROOM)) {
    }
    out(COM1, c);
}

static void say(const char *text) {
    for (; *text; ++text) {
        put(*text);
    }
}

static void say_hex(uint32_t value) {
    say("0x");
    for (int shift = 28; shift >= 0; shift -= 4) {
        put("0123456789abcdef"[value >> shift & 15]);
    }
}

static char get(void) {
    while (!(in(LINE_STATUS) & HAS_DATA)) {
    }
    return in(COM1);
}

__attribute__((noinline))
void die(void) {
    say("BUG: called from ");
    say_hex((uint32_t)__builtin_return_address(0) - 1);
    say("\r\n");
    out(EXIT, 42);
}

static void show(const char *text) {
    for (volatile uint16_t *cell = (uint16_t *)VGA; *text; ++text, ++cell) {
        *cell = GREY | *text;
    }
}

// The codes of a key up to that of its release.
static void say_key(void) {
    uint8_t code;
    do {
        while (!(in(KEYBOARD_STATUS) & HAS_DATA)) {
        }
        code = in(KEYBOARD);
        say_hex(code);
        say(" ");
    } while (code < 0x80);
    say("\r\n");
}

__attribute__((noinline))
void command(char name) {
    switch (name) {
        case 'h':
            say("hello\r\n");
            break;
        case 'b':
            die();
            break;
        case 'v':
            show("seen ");
            break;
        case 'k':
            say_key();
            break;
        case 'q':
            out(EXIT, 0);
            break;
        default:
            say("what?\r\n");
    }
}

void kernel_main(void) {
    say("Other OS\r\n");
    for (;;) {
        say("# ");
        char name = 0;
        for (char c = get(); c != '\r'; c = get()) {
            put(c);
            name = c;
        }
        say("\r\n");
        command(name);
    }
}
