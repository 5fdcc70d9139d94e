/* SPDX-License-Identifier: Apache-2.0
 *
 * The evidence that is verified: SGX and TDX quotes of simulated machines, minted before the clock starts, and genuine
 * ones of SGX, TDX and SEV-SNP from the shared vectors (LAZARET_SHARED), which are left out where those are absent.
 */
#pragma once

#include "evidence/amd.h"
#include "evidence/intel.h"

#include <stdatomic.h>
#include <stdbool.h>

enum subject_kind { SUBJECT_SGX, SUBJECT_TDX, SUBJECT_SNP };

struct subject {
    enum subject_kind kind;
    bool is_there;
    struct slice *items; /* quotes or reports, in turn; kept to the end of the program, as all here */
    size_t count;
    atomic_size_t
        *next; /* of items that must not come again soon: the next one, whoever asks; NULL: as the turn says */
    int64_t now_s;
    /* SGX and TDX */
    struct collateral_texts texts;
    const struct collateral *collateral;
    const struct trust_roots *roots;
    struct verification_cache *cache; /* NULL: every chain is new */
    /* SEV-SNP */
    struct slice endorsement_key;
    struct snp_cache *snp_cache;
};

struct subjects {
    /* Simulated: of one machine; each of another that was forgotten meanwhile. */
    struct subject sgx_known, sgx_fresh, tdx_known, tdx_fresh;
    struct subject sgx_genuine, tdx_genuine, snp_genuine;
    struct subject snp_fresh; /* the genuine one without a cache */
};

void subjects_make(struct subjects *subjects);

/* One verification; `turn` says which item. */
void subject_verify(const void *subject, size_t turn);

/* Of a quote: its collateral too, from the texts on, and nothing kept. */
void subject_verify_cold(const void *subject, size_t turn);
