/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_files.h"

#include "base/file.h"
#include "crypto/x509.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A list in PEM is a third longer than in DER. */
enum { CRL_TEXT_MAX_BYTES = 2 * CRL_MAX_BYTES };

struct collateral_files collateral_files_empty(void)
{
    return (struct collateral_files){
        .tcb_info = buffer_of_maximum(TCB_INFO_MAX_BYTES),
        .tcb_info_issuer_chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES),
        .qe_identity = buffer_of_maximum(QE_IDENTITY_MAX_BYTES),
        .qe_identity_issuer_chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES),
        .pck_crl = buffer_of_maximum(CRL_TEXT_MAX_BYTES),
        .pck_crl_issuer_chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES),
        .root_ca_crl = buffer_of_maximum(CRL_TEXT_MAX_BYTES),
    };
}

void collateral_files_done(struct collateral_files *files)
{
    buffer_done(&files->tcb_info);
    buffer_done(&files->tcb_info_issuer_chain);
    buffer_done(&files->qe_identity);
    buffer_done(&files->qe_identity_issuer_chain);
    buffer_done(&files->pck_crl);
    buffer_done(&files->pck_crl_issuer_chain);
    buffer_done(&files->root_ca_crl);
}

struct collateral_texts collateral_files_texts(const struct collateral_files *files)
{
    return (struct collateral_texts){
        .tcb_info = buffer_slice(&files->tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&files->tcb_info_issuer_chain),
        .qe_identity = buffer_slice(&files->qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&files->qe_identity_issuer_chain),
        .pck_crl = buffer_slice(&files->pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&files->pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&files->root_ca_crl),
    };
}

struct path {
    char text[PATH_MAX];
};

static enum status path_of(const char *folder, const char *name, struct refusal *why, struct path *path_out)
{
    const int wanted = snprintf(path_out->text, sizeof(path_out->text), "%s/%s", folder, name);
    if (wanted < 0 || (size_t)wanted >= sizeof(path_out->text))
        return refuse(why, ERR_IO, "collateral", "a shorter path", "%d bytes", wanted);
    return OK;
}

static enum status read_one(const char *folder, const char *name, struct refusal *why, struct buffer *bytes)
{
    struct path path;
    TRY(path_of(folder, name, why, &path));
    if (file_exists(path.text)) return file_read(path.text, why, bytes);
    (void)!refuse(why, ERR_COLLATERAL_MISSING, name, "a file of this name in the collateral folder", "nothing");
    return refuse_fix(why, ERR_COLLATERAL_MISSING, "fetch the whole collateral of this platform");
}

/* TCB info and QE identity are signed by one certificate, so one chain in the folder serves for both. */
static enum status read_qe_chain(const char *folder, struct refusal *why, struct collateral_files *files)
{
    static const char name[] = "qe_identity_issuer_chain.pem";
    struct path path;
    TRY(path_of(folder, name, why, &path));
    if (file_exists(path.text)) return file_read(path.text, why, &files->qe_identity_issuer_chain);
    return buffer_append(&files->qe_identity_issuer_chain, buffer_slice(&files->tcb_info_issuer_chain));
}

enum status collateral_files_read(const char *folder, struct refusal *why, struct collateral_files *files_out)
{
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_empty();
    TRY(read_one(folder, "tcbinfo.json", why, &files.tcb_info));
    TRY(read_one(folder, "tcb_issuer_chain.pem", why, &files.tcb_info_issuer_chain));
    TRY(read_one(folder, "qe_identity.json", why, &files.qe_identity));
    TRY(read_qe_chain(folder, why, &files));
    TRY(read_one(folder, "pck.crl", why, &files.pck_crl));
    TRY(read_one(folder, "pck_crl_issuer_chain.pem", why, &files.pck_crl_issuer_chain));
    TRY(read_one(folder, "root_ca.crl", why, &files.root_ca_crl));
    *files_out = files;
    files = (struct collateral_files){};
    return OK;
}

static enum status write_one(const char *folder, const char *name, const struct buffer *bytes, struct refusal *why)
{
    struct path path;
    TRY(path_of(folder, name, why, &path));
    return file_write(path.text, buffer_slice(bytes), 0600, why);
}

enum status collateral_files_write(const char *folder, const struct collateral_files *files, struct refusal *why)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return refuse(why, ERR_IO, folder, "a folder that can be made", "%s", strerror(errno));
    TRY(write_one(folder, "tcbinfo.json", &files->tcb_info, why));
    TRY(write_one(folder, "tcb_issuer_chain.pem", &files->tcb_info_issuer_chain, why));
    TRY(write_one(folder, "qe_identity.json", &files->qe_identity, why));
    TRY(write_one(folder, "qe_identity_issuer_chain.pem", &files->qe_identity_issuer_chain, why));
    TRY(write_one(folder, "pck.crl", &files->pck_crl, why));
    TRY(write_one(folder, "pck_crl_issuer_chain.pem", &files->pck_crl_issuer_chain, why));
    return write_one(folder, "root_ca.crl", &files->root_ca_crl, why);
}
