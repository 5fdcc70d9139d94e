/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service says of evidence, as typed facts: each stands in the token's payload, is shown to the policy as an
 * incoming claim, or both, and always in the same spelling. One list serves for both, so that a policy sees what the
 * token says. Private to this room.
 */
#pragma once

#include "attestation/appraise/appraise.h"

/* How a value is written. */
enum fact_form {
    FACT_TEXT,      /* UTF-8 */
    FACT_HEX,       /* bytes, as lower-case hexadecimal text */
    FACT_BASE64URL, /* bytes, as text without padding */
    FACT_JSON,      /* compact JSON: a value in the token, its text for the policy */
    FACT_INTEGER,
    FACT_BOOLEAN,
};

enum fact_use { FACT_FOR_TOKEN = 1, FACT_FOR_POLICY = 2, FACT_FOR_BOTH = 3 };

/* Name and bytes are borrowed: from literals, from the evidence's claims, from the request. */
struct fact {
    struct slice name;
    struct slice bytes;
    int64_t number;
    enum fact_form form;
    enum fact_use use;
};

/* All that one kind of evidence has, with a claim for each of its advisories. */
enum { FACTS_MAX_COUNT = 96 + ADVISORY_MAX_COUNT };
struct facts {
    size_t count;
    struct fact items[FACTS_MAX_COUNT];
};

void facts_add(struct facts *facts, const char *name, enum fact_form form, struct slice bytes);
void facts_add_text(struct facts *facts, const char *name, const char *text);
void facts_add_integer(struct facts *facts, const char *name, int64_t number);
void facts_add_boolean(struct facts *facts, const char *name, bool value);

/* The last fact once more, under another name and for this use. */
void facts_add_alias(struct facts *facts, const char *name, enum fact_use use);
/* The last fact is for this use alone. */
void facts_restrict(struct facts *facts, enum fact_use use);

/* By the kind of verified evidence. */
void facts_of_enclave(const struct sgx_claims *claims, struct slice collateral_json, struct facts *facts);
void facts_of_domain(const struct tdx_claims *claims, struct facts *facts);
void facts_of_snp(const struct snp_claims *claims, struct facts *facts);
void facts_of_tpm(const struct tpm_report *report, struct facts *facts);

/* All that is said of appraised evidence and of what came with it; what of it is new in every token is not here. */
void facts_of(const struct attest_request *request, const struct appraised *appraised, struct facts *facts_out);

/* Adds what is for policies, in the order of the list. ERR_POLICY_LIMIT, ERR_NO_MEMORY. */
enum status facts_show(const struct facts *facts, struct refusal *why, struct claim_set *incoming);

/* Appends the value as JSON. */
enum status fact_write(const struct fact *fact, struct buffer *text);
