/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/attest.h"

#include "evidence/tpm/wire.h"

enum {
    TPM_GENERATED_VALUE = 0xff544347, /* what no TPM signs that was not made inside */
    TPM_ST_ATTEST_CERTIFY = 0x8017,
    TPM_ST_ATTEST_QUOTE = 0x8018,
    SELECT_BYTES = TPM_PCR_COUNT / 8,
};

/* Magic and type come first: a signature over anything else says nothing about PCRs, or about a key. */
static enum status read_kind(struct reader *reader, uint16_t wanted, struct refusal *why)
{
    uint32_t magic;
    uint16_t type;
    TRY(tpm_read_u32(reader, "attest.magic", why, &magic));
    if (magic != TPM_GENERATED_VALUE)
        return refuse(why, ERR_TPM_MALFORMED, "attest.magic", "ff544347, made by a TPM", "%08x", (unsigned)magic);
    TRY(tpm_read_u16(reader, "attest.type", why, &type));
    if (type != wanted)
        return refuse(why, ERR_TPM_MALFORMED, "attest.type",
                      wanted == TPM_ST_ATTEST_QUOTE ? "8018, a quote" : "8017, a certified key", "%04x", type);
    return OK;
}

/* A name is the identifier of its hash and a digest. */
static enum status read_name(struct reader *reader, const char *field, struct refusal *why, struct slice *name_out)
{
    TRY(tpm_read_sized(reader, field, TPM_NAME_MAX_BYTES, why, name_out));
    struct reader name = reader_over(*name_out);
    uint16_t algorithm;
    enum hash hash;
    TRY(tpm_read_u16(&name, field, why, &algorithm));
    if (!tpm_name_hash_known(algorithm, &hash))
        return refuse(why, ERR_TPM_MALFORMED, field, "a name by SHA-256, SHA-384 or SHA-512", "%s",
                      tpm_algorithm_text(algorithm).text);
    if (reader_left(&name) != hash_bytes(hash))
        return refuse(why, ERR_TPM_MALFORMED, field, "a whole digest behind the algorithm", "%zu bytes of %s",
                      reader_left(&name), tpm_algorithm_text(algorithm).text);
    return OK;
}

static enum status read_clock(struct reader *reader, struct refusal *why, struct tpm_attest *attest)
{
    uint8_t safe;
    TRY(tpm_read_u64(reader, "attest.clockInfo.clock", why, &attest->clock_ms));
    TRY(tpm_read_u32(reader, "attest.clockInfo.resetCount", why, &attest->reset_count));
    TRY(tpm_read_u32(reader, "attest.clockInfo.restartCount", why, &attest->restart_count));
    TRY(tpm_read_u8(reader, "attest.clockInfo.safe", why, &safe));
    if (safe > 1) return refuse(why, ERR_TPM_MALFORMED, "attest.clockInfo.safe", "0 or 1", "%u", safe);
    attest->is_clock_safe = safe == 1;
    return tpm_read_u64(reader, "attest.firmwareVersion", why, &attest->firmware_version);
}

/* TPMS_PCR_SELECTION: the bitmap's lowest bit of the first byte is PCR 0. */
static enum status read_selection(struct reader *reader, struct refusal *why, uint16_t *bank_out,
                                  uint32_t *selection_out)
{
    static const char field[] = "attest.pcrSelect.sizeofSelect";
    uint8_t size, bits[SELECT_BYTES];
    TRY(tpm_read_u16(reader, "attest.pcrSelect.hash", why, bank_out));
    TRY(tpm_read_u8(reader, field, why, &size));
    if (size != SELECT_BYTES) return refuse(why, ERR_TPM_MALFORMED, field, "3, for 24 PCRs", "%u", size);
    if (reader_copy(reader, sizeof(bits), bits) != OK)
        return refuse(why, ERR_TPM_MALFORMED, field, "3 bytes", "%zu bytes left", reader_left(reader));
    *selection_out = (uint32_t)bits[0] | (uint32_t)bits[1] << 8 | (uint32_t)bits[2] << 16;
    return OK;
}

