// The order in which LittleFS writes a file's data, and what says where they are.
//
// A disk with a cache may keep what it is given between two flushes in any order. LittleFS (2.8 does) flushes
// after it has written where the data of a file are, and not before: when the power fails in between,
// a file can have been closed, have its new size, and be full of what lay there before.
#ifndef RINGZERO_MPY_LITTLEFS_ORDER_H
#define RINGZERO_MPY_LITTLEFS_ORDER_H

#include "lib/littlefs/lfs2.h"

// Before lfs2_file_sync() and lfs2_file_close(): writes and flushes the data. To read nothing writes what a
// file has in its buffer. A file for which this fails is written no more, as LittleFS itself has it.
static inline int littlefs_order(lfs2_t *lfs2, lfs2_file_t *file,
    lfs2_ssize_t (*read)(lfs2_t *lfs2, lfs2_file_t *file, void *buffer, lfs2_size_t size)) {
    if (!(file->flags & (LFS2_F_WRITING | LFS2_F_DIRTY)) || (file->flags & (LFS2_F_INLINE | LFS2_F_ERRED))) {
        return 0;
    }
    int error = read(lfs2, file, NULL, 0);
    if (error >= 0) {
        error = lfs2->cfg->sync(lfs2->cfg);
    }
    if (error < 0) {
        file->flags |= LFS2_F_ERRED;
    }
    return error;
}

#endif
