#include "CWebApplication.h"

// #embed is of C23, and clang has it in every mode. A build that found no pack does not notice when there is one:
// `make ui` touches this file.
#pragma clang diagnostic ignored "-Wc23-extensions"

#if __has_embed("../../ui/dist/app.pack")
static const unsigned char pack[] = {
#embed "../../ui/dist/app.pack"
};

const unsigned char *slipway_ui_pack(size_t *count) {
    *count = sizeof pack;
    return pack;
}
#else
const unsigned char *slipway_ui_pack(size_t *count) {
    *count = 0;
    return NULL;
}
#endif
