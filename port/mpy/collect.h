// Garbage collections as seen by those who catch exceptions.
#ifndef RINGZERO_MPY_COLLECT_H
#define RINGZERO_MPY_COLLECT_H

#include <stdbool.h>

// For a new heap: the last collection of the old one may never have ended.
void collect_reset(void);

// A collection in the middle of something, an allocation for one. Objects that have a finaliser or weak
// references stay until Python may be called, at the program's next step: gc_collect(), which is for where
// it may.
void collect_for_room(void);

// No file system runs any more, in whose middle no finaliser is called.
void collect_resume_calls(void);

// For gc.c: there are objects that stay although nothing leads to them.
void collect_owe_calls(void);

// Of gc.c, after gc_collect_start() and all roots, beside upstream's gc_collect_end(), which leaves
// objects that have something to say. Calls finalisers and frees nothing, or there are none: false, and
// the collection has not ended.
bool gc_collect_finalise(void);
// The end, in which weak references lose what has died. Whether Ctrl-C has ended a finaliser.
bool gc_collect_end_at_rest(void);

// Marks what registers, the stack and native code lead to.
void collect_mark_roots(void);

// Whether what an exception would be caught by lies outside of the collection that runs: it would
// never end.
bool collect_would_unwind(void);

#endif
