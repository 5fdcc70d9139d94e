/* SPDX-License-Identifier: Apache-2.0
 *
 * What the example policies accept, and that each of their rules refuses: for every rule a change of the claims that it
 * refuses by name, and a change of the policy by which it accepts them again.
 */
#include "appraisals.h"

static const struct {
    enum evidence_kind kind;
    const char *name;
} examples[] = {
    {EVIDENCE_SGX, "sgx"}, {EVIDENCE_OPEN_ENCLAVE, "sgx"}, {EVIDENCE_TDX, "tdx"},
    {EVIDENCE_SNP, "snp"}, {EVIDENCE_TPM, "tpm"},          {EVIDENCE_AZURE_VTPM, "azure-vtpm"},
};

static const char *example_of(enum evidence_kind kind)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        if (examples[i].kind == kind) return examples[i].name;
    }
    fail();
    return NULL;
}

/* ERR_APPRAISAL_POLICY fails the test: these policies are all usable. */
static enum status check(const json_t *json, const struct evidence_claims *claims, int64_t now_s, struct refusal *why)
{
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    if (policy_of(json, why, &policy) != OK) fail_msg("%s: seen %s, expected %s", why->field, why->seen, why->expected);
    return appraisal_check(policy, claims, now_s, why);
}

static void assert_accepted(const json_t *json, const struct evidence_claims *claims)
{
    struct refusal why = {};
    if (check(json, claims, APPRAISAL_NOW_S, &why) != OK)
        fail_msg("%s: seen %s, expected %s", why.field, why.seen, why.expected);
}

static void assert_refused(const json_t *json, const struct evidence_claims *claims, const char *field)
{
    struct refusal why = {};
    assert_status(check(json, claims, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.field, field);
    assert_true(why.seen[0] != '\0' && why.expected[0] != '\0' && why.fix[0] != '\0');
    assert_int_equal(why.status, ERR_APPRAISAL);
    assert_status(check(json, claims, APPRAISAL_NOW_S, NULL), ERR_APPRAISAL);
}

static void test_each_example_accepts_what_it_is_for(void **)
{
    static struct evidence_claims claims;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        CLEANUP(json_done) json_t *policy = example_policy(examples[i].name);
        accepted_claims(examples[i].kind, policy, &claims);
        assert_accepted(policy, &claims);
    }
}

static void test_a_kind_that_the_policy_does_not_name_is_refused(void **)
{
    static struct evidence_claims claims;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        CLEANUP(json_done) json_t *own = example_policy(examples[i].name);
        accepted_claims(examples[i].kind, own, &claims);
        for (size_t j = 0; j < sizeof(examples) / sizeof(examples[0]); j++) {
            if (strcmp(examples[i].name, examples[j].name) == 0) continue;
            CLEANUP(json_done) json_t *other = example_policy(examples[j].name);
            assert_refused(other, &claims, "kind");
        }
    }
    CLEANUP(json_done) json_t *policy = example_policy("sgx");
    claims.kind = (enum evidence_kind)99;
    assert_refused(policy, &claims, "kind");
}

/* ---- one rule after the other ---- */

struct edit {
    const char *path, *text; /* of the policy; NULL: none */
};

struct rule_case {
    enum evidence_kind kind;
    struct edit before; /* the example has no such rule */
    size_t offset, size;
    uint64_t value; /* little endian, into the claims */
    const char *field;
    struct edit after; /* accepts it again */
};

#define AT(member) offsetof(struct evidence_claims, member), sizeof(((struct evidence_claims *)NULL)->member)
#define BYTE(member) offsetof(struct evidence_claims, member), 1

