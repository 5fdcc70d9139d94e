/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/qe_identity.h"

#include "base/reader.h"

#include <stdio.h>

enum { VERSION_2 = 2, ID_MAX_BYTES = 16 };

static const char *const id_names[] = {[ENCLAVE_QE] = "QE", [ENCLAVE_TD_QE] = "TD_QE", [ENCLAVE_QVE] = "QVE"};

const char *enclave_id_name(enum enclave_id id)
{
    return id_names[id];
}

void qe_identity_done(struct qe_identity *identity)
{
    signed_json_done(&identity->json);
    svn_levels_done(&identity->levels);
    *identity = (struct qe_identity){};
}

static enum status read_u16(const struct json_node *object, const char *path, const char *name, struct refusal *why,
                            uint16_t *value_out)
{
    int64_t value;
    TRY(json_node_get_integer(object, path, name, 0, UINT16_MAX, why, &value));
    *value_out = (uint16_t)value;
    return OK;
}

/* Four bytes in memory order, as they stand in a report. */
static enum status read_misc_select(const struct json_node *body, const char *name, struct refusal *why,
                                    uint32_t *value_out)
{
    uint8_t bytes[4];
    TRY(json_node_get_hex(body, "enclaveIdentity", name, sizeof(bytes), why, bytes));
    struct reader reader = reader_over(SLICE_ARRAY(bytes));
    return reader_u32_le(&reader, value_out);
}

static enum status read_id(const struct json_node *body, struct refusal *why, enum enclave_id *id_out)
{
    struct slice id;
    TRY(json_node_get_string(body, "enclaveIdentity", "id", ID_MAX_BYTES, why, &id));
    for (size_t i = 0; i < sizeof(id_names) / sizeof(id_names[0]); i++) {
        if (!slice_equal_text(id, id_names[i])) continue;
        *id_out = (enum enclave_id)i;
        return OK;
    }
    return refuse(why, ERR_FIELD_VALUE, "enclaveIdentity.id", "QE, TD_QE or QVE", "%.*s", (int)id.size,
                  (const char *)id.bytes);
}

static enum status read_body(const struct json_node *body, struct refusal *why, struct qe_identity *identity)
{
    static const char path[] = "enclaveIdentity";
    int64_t version;
    TRY(json_node_get_integer(body, path, "version", VERSION_2, VERSION_2, why, &version));
    TRY(read_id(body, why, &identity->id));
    TRY(json_node_get_time(body, path, "issueDate", why, &identity->issued_s));
    TRY(json_node_get_time(body, path, "nextUpdate", why, &identity->next_update_s));
    TRY(json_node_get_integer(body, path, "tcbEvaluationDataNumber", 0, INT32_MAX, why, &identity->evaluation));
    TRY(read_misc_select(body, "miscselect", why, &identity->misc_select));
    TRY(read_misc_select(body, "miscselectMask", why, &identity->misc_select_mask));
    TRY(json_node_get_hex(body, path, "attributes", sizeof(identity->attributes), why, identity->attributes));
    TRY(json_node_get_hex(body, path, "attributesMask", sizeof(identity->attributes_mask), why,
                          identity->attributes_mask));
    TRY(json_node_get_hex(body, path, "mrsigner", sizeof(identity->mrsigner), why, identity->mrsigner));
    TRY(read_u16(body, path, "isvprodid", why, &identity->product_id));
    return svn_levels_read(body, path, why, &identity->levels);
}

enum status qe_identity_parse(struct slice text, struct refusal *why, struct qe_identity *identity_out)
{
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    TRY(signed_json_parse(text, QE_IDENTITY_MAX_BYTES, "enclaveIdentity", "qe_identity", why, &identity.json));
    TRY(refuse_as(why, read_body(identity.json.body, why, &identity), ERR_COLLATERAL_MALFORMED));
    *identity_out = identity;
    identity = (struct qe_identity){};
    return OK;
}

static enum status check_attributes(const struct qe_identity *identity, const struct report_body *report,
                                    struct refusal *why)
{
    uint8_t masked[sizeof(identity->attributes)];
    for (size_t i = 0; i < sizeof(masked); i++) masked[i] = report->attributes.bytes[i] & identity->attributes_mask[i];
    if (slice_equal(SLICE_ARRAY(masked), SLICE_ARRAY(identity->attributes))) return OK;
    return refuse(why, ERR_QE_IDENTITY, "qe_report.attributes", refusal_hex(SLICE_ARRAY(identity->attributes)).text,
                  "%s", refusal_hex(SLICE_ARRAY(masked)).text);
}

enum status qe_identity_check(const struct qe_identity *identity, const struct report_body *report, struct refusal *why)
{
    char expected[24];
    (void)snprintf(expected, sizeof(expected), "%#x", (unsigned)identity->misc_select);
    if ((report->misc_select & identity->misc_select_mask) != identity->misc_select)
        return refuse(why, ERR_QE_IDENTITY, "qe_report.miscselect", expected, "%#x", (unsigned)report->misc_select);
    TRY(check_attributes(identity, report, why));
    if (!slice_equal(report->mrsigner, SLICE_ARRAY(identity->mrsigner)))
        return refuse(why, ERR_QE_IDENTITY, "qe_report.mrsigner", refusal_hex(SLICE_ARRAY(identity->mrsigner)).text,
                      "%s", refusal_hex(report->mrsigner).text);
    (void)snprintf(expected, sizeof(expected), "%u", identity->product_id);
    if (report->product_id != identity->product_id)
        return refuse(why, ERR_QE_IDENTITY, "qe_report.isvprodid", expected, "%u", report->product_id);
    return OK;
}
