/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/request.h"
#include "base/reader.h"
#include "crypto/x509.h"

#include <string.h>

void tpm_side_done(struct tpm_side *side)
{
    key_cleanup(&side->aik);
    buffer_done(&side->aik_cert);
    buffer_done(&side->attest);
    buffer_done(&side->signature);
    for (size_t i = 0; i < TPM_LOG_MAX_COUNT; i++) buffer_done(&side->logs[i]);
}

static enum status read_aik(const struct json_node *object, const char *path, struct slice payload, struct refusal *why,
                            struct tpm_side *side)
{
    CLEANUP(tpm_named_key_done) struct tpm_named_key named = {};
    TRY(tpm_optional_bytes(object, path, "aik_cert", CERTIFICATE_PEM_MAX_BYTES, why, &side->aik_cert));
    TRY(tpm_jwk_read(object, path, "aik_pub", payload, why, &named));
    side->aik = named.key;
    named.key = NULL;
    return OK;
}

static enum status check_log_room(const struct tpm_side *side, const char *path, struct refusal *why)
{
    if (side->log_count < TPM_LOG_MAX_COUNT) return OK;
    return refuse(why, ERR_TOO_LARGE, path, "at most 8 logs", "more");
}

/* ---- the second form ---- */

/* The kernel's list becomes a log as the firmware's. */
static enum status read_ima_log(const struct json_node *log, const char *path, struct refusal *why,
                                struct tpm_side *side)
{
    CLEANUP(buffer_done) struct buffer list = {};
    TRY(tpm_required_bytes(log, path, "log", TPM_EVENT_LOG_MAX_BYTES, why, &list));
    struct buffer *const converted = &side->logs[side->log_count++];
    *converted = buffer_of_maximum(TPM_EVENT_LOG_MAX_BYTES);
    return tpm_ima_log_convert(buffer_slice(&list), &side->pcrs, why, converted);
}

static enum status read_log(const struct json_node *log, const char *path, struct refusal *why, struct tpm_side *side)
{
    struct slice type;
    TRY(check_log_room(side, path, why));
    TRY(json_node_get_string(log, path, "type", 16, why, &type));
    if (slice_equal_text(type, "IMA")) return read_ima_log(log, path, why, side);
    if (!slice_equal_text(type, "TCG"))
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "type").text, "TCG or IMA", "%.*s", (int)type.size,
                      type.bytes);
    return tpm_required_bytes(log, path, "log", TPM_EVENT_LOG_MAX_BYTES, why, &side->logs[side->log_count++]);
}

static enum status read_logs(const struct json_node *object, const char *path, struct refusal *why,
                             struct tpm_side *side)
{
    const struct json_node *logs;
    TRY(json_node_get_array(object, path, "logs", TPM_LOG_MAX_COUNT, why, &logs));
    const struct json_node *log = json_node_first(logs);
    for (uint32_t i = 0; i < logs->size; i++, log = json_node_next(log))
        TRY(read_log(log, json_path_at(path, "logs", i).text, why, side));
    return OK;
}

static enum status read_value(const struct json_node *value, const char *path, size_t size, struct refusal *why,
                              struct tpm_pcrs *pcrs)
{
    CLEANUP(buffer_done) struct buffer digest = {};
    int64_t index;
    TRY(json_node_get_integer(value, path, "index", 0, TPM_PCR_COUNT - 1, why, &index));
    TRY(tpm_required_bytes(value, path, "digest", TPM_DIGEST_MAX_BYTES, why, &digest));
    if (digest.size != size)
        return refuse(why, ERR_TPM_PCR, json_path(path, "digest").text, "a digest of its bank's size", "%zu bytes",
                      digest.size);
    const uint32_t bit = UINT32_C(1) << index;
    if ((pcrs->known & bit) != 0)
        return refuse(why, ERR_TPM_PCR, json_path(path, "index").text, "each PCR of a bank once", "%d again",
                      (int)index);
    pcrs->known |= bit;
    memcpy(pcrs->values[index], digest.bytes, digest.size);
    return OK;
}

static bool hash_of_bank(int64_t algorithm, enum hash *hash_out)
{
    switch (algorithm) {
    case TPM_HASH_SHA1: *hash_out = HASH_SHA1; return true;
    case TPM_HASH_SHA256: *hash_out = HASH_SHA256; return true;
    case TPM_HASH_SHA384: *hash_out = HASH_SHA384; return true;
    case TPM_HASH_SHA512: *hash_out = HASH_SHA512; return true;
    default: return false;
    }
}

