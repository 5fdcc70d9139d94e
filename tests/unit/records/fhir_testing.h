/* SPDX-License-Identifier: Apache-2.0
 *
 * Resources for tests, written with single quotes so that they can be read here; all names are made up.
 */
#pragma once

#include "records/fhir.h"

#include "testing.h"

#define PATIENT_ID "00112233445566778899aabbccddeeff"

enum { TEST_NOW_S = 1763719200 }; /* 2025-11-21T10:00:00Z */

/* The text with double quotes. */
static inline struct buffer quoted(const char *text)
{
    struct buffer json = buffer_of_maximum(2 << 20);
    assert_ok(buffer_append_text(&json, text));
    for (size_t i = 0; i < json.size; i++) {
        if (json.bytes[i] == '\'') json.bytes[i] = '"';
    }
    return json;
}

static inline json_t *json_of(const char *text)
{
    CLEANUP(buffer_done) struct buffer json = quoted(text);
    json_t *value = NULL;
    assert_ok(json_parse(buffer_slice(&json), 2 << 20, NULL, &value));
    return value;
}

static inline void assert_json(const json_t *value, const char *expected)
{
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(1 << 20);
    CLEANUP(buffer_done) struct buffer wanted = quoted(expected);
    assert_ok(json_write(value, &written));
    const char *written_text, *wanted_text;
    assert_ok(buffer_text(&written, &written_text));
    assert_ok(buffer_text(&wanted, &wanted_text));
    assert_string_equal(written_text, wanted_text);
}

#define PATIENT_FULL                                                                                                   \
    "{'resourceType':'Patient','active':true,'language':'de',"                                                         \
    "'identifier':[{'use':'official','system':'urn:oid:1.2.276.0.76','value':'A123-456'}],"                            \
    "'name':[{'use':'official','family':'Zebra','given':['Ida','Maria'],'prefix':['Dr.']}],"                           \
    "'telecom':[{'system':'phone','value':'+49 30 "                                                                    \
    "123456','use':'mobile'},{'system':'email','value':'ida@example.org'}],"                                           \
    "'gender':'female','birthDate':'1980-02-29',"                                                                      \
    "'address':[{'use':'home','line':['Am Markt 1'],'city':'Lindau','postalCode':'88131','country':'DE'}],"            \
    "'contact':[{'name':{'family':'Zebra','given':['Otto']},'telecom':[{'system':'phone','value':'1'}]}],"             \
    "'communication':[{'language':{'coding':[{'system':'urn:ietf:bcp:47','code':'de'}]},'preferred':true}]}"

#define ALLERGY                                                                                                        \
    "{'resourceType':'AllergyIntolerance',"                                                                            \
    "'clinicalStatus':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical',"       \
    "'code':'active'}]},'type':'allergy','category':['medication'],'criticality':'high',"                              \
    "'code':{'text':'Penicillin'},'patient':{'reference':'Patient/" PATIENT_ID "'},"                                   \
    "'onsetDateTime':'2010','reaction':[{'manifestation':[{'text':'Rash'}],'severity':'mild'}],"                       \
    "'note':[{'text':'told by\\nthe mother'}]}"

#define CONDITION                                                                                                      \
    "{'resourceType':'Condition','clinicalStatus':{'coding':[{'code':'active'}]},'code':{'text':'Cough'},"             \
    "'subject':{'reference':'Patient/" PATIENT_ID "'},'onsetDateTime':'2025-11-20'}"

#define ENCOUNTER                                                                                                      \
    "{'resourceType':'Encounter','status':'in-progress','class':{"                                                     \
    "'system':'http://terminology.hl7.org/CodeSystem/v3-ActCode','code':'EMER'},"                                      \
    "'subject':{'reference':'Patient/" PATIENT_ID "'},'period':{'start':'2025-11-21T09:30:00+01:00'}}"

#define COVERAGE                                                                                                       \
    "{'resourceType':'Coverage','status':'active','beneficiary':{'reference':'Patient/" PATIENT_ID "'},"               \
    "'payor':[{'display':'Good Insurance'}],'subscriberId':'77','period':{'start':'2025-01-01','end':'2025-12-31'}}"

#define ORDER                                                                                                          \
    "{'resourceType':'ServiceRequest','subject':{'reference':'Patient/" PATIENT_ID "'},"                               \
    "'supportingInfo':[{'reference':'ImagingStudy/" PATIENT_ID "'}],'code':{'text':'Chest film reading'}}"