static const struct rule_case cases[] = {
    /* intel */
    {EVIDENCE_SGX,
     {},
     AT(sgx.platform.tcb_status),
     TCB_CONFIGURATION_NEEDED,
     "intel.tcb_status",
     {"intel/statuses", "[\"UpToDate\",\"ConfigurationNeeded\"]"}},
    {EVIDENCE_SGX,
     {},
     AT(sgx.platform.tcb_evaluation),
     17,
     "intel.tcb_evaluation",
     {"intel/minimum_tcb_evaluation", "17"}},
    {EVIDENCE_SGX,
     {},
     AT(sgx.platform.tcb_evaluation),
     17,
     "intel.tcb_evaluation",
     {"intel/minimum_tcb_evaluation", "\"any\""}},
    {EVIDENCE_SGX,
     {},
     AT(sgx.platform.collateral_issued_s),
     APPRAISAL_NOW_S - 1209601,
     "intel.collateral_issued",
     {"intel/maximum_collateral_age_s", "1209601"}},
    {EVIDENCE_SGX,
     {},
     AT(sgx.platform.collateral_issued_s),
     0,
     "intel.collateral_issued",
     {"intel/maximum_collateral_age_s", "\"any\""}},
    {EVIDENCE_SGX, {}, BYTE(sgx.platform.fmspc), 7, "intel.fmspc", {"intel/fmspc", "\"any\""}},
    {EVIDENCE_SGX,
     {"intel/fmspc", "{\"allow\":\"any\",\"deny\":[\"07606A000000\"]}"},
     BYTE(sgx.platform.fmspc),
     7,
     "intel.fmspc",
     {"intel/fmspc", "{\"allow\":\"any\",\"deny\":[\"08606A000000\"]}"}},
    {EVIDENCE_TDX, {}, BYTE(tdx.platform.instance_id), 7, "intel.instance_id", {"intel/instance_id", "\"any\""}},
    {EVIDENCE_SGX,
     {"intel/allow_smt", "false"},
     AT(sgx.platform.smt_enabled),
     true,
     "intel.smt_enabled",
     {"intel/allow_smt", "true"}},
    {EVIDENCE_SGX,
     {"intel/allow_smt", "false"},
     AT(sgx.platform.has_instance),
     false,
     "intel.smt_enabled",
     {"intel/allow_smt", "true"}},
    {EVIDENCE_SGX, {}, AT(sgx.platform.is_dynamic), true, "intel.is_dynamic", {"intel/allow_dynamic_platform", "true"}},
    {EVIDENCE_SGX,
     {},
     AT(sgx.platform.has_cached_keys),
     true,
     "intel.has_cached_keys",
     {"intel/allow_cached_keys", "true"}},
    /* sgx */
    {EVIDENCE_SGX,
     {},
     BYTE(sgx.mrenclave),
     1,
     "sgx.mrenclave",
     {"sgx/identities/0/mrenclave", "\"011F0c5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246\""}},
    {EVIDENCE_SGX,
     {},
     AT(sgx.attribute_flags),
     UINT64_C(1) << 4,
     "sgx.provision_key",
     {"sgx/allow_provision_key", "true"}},
    {EVIDENCE_SGX, {}, BYTE(sgx.config_id), 1, "sgx.config_id", {"sgx/config_id", "\"any\""}},
    {EVIDENCE_SGX,
     {"sgx/family_id", "\"zero\""},
     BYTE(sgx.family_id),
     1,
     "sgx.family_id",
     {"sgx/family_id", "[\"01000000000000000000000000000000\"]"}},
    {EVIDENCE_SGX,
     {"sgx/extended_product_id", "\"zero\""},
     BYTE(sgx.extended_product_id),
     1,
     "sgx.extended_product_id",
     {"sgx/extended_product_id", "\"any\""}},
    {EVIDENCE_SGX,
     {"sgx/minimum_config_svn", "1"},
     AT(sgx.config_svn),
     0,
     "sgx.config_svn",
     {"sgx/minimum_config_svn", "0"}},
    {EVIDENCE_OPEN_ENCLAVE, {}, BYTE(sgx.config_id), 1, "sgx.config_id", {"sgx/config_id", "\"any\""}},
    /* tdx */
    {EVIDENCE_TDX,
     {},
     BYTE(tdx.mrtd),
     1,
     "tdx.mrtd",
     {"tdx/mrtd/0",
      "\"01e1c2d3a4b5968778695a4b3c2d1e0f91e1c2d3a4b5968778695a4b3c2d1e0f91e1c2d3a4b5968778695a4b3c2d1e0f\""}},
    {EVIDENCE_TDX, {"tdx/rtmr0", "\"zero\""}, BYTE(tdx.rtmr[0]), 1, "tdx.rtmr0", {"tdx/rtmr0", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.rtmr[1]), 1, "tdx.rtmr1", {"tdx/rtmr1", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.rtmr[2]), 1, "tdx.rtmr2", {"tdx/rtmr2", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.rtmr[3]), 1, "tdx.rtmr3", {"tdx/rtmr3", "\"any\""}},
    {EVIDENCE_TDX,
     {"tdx/mrseam",
      "[\"090000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\"]"},
     BYTE(tdx.mrseam),
     1,
     "tdx.mrseam",
     {"tdx/mrseam", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.mrsignerseam), 1, "tdx.mrsignerseam", {"tdx/mrsignerseam", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.mrconfigid), 1, "tdx.mrconfigid", {"tdx/mrconfigid", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.mrowner), 1, "tdx.mrowner", {"tdx/mrowner", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.mrownerconfig), 1, "tdx.mrownerconfig", {"tdx/mrownerconfig", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.mrservicetd), 1, "tdx.mrservicetd", {"tdx/mrservicetd", "\"any\""}},
    {EVIDENCE_TDX,
     {"tdx/mrservicetd", NULL},
     BYTE(tdx.mrservicetd),
     1,
     "tdx.mrservicetd",
     {"tdx/mrservicetd", "\"any\""}},
    {EVIDENCE_TDX, {}, BYTE(tdx.xfam), 1, "tdx.xfam", {"tdx/xfam", "\"any\""}},
    {EVIDENCE_TDX,
     {},
     AT(tdx.attributes),
     0,
     "tdx.attributes.sept_ve_disable",
     {"tdx/require_sept_ve_disable", "false"}},
    {EVIDENCE_TDX,
     {},
     AT(tdx.attributes),
     TD_ATTRIBUTE_SEPT_VE_DISABLE | TD_ATTRIBUTE_MIGRATABLE,
     "tdx.attributes.migratable",
     {"tdx/allow_migratable", "true"}},
    {EVIDENCE_TDX,
     {},
     AT(tdx.attributes),
     TD_ATTRIBUTE_SEPT_VE_DISABLE | TD_ATTRIBUTE_PROTECTION_KEYS,
     "tdx.attributes.protection_keys",
     {"tdx/allow_protection_keys", "true"}},
    {EVIDENCE_TDX,
     {},
     AT(tdx.attributes),
     TD_ATTRIBUTE_SEPT_VE_DISABLE | TD_ATTRIBUTE_KEY_LOCKER,
     "tdx.attributes.key_locker",
     {"tdx/allow_key_locker", "true"}},
    {EVIDENCE_TDX,
     {},
     AT(tdx.attributes),
     TD_ATTRIBUTE_SEPT_VE_DISABLE | TD_ATTRIBUTE_PERFMON,
     "tdx.attributes.perfmon",
     {"tdx/allow_perfmon", "true"}},
    {EVIDENCE_TDX,
     {},
     BYTE(tdx.tee_tcb_svn[2]),
     5,
     "tdx.tee_tcb_svn",
     {"tdx/minimum_tee_tcb_svn", "\"05010500000000000000000000000000\""}},
    {EVIDENCE_TDX, {}, AT(tdx.tee_tcb_svn[0]), 0, "tdx.tee_tcb_svn", {"tdx/minimum_tee_tcb_svn", "\"any\""}},
    {EVIDENCE_TDX,
     {},
     AT(tdx.platform.tcb_status),
     TCB_TD_RELAUNCH_ADVISED,
     "intel.tcb_status",
     {"intel/statuses", "[\"TDRelaunchAdvised\"]"}},
    /* snp */
    {EVIDENCE_SNP,
     {},
     BYTE(snp.measurement),
     1,
     "snp.measurement",
     {"snp/measurement/0",
      "\"01eee30d6d7e1a29f403d70a4198237ddfb13051a2d6976439487c609388ed7f98189887920ab2fa0096903a0c23fca1\""}},
    {EVIDENCE_SNP,
     {"snp/id_key_digest",
      "[\"010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\"]"},
     BYTE(snp.id_key_digest),
     2,
     "snp.id_key_digest",
     {"snp/id_key_digest", "\"any\""}},
    {EVIDENCE_SNP,
     {"snp/author_key_digest",
      "[\"010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\"]"},
     BYTE(snp.author_key_digest),
     2,
     "snp.author_key_digest",
     {"snp/author_key_digest", "\"any\""}},
    {EVIDENCE_SNP,
     {"snp/family_id", "\"zero\""},
     BYTE(snp.family_id),
     1,
     "snp.family_id",
     {"snp/family_id", "\"any\""}},
    {EVIDENCE_SNP, {"snp/image_id", "\"zero\""}, BYTE(snp.image_id), 1, "snp.image_id", {"snp/image_id", "\"any\""}},
    {EVIDENCE_SNP, {}, BYTE(snp.host_data), 1, "snp.host_data", {"snp/host_data", "\"any\""}},
    {EVIDENCE_SNP,
     {"snp/chip_id", "[\"1111111111111111111111111111111111111111111111111111111111111111"
                     "1111111111111111111111111111111111111111111111111111111111111111\"]"},
     BYTE(snp.chip_id),
     2,
     "snp.chip_id",
     {"snp/chip_id", "\"any\""}},
    {EVIDENCE_SNP, {}, AT(snp.policy), SNP_POLICY_MIGRATE_MA, "snp.policy.migrate_ma", {"snp/allow_migration", "true"}},
    {EVIDENCE_SNP,
     {"snp/require_single_socket", "true"},
     AT(snp.policy),
     0,
     "snp.policy.single_socket",
     {"snp/require_single_socket", "false"}},
    {EVIDENCE_SNP,
     {},
     AT(snp.platform_info),
     SNP_PLATFORM_SMT | SNP_PLATFORM_ALIAS_CHECK_COMPLETE,
     "snp.platform_info.smt",
     {"snp/allow_smt", "true"}},
    {EVIDENCE_SNP,
     {},
     AT(snp.platform_info),
     0,
     "snp.platform_info.alias_check_complete",
     {"snp/require_alias_check", "false"}},
    {EVIDENCE_SNP, {}, AT(snp.crl_checked), false, "snp.crl_checked", {"snp/require_revocation_list", "false"}},
    {EVIDENCE_SNP,
     {},
     AT(snp.product),
     SNP_MILAN,
     "snp.product",
     {"snp/products/Milan",
      "{\"current\":\"any\",\"reported\":{\"boot_loader\":9,\"tee\":0,\"snp\":23,\"microcode\":72},"
      "\"committed\":\"any\",\"launch\":\"any\",\"minimum_firmware\":\"any\"}"}},
    {EVIDENCE_SNP,
     {"snp/products/Genoa/current", "{\"boot_loader\":1,\"tee\":0,\"snp\":0,\"microcode\":0}"},
     AT(snp.current.boot_loader),
     0,
     "snp.current_tcb.boot_loader",
     {"snp/products/Genoa/current", "\"any\""}},
    {EVIDENCE_SNP,
     {},
     AT(snp.reported.boot_loader),
     8,
     "snp.reported_tcb.boot_loader",
     {"snp/products/Genoa/reported/boot_loader", "8"}},
    {EVIDENCE_SNP,
     {"snp/products/Genoa/reported/tee", "1"},
     AT(snp.reported.tee),
     0,
     "snp.reported_tcb.tee",
     {"snp/products/Genoa/reported/tee", "0"}},
    {EVIDENCE_SNP, {}, AT(snp.reported.snp), 22, "snp.reported_tcb.snp", {"snp/products/Genoa/reported/snp", "22"}},
    {EVIDENCE_SNP,
     {},
     AT(snp.reported.microcode),
     71,
     "snp.reported_tcb.microcode",
     {"snp/products/Genoa/reported/microcode", "71"}},
    {EVIDENCE_SNP, {}, AT(snp.committed.snp), 22, "snp.committed_tcb.snp", {"snp/products/Genoa/committed", "\"any\""}},
    {EVIDENCE_SNP, {}, AT(snp.launch.snp), 22, "snp.launch_tcb.snp", {"snp/products/Genoa/launch", "\"any\""}},
    {EVIDENCE_SNP,
     {},
     AT(snp.committed_firmware.build),
     39,
     "snp.committed_firmware",
     {"snp/products/Genoa/minimum_firmware", "\"1.55.39\""}},
    {EVIDENCE_SNP,
     {},
     AT(snp.committed_firmware.minor),
     54,
     "snp.committed_firmware",
     {"snp/products/Genoa/minimum_firmware", "\"1.54.40\""}},
    {EVIDENCE_SNP,
     {},
     AT(snp.committed_firmware.major),
     0,
     "snp.committed_firmware",
     {"snp/products/Genoa/minimum_firmware", "\"any\""}},
    {EVIDENCE_SNP, {}, AT(snp.is_vlek), true, "snp.csp_id", {NULL, NULL}},
    {EVIDENCE_SNP, {}, AT(snp.guest_svn), 1, "snp.guest_svn", {"snp/guest_svn/minimum", "1"}},
    {EVIDENCE_SNP, {}, AT(snp.guest_svn), 3, "snp.guest_svn", {"snp/guest_svn/deny", "\"none\""}},
    {EVIDENCE_SNP, {}, AT(snp.vmpl), 1, "snp.vmpl", {"snp/vmpl", "[0,1]"}},
    {EVIDENCE_SNP, {}, AT(snp.vmpl), 4, "snp.vmpl", {NULL, NULL}},
    {EVIDENCE_SNP, {"snp/vmpl", "[0,1,2,3]"}, AT(snp.vmpl), UINT32_MAX, "snp.vmpl", {NULL, NULL}},
    /* azure-vtpm */
    {EVIDENCE_AZURE_VTPM, {}, AT(azure.isolation), AZURE_TDX, "azure-vtpm.isolation", {NULL, NULL}},
    {EVIDENCE_AZURE_VTPM, {}, BYTE(azure.snp.id_key_digest), 1, "azure-vtpm.snp.id_key_digest", {NULL, NULL}},
    {EVIDENCE_AZURE_VTPM,
     {},
     AT(azure.snp.reported.microcode),
     218,
     "azure-vtpm.snp.reported_tcb.microcode",
     {"azure-vtpm/snp/products/Milan/reported/microcode", "218"}},
    {EVIDENCE_AZURE_VTPM, {}, BYTE(azure.vm_id), '0', "azure-vtpm.vm_id", {"azure-vtpm/vm_id", "\"any\""}},
    {EVIDENCE_AZURE_VTPM, {}, BYTE(azure.vm_id), 0, "azure-vtpm.vm_id", {"azure-vtpm/vm_id", "\"any\""}},
    {EVIDENCE_AZURE_VTPM, {}, AT(azure.has_tpm), false, "azure-vtpm.tpm", {NULL, NULL}},
    {EVIDENCE_AZURE_VTPM,
     {},
     AT(azure.secure_boot),
     false,
     "azure-vtpm.secure_boot",
     {"azure-vtpm/require_secure_boot", "false"}},
    {EVIDENCE_AZURE_VTPM,
     {},
     AT(azure.console_enabled),
     true,
     "azure-vtpm.console_enabled",
     {"azure-vtpm/allow_console", "true"}},
    {EVIDENCE_AZURE_VTPM,
     {"azure-vtpm/require_event_log", "true"},
     AT(azure.tpm.has_event_log),
     false,
     "azure-vtpm.tpm.has_event_log",
     {"azure-vtpm/require_event_log", "false"}},
    {EVIDENCE_AZURE_VTPM,
     {},
     BYTE(azure.tpm.pcrs.values[11]),
     1,
     "azure-vtpm.pcr11",
     {"azure-vtpm/pcrs/sha256/11", NULL}},
    {EVIDENCE_AZURE_VTPM,
     {},
     AT(azure.tpm.pcrs.known),
     0x890 & ~0x10,
     "azure-vtpm.pcr4",
     {"azure-vtpm/pcrs/sha256/4", NULL}},
    /* tpm */
    {EVIDENCE_TPM, {}, BYTE(tpm.key_thumbprint), 1, "tpm.key_thumbprint", {"tpm/key_thumbprint", "\"any\""}},
    {EVIDENCE_TPM,
     {},
     AT(tpm.is_key_restricted),
     false,
     "tpm.is_key_restricted",
     {"tpm/require_restricted_key", "false"}},
    {EVIDENCE_TPM, {}, AT(tpm.has_event_log), false, "tpm.has_event_log", {"tpm/require_event_log", "false"}},
    {EVIDENCE_TPM,
     {"tpm/minimum_firmware", "\"2020031200120004\""},
     AT(tpm.firmware_version),
     UINT64_C(0x2020031200120003),
     "tpm.firmware_version",
     {"tpm/minimum_firmware", "\"2020031200120003\""}},
    {EVIDENCE_TPM, {}, AT(tpm.bank), TPM_HASH_SHA1, "tpm.bank", {NULL, NULL}},
    {EVIDENCE_TPM, {}, AT(tpm.bank), TPM_HASH_SHA512, "tpm.bank", {NULL, NULL}},
    {EVIDENCE_TPM, {}, AT(tpm.bank), TPM_HASH_SHA384, "tpm.pcr7", {NULL, NULL}},
    {EVIDENCE_TPM, {}, AT(tpm.pcrs.hash), TPM_HASH_SHA384, "tpm.pcr0", {NULL, NULL}},
    {EVIDENCE_TPM, {}, AT(tpm.pcrs.known), 1, "tpm.pcr7", {"tpm/pcrs/sha256/7", NULL}},
    {EVIDENCE_TPM, {}, BYTE(tpm.pcrs.values[0]), 1, "tpm.pcr0", {"tpm/pcrs/sha256/0", NULL}},
};