static enum status new_bank(const struct json_node *bank, const char *path, struct refusal *why,
                            struct tpm_banks *banks, enum hash *hash_out)
{
    int64_t algorithm;
    TRY(json_node_get_integer(bank, path, "algorithm", 0, UINT16_MAX, why, &algorithm));
    const struct json_path field = json_path(path, "algorithm");
    if (!hash_of_bank(algorithm, hash_out))
        return refuse(why, ERR_TPM_PCR, field.text, "4 (SHA-1), 11 (SHA-256), 12 (SHA-384) or 13 (SHA-512)", "%d",
                      (int)algorithm);
    for (size_t i = 0; i < banks->count; i++) {
        if (banks->items[i].hash == (enum tpm_hash)algorithm)
            return refuse(why, ERR_TPM_PCR, field.text, "each bank once", "%d again", (int)algorithm);
    }
    banks->items[banks->count++] = (struct tpm_pcrs){.hash = (enum tpm_hash)algorithm};
    return OK;
}

static enum status read_bank(const struct json_node *bank, const char *path, struct refusal *why,
                             struct tpm_banks *banks)
{
    const struct json_node *values;
    enum hash hash = HASH_SHA256;
    TRY(new_bank(bank, path, why, banks, &hash));
    TRY(json_node_get_array(bank, path, "values", TPM_PCR_COUNT, why, &values));
    const struct json_node *value = json_node_first(values);
    for (uint32_t i = 0; i < values->size; i++, value = json_node_next(value)) {
        const struct json_path at = json_path_at(path, "values", i);
        TRY(read_value(value, at.text, hash_bytes(hash), why, &banks->items[banks->count - 1]));
    }
    return OK;
}

static enum status read_pcrs(const struct json_node *object, const char *path, struct refusal *why,
                             struct tpm_side *side)
{
    const struct json_node *banks;
    TRY(json_node_get_array(object, path, "pcrs", TPM_QUOTED_BANK_MAX, why, &banks));
    const struct json_node *bank = json_node_first(banks);
    for (uint32_t i = 0; i < banks->size; i++, bank = json_node_next(bank))
        TRY(read_bank(bank, json_path_at(path, "pcrs", i).text, why, &side->pcrs));
    return OK;
}

static enum status read_side(const struct json_node *object, const char *path, struct slice payload,
                             struct refusal *why, struct tpm_side *side)
{
    TRY(read_aik(object, path, payload, why, side));
    TRY(read_pcrs(object, path, why, side));
    TRY(read_logs(object, path, why, side));
    TRY(tpm_required_bytes(object, path, "quote", TPM_ATTEST_MAX_BYTES, why, &side->attest));
    return tpm_required_bytes(object, path, "signature", TPM_SIGNATURE_MAX_BYTES, why, &side->signature);
}

static enum status read_second_form(const struct json_node *tpm, struct slice payload, struct refusal *why,
                                    struct tpm_request *request)
{
    const struct json_node *current, *boot = json_node_member(tpm, "boot_attestation");
    TRY(json_node_get_object(tpm, "tpm_att_data", "current_attestation", why, &current));
    TRY(read_side(current, "current_attestation", payload, why, &request->current));
    request->has_boot = boot != NULL && boot->type != JSON_NULL;
    if (!request->has_boot) return OK;
    TRY(json_node_get_object(tpm, "tpm_att_data", "boot_attestation", why, &boot));
    return read_side(boot, "boot_attestation", payload, why, &request->boot);
}

/* ---- the first form ---- */

/* NCRYPT_TPM_PLATFORM_ATTESTATION_STATEMENT (Windows SDK, ncrypt.h): little-endian magic, version, hash of the PCRs and
 * the sizes of signature, quote and PCRs, all 24 of which follow. */
