/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying AMD SEV-SNP attestation reports of Milan, Genoa and Turin (SEV Secure Nested Paging Firmware ABI,
 * publication 56860, table "ATTESTATION_REPORT"; VCEK certificate and KDS interface, publication 57230). Pure: reports,
 * certificates and revocation lists in, typed claims or a refusal out.
 */
#pragma once

#include "base/refusal.h"
#include "base/slice.h"
#include "crypto/key.h"

enum {
    SNP_REPORT_BYTES = 1184,
    SNP_SIGNED_BYTES = 0x2a0,
    SNP_MEASUREMENT_BYTES = 48,
    SNP_CHIP_ID_BYTES = 64,
    SNP_CSP_ID_MAX_BYTES = 64,
    SNP_CERTIFICATES_MAX_BYTES = 64 * 1024, /* all certificates of one verification together */
};

enum snp_product { SNP_MILAN, SNP_GENOA, SNP_TURIN };
const char *snp_product_name(enum snp_product product); /* "Milan", ... as KDS spells it */

/* Security versions of the parts of the firmware: a TCB_VERSION, whose layout differs from product to product. */
struct snp_tcb {
    uint8_t boot_loader, tee, snp, microcode;
    uint8_t fmc; /* Turin alone, else 0 */
};

struct snp_firmware {
    uint8_t major, minor, build;
};

/* POLICY, the guest owner's. */
#define SNP_POLICY_SMT (UINT64_C(1) << 16)
#define SNP_POLICY_MIGRATE_MA (UINT64_C(1) << 18)
#define SNP_POLICY_DEBUG (UINT64_C(1) << 19)
#define SNP_POLICY_SINGLE_SOCKET (UINT64_C(1) << 20)

/* PLATFORM_INFO. */
#define SNP_PLATFORM_SMT (UINT64_C(1) << 0)
#define SNP_PLATFORM_ALIAS_CHECK_COMPLETE (UINT64_C(1) << 5)

struct snp_claims {
    enum snp_product product;
    bool simulated;                    /* the chain ends at a simulated root */
    bool is_vlek;                      /* signed by a cloud's versioned loaded key; otherwise by the chip's own VCEK */
    uint32_t version, guest_svn, vmpl; /* vmpl 0xffffffff: the host asked for the report, not the guest */
    uint64_t policy, platform_info;
    uint8_t abi_major, abi_minor; /* of the policy */
    bool debug, migration_allowed, smt_allowed;
    bool has_author_key, is_chip_key_masked;
    uint8_t family_id[16], image_id[16];
    uint8_t report_data[64];
    uint8_t measurement[SNP_MEASUREMENT_BYTES];
    uint8_t host_data[32];
    uint8_t id_key_digest[48], author_key_digest[48];
    uint8_t report_id[32], report_id_ma[32];
    struct snp_tcb current, reported, committed, launch;
    struct snp_firmware current_firmware, committed_firmware;
    bool has_cpuid; /* report version 3 and later */
    uint8_t cpuid_family, cpuid_model, cpuid_stepping;
    /* As certified for a VCEK, also where the platform hides it in its reports (MASK_CHIP_ID); for a VLEK, which says
     * nothing of it, as the report has it. Zeros behind the 8 bytes of a Turin's. */
    uint8_t chip_id[SNP_CHIP_ID_BYTES];
    char csp_id[SNP_CSP_ID_MAX_BYTES + 1]; /* of a VLEK; otherwise "" */
    bool has_mitigations;                  /* report version 5 and later */
    uint64_t launch_mitigations, current_mitigations;
    int64_t expires_s; /* earliest end of validity of all that the verdict rests on */
    bool crl_checked;  /* AMD's revocation list was given and holds neither ASK nor ARK */
    uint8_t report_hash[32];
};

