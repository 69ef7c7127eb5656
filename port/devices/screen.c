#include <stdbool.h>
#include <string.h>

#include "cpu/io.h"
#include "cpu/lock.h"
#include "devices/framebuffer.h"
#include "devices/screen.h"
#include "devices/vga.h"

enum {
    COLUMNS_MAX = 200,
    ROWS_MAX = 100,
    TAB = 8,
    CURSOR = 0x80, // in what is drawn: the cursor is on it
    PART_SIZE = 64, // characters that are put with interrupts off
};

static struct {
    void (*draw)(unsigned row, unsigned column, char c, bool inverse); // NULL: no screen
    unsigned columns, rows;
    unsigned row, column; // column == columns: the next character goes to the next row
    enum { TEXT, ESCAPE, SEQUENCE } state;
    unsigned argument; // of an escape sequence
    // What is to be seen and what is: drawing is slow, reading back from a screen slower.
    uint8_t cells[ROWS_MAX][COLUMNS_MAX];
    uint8_t drawn[ROWS_MAX][COLUMNS_MAX];
} screen;

// Interrupts print, too, and other CPUs. Cells change with interrupts off, and the lock. Whoever finds a drawer at work leaves the
// drawing, which is slow, to that one.
static volatile bool drawing, changed;
static lock_t lock;

void screen_init(void) {
    if (framebuffer_init()) {
        screen.columns = framebuffer_columns();
        screen.rows = framebuffer_rows();
        screen.draw = framebuffer_draw;
    } else if (vga_init()) {
        screen.columns = VGA_COLUMNS;
        screen.rows = VGA_ROWS;
        screen.draw = vga_draw;
    } else {
        return;
    }
    if (screen.columns > COLUMNS_MAX) {
        screen.columns = COLUMNS_MAX;
    }
    if (screen.rows > ROWS_MAX) {
        screen.rows = ROWS_MAX;
    }
    memset(screen.cells, ' ', sizeof(screen.cells));
    // The loader's text goes, too.
    memset(screen.drawn, 0, sizeof(screen.drawn));
}

static void new_row(void) {
    if (++screen.row == screen.rows) {
        screen.row = screen.rows - 1;
        memmove(screen.cells[0], screen.cells[1], screen.row * COLUMNS_MAX);
        memset(screen.cells[screen.row], ' ', COLUMNS_MAX);
    }
}

static void put_visible(char c) {
    if (screen.column == screen.columns) {
        screen.column = 0;
        new_row();
    }
    screen.cells[screen.row][screen.column++] = c;
}

static void move_left(unsigned count) {
    screen.column -= count < screen.column ? count : screen.column;
}

static void put_text(uint8_t c) {
    if (c >= ' ' && c < 0x7f) {
        put_visible(c);
    } else if (c >= 0xc0) {
        // The first byte of a longer character; the others follow and show nothing.
        put_visible('?');
    } else if (c == '\n') {
        new_row();
    } else if (c == '\r') {
        screen.column = 0;
    } else if (c == '\b') {
        move_left(1);
    } else if (c == '\t') {
        do {
            put_visible(' ');
        } while (screen.column % TAB != 0);
    } else if (c == 0x1b) {
        screen.state = ESCAPE;
    }
}

// ECMA-48 8.3: the sequences that readline sends, and those that clear the screen.
static void put_sequence(uint8_t c) {
    if (c >= '0' && c <= '9') {
        screen.argument = (screen.argument * 10 + c - '0') % 1000;
        return;
    }
    if (c == ';' || c == '?') {
        screen.argument = 0;
        return;
    }
    screen.state = TEXT;
    if (c == 'K' && screen.argument == 0) {
        memset(screen.cells[screen.row] + screen.column, ' ', COLUMNS_MAX - screen.column);
    } else if (c == 'D') {
        move_left(screen.argument == 0 ? 1 : screen.argument);
    } else if (c == 'C') {
        screen.column += screen.argument == 0 ? 1 : screen.argument;
        if (screen.column >= screen.columns) {
            screen.column = screen.columns - 1;
        }
    } else if (c == 'H') {
        screen.row = screen.column = 0;
    } else if (c == 'J' && screen.argument == 2) {
        memset(screen.cells, ' ', sizeof(screen.cells));
    }
}

static void put(uint8_t c) {
    if (screen.state == TEXT) {
        put_text(c);
    } else if (screen.state == ESCAPE) {
        screen.state = c == '[' ? SEQUENCE : TEXT;
        screen.argument = 0;
    } else {
        put_sequence(c);
    }
}

static void draw_row(unsigned row) {
    const volatile uint8_t *cells = screen.cells[row];
    uint8_t *drawn = screen.drawn[row];
    unsigned cursor = row == screen.row ? screen.column : COLUMNS_MAX;
    if (cursor >= screen.columns && memcmp(screen.cells[row], drawn, screen.columns) == 0) {
        return;
    }
    for (unsigned column = 0; column < screen.columns; ++column) {
        uint8_t cell = cells[column] | (column == cursor ? CURSOR : 0);
        if (cell != drawn[column]) {
            drawn[column] = cell;
            screen.draw(row, column, cell & ~CURSOR, cell & CURSOR);
        }
    }
}

void screen_take_over(void) {
    drawing = false;
}

void screen_write(const char *text, size_t size) {
    if (screen.draw == NULL) {
        return;
    }
    while (size > 0) {
        size_t part = size < PART_SIZE ? size : PART_SIZE;
        uint64_t state = lock_save(&lock);
        for (size_t i = 0; i < part; ++i) {
            put(text[i]);
        }
        changed = true;
        lock_restore(&lock, state);
        text += part;
        size -= part;
    }
    for (;;) {
        uint64_t state = lock_save(&lock);
        bool mine = changed && !drawing;
        if (mine) {
            drawing = true;
            changed = false;
        }
        lock_restore(&lock, state);
        if (!mine) {
            return;
        }
        for (unsigned row = 0; row < screen.rows; ++row) {
            draw_row(row);
        }
        drawing = false;
    }
}
