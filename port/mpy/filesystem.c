// Around the file systems, which are C that nobody may leave or enter in the middle: they have lists and
// buffers of their own.
//
// What a block device made in Python raises waits until the file system has returned from the error that
// it is told instead. No hard callback enters one, and no other Python that comes in the middle of a
// call enters the same one again. The makefile reads the names of upstream's functions here.
#include "py/mperrno.h"
#include "py/nlr.h"
#include "py/runtime.h"

#include "frames/modframes.h"
#include "mpy/filesystem.h"

// The file systems that run now, one for the device of the other, and NULL.
#define MOST_RUNNING (4)
static struct {
    const void *filesystem;
    const void *frame;      // of filesystem_enter()
} running[MOST_RUNNING];
unsigned filesystem_depth;
void *filesystem_raised;

void filesystem_reset(void) {
    filesystem_depth = 0;
    filesystem_raised = NULL;
}

// A fault has ended those that would lie below on the stack.
static void forget_ended(const void *frame) {
    while (filesystem_depth > 0 && running[filesystem_depth - 1].frame <= frame) {
        --filesystem_depth;
    }
}

mp_obj_t filesystem_keep(void *exception) {
    forget_ended(__builtin_frame_address(0));
    if (filesystem_depth == 0) {
        nlr_jump(exception);
    }
    if (filesystem_raised == NULL) {
        filesystem_raised = exception;
    }
    return MP_OBJ_NEW_SMALL_INT(-MP_EIO);
}

void filesystem_enter(const void *filesystem);
NORETURN void filesystem_raise(void);

void filesystem_enter(const void *filesystem) {
    frames_refuse_interrupt();
    const void *frame = __builtin_frame_address(0);
    forget_ended(frame);
    for (unsigned i = 0; i < filesystem_depth; ++i) {
        if (running[i].filesystem == filesystem) {
            mp_raise_OSError(MP_EBUSY);
        }
    }
    if (filesystem_depth == MOST_RUNNING) {
        mp_raise_OSError(MP_EBUSY);
    }
    running[filesystem_depth].filesystem = filesystem;
    running[filesystem_depth++].frame = frame;
}

NORETURN void filesystem_raise(void) {
    void *exception = filesystem_raised;
    filesystem_raised = NULL;
    nlr_jump(exception);
}

// Of a function with the file system as its first argument, and with a FIL or FF_DIR, which begin with
// that. None has more than six arguments. The frame is for stack traces.
#define GUARD(name) GUARD_WITH(name, "")
#define GUARD_FILE(name) GUARD_WITH(name, "mov (%rdi), %rdi")
#define GUARD_WITH(name, find) \
    void __wrap_##name(void); \
    __attribute__((naked)) void __wrap_##name(void) { \
        __asm__ ("push %rbp\n\t" \
    "mov %rsp, %rbp\n\t" \
    "push %rdi\n\tpush %rsi\n\tpush %rdx\n\tpush %rcx\n\tpush %r8\n\tpush %r9\n\t" \
    find "\n\t" \
    "call filesystem_enter\n\t" \
    "pop %r9\n\tpop %r8\n\tpop %rcx\n\tpop %rdx\n\tpop %rsi\n\tpop %rdi\n\t" \
    "call __real_" #name "\n\t" \
    "decl filesystem_depth(%rip)\n\t" \
    "pop %rbp\n\t" \
    "cmpq $0, filesystem_raised(%rip)\n\t" \
    "jne filesystem_raise\n\t" \
    "ret"); \
    }

GUARD(lfs1_dir_close)
GUARD(lfs1_dir_open)
GUARD(lfs1_dir_read)
GUARD(lfs1_file_close)
GUARD(lfs1_file_opencfg)
GUARD(lfs1_file_read)
GUARD(lfs1_file_seek)
GUARD(lfs1_file_sync)
GUARD(lfs1_file_tell)
GUARD(lfs1_file_write)
GUARD(lfs1_format)
GUARD(lfs1_mkdir)
GUARD(lfs1_mount)
GUARD(lfs1_remove)
GUARD(lfs1_rename)
GUARD(lfs1_stat)
GUARD(lfs1_traverse)
GUARD(lfs1_unmount)
GUARD(lfs2_dir_close)
GUARD(lfs2_dir_open)
GUARD(lfs2_dir_read)
GUARD(lfs2_file_close)
GUARD(lfs2_file_opencfg)
GUARD(lfs2_file_read)
GUARD(lfs2_file_seek)
GUARD(lfs2_file_sync)
GUARD(lfs2_file_tell)
GUARD(lfs2_file_write)
GUARD(lfs2_format)
GUARD(lfs2_fs_traverse)
GUARD(lfs2_getattr)
GUARD(lfs2_mkdir)
GUARD(lfs2_mount)
GUARD(lfs2_remove)
GUARD(lfs2_rename)
GUARD(lfs2_stat)
GUARD(lfs2_unmount)
GUARD(f_chdir)
GUARD_FILE(f_close)
GUARD_FILE(f_closedir)
GUARD(f_getcwd)
GUARD(f_getfree)
GUARD_FILE(f_lseek)
GUARD(f_mkdir)
GUARD(f_mkfs)
GUARD(f_mount)
GUARD(f_open)
GUARD(f_opendir)
GUARD_FILE(f_read)
GUARD_FILE(f_readdir)
GUARD(f_rename)
GUARD(f_stat)
GUARD_FILE(f_sync)
GUARD(f_unlink)
GUARD_FILE(f_write)