/* What stands beside a report; borrowed during the call only. Certificates in any order and mix, at most 8, each slice
 * DER or PEM of one or several: the endorsement key's, and if they are at hand ARK and ASK (ASVK). Where those are left
 * out, AMD's published ones, whose keys this module holds, stand in; one that has no part in the chain is refused, but
 * for an endorsement key's of the other kind. `crl` (DER or PEM) may be empty unless `crl_required`: then nothing is
 * accepted without a current one. Where it is given it must be current. */
struct snp_endorsements {
    const struct slice *certificates;
    size_t certificate_count;
    struct slice crl;
    bool crl_required;
    const struct key *simulated_root; /* an ARK accepted beside AMD's, in a simulation build alone; NULL: none. Its
                                         certificates' names begin with "Simulated " */
};

/* What endorsements are for, without a report: for whoever fetches and keeps them. */
struct snp_endorsement_facts {
    enum snp_product product;
    bool is_vlek, simulated;
    uint8_t chip_id[SNP_CHIP_ID_BYTES]; /* of a VCEK */
    struct snp_tcb tcb;                 /* that the key was made for */
    int64_t expires_s;                  /* earliest end of validity of all parts */
    bool has_crl;
    int64_t crl_issued_s;
    uint8_t crl_number[20]; /* cRLNumber, big endian; zero if there is none */
};

/* The chain from the endorsement key to the pinned ARK, and all dates and the list at `now_s`: everything but the
 * report. Errors as of snp_report_verify. */
enum status snp_endorsements_verify(const struct snp_endorsements *endorsements, bool is_vlek, int64_t now_s,
                                    struct refusal *why, struct snp_endorsement_facts *facts_out);

/* Keeps verified chains by digest of all certificates and the list, as verification_cache of evidence/intel.h does;
 * thread-safe; may be NULL. Dates, revocation and a simulated root are checked again on every use. ERR_NO_MEMORY. */
struct snp_cache;
enum status snp_cache_new(size_t max_count, struct snp_cache **cache_out);
void snp_cache_free(struct snp_cache *cache);

/* The full verification at `now_s`: chain to the pinned ARK of the product, report signature, key kind, chip id,
 * security versions. Genuine debug guests are OK, with `debug` set. ERR_SNP_*, ERR_CHAIN, ERR_CERTIFICATE_*, ERR_CRL_*,
 * ERR_COLLATERAL_MISSING (no certificate of the key that signed, or no list where one is required),
 * ERR_COLLATERAL_MISMATCH (a list of another issuer), ERR_UNSUPPORTED (another version, algorithm or processor),
 * ERR_KEY_INVALID, ERR_TRAILING_BYTES, ERR_TOO_LARGE. A warm verification costs one of P-384; a cold one as many of RSA
 * more as certificates and lists are given. */
enum status snp_report_verify(struct slice report, const struct snp_endorsements *endorsements, int64_t now_s,
                              struct snp_cache *cache, struct refusal *why, struct snp_claims *claims_out);

/* What a report needs of AMD's key distribution service, read without verifying. */
struct snp_report_facts {
    bool has_product; /* version 2 does not say; it is of a Milan or, less likely, a Genoa: then read as a Milan's */
    enum snp_product product;
    bool is_vlek;
    bool has_chip_id;
    uint8_t chip_id[SNP_CHIP_ID_BYTES];
    size_t chip_id_size; /* as the service wants it: 64, or 8 on Turin */
    struct snp_tcb reported;
};
enum status snp_report_facts(struct slice report, struct refusal *why, struct snp_report_facts *facts_out);

/* The certificate table that a host hands its guest (GHCB specification, extended guest request; configfs `auxblob`):
 * borrowed from it. Entries of other kinds are passed over. ERR_SNP_MALFORMED. */
enum { SNP_TABLE_MAX_COUNT = 16 };
struct snp_certificate_table {
    struct slice vcek, vlek, ask, ark; /* empty: absent. An ASVK stands as ASK. */
};
enum status snp_certificate_table_parse(struct slice table, struct refusal *why,
                                        struct snp_certificate_table *table_out);
