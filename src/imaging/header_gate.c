/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/header_gate.h"

#include <string.h>

static bool is_one_of(const char *code, const char *const *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(code, codes[i]) == 0) return true;
    }
    return false;
}

/* Digital and computed radiography, and radiographic imaging of scanned films (PS3.3 C.7.3.1.1.1). */
static bool is_radiograph(const char *modality)
{
    static const char *const codes[] = {"CR", "DX", "RG"};
    return is_one_of(modality, codes, sizeof(codes) / sizeof(codes[0]));
}

/* "CHEST" is the code; sites write it in their own ways ("CHEST PA", "THORAX AP"). */
static bool is_chest(const char *body_part)
{
    static const char *const words[] = {"CHEST", "THORAX", "TORAX", "LUNG"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(body_part, words[i]) != NULL) return true;
    }
    return false;
}

static bool is_frontal(const char *view)
{
    static const char *const codes[] = {"AP", "PA"};
    return is_one_of(view, codes, sizeof(codes) / sizeof(codes[0]));
}

enum status header_gate_check(const struct film_facts *facts, struct refusal *why)
{
    enum { DAYS_PER_YEAR = 365 };
    if (facts->is_colour) return refuse(why, ERR_IMAGE_UNSUITABLE, "colour", "a grey radiograph", "a colour picture");
    if (facts->modality[0] != '\0' && !is_radiograph(facts->modality))
        return refuse(why, ERR_IMAGE_UNSUITABLE, "modality", "a radiograph (CR, DX or RG)", "%s", facts->modality);
    if (facts->body_part[0] != '\0' && !is_chest(facts->body_part))
        return refuse(why, ERR_IMAGE_UNSUITABLE, "body part", "the chest", "%s", facts->body_part);
    if (facts->view_position[0] != '\0' && !is_frontal(facts->view_position))
        return refuse(why, ERR_IMAGE_UNSUITABLE, "view position", "a frontal view (AP or PA)", "%s",
                      facts->view_position);
    /* Eighteen is the last year: a patient is refused from the nineteenth birthday on. */
    if (facts->age_days >= (HEADER_GATE_MAX_AGE_YEARS + 1) * DAYS_PER_YEAR)
        return refuse(why, ERR_IMAGE_UNSUITABLE, "patient age",
                      "at most 18 years: the model knows children's films only", "%d years",
                      facts->age_days / DAYS_PER_YEAR);
    return OK;
}
