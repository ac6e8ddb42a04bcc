/* frame_native.h - lines of stacks of compiled programs; see br_frame_read. */
#ifndef BR_FRAME_NATIVE_H
#define BR_FRAME_NATIVE_H

#include "judge/frame.h"

enum br_line_kind br_frame_read_native(const char *line, struct br_printed_frame *out);

#endif
