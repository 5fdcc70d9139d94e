/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/report.h"

enum {
    VERSION_WITH_CPUID = 3,
    VERSION_WITH_MITIGATIONS = 5,
    ECDSA_P384_SHA384 = 1,
    SIGNED_BY_VCEK = 0,
    SIGNED_BY_VLEK = 1,
    NOT_SIGNED = 7,
};

/* POLICY, table 10 of the ABI: bit 17 is reserved and one, those from 26 on are reserved and zero. */
#define POLICY_RESERVED_ONE (UINT64_C(1) << 17)
#define POLICY_RESERVED_ZERO (~UINT64_C(0) << 26)

enum { KEY_INFO_AUTHOR_KEY = 1 << 0, KEY_INFO_MASK_CHIP_KEY = 1 << 1, SIGNING_KEY_SHIFT = 2, SIGNING_KEY_MASK = 7 };
#define KEY_INFO_RESERVED (~UINT32_C(0) << 5)

/* Where parts stand in the signature: R and S of 72 bytes each, little endian and zero-extended. */
enum { R_AT = SNP_SIGNED_BYTES, S_AT = R_AT + 72, SIGNATURE_END_AT = S_AT + 72 };

static enum status refuse_malformed(struct refusal *why, const char *field, const char *expected, uint64_t seen)
{
    return refuse(why, ERR_SNP_MALFORMED, field, expected, "%#llx", (unsigned long long)seen);
}

/* ---- taking apart: every part has its place, and the size was checked ---- */

static uint32_t u32_at(struct slice wire, size_t offset)
{
    return (uint32_t)slice_number_le(slice_part(wire, offset, 4));
}

static uint64_t u64_at(struct slice wire, size_t offset)
{
    return slice_number_le(slice_part(wire, offset, 8));
}

static struct snp_firmware firmware_at(struct slice wire, size_t offset)
{
    return (struct snp_firmware){
        .build = wire.bytes[offset], .minor = wire.bytes[offset + 1], .major = wire.bytes[offset + 2]};
}

static void copy_big_endian(struct slice number, uint8_t *out)
{
    for (size_t i = 0; i < number.size; i++) out[i] = number.bytes[number.size - 1 - i];
}

static void take_guest(struct slice wire, struct snp_report *report)
{
    report->guest_svn = u32_at(wire, 0x004);
    report->policy = u64_at(wire, 0x008);
    report->family_id = slice_part(wire, 0x010, 16);
    report->image_id = slice_part(wire, 0x020, 16);
    report->vmpl = u32_at(wire, 0x030);
    report->report_data = slice_part(wire, 0x050, 64);
    report->measurement = slice_part(wire, 0x090, SNP_MEASUREMENT_BYTES);
    report->host_data = slice_part(wire, 0x0c0, 32);
    report->id_key_digest = slice_part(wire, 0x0e0, 48);
    report->author_key_digest = slice_part(wire, 0x110, 48);
    report->report_id = slice_part(wire, 0x140, 32);
    report->report_id_ma = slice_part(wire, 0x160, 32);
}

static void take_platform(struct slice wire, struct snp_report *report)
{
    report->current_tcb = slice_part(wire, 0x038, SNP_TCB_BYTES);
    report->platform_info = u64_at(wire, 0x040); /* its reserved bits are not said to be zero */
    report->reported_tcb = slice_part(wire, 0x180, SNP_TCB_BYTES);
    report->chip_id = slice_part(wire, 0x1a0, SNP_CHIP_ID_BYTES);
    report->committed_tcb = slice_part(wire, 0x1e0, SNP_TCB_BYTES);
    report->current_firmware = firmware_at(wire, 0x1e8);
    report->committed_firmware = firmware_at(wire, 0x1ec);
    report->launch_tcb = slice_part(wire, 0x1f0, SNP_TCB_BYTES);
}

static void take_signature(struct slice wire, struct snp_report *report)
{
    report->signed_part = slice_part(wire, 0, SNP_SIGNED_BYTES);
    copy_big_endian(slice_part(wire, R_AT, P384_COORDINATE_BYTES), report->signature);
    copy_big_endian(slice_part(wire, S_AT, P384_COORDINATE_BYTES), report->signature + P384_COORDINATE_BYTES);
}

/* ---- what must be so ---- */

static enum status check_size(struct slice wire, struct refusal *why)
{
    if (wire.size < SNP_REPORT_BYTES)
        return refuse(why, ERR_SNP_MALFORMED, "report", "1184 bytes", "%zu bytes", wire.size);
    if (wire.size > SNP_REPORT_BYTES)
        return refuse(why, ERR_TRAILING_BYTES, "report", "1184 bytes", "%zu bytes", wire.size);
    return OK;
}

static enum status take_version(struct slice wire, struct refusal *why, struct snp_report *report)
{
    report->version = u32_at(wire, 0x000);
    report->has_cpuid = report->version >= VERSION_WITH_CPUID;
    report->has_mitigations = report->version >= VERSION_WITH_MITIGATIONS;
    if (report->version == 2 || report->version == 3 || report->version == 5) return OK;
    return refuse(why, ERR_UNSUPPORTED, "report.version", "2, 3 or 5", "%u", report->version);
}