#ifdef LAZARET_SIMULATION
static const struct rule_case insecure_cases[] = {
    {EVIDENCE_SGX, {}, AT(sgx.platform.simulated), true, "intel.simulated", {"intel/insecure_allow_simulated", "true"}},
    {EVIDENCE_SGX, {}, AT(sgx.debug), true, "sgx.debug", {"sgx/insecure_allow_debug", "true"}},
    {EVIDENCE_TDX, {}, AT(tdx.debug), true, "tdx.debug", {"tdx/insecure_allow_debug", "true"}},
    {EVIDENCE_SNP,
     {"snp/insecure_allow_debug", "false"},
     AT(snp.debug),
     true,
     "snp.debug",
     {"snp/insecure_allow_debug", "true"}},
};
#endif

static void apply(json_t *policy, const struct edit *edit)
{
    if (edit->path != NULL) put(policy, edit->path, edit->text);
}

static void check_case(const struct rule_case *rule)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy(example_of(rule->kind));
    accepted_claims(rule->kind, policy, &claims);
    apply(policy, &rule->before);
    memcpy((uint8_t *)&claims + rule->offset, &rule->value, rule->size);
    struct refusal why = {};
    if (check(policy, &claims, APPRAISAL_NOW_S, &why) != ERR_APPRAISAL || strcmp(why.field, rule->field) != 0)
        fail_msg("%s is not refused, but %s", rule->field, why.field);
    assert_refused(policy, &claims, rule->field);
    if (rule->after.path == NULL) return;
    apply(policy, &rule->after);
    assert_accepted(policy, &claims);
}