static enum status read_statement(struct slice bytes, const char *field, struct refusal *why, struct tpm_side *side)
{
    enum { MAGIC = 0x54504c41, VERSION = 0 }; /* "ALPT" */
    struct reader reader = reader_over(bytes);
    uint32_t magic, version, algorithm, signature_size, quote_size, pcrs_size;
    struct slice signature, quote, pcrs;
    if (reader_u32_le(&reader, &magic) != OK || reader_u32_le(&reader, &version) != OK ||
        reader_u32_le(&reader, &algorithm) != OK || reader_u32_le(&reader, &signature_size) != OK ||
        reader_u32_le(&reader, &quote_size) != OK || reader_u32_le(&reader, &pcrs_size) != OK)
        return refuse(why, ERR_TPM_MALFORMED, field, "a header of 24 bytes", "%zu bytes", bytes.size);
    if (magic != MAGIC || version != VERSION)
        return refuse(why, ERR_TPM_MALFORMED, field, "a TPM platform attestation statement of version 0",
                      "magic %08x, version %u", (unsigned)magic, (unsigned)version);
    if (reader_slice(&reader, signature_size, &signature) != OK || reader_slice(&reader, quote_size, &quote) != OK ||
        reader_slice(&reader, pcrs_size, &pcrs) != OK || reader_end(&reader) != OK)
        return refuse(why, ERR_TPM_MALFORMED, field, "signature, quote and PCRs of the sizes that it names, no more",
                      "%zu bytes", bytes.size);
    enum hash hash;
    if (!hash_of_bank(algorithm, &hash))
        return refuse(why, ERR_TPM_PCR, field, "PCRs by SHA-1, SHA-256, SHA-384 or SHA-512", "%u", (unsigned)algorithm);
    if (signature.size > TPM_SIGNATURE_MAX_BYTES || quote.size > TPM_ATTEST_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, field, "signature and quote of at most 1024 bytes each", "%zu and %zu",
                      signature.size, quote.size);
    side->attest = buffer_of_maximum(TPM_ATTEST_MAX_BYTES);
    side->signature = buffer_of_maximum(TPM_SIGNATURE_MAX_BYTES);
    TRY(buffer_append(&side->attest, quote));
    TRY(buffer_append(&side->signature, signature));
    side->pcrs.count = 1;
    return tpm_pcrs_read(pcrs, (enum tpm_hash)algorithm, why, &side->pcrs.items[0]);
}

static enum status read_claim(const struct json_node *tpm, const char *name, struct refusal *why, struct tpm_side *side)
{
    enum { STATEMENT_MAX_BYTES = 24 + TPM_SIGNATURE_MAX_BYTES + TPM_ATTEST_MAX_BYTES + TPM_PCR_FILE_MAX_BYTES };
    CLEANUP(buffer_done) struct buffer bytes = {};
    TRY(tpm_required_bytes(tpm, "tpm_att_data", name, STATEMENT_MAX_BYTES, why, &bytes));
    return read_statement(buffer_slice(&bytes), json_path("tpm_att_data", name).text, why, side);
}

static enum status read_named_log(const struct json_node *tpm, const char *name, struct refusal *why,
                                  struct tpm_side *side)
{
    struct buffer *const log = &side->logs[side->log_count];
    TRY(check_log_room(side, name, why));
    TRY(tpm_optional_bytes(tpm, "tpm_att_data", name, TPM_EVENT_LOG_MAX_BYTES, why, log));
    if (log->size > 0) side->log_count++;
    return OK;
}

static enum status read_boot_logs(const struct json_node *tpm, struct refusal *why, struct tpm_side *side)
{
    TRY(read_named_log(tpm, "srtm_boot_log", why, side));
    return read_named_log(tpm, "drtm_boot_log", why, side);
}

/* A machine that has resumed has other PCRs now than it booted with. The claim of its boot says nothing more where it
 * did not resume: then it is passed over. */
static enum status read_first_form(const struct json_node *tpm, struct slice payload, struct refusal *why,
                                   struct tpm_request *request)
{
    struct tpm_side *const current = &request->current, *const boot = &request->boot;
    const struct json_node *const claim = json_node_member(tpm, "boot_claim");
    TRY(read_aik(tpm, "tpm_att_data", payload, why, current));
    TRY(read_claim(tpm, "current_claim", why, current));
    TRY(read_named_log(tpm, "srtm_resume_log", why, current));
    TRY(read_named_log(tpm, "drtm_resume_log", why, current));
    if (current->log_count == 0) return read_boot_logs(tpm, why, current);
    request->has_boot = claim != NULL && claim->type != JSON_NULL && claim->size > 0;
    if (!request->has_boot) return OK;
    boot->aik = key_share(current->aik);
    TRY(read_claim(tpm, "boot_claim", why, boot));
    return read_boot_logs(tpm, why, boot);
}

enum status tpm_sides_read(const struct json_node *data, bool is_v2, struct slice payload, struct refusal *why,
                           struct tpm_request *request)
{
    const struct json_node *tpm;
    TRY(json_node_get_object(data, "att_data", "tpm_att_data", why, &tpm));
    return is_v2 ? read_second_form(tpm, payload, why, request) : read_first_form(tpm, payload, why, request);
}
