/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/report.h"

#include "base/reader.h"

enum {
    VERSION_WITH_CPUID = 3,
    VERSION_WITH_MITIGATIONS = 5,
    ECDSA_P384_SHA384 = 1,
    SIGNED_BY_VCEK = 0,
    SIGNED_BY_VLEK = 1,
    NOT_SIGNED = 7,
    SIGNATURE_COMPONENT_BYTES = 72, /* R and S, zero-extended, little endian */
};

/* POLICY, table 10 of the ABI: bit 17 is reserved and one, those from 26 on are reserved and zero. */
#define POLICY_RESERVED_ONE (UINT64_C(1) << 17)
#define POLICY_RESERVED_ZERO (~UINT64_C(0) << 26)

enum { KEY_INFO_AUTHOR_KEY = 1 << 0, KEY_INFO_MASK_CHIP_KEY = 1 << 1, SIGNING_KEY_SHIFT = 2, SIGNING_KEY_MASK = 7 };
#define KEY_INFO_RESERVED (~UINT32_C(0) << 5)

static enum status refuse_malformed(struct refusal *why, const char *field, const char *expected, uint64_t seen)
{
    return refuse(why, ERR_SNP_MALFORMED, field, expected, "%#llx", (unsigned long long)seen);
}

/* Versions of the report say which bytes are in use: in the others a later layout could hide. */
static enum status read_zeros(struct reader *reader, size_t size, const char *field, struct refusal *why)
{
    struct slice bytes;
    TRY(reader_slice(reader, size, &bytes));
    if (slice_is_zero(bytes)) return OK;
    return refuse(why, ERR_SNP_MALFORMED, field, "zeros, it is reserved", "%s", refusal_hex(bytes).text);
}

static enum status read_version(struct reader *reader, struct refusal *why, struct snp_report *report)
{
    TRY(reader_u32_le(reader, &report->version));
    const uint32_t version = report->version;
    if (version != 2 && version != VERSION_WITH_CPUID && version != VERSION_WITH_MITIGATIONS)
        return refuse(why, ERR_UNSUPPORTED, "report.version", "2, 3 or 5", "%u", version);
    report->has_cpuid = version >= VERSION_WITH_CPUID;
    report->has_mitigations = version >= VERSION_WITH_MITIGATIONS;
    return OK;
}

static enum status read_policy(struct reader *reader, struct refusal *why, struct snp_report *report)
{
    TRY(reader_u64_le(reader, &report->policy));
    if ((report->policy & POLICY_RESERVED_ONE) == 0)
        return refuse_malformed(why, "report.policy", "bit 17 set, as the ABI demands", report->policy);
    if ((report->policy & POLICY_RESERVED_ZERO) != 0)
        return refuse_malformed(why, "report.policy", "no bit above 25, they are reserved", report->policy);
    return OK;
}

static enum status read_guest(struct reader *reader, struct refusal *why, struct snp_report *report)
{
    uint32_t algorithm;
    TRY(reader_u32_le(reader, &report->guest_svn));
    TRY(read_policy(reader, why, report));
    TRY(reader_slice(reader, 16, &report->family_id));
    TRY(reader_slice(reader, 16, &report->image_id));
    TRY(reader_u32_le(reader, &report->vmpl));
    TRY(reader_u32_le(reader, &algorithm));
    if (algorithm != ECDSA_P384_SHA384)
        return refuse(why, ERR_UNSUPPORTED, "report.signature_algo", "1: ECDSA P-384 with SHA-384", "%u", algorithm);
    return OK;
}

/* A chip whose key is masked signs nothing with it (publication 56860, section 3.6). */
static enum status read_signing_key(uint32_t key_info, struct refusal *why, struct snp_report *report)
{
    const uint32_t key = key_info >> SIGNING_KEY_SHIFT & SIGNING_KEY_MASK;
    if (key == NOT_SIGNED)
        return refuse(why, ERR_SNP_SIGNATURE, "report.key_info.signing_key", "0 (VCEK) or 1 (VLEK)",
                      "7: the report is not signed");
    if (key > SIGNED_BY_VLEK) return refuse_malformed(why, "report.key_info.signing_key", "0 (VCEK) or 1 (VLEK)", key);
    if (report->is_chip_key_masked && key == SIGNED_BY_VCEK)
        return refuse_malformed(why, "report.key_info.mask_chip_key", "0 in a report signed by the VCEK", 1);
    report->is_vlek = key == SIGNED_BY_VLEK;
    return OK;
}

static enum status read_key_info(struct reader *reader, struct refusal *why, struct snp_report *report)
{
    uint32_t key_info;
    TRY(reader_u32_le(reader, &key_info));
    if ((key_info & KEY_INFO_RESERVED) != 0)
        return refuse_malformed(why, "report.key_info", "no bit above 4, they are reserved", key_info);
    report->has_author_key = (key_info & KEY_INFO_AUTHOR_KEY) != 0;
    report->is_chip_key_masked = (key_info & KEY_INFO_MASK_CHIP_KEY) != 0;
    TRY(read_signing_key(key_info, why, report));
    return read_zeros(reader, 4, "report.reserved_4c", why);
}

