/* SPDX-License-Identifier: Apache-2.0
 *
 * The resources that the platform writes (docs/protocols.md, section 8). Pure: ids and time are passed in; texts are
 * copied. Every resource is stamped as version 1. Errors: ERR_NO_MEMORY; ERR_ENCODING for text that is not UTF-8.
 */
#pragma once

#include "records/fhir.h"

/* A film that was accepted: one study of one series of one instance. UIDs are 2.25 and the id's 128 bits in decimal
 * (DICOM PS3.5 B.2). */
struct fhir_study {
    struct record_id id;
    struct record_id patient;
    struct record_id film;
    const char *modality;  /* DICOM code ("DX"); NULL: "OT" */
    const char *body_part; /* text; NULL: not told */
    int64_t now_s;
};
enum status fhir_build_study(const struct fhir_study *study, json_t **resource_out);

/* Turns a validated order into the ServiceRequest that is kept: status, intent, requester and time are the platform's.
 * `requester` is the account's display name. */
enum status fhir_build_order(const json_t *order, struct record_id id, const char *requester, int64_t now_s,
                             json_t **resource_out);

/* What the model said of a study. */
struct fhir_finding {
    struct record_id observation; /* not used if unsuitable */
    struct record_id report;
    struct record_id patient;
    struct record_id study;
    struct record_id order;
    const char *model_name;
    const char *model_version;
    const char *model_digest; /* hexadecimal */
    double threshold;
    double score; /* calibrated, 0 to 1 */
    bool is_positive;
    const char *unsuitable;   /* the reason in plain words; NULL: the model could read the film */
    const char *conclusion;   /* text of the report if it could */
    struct slice heatmap_png; /* empty: none */
    const char *receipt;      /* JWS; NULL: none */
    int64_t now_s;
};

/* The score as an Observation with valueQuantity and interpretation POS or NEG. */
enum status fhir_build_observation(const struct fhir_finding *finding, json_t **resource_out);

/* The DiagnosticReport: `preliminary` with the Observation as its result, or `cancelled` with the reason. */
enum status fhir_build_report(const struct fhir_finding *finding, json_t **resource_out);

/* "A result waits", to the clinicians' inbox. */
struct fhir_message {
    struct record_id id;
    struct record_id patient;
    struct record_id report;
    int64_t now_s;
};
enum status fhir_build_message(const struct fhir_message *message, json_t **resource_out);

/* Notes on a message who has read it and when; the first to do so stays. */
enum status fhir_acknowledge_message(json_t *message, const char *reader, int64_t now_s);
