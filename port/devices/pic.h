// The two 8259s of a PC, which the APICs replace.
#ifndef RINGZERO_DEVICES_PIC_H
#define RINGZERO_DEVICES_PIC_H

// Moves them off the exceptions' vectors and masks them: what they still send is spurious.
void pic_disable(void);

#endif