static enum status read_identity(struct reader *reader, struct snp_report *report)
{
    TRY(reader_slice(reader, 64, &report->report_data));
    TRY(reader_slice(reader, SNP_MEASUREMENT_BYTES, &report->measurement));
    TRY(reader_slice(reader, 32, &report->host_data));
    TRY(reader_slice(reader, 48, &report->id_key_digest));
    TRY(reader_slice(reader, 48, &report->author_key_digest));
    TRY(reader_slice(reader, 32, &report->report_id));
    return reader_slice(reader, 32, &report->report_id_ma);
}

static enum status read_cpuid(struct reader *reader, struct refusal *why, struct snp_report *report)
{
    if (!report->has_cpuid) return read_zeros(reader, 24, "report.reserved_188", why);
    TRY(reader_u8(reader, &report->cpuid_family));
    TRY(reader_u8(reader, &report->cpuid_model));
    TRY(reader_u8(reader, &report->cpuid_stepping));
    if (!product_of_cpuid(report->cpuid_family, report->cpuid_model, &report->product))
        return refuse(why, ERR_UNSUPPORTED, "report.cpuid", "family and model of a Milan, Genoa or Turin",
                      "family %#x, model %#x", report->cpuid_family, report->cpuid_model);
    return read_zeros(reader, 21, "report.reserved_18b", why);
}

static enum status read_firmware(struct reader *reader, const char *reserved, struct refusal *why,
                                 struct snp_firmware *firmware)
{
    TRY(reader_u8(reader, &firmware->build));
    TRY(reader_u8(reader, &firmware->minor));
    TRY(reader_u8(reader, &firmware->major));
    return read_zeros(reader, 1, reserved, why);
}

static enum status read_versions(struct reader *reader, struct refusal *why, struct snp_report *report)
{
    TRY(reader_slice(reader, SNP_TCB_BYTES, &report->committed_tcb));
    TRY(read_firmware(reader, "report.reserved_1eb", why, &report->current_firmware));
    TRY(read_firmware(reader, "report.reserved_1ef", why, &report->committed_firmware));
    TRY(reader_slice(reader, SNP_TCB_BYTES, &report->launch_tcb));
    if (!report->has_mitigations) return read_zeros(reader, 168, "report.reserved_1f8", why);
    TRY(reader_u64_le(reader, &report->launch_mitigations));
    TRY(reader_u64_le(reader, &report->current_mitigations));
    return read_zeros(reader, 152, "report.reserved_208", why);
}

static enum status read_component(struct reader *reader, const char *field, struct refusal *why, uint8_t *big_endian)
{
    struct slice number;
    TRY(reader_slice(reader, P384_COORDINATE_BYTES, &number));
    for (size_t i = 0; i < number.size; i++) big_endian[i] = number.bytes[number.size - 1 - i];
    return read_zeros(reader, SIGNATURE_COMPONENT_BYTES - P384_COORDINATE_BYTES, field, why);
}

static enum status read_signature(struct reader *reader, struct refusal *why, struct snp_report *report)
{
    TRY(read_component(reader, "report.signature.r", why, report->signature));
    TRY(read_component(reader, "report.signature.s", why, report->signature + P384_COORDINATE_BYTES));
    return read_zeros(reader, reader_left(reader), "report.signature.reserved", why);
}

static enum status check_size(struct slice wire, struct refusal *why)
{
    if (wire.size == SNP_REPORT_BYTES) return OK;
    return refuse(why, wire.size > SNP_REPORT_BYTES ? ERR_TRAILING_BYTES : ERR_SNP_MALFORMED, "report", "1184 bytes",
                  "%zu bytes", wire.size);
}

enum status snp_report_parse(struct slice wire, struct refusal *why, struct snp_report *report_out)
{
    TRY(check_size(wire, why));
    struct snp_report report = {.signed_part = slice_part(wire, 0, SNP_SIGNED_BYTES)};
    struct reader reader = reader_over(wire);
    TRY(read_version(&reader, why, &report));
    TRY(read_guest(&reader, why, &report));
    TRY(reader_slice(&reader, SNP_TCB_BYTES, &report.current_tcb));
    TRY(reader_u64_le(&reader, &report.platform_info)); /* its reserved bits are not said to be zero */
    TRY(read_key_info(&reader, why, &report));
    TRY(read_identity(&reader, &report));
    TRY(reader_slice(&reader, SNP_TCB_BYTES, &report.reported_tcb));
    TRY(read_cpuid(&reader, why, &report));
    TRY(reader_slice(&reader, SNP_CHIP_ID_BYTES, &report.chip_id));
    TRY(read_versions(&reader, why, &report));
    TRY(read_signature(&reader, why, &report));
    *report_out = report;
    return OK;
}
