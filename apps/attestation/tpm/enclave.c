/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/enclave.h"

#include "base/reader.h"

enum { PACKAGE_VERSION = 1, SCHEME_SHA256_RSA_PSS = 1, REPORT_VERSION = 1, ENCLAVE_TYPE_VBS = 0x10 };

struct package {
    struct slice statement, signature;
};

static enum status refuse_form(struct refusal *why, const char *field, const char *expected, unsigned long long seen)
{
    return refuse(why, ERR_QUOTE_MALFORMED, field, expected, "%llu", seen);
}

static enum status refuse_short(struct refusal *why, const struct reader *reader)
{
    return refuse_form(why, "vsm_report", "all bytes of its structures", reader_left(reader));
}

static enum status read_package(struct slice bytes, struct refusal *why, struct package *package_out)
{
    struct reader reader = reader_over(bytes);
    uint32_t size, version, scheme, statement_size, signature_size, reserved;
    if (reader_u32_le(&reader, &size) != OK || reader_u32_le(&reader, &version) != OK ||
        reader_u32_le(&reader, &scheme) != OK || reader_u32_le(&reader, &statement_size) != OK ||
        reader_u32_le(&reader, &signature_size) != OK || reader_u32_le(&reader, &reserved) != OK)
        return refuse_short(why, &reader);
    if (size != bytes.size) return refuse_form(why, "vsm_report.PackageSize", "the size of the report", size);
    if (version != PACKAGE_VERSION)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "vsm_report.Version", "1", "%u", (unsigned)version);
    if (scheme != SCHEME_SHA256_RSA_PSS)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "vsm_report.SignatureScheme", "1, RSASSA-PSS with SHA-256", "%u",
                      (unsigned)scheme);
    if (reader_slice(&reader, statement_size, &package_out->statement) != OK ||
        reader_slice(&reader, signature_size, &package_out->signature) != OK)
        return refuse_short(why, &reader);
    if (reader_end(&reader) != OK)
        return refuse_form(why, "vsm_report.SignatureSize", "the rest of the report", signature_size);
    return OK;
}

static enum status read_identity(struct reader *reader, struct refusal *why, struct enclave_report *report)
{
    uint32_t type;
    if (reader_copy(reader, sizeof(report->owner_id), report->owner_id) != OK ||
        reader_copy(reader, sizeof(report->unique_id), report->unique_id) != OK ||
        reader_copy(reader, sizeof(report->author_id), report->author_id) != OK ||
        reader_copy(reader, sizeof(report->family_id), report->family_id) != OK ||
        reader_copy(reader, sizeof(report->image_id), report->image_id) != OK ||
        reader_u32_le(reader, &report->svn) != OK || reader_u32_le(reader, &report->secure_kernel_svn) != OK ||
        reader_u32_le(reader, &report->platform_svn) != OK || reader_u32_le(reader, &report->flags) != OK ||
        reader_u32_le(reader, &report->signing_level) != OK || reader_u32_le(reader, &type) != OK)
        return refuse_short(why, reader);
    if (type == ENCLAVE_TYPE_VBS) return OK;
    return refuse(why, ERR_QUOTE_UNSUPPORTED, "vsm_report.EnclaveType", "16, a VBS enclave", "%u", (unsigned)type);
}

/* Blocks about the modules in the enclave follow the identity; they are signed with it, and not told. */
static enum status read_statement(struct slice statement, struct refusal *why, struct enclave_report *report)
{
    struct reader reader = reader_over(statement);
    uint32_t size, version;
    if (reader_u32_le(&reader, &size) != OK || reader_u32_le(&reader, &version) != OK)
        return refuse_short(why, &reader);
    if (size != statement.size) return refuse_form(why, "vsm_report.ReportSize", "the size of what is signed", size);
    if (version != REPORT_VERSION)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "vsm_report.ReportVersion", "1", "%u", (unsigned)version);
    if (reader_copy(&reader, sizeof(report->data), report->data) != OK) return refuse_short(why, &reader);
    return read_identity(&reader, why, report);
}

static enum status check_signature(const struct package *package, struct key *const *keys, size_t key_count,
                                   struct refusal *why)
{
    for (size_t i = 0; i < key_count; i++) {
        if (key_verify_pss(keys[i], package->statement, package->signature) == OK) return OK;
    }
    return refuse(why, ERR_QUOTE_SIGNATURE, "vsm_report.signature",
                  "one by the identity key that this machine's boot measured", "none among %zu measured keys",
                  key_count);
}

enum status enclave_report_verify(struct slice bytes, struct key *const *keys, size_t key_count, struct refusal *why,
                                  struct enclave_report *report_out)
{
    struct package package;
    struct enclave_report report;
    TRY(read_package(bytes, why, &package));
    TRY(read_statement(package.statement, why, &report));
    TRY(check_signature(&package, keys, key_count, why));
    *report_out = report;
    return OK;
}