static enum status check_new_bank(const struct tpm_attest *attest, uint16_t bank, struct refusal *why)
{
    for (size_t i = 0; i < attest->selection_count; i++) {
        if (attest->selections[i].bank == bank)
            return refuse(why, ERR_TPM_PCR, "attest.pcrSelect", "each bank once", "%s again",
                          tpm_algorithm_text(bank).text);
    }
    if (attest->selection_count < TPM_QUOTED_BANK_MAX) return OK;
    return refuse(why, ERR_TPM_PCR, "attest.pcrSelect", "PCRs of at most 4 banks", "PCRs of more");
}

/* A TPM keeps the selection of a bank that it does not have, but empties it: those entries are passed over. */
static enum status take_selection(uint16_t bank, uint32_t selection, struct refusal *why, struct tpm_attest *attest)
{
    enum hash hash;
    if (selection == 0) return OK;
    TRY(check_new_bank(attest, bank, why));
    if (!tpm_hash_known(bank, &hash))
        return refuse(why, ERR_TPM_PCR, "attest.pcrSelect.hash", "SHA-1, SHA-256, SHA-384 or SHA-512", "%s",
                      tpm_algorithm_text(bank).text);
    attest->selections[attest->selection_count++] = (struct tpm_selection){(enum tpm_hash)bank, selection};
    return OK;
}

static enum status read_selections(struct reader *reader, struct refusal *why, struct tpm_attest *attest)
{
    static const char field[] = "attest.pcrSelect.count";
    uint32_t count;
    TRY(tpm_read_u32(reader, field, why, &count));
    if (count > TPM_BANK_MAX_COUNT) return refuse(why, ERR_TPM_MALFORMED, field, "at most 16", "%u", (unsigned)count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t bank;
        uint32_t selection;
        TRY(read_selection(reader, why, &bank, &selection));
        TRY(take_selection(bank, selection, why, attest));
    }
    if (attest->selection_count == 0) /* it would verify, and say nothing */
        return refuse(why, ERR_TPM_PCR, "attest.pcrSelect", "at least one PCR", "none");
    attest->bank = attest->selections[0].bank;
    attest->selection = attest->selections[0].pcrs;
    return OK;
}

/* What every kind of attestation begins with. */
static enum status read_common(struct slice bytes, uint16_t type, struct refusal *why, struct reader *reader_out,
                               struct tpm_attest *attest)
{
    if (bytes.size > TPM_ATTEST_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "attest", "at most 1024 bytes", "%zu bytes", bytes.size);
    attest->whole = tpm_without_size(bytes);
    struct reader reader = reader_over(attest->whole);
    TRY(read_kind(&reader, type, why));
    TRY(read_name(&reader, "attest.qualifiedSigner", why, &attest->qualified_signer));
    TRY(tpm_read_sized(&reader, "attest.extraData", TPM_EXTRA_DATA_MAX_BYTES, why, &attest->extra_data));
    TRY(read_clock(&reader, why, attest));
    *reader_out = reader;
    return OK;
}

enum status tpm_attest_parse_banks(struct slice bytes, struct refusal *why, struct tpm_attest *attest_out)
{
    struct tpm_attest attest = {};
    struct reader reader;
    TRY(read_common(bytes, TPM_ST_ATTEST_QUOTE, why, &reader, &attest));
    TRY(read_selections(&reader, why, &attest));
    TRY(tpm_read_sized(&reader, "attest.pcrDigest", TPM_DIGEST_MAX_BYTES, why, &attest.pcr_digest));
    TRY(tpm_read_end(&reader, "attest", why));
    *attest_out = attest;
    return OK;
}

enum status tpm_attest_parse(struct slice bytes, struct refusal *why, struct tpm_attest *attest_out)
{
    struct tpm_attest attest;
    TRY(tpm_attest_parse_banks(bytes, why, &attest));
    if (attest.selection_count > 1)
        return refuse(why, ERR_TPM_PCR, "attest.pcrSelect", "PCRs of one bank", "PCRs of several banks");
    *attest_out = attest;
    return OK;
}

enum status tpm_attest_parse_certify(struct slice bytes, struct refusal *why, struct tpm_attest *attest_out)
{
    struct tpm_attest attest = {};
    struct reader reader;
    TRY(read_common(bytes, TPM_ST_ATTEST_CERTIFY, why, &reader, &attest));
    TRY(read_name(&reader, "attest.certify.name", why, &attest.name));
    TRY(read_name(&reader, "attest.certify.qualifiedName", why, &attest.qualified_name));
    TRY(tpm_read_end(&reader, "attest", why));
    *attest_out = attest;
    return OK;
}
