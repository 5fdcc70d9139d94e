/* SPDX-License-Identifier: Apache-2.0
 *
 * HCL reports and runtime data of Azure confidential machines, for tests and fuzz targets' corpora.
 */
#pragma once

#include "test_tpm.h"

#include "base/encoding.h"
#include "evidence/azure.h"

enum { HCL_HARDWARE_AT = 32, HCL_RUNTIME_AT = 32 + SNP_REPORT_BYTES, HCL_JSON_AT = HCL_RUNTIME_AT + 20 };

/* All-zero members stand for what a genuine report of AMD's has. */
struct test_hcl {
    struct slice hardware_report; /* 1184 bytes of AMD's, or a TDREPORT of 1024; empty: zeros */
    struct slice runtime_data;    /* empty: "{}" */
    uint32_t report_type, hash_type;
    size_t padding; /* zeros behind it */
};

static inline struct buffer test_hcl_report(const struct test_hcl *hcl)
{
    struct buffer out = buffer_of_maximum(2 * HCL_REPORT_MAX_BYTES);
    const struct slice data = hcl->runtime_data.size > 0 ? hcl->runtime_data : SLICE_LITERAL("{}");
    const uint32_t size = (uint32_t)data.size;
    uint8_t *at;
    assert_ok(buffer_append_text(&out, "HCLA"));
    const uint32_t header[] = {2, HCL_JSON_AT + size, 2, 0, 0, 0, 0};
    for (size_t i = 0; i < 7; i++) assert_ok(buffer_append_u32_le(&out, header[i]));
    assert_ok(buffer_append(&out, hcl->hardware_report));
    assert_ok(buffer_extend(&out, HCL_RUNTIME_AT - out.size, &at));
    const uint32_t runtime[] = {20 + size, 1, hcl->report_type != 0 ? hcl->report_type : 2,
                                hcl->hash_type != 0 ? hcl->hash_type : 1, size};
    for (size_t i = 0; i < 5; i++) assert_ok(buffer_append_u32_le(&out, runtime[i]));
    assert_ok(buffer_append(&out, data));
    assert_ok(buffer_extend(&out, hcl->padding, &at));
    return out;
}

/* What report data must be for these runtime data. */
static inline void test_hcl_binding(struct slice runtime_data, enum hash hash, uint8_t report_data_out[static 64])
{
    memset(report_data_out, 0, 64);
    assert_ok(hash_parts(hash, &runtime_data, 1, report_data_out));
}

/* {"kid":"<kid>","key_ops":["sign"],"kty":"RSA","e":..,"n":..} */
static inline void test_jwk(struct buffer *text, const char *kid, const struct key *key)
{
    CLEANUP(buffer_done) struct buffer n = buffer_of_maximum(RSA_MAX_BYTES), e = buffer_of_maximum(8);
    assert_ok(key_rsa_numbers(key, &n, &e));
    assert_ok(buffer_append_format(text, "{\"kid\":\"%s\",\"key_ops\":[\"sign\"],\"kty\":\"RSA\",\"e\":\"", kid));
    assert_ok(base64url_encode(buffer_slice(&e), text));
    assert_ok(buffer_append_text(text, "\",\"n\":\""));
    assert_ok(base64url_encode(buffer_slice(&n), text));
    assert_ok(buffer_append_text(text, "\"}"));
}

/* Runtime data whose keys are the attestation key (unless NULL) and what else is given ("" or ",{...}"), and whatever
 * follows them. NULL for `rest`: a configuration and user data. */
static inline struct buffer test_runtime_data(const struct key *key, const char *more_keys, const char *rest)
{
    struct buffer text = buffer_of_maximum(2 * HCL_RUNTIME_DATA_MAX_BYTES);
    assert_ok(buffer_append_text(&text, "{\"keys\":["));
    if (key != NULL) test_jwk(&text, "HCLAkPub", key);
    assert_ok(buffer_append_text(&text, more_keys));
    assert_ok(buffer_append_text(&text, "]"));
    assert_ok(buffer_append_text(&text, rest != NULL
                                            ? rest
                                            : ",\"vm-configuration\":{\"console-enabled\":true,\"secure-boot\":true,"
                                              "\"tpm-enabled\":true,\"vmUniqueId\":\"AB-1\",\"other\":1},"
                                              "\"user-data\":\"00ff\"}"));
    return text;
}
