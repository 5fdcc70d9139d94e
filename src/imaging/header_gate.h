/* SPDX-License-Identifier: Apache-2.0
 *
 * What the header alone says about whether the model may read a film. A model trained on children's chest films answers
 * to anything, so what is not one must be stopped before. A file that says nothing (PNG, JPEG) passes; the picture
 * itself is judged by the model's suitability output.
 */
#pragma once

#include "base/refusal.h"
#include "imaging/film.h"

enum { HEADER_GATE_MAX_AGE_YEARS = 18 };

/* ERR_IMAGE_UNSUITABLE: not a radiograph (modality), not of the chest, a side view, an adult's, or a colour picture.
 * The refusal names the field, what was seen and what is expected, in words for the clinician. */
enum status header_gate_check(const struct film_facts *facts, struct refusal *why);
