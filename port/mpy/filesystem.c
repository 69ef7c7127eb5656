// Around the file systems, which are C that no exception may leave in the middle: they have lists and
// buffers of their own.
//
// No hard callback enters one: it may have come in the middle of another call of the same one. And what a
// block device made in Python raises waits until the file system has returned from the error that it is
// told instead. The makefile reads the names of upstream's functions here.
#include "py/mperrno.h"
#include "py/nlr.h"
#include "py/runtime.h"

#include "frames/modframes.h"
#include "mpy/filesystem.h"

unsigned filesystem_depth;
void *filesystem_raised;

void filesystem_reset(void) {
    filesystem_depth = 0;
    filesystem_raised = NULL;
}

mp_obj_t filesystem_keep(void *exception) {
    if (filesystem_depth == 0) {
        nlr_jump(exception);
    }
    if (filesystem_raised == NULL) {
        filesystem_raised = exception;
    }
    return MP_OBJ_NEW_SMALL_INT(-MP_EIO);
}

NORETURN void filesystem_raise(void);

NORETURN void filesystem_raise(void) {
    void *exception = filesystem_raised;
    filesystem_raised = NULL;
    nlr_jump(exception);
}

// None has more than six arguments. The frame is for stack traces.
#define GUARD(name) \
    void __wrap_##name(void); \
    __attribute__((naked)) void __wrap_##name(void) { \
        __asm__ ("cmpb $0, irq_active(%rip)\n\t" \
    "jne frames_refuse_interrupt\n\t" \
    "push %rbp\n\t" \
    "mov %rsp, %rbp\n\t" \
    "incl filesystem_depth(%rip)\n\t" \
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
GUARD(f_close)
GUARD(f_closedir)
GUARD(f_getcwd)
GUARD(f_getfree)
GUARD(f_lseek)
GUARD(f_mkdir)
GUARD(f_mkfs)
GUARD(f_mount)
GUARD(f_open)
GUARD(f_opendir)
GUARD(f_read)
GUARD(f_readdir)
GUARD(f_rename)
GUARD(f_stat)
GUARD(f_sync)
GUARD(f_unlink)
GUARD(f_write)
