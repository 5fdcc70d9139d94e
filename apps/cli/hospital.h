/* SPDX-License-Identifier: Apache-2.0
 *
 * The hospital's side of the story from the command line: verifies the chain exactly as the portal does, and talks to
 * the platform over the sealed channel. `lazaret verify chain`, `lazaret client` and `make demo` are made of it.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "channel/bhttp.h"
#include "channel/ohttp.h"
#include "http/client.h"
#include "policy/manifest.h"

enum {
    HOSPITAL_HOP_MAX_COUNT = 8,
    HOSPITAL_TEXT_BYTES = 512,
    HOSPITAL_BODY_MAX_BYTES = 2 * 1024 * 1024,
    HOSPITAL_ANSWER_MAX_BYTES = 16 * 1024 * 1024,
    HOSPITAL_TIMEOUT_MS = 30000,
    HOSPITAL_CLOCK_SLACK_S = 300, /* how far ahead a statement's time of issue may be; its end has no slack */
    HOSPITAL_STORE_MAX_COUNT = 16,
    SESSION_TEXT_MAX_BYTES = 128,
};

struct hospital_options {
    const char *platform_url;    /* "https://host:port" */
    const char *attestation_url; /* where the evidence is appraised anew; NULL: the manifest's first issuer */
    const char *ca_path;         /* TLS anchors; NULL: the system's */
    const char *manifest_path;
    const char *deployment; /* thumbprint of the deployment key */
    const char *seen_path;  /* what was seen before, and is held to; NULL: nothing is */
#ifdef LAZARET_SIMULATION
    const char *insecure_clock_path; /* of clock_new_insecure; NULL: the host's clock */
#endif
};

/* What was found at one hop. */
struct hop_report {
    char service[SERVICE_NAME_MAX_BYTES + 1];
    bool is_accepted, is_unreachable;
    char reason[HOSPITAL_TEXT_BYTES];
    char measurement[65]; /* hexadecimal; "" if unknown */
    bool is_simulated;
    int64_t token_age_s;
};

struct chain_report {
    bool is_accepted; /* data entry is allowed: platform and every hop accepted, or the gate unreachable */
    struct hop_report hops[HOSPITAL_HOP_MAX_COUNT]; /* the platform first */
    size_t hop_count;
    int64_t manifest_version;
};

struct hospital;

/* Reads the manifest and opens the connections' tunnel; nothing is sent. */
enum status hospital_open(const struct hospital_options *options, struct refusal *why, struct hospital **hospital_out);
void hospital_cleanup(struct hospital **hospital);

const struct manifest *hospital_manifest(const struct hospital *hospital);

/* Verifies platform, its fresh appraisal, each hop, and that neither manifest nor records are older than what was seen.
 * OK with a report also if a hop is refused; an error if the platform itself is: `why` says what. Only after an
 * accepted chain does hospital_request send anything. */
enum status hospital_verify(struct hospital *hospital, struct refusal *why, struct chain_report *report_out);

/* Verifies what an evidence endpoint answered earlier (its JSON text) as of `at_s`: token, chain statement and each
 * hop's token, without a fresh appraisal or a nonce, which only a live platform can answer. */
enum status hospital_verify_saved(const char *manifest_path, const char *deployment, struct slice evidence,
                                  int64_t at_s, struct refusal *why, struct chain_report *report_out);

/* A sealed request. */
struct hospital_request {
    const char *method, *path;
    const char *content_type; /* NULL: no body */
    struct slice body;
    const char *if_match; /* or NULL */
    const char *session;  /* or NULL */
};
struct hospital_answer {
    unsigned status;
    struct buffer content; /* owns what the response borrows */
    struct bhttp_response response;
};
void hospital_answer_done(struct hospital_answer *answer);

/* ERR_PEER_REFUSED before an accepted chain. When the platform says that its chain changed, the chain is verified
 * again, once, and the request is sent again under the same idempotency key; likewise when it does not know the key
 * that the request was sealed to, because it has a new one. */
enum status hospital_request(struct hospital *hospital, const struct hospital_request *request, struct refusal *why,
                             struct hospital_answer *answer_out);

/* Sends a master key, recovered from its file, to a platform whose store is locked: sealed to the HPKE key of the
 * platform that hospital_verify last verified, by the recovery key (docs/protocols.md, section 12). ERR_PEER_REFUSED
 * before that; ERR_HTTP_STATUS with what the platform said. */
enum status hospital_restore(struct hospital *hospital, const struct key *recovery_private, struct slice master,
                             struct refusal *why);