static void test_each_rule_refuses_by_name_and_accepts_when_it_says_so(void **)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) check_case(&cases[i]);
#ifdef LAZARET_SIMULATION
    for (size_t i = 0; i < sizeof(insecure_cases) / sizeof(insecure_cases[0]); i++) check_case(&insecure_cases[i]);
#endif
}

/* ---- what a row of the table does not say ---- */

static void test_an_enclave_is_accepted_by_signer_product_and_svn(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("sgx");
    accepted_claims(EVIDENCE_SGX, policy, &claims);
    memset(claims.sgx.mrenclave, 0x77, 32);
    assert_refused(policy, &claims, "sgx.mrenclave");
    take_hex(policy, "sgx/identities/1/mrsigner", 32, claims.sgx.mrsigner);
    claims.sgx.product_id = 7;
    claims.sgx.svn = 4;
    assert_accepted(policy, &claims);
    claims.sgx.svn = 3;
    assert_refused(policy, &claims, "sgx.mrenclave");
    claims.sgx.svn = 4;
    claims.sgx.product_id = 8;
    assert_refused(policy, &claims, "sgx.mrenclave");
    claims.sgx.product_id = 7;
    claims.sgx.mrsigner[31] ^= 1;
    assert_refused(policy, &claims, "sgx.mrenclave");
}

