#ifndef C_WEB_APPLICATION_H
#define C_WEB_APPLICATION_H

#include <stddef.h>

/// The bytes of ui/dist/app.pack, and how many; NULL if there was no such file when this was compiled. They are there as
/// long as the process.
const unsigned char *slipway_ui_pack(size_t *count);

#endif
