/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret collateral fetch`: collateral of one platform from a service or a folder, verified, and put into a folder.
 */
#include "cli/collateral/folder.h"
#include "cli/collateral/source.h"
#include "cli/command.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "crypto/x509.h"
#include "feeds/pck_source.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SCREEN_MAX_BYTES = 256 * 1024, NUMBER_MAX_DIGITS = 9, EVIDENCE_MAX_BYTES = 2 * QUOTE_MAX_BYTES };

static const char help[] =
    "Usage: lazaret collateral fetch --url URL | --folder DIR  --for QUOTE | --tee sgx|tdx --fmspc HEX --ca CA\n"
    "                                --out DIR [--update early | --evaluation NUMBER] [--json] ...\n"
    "       lazaret collateral fetch --url URL --tee snp --for REPORT --out DIR [--json] ...\n"
    "\n"
    "Fetches the collateral that verifying a platform's quotes needs, verifies it, and puts it into a folder for\n"
    "`lazaret verify evidence --collateral` and for the attestation service. Nothing is written that does not verify.\n"
    "\n"
    "  --url URL              a service that speaks Intel's PCS protocol, http[s]://host[:port]: a PCCS, or Intel's "
    "own\n"
    "                         https://api.trustedservices.intel.com\n"
    "                         with --tee snp: AMD's https://kdsintf.amd.com\n"
    "  --folder DIR           a folder of collateral, or of sub-folders FMSPC-CA, instead\n"
    "  --for QUOTE            whatever this quote or Open Enclave report needs; if it carries no certificate, its PCK\n"
    "                         chain as well: pck_chain.pem, for `lazaret verify evidence --certs`\n"
    "  --tee sgx|tdx --fmspc HEX --ca processor|platform\n"
    "                         the platform, by its name\n"
    "  --update standard|early\n"
    "                         the evaluation that is enforced (default), or the coming one\n"
    "  --evaluation NUMBER    one tcbEvaluationDataNumber\n"
    "  --protocol 3|4         version of the protocol (default: 4)\n"
    "  --tls-ca PEM           anchors for the service's certificate (default: the system's)\n"
    "  --key-file FILE        the key of a subscription to Intel's service, for PCK certificates\n"
    "  --root-crl-url URL     where the root CA's list is (default: rootcacrl beside the rest, as a PCCS has it; "
    "Intel's:\n"
    "                         https://certificates.trustedservices.intel.com/IntelSGXRootCA.der)\n"
    "  --out DIR              the folder to write; made if it is not there\n"
    "  --at UNIX_SECONDS      the time to judge by (default: now)\n"
#ifdef LAZARET_SIMULATION
    "  --simulated-root PEM   public key of a software TEE's root to accept as well (simulation build)\n"
#endif
    "  --json                 print what was fetched as JSON, as `lazaret collateral show` does\n"
    "\n"
    "Exit codes: 0 fetched, 1 refused, 2 the command line is not usable.\n";

struct options {
    const char *url, *folder, *quote, *tee, *fmspc, *ca, *update, *evaluation, *protocol, *anchors, *root_crl_url, *out,
        *at, *simulated_root, *key_file;
    bool json;
    int64_t at_s;
    struct collateral_platform platform;
    bool has_platform; /* otherwise its PCK certificate says which it is */
    struct pck_request pck;
    struct endorsement_request chip;
    struct collateral_source_options source;
};

/* ---- the command line ---- */

static enum status refuse_usage(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)!refuse(why, ERR_USAGE, field, expected, "%s", seen);
    return refuse_fix(why, ERR_USAGE, "see --help of this command");
}

static enum status take_options(int count, char **arguments, struct refusal *why, struct options *options)
{
    const struct command_option known[] = {
        {.name = "--url", .value = &options->url},
        {.name = "--folder", .value = &options->folder},
        {.name = "--for", .value = &options->quote},
        {.name = "--tee", .value = &options->tee},
        {.name = "--fmspc", .value = &options->fmspc},
        {.name = "--ca", .value = &options->ca},
        {.name = "--update", .value = &options->update},
        {.name = "--evaluation", .value = &options->evaluation},
        {.name = "--protocol", .value = &options->protocol},
        {.name = "--tls-ca", .value = &options->anchors},
        {.name = "--key-file", .value = &options->key_file},
        {.name = "--root-crl-url", .value = &options->root_crl_url},
        {.name = "--out", .value = &options->out},
        {.name = "--at", .value = &options->at},
#ifdef LAZARET_SIMULATION
        {.name = "--simulated-root", .value = &options->simulated_root},
#endif
        {.name = "--json", .flag = &options->json},
    };
    return command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), NULL, why);
}

/* The platform by its name. */
static enum status read_platform(struct options *options, struct refusal *why)
{
    struct collateral_platform *const platform = &options->platform;
    if (options->tee == NULL) return command_needs("--tee", "sgx or tdx, or --for and a quote", why);
    if (strcmp(options->tee, "sgx") != 0 && strcmp(options->tee, "tdx") != 0)
        return refuse_usage(why, "--tee", "sgx or tdx", options->tee);
    platform->tee = strcmp(options->tee, "tdx") == 0 ? INTEL_TDX : INTEL_SGX;
    if (options->fmspc == NULL) return command_needs("--fmspc", "12 hexadecimal digits", why);
    if (hex_decode_exact(slice_of_text(options->fmspc), sizeof(platform->fmspc), platform->fmspc) != OK)
        return refuse_usage(why, "--fmspc", "12 hexadecimal digits", options->fmspc);
    if (options->ca == NULL) return command_needs("--ca", "processor or platform", why);
    if (strcmp(options->ca, "processor") != 0 && strcmp(options->ca, "platform") != 0)
        return refuse_usage(why, "--ca", "processor or platform", options->ca);
    (void)snprintf(platform->ca, sizeof(platform->ca), "%s", options->ca);
    options->has_platform = true;
    return OK;
}

static enum status read_set(struct options *options, struct refusal *why)
{
    struct collateral_set *const set = &options->source.set;
    const char *const number = options->evaluation;
    if (options->update != NULL && number != NULL)
        return refuse_usage(why, "--update", "either --update or --evaluation", "both");
    if (options->update != NULL && strcmp(options->update, "early") != 0 && strcmp(options->update, "standard") != 0)
        return refuse_usage(why, "--update", "standard or early", options->update);
    set->is_early = options->update != NULL && strcmp(options->update, "early") == 0;
    if (number == NULL) return OK;
    const size_t size = strlen(number);
    if (size == 0 || size > NUMBER_MAX_DIGITS || strspn(number, "0123456789") != size || number[0] == '0')
        return refuse_usage(why, "--evaluation", "a tcbEvaluationDataNumber", number);
    set->evaluation = strtol(number, NULL, 10);
    return OK;
}

static enum status read_source(struct options *options, struct refusal *why)
{
    struct collateral_source_options *const source = &options->source;
    if ((options->url == NULL) == (options->folder == NULL))
        return refuse_usage(why, "--url", "either --url or --folder", options->url == NULL ? "neither" : "both");
    source->url = options->url;
    source->folder = options->folder;
    source->root_crl_url = options->root_crl_url;
    source->anchors = options->anchors;
    source->version = PCS_VERSION_4;
    if (options->protocol == NULL || strcmp(options->protocol, "4") == 0) return read_set(options, why);
    if (strcmp(options->protocol, "3") != 0) return refuse_usage(why, "--protocol", "3 or 4", options->protocol);
    source->version = PCS_VERSION_3;
    return read_set(options, why);
}

static bool is_snp(const struct options *options)
{
    return options->tee != NULL && strcmp(options->tee, "snp") == 0;
}

static enum status check_snp(const struct options *options, struct refusal *why)
{
    if (options->url == NULL) return command_needs("--url", "AMD's service, or what stands for it", why);
    return options->quote != NULL ? OK : command_needs("--for", "a report, which names chip and versions", why);
}

static enum status read_options(int count, char **arguments, struct refusal *why, struct options *options)
{
    TRY(take_options(count, arguments, why, options));
    TRY(read_source(options, why));
    if (options->out == NULL) return command_needs("--out", "the folder to write", why);
    if (is_snp(options))
        TRY(check_snp(options, why));
    else if (options->quote == NULL)
        TRY(read_platform(options, why));
    return command_time(options->at, "--at", why, &options->at_s);
}

/* ---- what is needed ---- */

static enum status read_quote(struct options *options, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(EVIDENCE_MAX_BYTES);
    struct quote_facts facts;
    TRY(file_read(options->quote, why, &file));
    struct slice quote = buffer_slice(&file);
    struct oe_evidence opened = {.quote = quote};
    if (oe_evidence_is_wrapped(quote)) TRY(oe_evidence_open(quote, why, &opened));
    TRY(quote_without_padding(opened.quote, why, &quote));
    TRY(quote_facts_read(quote, why, &facts));
    options->platform.tee = facts.tee;
    options->has_platform = facts.has_platform;
    if (!facts.has_platform) return pck_request_of(&facts, why, &options->pck);
    memcpy(options->platform.fmspc, facts.fmspc, sizeof(facts.fmspc));
    (void)snprintf(options->platform.ca, sizeof(options->platform.ca), "%s", facts.ca);
    return OK;
}

static enum status read_report(struct options *options, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(EVIDENCE_MAX_BYTES);
    struct snp_report_facts facts;
    TRY(file_read(options->quote, why, &file));
    TRY(snp_report_facts(buffer_slice(&file), why, &facts));
    return endorsement_request_of(&facts, why, &options->chip);
}

/* ---- fetching ---- */

static enum status verify(const struct options *options, const struct collateral_files *files,
                          const struct trust_roots *roots, struct refusal *why)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = collateral_files_texts(files);
    struct collateral_facts facts;
    TRY(collateral_new(&texts, roots, why, &collateral));
    collateral_facts(collateral, &facts);
    TRY(collateral_check_platform(&options->platform, &facts, why));
    TRY(collateral_check_set(&options->source.set, &facts, why));
    return collateral_check_time(collateral, options->at_s, why);
}

static enum status fetch_amd(struct options *options, const struct collateral_roots *roots, struct refusal *why)
{
    CLEANUP(collateral_source_done) struct collateral_source source = {};
    CLEANUP(endorsement_files_done) struct endorsement_files files = endorsement_files_empty();
    struct snp_endorsement_facts facts;
    struct pacing_hint hint = {};
    TRY(read_report(options, why));
    TRY(collateral_source_open(&options->source, why, &source));
    TRY(endorsement_fetch_vcek(source.main.client, &options->chip, why, &hint, &files.vcek));
    TRY(endorsement_fetch_authorities(source.main.client, options->chip.product, why, &hint, &files));
    TRY(endorsement_check(&files, &options->chip, roots->simulated, options->at_s, why, &facts));
    return endorsement_files_write(options->out, &files, why);
}

/* The certificate of a quote that carries none, and the platform that it is for. */
static enum status fetch_pck(struct options *options, const struct collateral_source *source,
                             const struct trust_roots *roots, struct refusal *why, struct buffer *chain)
{
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(PCK_KEY_MAX_BYTES + 2);
    struct pck_service service = {.client = source->main.client, .version = options->source.version};
    struct pacing_hint hint = {};
    struct pck_facts facts;
    if (options->url == NULL) {
        (void)!refuse(why, ERR_COLLATERAL_MISSING, "quote.certification_data", "a PCK certificate", "none");
        return refuse_fix(why, ERR_COLLATERAL_MISSING, "give a service with --url, which finds certificates");
    }
    if (options->key_file != NULL) {
        TRY(command_read_text(options->key_file, PCK_KEY_MAX_BYTES, why, &key));
        TRY(buffer_text(&key, &service.subscription_key));
    }
    TRY(pck_fetch(&service, &options->pck, why, &hint, chain));
    TRY(pck_check(buffer_slice(chain), &options->pck, roots, options->at_s, why, &facts));
    memcpy(options->platform.fmspc, facts.fmspc, sizeof(facts.fmspc));
    (void)snprintf(options->platform.ca, sizeof(options->platform.ca), "%s", facts.ca);
    return OK;
}

static enum status write_pck(const struct options *options, const struct buffer *chain, struct refusal *why)
{
    char path[PATH_MAX];
    if (chain->size == 0) return OK;
    const int wanted = snprintf(path, sizeof(path), "%s/pck_chain.pem", options->out);
    if (wanted < 0 || (size_t)wanted >= sizeof(path)) return refuse_usage(why, "--out", "a shorter path", options->out);
    return file_write(path, buffer_slice(chain), 0600, why);
}

static enum status fetch_intel(struct options *options, const struct trust_roots *roots, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer pck_chain = buffer_of_maximum(2 * CERTIFICATE_PEM_MAX_BYTES);
    CLEANUP(collateral_source_done) struct collateral_source source = {};
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    if (options->quote != NULL) TRY(read_quote(options, why));
    TRY(collateral_source_open(&options->source, why, &source));
    if (!options->has_platform) TRY(fetch_pck(options, &source, roots, why, &pck_chain));
    TRY(collateral_source_bring(&source, &options->platform, why, &files));
    TRY(verify(options, &files, roots, why));
    TRY(collateral_files_write(options->out, &files, why));
    return write_pck(options, &pck_chain, why);
}

static enum status tell(const struct options *options, const struct collateral_roots *roots, struct refusal *why)
{
    CLEANUP(collateral_folder_done) struct collateral_folder folder = {};
    CLEANUP(json_done) json_t *verdict = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SCREEN_MAX_BYTES);
    TRY(collateral_folder_open(options->out, roots, why, &folder));
    TRY(collateral_verdict(&folder, options->at_s, OK, why, &verdict));
    if (options->json) return command_print_json(verdict, why);
    TRY(collateral_screen(verdict, &text));
    return command_print(buffer_slice(&text), why);
}

static enum status run(struct options *options, int count, char **arguments, struct refusal *why)
{
    CLEANUP(collateral_roots_done) struct collateral_roots roots = {};
    TRY(read_options(count, arguments, why, options));
    TRY(collateral_roots_read(options->simulated_root, why, &roots));
    TRY(is_snp(options) ? fetch_amd(options, &roots, why) : fetch_intel(options, &roots.roots, why));
    return tell(options, &roots, why);
}

int command_collateral_fetch(int count, char **arguments)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct options options = {};
    struct refusal why = {};
    return command_exit("collateral fetch", run(&options, count, arguments, &why), &why);
}