static void test_a_denied_enclave_is_refused_though_its_signer_is_accepted(void **)
{
    static struct evidence_claims claims;
    struct refusal why = {};
    CLEANUP(json_done) json_t *policy = example_policy("sgx");
    accepted_claims(EVIDENCE_SGX, policy, &claims);
    take_hex(policy, "sgx/identities/1/mrsigner", 32, claims.sgx.mrsigner);
    claims.sgx.product_id = 7;
    claims.sgx.svn = 5; /* withdrawn */
    assert_refused(policy, &claims, "sgx.mrenclave");
    assert_status(check(policy, &claims, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.expected, "no enclave of sgx.denied[0]");
    claims.sgx.svn = 6;
    assert_accepted(policy, &claims);
    put(policy, "sgx/denied/0", "{\"mrenclave\":\"3a1f0c5b7d9e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246\"}");
    assert_refused(policy, &claims, "sgx.mrenclave");
    claims.sgx.mrenclave[0] ^= 1;
    assert_accepted(policy, &claims);
    put(policy, "sgx/denied", "\"none\"");
    assert_accepted(policy, &claims);
}

static void test_an_advisory_that_is_not_listed_refuses(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("sgx");
    accepted_claims(EVIDENCE_SGX, policy, &claims);
    claims.sgx.platform.tcb_status = TCB_SW_HARDENING_NEEDED;
    (void)snprintf(claims.sgx.platform.advisories[0], ADVISORY_MAX_BYTES, "INTEL-SA-00334");
    (void)snprintf(claims.sgx.platform.advisories[1], ADVISORY_MAX_BYTES, "INTEL-SA-00615");
    (void)snprintf(claims.sgx.platform.advisories[2], ADVISORY_MAX_BYTES, "INTEL-SA-00657");
    claims.sgx.platform.advisory_count = 2;
    assert_accepted(policy, &claims);
    claims.sgx.platform.advisory_count = 3;
    assert_refused(policy, &claims, "intel.advisories");
    put(policy, "intel/advisories", "\"any\"");
    assert_accepted(policy, &claims);
    put(policy, "intel/advisories", "\"none\"");
    assert_refused(policy, &claims, "intel.advisories");
    claims.sgx.platform.advisory_count = 0;
    assert_accepted(policy, &claims);
}

enum { DAY_S = 86400, GRACE_S = 30 * DAY_S };

static void assert_grace(const json_t *policy, const struct evidence_claims *claims, int64_t now_s, const char *field)
{
    struct refusal why = {};
    const enum status status = check(policy, claims, now_s, &why);
    if (field == NULL) {
        if (status != OK) fail_msg("%s: seen %s, expected %s", why.field, why.seen, why.expected);
        return;
    }
    assert_status(status, ERR_APPRAISAL);
    assert_string_equal(why.field, field);
}

static void test_grace_ends_by_the_recoverys_date(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("sgx");
    accepted_claims(EVIDENCE_SGX, policy, &claims);
    put(policy, "intel/maximum_collateral_age_s", "\"any\"");
    const int64_t recovery_s = claims.sgx.platform.newest_tcb_date_s;
    claims.sgx.platform.tcb_status = TCB_OUT_OF_DATE;
    /* The advisories of the recovery are what the platform is out of date by. */
    (void)snprintf(claims.sgx.platform.advisories[0], ADVISORY_MAX_BYTES, "INTEL-SA-99999");
    claims.sgx.platform.advisory_count = 1;
    assert_grace(policy, &claims, recovery_s + GRACE_S, NULL);
    assert_grace(policy, &claims, recovery_s + GRACE_S + 1, "intel.tcb_status");
    claims.sgx.platform.tcb_status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED; /* not in the grace rule */
    assert_grace(policy, &claims, recovery_s + 1, "intel.tcb_status");
    claims.sgx.platform.tcb_status = TCB_OUT_OF_DATE;
    put(policy, "intel/grace", "\"none\"");
    assert_grace(policy, &claims, recovery_s + 1, "intel.tcb_status");
}

static void test_grace_has_a_hard_end(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("sgx");
    accepted_claims(EVIDENCE_SGX, policy, &claims);
    put(policy, "intel/maximum_collateral_age_s", "\"any\"");
    const int64_t until_s = 1801353600; /* 2027-01-31 */
    claims.sgx.platform.tcb_status = TCB_OUT_OF_DATE;
    claims.sgx.platform.newest_tcb_date_s = until_s - 2 * DAY_S;
    assert_grace(policy, &claims, until_s, NULL);
    assert_grace(policy, &claims, until_s + 1, "intel.tcb_status");
}

static void test_grace_is_not_for_platforms_that_missed_an_earlier_recovery(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("sgx");
    accepted_claims(EVIDENCE_SGX, policy, &claims);
    claims.sgx.platform.tcb_status = TCB_OUT_OF_DATE;
    const int64_t minimum_s = 1747180800; /* 2025-05-14 */
    claims.sgx.platform.tcb_date_s = minimum_s;
    assert_grace(policy, &claims, APPRAISAL_NOW_S, NULL);
    claims.sgx.platform.tcb_date_s = minimum_s - 1;
    assert_grace(policy, &claims, APPRAISAL_NOW_S, "intel.tcb_date");
}

static void test_the_tcb_part_alone(void **)
{
    CLEANUP(json_done) json_t *json = example_policy("sgx");
    CLEANUP(json_done) json_t *other = example_policy("snp");
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL, *snp = NULL;
    struct refusal why = {};
    assert_ok(policy_of(json, &why, &policy));
    assert_ok(policy_of(other, &why, &snp));
    struct intel_platform platform = accepted_platform(json);
    platform.fmspc[0] ^= 1; /* not looked at */
    assert_ok(appraisal_check_tcb(policy, &platform, APPRAISAL_NOW_S, &why));
    assert_status(appraisal_check_tcb(snp, &platform, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.field, "kind");
    platform.tcb_status = TCB_CONFIGURATION_NEEDED;
    assert_status(appraisal_check_tcb(policy, &platform, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.field, "intel.tcb_status");
}

/* ---- values ---- */

static void test_a_denied_value_refuses_though_another_list_allows(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("tdx");
    accepted_claims(EVIDENCE_TDX, policy, &claims);
    take_hex(policy, "intel/instance_id/deny/0", 16, claims.tdx.platform.instance_id);
    assert_refused(policy, &claims, "intel.instance_id");
    put(policy, "intel/instance_id", "{\"allow\":\"any\",\"deny\":[\"FFEEDDCCBBAA99887766554433221100\"]}");
    assert_refused(policy, &claims, "intel.instance_id");
    claims.tdx.platform.instance_id[0] ^= 1;
    assert_accepted(policy, &claims);
}

/* A machine that does not say which one it is could be any of those denied. */
static void test_a_machine_without_a_name_satisfies_no_rule_over_names(void **)
{
    static struct evidence_claims claims;
    struct refusal why = {};
    CLEANUP(json_done) json_t *policy = example_policy("tdx");
    accepted_claims(EVIDENCE_TDX, policy, &claims);
    memset(claims.tdx.platform.instance_id, 0, 16);
    assert_refused(policy, &claims, "intel.instance_id");
    put(policy, "intel/instance_id", "{\"allow\":\"any\",\"deny\":[\"FFEEDDCCBBAA99887766554433221100\"]}");
    assert_refused(policy, &claims, "intel.instance_id");
    assert_status(check(policy, &claims, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.seen, "none");
    put(policy, "intel/instance_id", "{\"allow\":\"any\",\"deny\":\"none\"}");
    assert_accepted(policy, &claims);
}

static void test_the_expected_value_is_told_if_there_is_one(void **)
{
    static struct evidence_claims claims;
    struct refusal why = {};
    CLEANUP(json_done) json_t *policy = example_policy("tdx");
    accepted_claims(EVIDENCE_TDX, policy, &claims);
    claims.tdx.xfam[0] = 1;
    assert_status(check(policy, &claims, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.expected, "e702060000000000");
    assert_string_equal(why.seen, "0102060000000000");
    claims.tdx.xfam[0] = 0xe7;
    claims.tdx.rtmr[2][0] ^= 1;
    assert_status(check(policy, &claims, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.expected, "one of the 2 values of the policy");
}

static void assert_told(const json_t *json, const struct evidence_claims *claims, const char *seen,
                        const char *expected)
{
    struct refusal why = {};
    assert_status(check(json, claims, APPRAISAL_NOW_S, &why), ERR_APPRAISAL);
    assert_string_equal(why.seen, seen);
    assert_string_equal(why.expected, expected);
}

static void test_what_was_seen_and_expected_is_told(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *tdx = example_policy("tdx");
    CLEANUP(json_done) json_t *snp = example_policy("snp");
    CLEANUP(json_done) json_t *azure = example_policy("azure-vtpm");
    accepted_claims(EVIDENCE_TDX, tdx, &claims);
    claims.tdx.attributes = 0;
    assert_told(tdx, &claims, "no", "yes");
    claims.tdx.attributes = TD_ATTRIBUTE_SEPT_VE_DISABLE | TD_ATTRIBUTE_PERFMON;
    assert_told(tdx, &claims, "yes", "no");
    accepted_claims(EVIDENCE_SNP, snp, &claims);
    claims.snp.vmpl = 1;
    assert_told(snp, &claims, "1", "a level of snp.vmpl");
    claims.snp.vmpl = UINT32_MAX;
    assert_told(snp, &claims, "the host's request (0xffffffff)", "a level of snp.vmpl");
    claims.snp.is_vlek = true;
    claims.snp.vmpl = 0;
    assert_told(snp, &claims, "a key that \"\" loaded (VLEK)", "the chip's own key (VCEK)");
    put(snp, "snp/vlek_csp_ids", "[\"AWS\"]");
    assert_told(snp, &claims, "a key that \"\" loaded (VLEK)", "a cloud that vlek_csp_ids names");
    accepted_claims(EVIDENCE_AZURE_VTPM, azure, &claims);
    claims.azure.isolation = AZURE_TDX;
    assert_told(azure, &claims, "tdx", "hardware for which azure-vtpm has a section");
}

static void test_unknown_attributes_of_a_domain_are_refused(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("tdx");
    const uint64_t known = 0xff | TD_ATTRIBUTE_SEPT_VE_DISABLE | TD_ATTRIBUTE_MIGRATABLE |
                           TD_ATTRIBUTE_PROTECTION_KEYS | TD_ATTRIBUTE_KEY_LOCKER | TD_ATTRIBUTE_PERFMON;
    static const char *const allows[] = {"tdx/allow_migratable", "tdx/allow_protection_keys", "tdx/allow_key_locker",
                                         "tdx/allow_perfmon"};
    for (size_t i = 0; i < 4; i++) put(policy, allows[i], "true");
    accepted_claims(EVIDENCE_TDX, policy, &claims);
    for (unsigned bit = 0; bit < 64; bit++) {
        claims.tdx.attributes = TD_ATTRIBUTE_SEPT_VE_DISABLE | UINT64_C(1) << bit;
        if ((known & UINT64_C(1) << bit) != 0)
            assert_accepted(policy, &claims); /* bits 0 to 7 are judged by `debug` */
        else
            assert_refused(policy, &claims, "tdx.attributes");
    }
}

static void test_a_clouds_key_needs_the_clouds_name(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("snp");
    accepted_claims(EVIDENCE_SNP, policy, &claims);
    put(policy, "snp/vlek_csp_ids", "[\"AWS\",\"Other\"]");
    assert_accepted(policy, &claims);
    put(policy, "snp/allow_vcek", "false");
    assert_refused(policy, &claims, "snp.is_vlek");
    claims.snp.is_vlek = true;
    assert_refused(policy, &claims, "snp.csp_id");
    (void)snprintf(claims.snp.csp_id, sizeof(claims.snp.csp_id), "AWS");
    assert_accepted(policy, &claims);
    (void)snprintf(claims.snp.csp_id, sizeof(claims.snp.csp_id), "AWSX");
    assert_refused(policy, &claims, "snp.csp_id");
}

static void test_turin_has_a_part_more(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("snp");
    accepted_claims(EVIDENCE_SNP, policy, &claims);
    put(policy, "snp/products/Turin/reported/fmc", "1");
    claims.snp.product = SNP_TURIN;
    claims.snp.reported = (struct snp_tcb){.fmc = 1, .boot_loader = 1, .tee = 1, .snp = 3, .microcode = 67};
    claims.snp.committed = claims.snp.launch = (struct snp_tcb){};
    claims.snp.committed_firmware = (struct snp_firmware){};
    assert_accepted(policy, &claims);
    claims.snp.reported.fmc = 0;
    assert_refused(policy, &claims, "snp.reported_tcb.fmc");
}

static void test_azure_on_tdx_is_judged_by_both_of_its_sections(void **)
{
    static struct evidence_claims claims, hardware;
    CLEANUP(json_done) json_t *policy = example_policy("azure-vtpm");
    CLEANUP(json_done) json_t *tdx = example_policy("tdx");
    accepted_claims(EVIDENCE_AZURE_VTPM, policy, &claims);
    accepted_claims(EVIDENCE_TDX, tdx, &hardware);
    claims.azure.isolation = AZURE_TDX;
    claims.azure.tdx = hardware.tdx;
    assert_int_equal(json_object_set(policy, "intel", json_object_get(tdx, "intel")), 0);
    assert_int_equal(json_object_set(json_object_get(policy, "azure-vtpm"), "tdx", json_object_get(tdx, "tdx")), 0);
    assert_accepted(policy, &claims);
    claims.azure.tdx.mrtd[0] ^= 1;
    assert_refused(policy, &claims, "azure-vtpm.tdx.mrtd");
    claims.azure.tdx.mrtd[0] ^= 1;
    claims.azure.tdx.platform.tcb_status = TCB_OUT_OF_DATE;
    assert_refused(policy, &claims, "intel.tcb_status");
    claims.azure.isolation = AZURE_SNP;
    assert_accepted(policy, &claims);
    put(policy, "azure-vtpm/snp", NULL);
    assert_refused(policy, &claims, "azure-vtpm.isolation");
}

static void test_each_bank_has_its_own_values(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *policy = example_policy("tpm");
    accepted_claims(EVIDENCE_TPM, policy, &claims);
    claims.tpm.bank = claims.tpm.pcrs.hash = TPM_HASH_SHA384;
    take_pcr(policy, "tpm/pcrs/sha384/7/0", 7, 48, &claims.tpm);
    assert_accepted(policy, &claims);
    claims.tpm.pcrs.values[7][47] ^= 1;
    assert_refused(policy, &claims, "tpm.pcr7");
}

/* Every byte of claims that a rule is about, changed alone. */
static void test_no_byte_of_a_measured_value_can_change(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *json = example_policy("tdx");
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    assert_ok(policy_of(json, NULL, &policy));
    accepted_claims(EVIDENCE_TDX, json, &claims);
    uint8_t *const ruled[] = {claims.tdx.mrtd,    claims.tdx.rtmr[1],    claims.tdx.rtmr[2],    claims.tdx.rtmr[3],
                              claims.tdx.mrowner, claims.tdx.mrconfigid, claims.tdx.mrservicetd};
    for (size_t i = 0; i < sizeof(ruled) / sizeof(ruled[0]); i++) {
        for (size_t at = 0; at < TD_MEASUREMENT_BYTES; at++) {
            ruled[i][at] ^= 0x80;
            assert_status(appraisal_check(policy, &claims, APPRAISAL_NOW_S, NULL), ERR_APPRAISAL);
            ruled[i][at] ^= 0x80;
        }
    }
    assert_ok(appraisal_check(policy, &claims, APPRAISAL_NOW_S, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_example_accepts_what_it_is_for),
        cmocka_unit_test(test_a_kind_that_the_policy_does_not_name_is_refused),
        cmocka_unit_test(test_each_rule_refuses_by_name_and_accepts_when_it_says_so),
        cmocka_unit_test(test_an_enclave_is_accepted_by_signer_product_and_svn),
        cmocka_unit_test(test_a_denied_enclave_is_refused_though_its_signer_is_accepted),
        cmocka_unit_test(test_an_advisory_that_is_not_listed_refuses),
        cmocka_unit_test(test_grace_ends_by_the_recoverys_date),
        cmocka_unit_test(test_grace_has_a_hard_end),
        cmocka_unit_test(test_grace_is_not_for_platforms_that_missed_an_earlier_recovery),
        cmocka_unit_test(test_the_tcb_part_alone),
        cmocka_unit_test(test_a_denied_value_refuses_though_another_list_allows),
        cmocka_unit_test(test_a_machine_without_a_name_satisfies_no_rule_over_names),
        cmocka_unit_test(test_the_expected_value_is_told_if_there_is_one),
        cmocka_unit_test(test_what_was_seen_and_expected_is_told),
        cmocka_unit_test(test_unknown_attributes_of_a_domain_are_refused),
        cmocka_unit_test(test_a_clouds_key_needs_the_clouds_name),
        cmocka_unit_test(test_turin_has_a_part_more),
        cmocka_unit_test(test_azure_on_tdx_is_judged_by_both_of_its_sections),
        cmocka_unit_test(test_each_bank_has_its_own_values),
        cmocka_unit_test(test_no_byte_of_a_measured_value_can_change),
    };
    return cmocka_run_group_tests_name("evidence/appraisal", tests, NULL, NULL);
}
