/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/setup.h"

static enum status read_algorithm(const json_t *json, struct refusal *why, enum signing_algorithm *algorithm)
{
    struct slice text;
    if (!json_has(json, "algorithm")) return OK;
    TRY(json_get_string(json, "signing_key", "algorithm", 16, why, &text));
    *algorithm = slice_equal_text(text, "ES256") ? SIGNING_ES256 : SIGNING_RS256;
    if (*algorithm == SIGNING_ES256 || slice_equal_text(text, "RS256")) return OK;
    return refuse(why, ERR_FIELD_VALUE, "signing_key.algorithm", "RS256 or ES256", "%.*s", (int)text.size, text.bytes);
}

enum status signing_configure(const struct configuration *configuration, struct refusal *why,
                              struct signing_configuration *signing_out)
{
    static const char *const names[] = {"algorithm", "rotation_days", NULL};
    struct signing_configuration signing = {.algorithm = SIGNING_RS256};
    json_t *json;
    int64_t days = 0;
    *signing_out = signing;
    if (!json_has(configuration->json, "signing_key")) return OK;
    TRY(json_get_object(configuration->json, "", "signing_key", why, &json));
    TRY(json_only(json, "signing_key", names, why));
    TRY(read_algorithm(json, why, &signing.algorithm));
    if (json_has(json, "rotation_days"))
        TRY(json_get_integer(json, "signing_key", "rotation_days", 0, SIGNING_ROTATION_MAX_DAYS, why, &days));
    signing.interval_s = days * 86400;
    *signing_out = signing;
    return OK;
}

enum status signing_setup_fork(const struct signing_configuration *configuration, const struct appraiser *appraiser,
                               struct service *service, struct refusal *why, struct signing_setup *setup_out)
{
    const struct signer_options options = {
        .appraiser = *appraiser,
        .tee = service->tee,
        .deployment = service->configuration->deployment,
        .algorithm = configuration->algorithm,
    };
    TRY(signers_start(&options, why, &setup_out->signers));
    service->tee = NULL;
    return signers_tee(setup_out->signers, &service->tee);
}

enum status signing_setup_open(const struct signing_configuration *configuration, struct service *service,
                               struct state *state, const char *issuer, struct refusal *why,
                               struct signing_setup *setup)
{
    const struct signing_keys_options options = {
        .signers = setup->signers,
        .state = state,
        .clock = service->clock,
        .issuer = issuer,
        .algorithm = configuration->algorithm,
        .interval_s = configuration->interval_s,
    };
    TRY(signing_keys_open(&options, why, &setup->keys));
    return signing_keys_start(setup->keys);
}

void signing_setup_changed(struct signing_setup *setup)
{
    if (setup->keys != NULL) signing_keys_changed(setup->keys);
}

void signing_setup_close(struct signing_setup *setup)
{
    signing_keys_free(setup->keys);
    setup->keys = NULL;
}

void signing_setup_done(struct signing_setup *setup)
{
    signing_setup_close(setup);
    signers_free(setup->signers);
    *setup = (struct signing_setup){};
}
