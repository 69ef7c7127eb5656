// The line editor: upstream's, whose lines are bytes of ASCII, and around it what UTF-8 takes.
//
// A line of ASCII alone goes upstream's way. In any other line whole characters are put in and taken
// out here, or what upstream did to one byte of a character is done to the rest of it; and the line is
// drawn here, as upstream counts a byte as a column.
#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/unicode.h"
#include "shared/readline/readline.h"
#include "shared/runtime/pyexec.h"
#include "mpy/prompt.h"
#include "mpy/thread.h"

// A line that a thread reads is its own.
static THREAD_OWN bool muted;  // upstream does not draw
static THREAD_OWN bool told;   // it has printed a text of its own, and the prompt again

static void draw(const char *str, size_t len) {
    if (!muted) {
        mp_hal_stdout_tx_strn(str, len);
    }
}

static void tell(const char *str) {
    told = true;
    mp_hal_stdout_tx_str(str);
}

#define mp_hal_stdout_tx_strn draw
#define mp_hal_stdout_tx_str tell
#define readline_process_char process_ascii
#define readline readline_ascii
#define mp_hal_stdin_rx_chr prompt_rx_chr
#include "shared/readline/readline.c"
#undef mp_hal_stdout_tx_strn
#undef mp_hal_stdout_tx_str
#undef readline_process_char
#undef readline
#undef mp_hal_stdin_rx_chr
static readline_t rl THREAD_OWN;

#define CHAR_BACKSPACE  8
#define CHAR_TAB        9
#define CHAR_DELETE     127
#define UTF8_MAX        4

static THREAD_OWN bool goes_on;        // there are lines before this one
static THREAD_OWN bool completing;     // a name: Python is called for every name there is,
static THREAD_OWN bool interrupted;    // and Ctrl-C has ended one of these calls

void __real_mp_load_method_protected(mp_obj_t obj, qstr attr, mp_obj_t *dest, bool catch_all);
void __wrap_mp_load_method_protected(mp_obj_t obj, qstr attr, mp_obj_t *dest, bool catch_all);

// Upstream's drops Ctrl-C where it drops all exceptions.
void __wrap_mp_load_method_protected(mp_obj_t obj, qstr attr, mp_obj_t *dest, bool catch_all) {
    if (!catch_all) {
        __real_mp_load_method_protected(obj, attr, dest, catch_all);
        return;
    }
    dest[0] = dest[1] = MP_OBJ_NULL;
    nlr_buf_t nlr;
    if (interrupted) {
        return;
    }
    if (nlr_push(&nlr) == 0) {
        mp_load_method_maybe(obj, attr, dest);
        nlr_pop();
    } else {
        interrupted = mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(((mp_obj_base_t *)nlr.ret_val)->type),
            MP_OBJ_FROM_PTR(&mp_type_KeyboardInterrupt));
        if (interrupted && !completing) {
            interrupted = false;
            nlr_jump(nlr.ret_val);
        }
    }
}

static int process(int c) {
    completing = c == CHAR_TAB;
    int ret = process_ascii(c);
    // Ctrl-C itself comes as a character, too.
    completing = interrupted = false;
    return ret;
}

static THREAD_OWN uint8_t partial[UTF8_MAX];   // a character that has not all arrived
static THREAD_OWN size_t partial_len, partial_size;

static bool is_inside(size_t pos) {
    return pos < rl.line->len && UTF8_IS_CONT(rl.line->buf[pos]);
}

static THREAD_OWN bool known_ascii;    // nothing but ASCII has come to the line since is_ascii() looked

static bool is_ascii(void) {
    if (known_ascii) {
        return true;
    }
    for (size_t i = rl.orig_line_len; i < rl.line->len; ++i) {
        if (rl.line->buf[i] & 0x80) {
            return false;
        }
    }
    known_ascii = true;
    return true;
}

// Unicode's East Asian Width: the wide, and the marks that take no column, by and large.
static size_t width(unichar c) {
    static const struct {
        uint32_t first, last;
        size_t width;
    } ranges[] = {
        {0x0300, 0x036f, 0}, {0x1100, 0x115f, 2}, {0x200b, 0x200f, 0}, {0x20d0, 0x20ff, 0},
        {0x2e80, 0x303e, 2}, {0x3041, 0xa4cf, 2}, {0xac00, 0xd7a3, 2}, {0xf900, 0xfaff, 2},
        {0xfe00, 0xfe0f, 0}, {0xfe30, 0xfe6f, 2}, {0xff01, 0xff60, 2}, {0xffe0, 0xffe6, 2},
        {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < MP_ARRAY_SIZE(ranges); ++i) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return ranges[i].width;
        }
    }
    return 1;
}

// Of the terminal, for whole characters.
static size_t columns(size_t start, size_t end) {
    size_t count = 0;
    for (size_t i = start; i < end; ++i) {
        if (!is_inside(i)) {
            count += width(utf8_get_char((const byte *)rl.line->buf + i));
        }
    }
    return count;
}

static void draw_from(size_t pos) {
    draw(rl.line->buf + pos, rl.line->len - pos);
}

// All of the line, where the terminal's cursor is in that column of it.
static void redraw(size_t column) {
    mp_hal_move_cursor_back(column);
    mp_hal_erase_line_from_cursor(0);
    draw_from(rl.orig_line_len);
    mp_hal_move_cursor_back(columns(rl.cursor_pos, rl.line->len));
}

static void insert(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; ++i) {
        vstr_ins_byte(rl.line, rl.cursor_pos + i, bytes[i]);
    }
    draw_from(rl.cursor_pos);
    rl.cursor_pos += len;
    mp_hal_move_cursor_back(columns(rl.cursor_pos, rl.line->len));
    #if MICROPY_REPL_AUTO_INDENT
    rl.auto_indent_state &= ~AUTO_INDENT_JUST_ADDED;
    #endif
}

