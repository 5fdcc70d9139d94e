/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret key restore`: opens the records on a machine that never held them, with the hospital's recovery key. The key
 * never leaves this computer: what is sent is the master key, sealed to the one enclave that was verified.
 */
#include "base/file.h"
#include "cli/command.h"
#include "cli/hospital.h"
#include "records/master_key.h"

#include <stdio.h>

static const char help[] =
    "Usage: lazaret key restore --platform URL --recovery FILE --master-key-file FILE --manifest FILE\n"
    "                           --deployment T [--attestation URL] [--ca FILE]\n\n"
    "Opens the records of a platform whose store is locked, because its machine was lost or its program was exchanged\n"
    "without a hand-over. The platform is verified first, exactly as before entering a patient: its evidence is\n"
    "appraised anew under a nonce of ours. Then the master key is unwrapped here, on this computer, sealed to that\n"
    "platform, and sent; it takes the key only if the recovery key in its manifest sent it and the store opens with "
    "it.\n"
    "\n"
    "  --recovery         the recovery key's private half, as 'lazaret key recovery' made it; it stays here\n"
    "  --master-key-file  " MASTER_KEY_FILE " of the platform's state folder, or a copy of it\n"
    "  --manifest, --deployment, --attestation, --ca   as for 'lazaret verify chain'\n\n"
    "Exit codes: 0 the records are open, 1 refused, 2 usage.\n";

struct restore_options {
    struct hospital_options hospital;
    const char *recovery, *master_key_file;
};

static enum status read_options(int count, char **arguments, struct refusal *why, struct restore_options *options)
{
    const struct command_option known[] = {
        {.name = "--platform", .value = &options->hospital.platform_url},
        {.name = "--manifest", .value = &options->hospital.manifest_path},
        {.name = "--deployment", .value = &options->hospital.deployment},
        {.name = "--attestation", .value = &options->hospital.attestation_url},
        {.name = "--ca", .value = &options->hospital.ca_path},
        {.name = "--recovery", .value = &options->recovery},
        {.name = "--master-key-file", .value = &options->master_key_file},
    };
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), NULL, why));
    const struct {
        const char *value, *name, *expected;
    } needed[] = {
        {options->hospital.platform_url, "--platform", "the locked platform's address"},
        {options->recovery, "--recovery", "the recovery key's file"},
        {options->master_key_file, "--master-key-file", MASTER_KEY_FILE " of the store"},
        {options->hospital.manifest_path, "--manifest", "the manifest's file"},
        {options->hospital.deployment, "--deployment", "the deployment key's thumbprint"},
    };
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (needed[i].value == NULL) return command_needs(needed[i].name, needed[i].expected, why);
    }
    return OK;
}

static enum status read_recovery_key(const char *path, struct refusal *why, struct key **key_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    CLEANUP(key_cleanup) struct key *key = NULL;
    TRY(file_read(path, why, &pem));
    if (key_from_private_pem(buffer_slice(&pem), &key) != OK || key_kind(key) != KEY_X25519)
        return refuse(why, ERR_KEY_INVALID, path, "an X25519 private key in PEM", "something else");
    *key_out = key_share(key);
    return OK;
}

static enum status unwrap(const struct restore_options *options, const struct key *recovery, struct refusal *why,
                          struct secret *master_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MASTER_KEY_FILE_MAX_BYTES);
    TRY(file_read(options->master_key_file, why, &text));
    TRY(master_key_is_of(buffer_slice(&text), slice_of_text(options->hospital.deployment), why));
    return master_key_recover(buffer_slice(&text), recovery, why, master_out);
}

static enum status restore(int count, char **arguments, struct refusal *why)
{
    struct restore_options options = {};
    TRY(read_options(count, arguments, why, &options));
    CLEANUP(key_cleanup) struct key *recovery = NULL;
    CLEANUP(secret_done) struct secret master = {};
    TRY(read_recovery_key(options.recovery, why, &recovery));
    TRY(unwrap(&options, recovery, why, &master));
    CLEANUP(hospital_cleanup) struct hospital *hospital = NULL;
    struct chain_report report = {};
    TRY(hospital_open(&options.hospital, why, &hospital));
    /* The hops behind it may be away: they see nothing of the key. */
    TRY(hospital_verify(hospital, why, &report));
    TRY(hospital_restore(hospital, recovery, secret_slice(&master), why));
    (void)printf("the records are open in platform %s\n", report.hops[0].measurement);
    return OK;
}

int command_key_restore(int count, char **arguments)
{
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("key restore", restore(count, arguments, &why), &why);
}
