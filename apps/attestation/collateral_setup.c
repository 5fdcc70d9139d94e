/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/collateral_setup.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { ANCHORS_MAX_BYTES = 1024 * 1024, UPDATE_MAX_BYTES = 16 };

static enum status read_text(const json_t *object, const char *name, struct refusal *why,
                             char text_out[static URL_MAX_BYTES + 1])
{
    if (!json_has(object, name)) return OK;
    return configuration_text(object, "collateral", name, URL_MAX_BYTES, why, text_out);
}

static enum status read_path(const struct configuration *configuration, const json_t *object, const char *name,
                             struct refusal *why, char path_out[static PATH_MAX])
{
    if (!json_has(object, name)) return OK;
    return configuration_path(configuration, object, "collateral", name, why, path_out);
}

static enum status check(const struct collateral_configuration *own, struct refusal *why)
{
    struct source_url url;
    const bool has_folder = own->folder[0] != '\0', has_url = own->url[0] != '\0';
    if (has_folder == has_url)
        return refuse(why, ERR_CONFIG, "collateral", "either folder or url", has_folder ? "both" : "neither");
    if (has_folder) return OK;
    TRY(source_url_split_base(own->url, "collateral.url", why, &url));
    return own->root_crl_url[0] == '\0' ? OK
                                        : source_url_split(own->root_crl_url, "collateral.root_crl_url", why, &url);
}

static enum status read_number(const json_t *object, const char *name, int64_t minimum, int64_t maximum,
                               struct refusal *why, int64_t *number_out)
{
    return json_has(object, name) ? json_get_integer(object, "collateral", name, minimum, maximum, why, number_out)
                                  : OK;
}

/* A number and a set exclude each other, in the protocol as well. */
static enum status read_set(const json_t *object, struct refusal *why, struct collateral_set *set)
{
    char update[UPDATE_MAX_BYTES + 1] = "";
    TRY(read_number(object, "evaluation", 1, INT32_MAX, why, &set->evaluation));
    if (!json_has(object, "update")) return OK;
    TRY(configuration_text(object, "collateral", "update", UPDATE_MAX_BYTES, why, update));
    if (set->evaluation != 0)
        return refuse(why, ERR_CONFIG, "collateral.update", "either update or evaluation", "both");
    set->is_early = strcmp(update, "early") == 0;
    if (set->is_early || strcmp(update, "standard") == 0) return OK;
    return refuse(why, ERR_CONFIG, "collateral.update", "standard or early", "%s", update);
}

static enum status read_numbers(const json_t *object, struct refusal *why, struct collateral_configuration *own)
{
    int64_t protocol = PCS_VERSION_4;
    TRY(read_number(object, "protocol", PCS_VERSION_3, PCS_VERSION_4, why, &protocol));
    own->protocol = (unsigned)protocol;
    TRY(read_number(object, "minimum_evaluation", 0, INT32_MAX, why, &own->minimum_evaluation));
    return read_set(object, why, &own->set);
}

enum status collateral_configure(const struct configuration *configuration, struct refusal *why,
                                 struct collateral_configuration *own_out)
{
    static const char *const names[] = {"folder",           "url",    "ca",         "root_crl_url",
                                        "protocol",         "update", "evaluation", "minimum_evaluation",
                                        "subscription_key", NULL};
    struct collateral_configuration own = {};
    json_t *object;
    TRY(json_get_object(configuration->json, "", "collateral", why, &object));
    TRY(json_only(object, "collateral", names, why));
    TRY(read_path(configuration, object, "folder", why, own.folder));
    TRY(read_path(configuration, object, "ca", why, own.ca));
    TRY(read_path(configuration, object, "subscription_key", why, own.subscription_key));
    TRY(read_text(object, "url", why, own.url));
    TRY(read_text(object, "root_crl_url", why, own.root_crl_url));
    TRY(read_numbers(object, why, &own));
    TRY(check(&own, why));
    *own_out = own;
    return OK;
}

/* Without the line's end that editors leave. */
static enum status read_key(const struct collateral_configuration *own, struct refusal *why, struct buffer *key)
{
    *key = buffer_of_maximum(PCK_KEY_MAX_BYTES);
    if (own->subscription_key[0] == '\0') return OK;
    TRY(file_read(own->subscription_key, why, key));
    while (key->size > 0 && (key->bytes[key->size - 1] == '\n' || key->bytes[key->size - 1] == '\r'))
        buffer_truncate(key, key->size - 1);
    return OK;
}

static enum status open_connections(const struct collateral_configuration *own, struct tunnel *tunnel,
                                    struct refusal *why, struct collateral_setup *setup)
{
    CLEANUP(buffer_done) struct buffer anchors = buffer_of_maximum(ANCHORS_MAX_BYTES);
    struct source_url url;
    if (own->ca[0] != '\0') TRY(file_read(own->ca, why, &anchors));
    TRY(source_url_split_base(own->url, "collateral.url", why, &url));
    TRY(source_connection_open(&url, tunnel, buffer_slice(&anchors), why, &setup->source));
    setup->service.client = setup->source.client;
    TRY(read_key(own, why, &setup->subscription_key));
    if (own->root_crl_url[0] == '\0') return OK;
    TRY(source_url_split(own->root_crl_url, "collateral.root_crl_url", why, &url));
    TRY(source_connection_open(&url, tunnel, buffer_slice(&anchors), why, &setup->root_crl_source));
    setup->service.root_crl_client = setup->root_crl_source.client;
    setup->service.root_crl_path = url.path;
    return OK;
}

enum status collateral_setup_open(const struct collateral_configuration *own, struct tunnel *tunnel,
                                  struct refusal *why, struct collateral_setup *setup_out)
{
    CLEANUP(collateral_setup_done)
    struct collateral_setup setup = {.is_folder = own->folder[0] != '\0',
                                     .service = {.version = own->protocol, .set = own->set}};
    if (setup.is_folder)
        (void)snprintf(setup.folder, sizeof(setup.folder), "%s", own->folder);
    else
        TRY(open_connections(own, tunnel, why, &setup));
    *setup_out = setup;
    setup = (struct collateral_setup){};
    return OK;
}

void collateral_setup_interrupt(struct collateral_setup *setup)
{
    http_client_interrupt(setup->source.client);
    http_client_interrupt(setup->root_crl_source.client);
}

void collateral_setup_done(struct collateral_setup *setup)
{
    source_connection_done(&setup->source);
    source_connection_done(&setup->root_crl_source);
    buffer_done(&setup->subscription_key);
    *setup = (struct collateral_setup){};
}

enum status collateral_setup_pck(struct collateral_setup *setup, struct pck_service *service_out)
{
    if (setup->is_folder) return ERR_NOT_FOUND;
    *service_out = (struct pck_service){.client = setup->source.client, .version = setup->service.version};
    return setup->subscription_key.size == 0 ? OK
                                             : buffer_text(&setup->subscription_key, &service_out->subscription_key);
}

collateral_fetch *collateral_setup_fetch(const struct collateral_setup *setup)
{
    return setup->is_folder ? collateral_fetch_folder : collateral_fetch_service;
}

void *collateral_setup_context(struct collateral_setup *setup)
{
    return setup->is_folder ? (void *)setup->folder : (void *)&setup->service;
}
