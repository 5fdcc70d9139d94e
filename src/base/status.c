/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

const char *status_name(enum status status)
{
    switch (status) {
#define STATUS_NAME(name, number, text)                                                                                \
    case name: return #name;
        STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "ERR_UNKNOWN";
}

const char *status_text(enum status status)
{
    switch (status) {
#define STATUS_TEXT(name, number, text)                                                                                \
    case name: return text;
        STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "an unknown status code";
}
