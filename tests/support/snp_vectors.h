/* SPDX-License-Identifier: Apache-2.0
 *
 * SEV-SNP reports and their certificates from the shared vectors, for tests.
 */
#pragma once

#include "testing.h"

#include "crypto/x509.h"
#include "evidence/amd.h"

struct snp_vector {
    struct buffer report, leaf, issuers;
    struct slice certificates[2]; /* the endorsement key's, its authorities' */
    int64_t from_s, until_s;      /* when the endorsement key's certificate is valid, both inside */
};

static inline void snp_vector_done(struct snp_vector *vector)
{
    buffer_done(&vector->report);
    buffer_done(&vector->leaf);
    buffer_done(&vector->issuers);
}

static inline struct buffer snp_vector_file(const char *name, const char *file)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "vectors/snp/%s/%s", name, file);
    return read_whole(shared_path(path));
}

/* Cases have their certificate as vcek.der, vcek.pem or vlek.der. */
static inline struct buffer snp_vector_leaf(const char *name)
{
    static const char *const files[] = {"vcek.der", "vcek.pem", "vlek.der"};
    char folder[2 * PATH_MAX], path[3 * PATH_MAX], relative[256];
    (void)snprintf(relative, sizeof(relative), "vectors/snp/%s", name);
    (void)snprintf(folder, sizeof(folder), "%s", shared_path(relative));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        if (access(path, R_OK) == 0) return read_whole(path);
    }
    fail_msg("no certificate in %s", folder);
    return (struct buffer){};
}

static inline void snp_vector_dates(struct snp_vector *vector)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {.count = 1};
    if (certificate_from_der(buffer_slice(&vector->leaf), &list.items[0]) != OK) {
        list = (struct certificate_list){};
        assert_ok(certificate_list_from_pem(buffer_slice(&vector->leaf), &list));
    }
    vector->from_s = certificate_not_before_s(list.items[0]);
    vector->until_s = certificate_not_after_s(list.items[0]);
}

/* `name` is a case below vectors/snp; the test is skipped if it is absent. */
static inline struct snp_vector snp_vector_read(const char *name)
{
    struct snp_vector vector = {.report = snp_vector_file(name, "report.bin"),
                                .leaf = snp_vector_leaf(name),
                                .issuers = snp_vector_file(name, "ask_ark.pem")};
    snp_vector_dates(&vector);
    vector.certificates[0] = buffer_slice(&vector.leaf);
    vector.certificates[1] = buffer_slice(&vector.issuers);
    return vector;
}

/* Borrows from `vector`, which must stay where it is. */
static inline struct snp_endorsements snp_vector_endorsements(const struct snp_vector *vector)
{
    return (struct snp_endorsements){.certificates = vector->certificates, .certificate_count = 2};
}