static enum status check_zeros(struct slice wire, size_t from, size_t to, const char *field, struct refusal *why)
{
    const struct slice bytes = slice_part(wire, from, to - from);
    if (slice_is_zero(bytes)) return OK;
    return refuse(why, ERR_SNP_MALFORMED, field, "zeros, it is reserved", "%s", refusal_hex(bytes).text);
}

/* The version says which bytes are in use: in the others parts of a later layout could hide. */
static enum status check_reserved(struct slice wire, const struct snp_report *report, struct refusal *why)
{
    TRY(check_zeros(wire, 0x04c, 0x050, "report.reserved_4c", why));
    TRY(check_zeros(wire, report->has_cpuid ? 0x18b : 0x188, 0x1a0, "report.reserved_18b", why));
    TRY(check_zeros(wire, 0x1eb, 0x1ec, "report.reserved_1eb", why));
    TRY(check_zeros(wire, 0x1ef, 0x1f0, "report.reserved_1ef", why));
    TRY(check_zeros(wire, report->has_mitigations ? 0x208 : 0x1f8, SNP_SIGNED_BYTES, "report.reserved_208", why));
    TRY(check_zeros(wire, R_AT + P384_COORDINATE_BYTES, S_AT, "report.signature.r", why));
    TRY(check_zeros(wire, S_AT + P384_COORDINATE_BYTES, SIGNATURE_END_AT, "report.signature.s", why));
    return check_zeros(wire, SIGNATURE_END_AT, SNP_REPORT_BYTES, "report.signature.reserved", why);
}

static enum status check_policy(uint64_t policy, struct refusal *why)
{
    if ((policy & POLICY_RESERVED_ONE) == 0)
        return refuse_malformed(why, "report.policy", "bit 17 set, as the ABI demands", policy);
    if ((policy & POLICY_RESERVED_ZERO) != 0)
        return refuse_malformed(why, "report.policy", "no bit above 25, they are reserved", policy);
    return OK;
}

static enum status check_algorithm(uint32_t algorithm, struct refusal *why)
{
    if (algorithm == ECDSA_P384_SHA384) return OK;
    return refuse(why, ERR_UNSUPPORTED, "report.signature_algo", "1: ECDSA P-384 with SHA-384", "%u", algorithm);
}

/* A chip whose key is masked signs nothing with it (publication 56860, section 3.6). */
static enum status take_key_info(uint32_t key_info, struct refusal *why, struct snp_report *report)
{
    const uint32_t key = key_info >> SIGNING_KEY_SHIFT & SIGNING_KEY_MASK;
    report->has_author_key = (key_info & KEY_INFO_AUTHOR_KEY) != 0;
    report->is_chip_key_masked = (key_info & KEY_INFO_MASK_CHIP_KEY) != 0;
    report->is_vlek = key == SIGNED_BY_VLEK;
    if ((key_info & KEY_INFO_RESERVED) != 0)
        return refuse_malformed(why, "report.key_info", "no bit above 4, they are reserved", key_info);
    if (key == NOT_SIGNED)
        return refuse(why, ERR_SNP_SIGNATURE, "report.key_info.signing_key", "0 (VCEK) or 1 (VLEK)",
                      "7: the report is not signed");
    if (key != SIGNED_BY_VCEK && key != SIGNED_BY_VLEK)
        return refuse_malformed(why, "report.key_info.signing_key", "0 (VCEK) or 1 (VLEK)", key);
    if (report->is_chip_key_masked && !report->is_vlek)
        return refuse_malformed(why, "report.key_info.mask_chip_key", "0 in a report signed by the VCEK", 1);
    return OK;
}

static enum status take_cpuid(struct slice wire, struct refusal *why, struct snp_report *report)
{
    if (!report->has_cpuid) return OK;
    report->cpuid_family = wire.bytes[0x188];
    report->cpuid_model = wire.bytes[0x189];
    report->cpuid_stepping = wire.bytes[0x18a];
    if (product_of_cpuid(report->cpuid_family, report->cpuid_model, &report->product)) return OK;
    return refuse(why, ERR_UNSUPPORTED, "report.cpuid", "family and model of a Milan, Genoa or Turin",
                  "family %#x, model %#x", report->cpuid_family, report->cpuid_model);
}

enum status snp_report_parse(struct slice wire, struct refusal *why, struct snp_report *report_out)
{
    struct snp_report report = {};
    TRY(check_size(wire, why));
    TRY(take_version(wire, why, &report));
    TRY(check_reserved(wire, &report, why));
    take_guest(wire, &report);
    take_platform(wire, &report);
    take_signature(wire, &report);
    TRY(check_policy(report.policy, why));
    TRY(check_algorithm(u32_at(wire, 0x034), why));
    TRY(take_key_info(u32_at(wire, 0x048), why, &report));
    TRY(take_cpuid(wire, why, &report));
    report.launch_mitigations = u64_at(wire, 0x1f8); /* zero before version 5: reserved */
    report.current_mitigations = u64_at(wire, 0x200);
    *report_out = report;
    return OK;
}
