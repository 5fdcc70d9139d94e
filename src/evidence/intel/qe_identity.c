/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/qe_identity.h"

#include "base/reader.h"

#include <stdio.h>
#include <stdlib.h>

enum { VERSION_2 = 2, ID_MAX_BYTES = 16 };

void qe_identity_done(struct qe_identity *identity)
{
    signed_json_done(&identity->json);
    free(identity->levels);
    *identity = (struct qe_identity){};
}

static enum status read_u16(const json_t *object, const char *path, const char *name, struct refusal *why,
                            uint16_t *value_out)
{
    int64_t value;
    TRY(json_get_integer(object, path, name, 0, UINT16_MAX, why, &value));
    *value_out = (uint16_t)value;
    return OK;
}

/* Four bytes in memory order, as they stand in a report. */
static enum status read_misc_select(const json_t *body, const char *name, struct refusal *why, uint32_t *value_out)
{
    uint8_t bytes[4];
    TRY(json_get_hex(body, "enclaveIdentity", name, sizeof(bytes), why, bytes));
    struct reader reader = reader_over(SLICE_ARRAY(bytes));
    return reader_u32_le(&reader, value_out);
}

static enum status read_level(const json_t *value, size_t index, struct refusal *why, struct qe_level *level)
{
    char path[48], tcb_path[56];
    (void)snprintf(path, sizeof(path), "enclaveIdentity.tcbLevels[%zu]", index);
    (void)snprintf(tcb_path, sizeof(tcb_path), "%s.tcb", path);
    json_t *tcb;
    TRY(json_get_object(value, path, "tcb", why, &tcb));
    TRY(read_u16(tcb, tcb_path, "isvsvn", why, &level->svn));
    TRY(level_facts_read(value, path, why, &level->facts));
    const struct level_status status = level->facts.status;
    if (status.is_revoked || status.status == TCB_UP_TO_DATE || status.status == TCB_OUT_OF_DATE) return OK;
    return refuse(why, ERR_FIELD_VALUE, path, "tcbStatus UpToDate, OutOfDate or Revoked", "%s",
                  tcb_status_name(status.status));
}

static int compare_levels(const void *left, const void *right)
{
    const struct qe_level *const a = left, *const b = right;
    return (int)b->svn - (int)a->svn;
}

static enum status read_levels(const json_t *body, struct refusal *why, struct qe_identity *identity)
{
    json_t *levels;
    TRY(json_get_array(body, "enclaveIdentity", "tcbLevels", TCB_LEVEL_MAX_COUNT, why, &levels));
    const size_t count = json_array_size(levels);
    if (count == 0) return refuse(why, ERR_FIELD_VALUE, "enclaveIdentity.tcbLevels", "at least one level", "none");
    identity->levels = calloc(count, sizeof(*identity->levels));
    if (identity->levels == NULL) return ERR_NO_MEMORY;
    identity->level_count = count;
    for (size_t i = 0; i < count; i++) TRY(read_level(json_array_get(levels, i), i, why, &identity->levels[i]));
    qsort(identity->levels, count, sizeof(*identity->levels), compare_levels);
    for (size_t i = 1; i < count; i++) {
        if (identity->levels[i].svn == identity->levels[i - 1].svn)
            return refuse(why, ERR_FIELD_VALUE, "enclaveIdentity.tcbLevels", "each isvsvn once", "%u twice",
                          identity->levels[i].svn);
    }
    return OK;
}

static enum status read_id(const json_t *body, struct refusal *why, bool *is_sgx_out)
{
    struct slice id;
    TRY(json_get_string(body, "enclaveIdentity", "id", ID_MAX_BYTES, why, &id));
    *is_sgx_out = slice_equal_text(id, "QE");
    if (*is_sgx_out || slice_equal_text(id, "TD_QE") || slice_equal_text(id, "QVE")) return OK;
    return refuse(why, ERR_FIELD_VALUE, "enclaveIdentity.id", "QE, TD_QE or QVE", "%.*s", (int)id.size,
                  (const char *)id.bytes);
}

static enum status read_body(const json_t *body, struct refusal *why, struct qe_identity *identity)
{
    static const char path[] = "enclaveIdentity";
    int64_t version;
    TRY(json_get_integer(body, path, "version", VERSION_2, VERSION_2, why, &version));
    TRY(read_id(body, why, &identity->is_sgx));
    TRY(json_get_time(body, path, "issueDate", why, &identity->issued_s));
    TRY(json_get_time(body, path, "nextUpdate", why, &identity->next_update_s));
    TRY(json_get_integer(body, path, "tcbEvaluationDataNumber", 0, INT32_MAX, why, &identity->evaluation));
    TRY(read_misc_select(body, "miscselect", why, &identity->misc_select));
    TRY(read_misc_select(body, "miscselectMask", why, &identity->misc_select_mask));
    TRY(json_get_hex(body, path, "attributes", sizeof(identity->attributes), why, identity->attributes));
    TRY(json_get_hex(body, path, "attributesMask", sizeof(identity->attributes_mask), why, identity->attributes_mask));
    TRY(json_get_hex(body, path, "mrsigner", sizeof(identity->mrsigner), why, identity->mrsigner));
    TRY(read_u16(body, path, "isvprodid", why, &identity->product_id));
    return read_levels(body, why, identity);
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

const struct qe_level *qe_identity_level(const struct qe_identity *identity, uint16_t svn)
{
    for (size_t i = 0; i < identity->level_count; i++) {
        if (identity->levels[i].svn <= svn) return &identity->levels[i];
    }
    return NULL;
}