// Takes a byte of a character beyond ASCII. What is no UTF-8 is dropped.
static void take_byte(uint8_t byte) {
    if (!UTF8_IS_CONT(byte)) {
        partial_len = 0;
        partial_size = byte >= 0xf8 ? 0 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    } else if (partial_len == 0) {
        return;
    }
    if (partial_size == 0) {
        return;
    }
    partial[partial_len++] = byte;
    if (partial_len == partial_size) {
        partial_len = 0;
        // The least that takes so many bytes; surrogates are no characters (RFC 3629).
        static const unichar least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
        unichar c = utf8_get_char(partial);
        if (c >= least[partial_size] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)) {
            insert(partial, partial_size);
        }
    }
}

static void backspace(void) {
    size_t column = columns(rl.orig_line_len, rl.cursor_pos);
    size_t end = rl.cursor_pos;
    while (is_inside(--rl.cursor_pos) && rl.cursor_pos > rl.orig_line_len) {
    }
    vstr_cut_out_bytes(rl.line, rl.cursor_pos, end - rl.cursor_pos);
    redraw(column);
}

// As upstream's: -1, or 0 or a control character at the line's end.
static int process_char(int c) {
    bool plain = rl.escape_seq == ESEQ_NONE && 32 <= c && c <= 126;
    if (rl.escape_seq == ESEQ_NONE && c & 0x80) {
        known_ascii = false;
        take_byte(c);
        return -1;
    }
    partial_len = 0;
    if (rl.escape_seq == ESEQ_NONE && c == CHAR_TAB && rl.cursor_pos == 0 && (goes_on || rl.line->len > 0)) {
        insert((const uint8_t *)"    ", 4);
        return -1;
    }
    if (is_ascii()) {
        // Anything else may bring a line of the history, or a name.
        known_ascii = plain;
        return process(c);
    }
    if (rl.escape_seq == ESEQ_NONE) {
        if (plain) {
            uint8_t byte = c;
            insert(&byte, 1);
            return -1;
        }
        if ((c == CHAR_BACKSPACE || c == CHAR_DELETE) && rl.cursor_pos > rl.orig_line_len) {
            backspace();
            return -1;
        }
    }

    size_t len = rl.line->len;
    size_t pos = rl.cursor_pos;
    size_t column = columns(rl.orig_line_len, pos);
    muted = true;
    told = false;
    int ret = process(c);
    muted = false;
    if (ret >= 0 || rl.escape_seq != ESEQ_NONE) {
        return ret;
    }
    while (is_inside(rl.cursor_pos)) {
        if (rl.cursor_pos == pos && rl.line->len < len) {
            vstr_cut_out_bytes(rl.line, pos, 1);
        } else {
            rl.cursor_pos += rl.cursor_pos > pos ? 1 : -1;
        }
    }
    redraw(told ? 0 : column);
    return ret;
}

static int read_line(vstr_t *line, const char *prompt) {
    // An exception may have left the last line in the middle.
    partial_len = 0;
    muted = known_ascii = completing = interrupted = false;
    readline_init(line, prompt);
    // A line by itself: upstream goes by words, and from there on by lengths, into those before it.
    vstr_t own;
    size_t start = rl.orig_line_len;
    vstr_init(&own, 16);
    vstr_add_strn(&own, line->buf + start, line->len - start);
    line->len = start;
    rl.line = &own;
    rl.orig_line_len = 0;
    rl.cursor_pos -= start;
    goes_on = start > 0;
    int ret;
    do {
        ret = process_char(prompt_rx_chr());
    } while (ret < 0);
    vstr_add_strn(line, own.buf, own.len);
    vstr_clear(&own);
    return ret;
}

int readline(vstr_t *line, const char *prompt) {
    if (mp_hal_is_prompt()) {
        return read_line(line, prompt);
    }
    // A callback may read a line while the prompt or the program reads one.
    readline_t outer = rl;
    bool outer_goes_on = goes_on;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        int ret = read_line(line, prompt);
        nlr_pop();
        rl = outer;
        goes_on = outer_goes_on;
        known_ascii = false;
        return ret;
    }
    rl = outer;
    goes_on = outer_goes_on;
    nlr_jump(nlr.ret_val);
}

// --- Bracketed paste ------------------------------------------------------------------------

// xterm's control sequences: ESC [ 200 ~ before what is pasted, ESC [ 201 ~ behind it. A program that
// had the terminal before may have asked for them.
static const char mark[] = "\x1b[20?~";
#define MARK_SIZE   (sizeof(mark) - 1)
#define MARK_DIGIT  (4)

static bool is_mark(size_t at, int c) {
    return at == MARK_DIGIT ? c == '0' || c == '1' : c == mark[at];
}

int prompt_rx_chr(void) {
    static uint8_t held[MARK_SIZE]; // what may become a mark, and then what did not
    static size_t count, given;
    static int next = -1;           // the byte that decided it
    static bool releasing;

    for (;;) {
        if (releasing) {
            if (given < count) {
                return held[given++];
            }
            releasing = false;
            count = 0;
        }
        int c = next >= 0 ? next : mp_hal_stdin_rx_chr();
        next = -1;
        if (pyexec_mode_kind != PYEXEC_MODE_FRIENDLY_REPL && count == 0) {
            return c;
        }
        if (is_mark(count, c)) {
            held[count++] = c;
            if (count == MARK_SIZE) {
                count = 0;
            }
        } else if (count == 0) {
            return c;
        } else {
            next = c;
            given = 0;
            releasing = true;
        }
    }
}
