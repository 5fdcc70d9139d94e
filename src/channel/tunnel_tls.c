/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS settings. TLS 1.3 alone; no tickets, no resumption, no early data: each of them would skip the peer check.
 */
#include "channel/attested_certificate.h"
#include "channel/tunnel_internal.h"
#include "crypto/key_openssl.h"
#include "crypto/x509.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { CHAIN_MAX_COUNT = CERTIFICATE_CHAIN_MAX_COUNT };

static void context_cleanup(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

static void x509_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

static void private_key_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static enum status new_context(SSL_CTX **context_out)
{
    CLEANUP(context_cleanup) SSL_CTX *context = SSL_CTX_new(TLS_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(context, 0) != 1)
        return ERR_CRYPTO;
    (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    *context_out = context;
    context = NULL;
    return OK;
}

static enum status check_certificate(X509 *certificate, struct handshake *handshake, int64_t now_s)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(ATTESTED_CERTIFICATE_MAX_BYTES);
    const int size = i2d_X509(certificate, NULL);
    uint8_t *place;
    if (size <= 0 || buffer_extend(&der, (size_t)size, &place) != OK)
        return refuse(&handshake->why, ERR_TOO_LARGE, "certificate", "at most 68 KiB", "%d bytes", size);
    if (i2d_X509(certificate, &place) != size) return ERR_CRYPTO;
    return peer_check(handshake->view.rule, buffer_slice(&der), now_s, &handshake->why, &handshake->token,
                      &handshake->peer);
}

/* Takes the place of the library's chain building. The proof that the peer owns the certificate's key follows in the
 * handshake. The peer gets one coarse alert; this side's refusal says why. */
static int verify_attested(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    const SSL *const tls = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct connection *const connection = SSL_get_app_data(tls);
    struct handshake *const handshake = connection->handshake;
    X509 *const certificate = X509_STORE_CTX_get0_cert(store);
    const enum status status = check_certificate(certificate, handshake, clock_now_s(connection->tunnel->clock));
    if (status != OK && handshake->why.status == OK)
        (void)!refuse(&handshake->why, status, "certificate", "a certificate that can be checked", "%s",
                      status_text(status));
    handshake->is_peer_known = status == OK;
    X509_STORE_CTX_set_error(store, status == OK ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return status == OK ? 1 : 0;
}

enum status tls_anonymous_context(SSL_CTX **context_out)
{
    SSL_CTX *context = NULL;
    TRY(new_context(&context));
    SSL_CTX_set_cert_verify_callback(context, verify_attested, NULL);
    SSL_CTX_set_max_cert_list(context, ATTESTED_CERTIFICATE_MAX_BYTES);
    *context_out = context;
    return OK;
}

static enum status new_identity(SSL_CTX **context, bool is_attested, struct tunnel_identity **identity_out)
{
    struct tunnel_identity *const identity = calloc(1, sizeof(*identity));
    if (identity == NULL) return ERR_NO_MEMORY;
    *identity = (struct tunnel_identity){.context = *context, .is_attested = is_attested, .owners = 1};
    *context = NULL;
    *identity_out = identity;
    return OK;
}

enum status tunnel_identity_attested(const struct key *tls_key, struct slice token, int64_t now_s,
                                     struct tunnel_identity **identity_out)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(ATTESTED_CERTIFICATE_MAX_BYTES);
    TRY(attested_certificate_make(tls_key, token, now_s, &der));
    CLEANUP(context_cleanup) SSL_CTX *context = NULL;
    TRY(tls_anonymous_context(&context));
    if (SSL_CTX_use_certificate_ASN1(context, (int)der.size, der.bytes) != 1 ||
        SSL_CTX_use_PrivateKey(context, key_openssl(tls_key)) != 1)
        return ERR_CRYPTO;
    return new_identity(&context, true, identity_out);
}

/* Never asks for a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *unused)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)unused;
    return 0;
}

static enum status read_certificate(BIO *pem, X509 **certificate_out)
{
    *certificate_out = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
    ERR_clear_error(); /* the end of the text is an error to the library */
    return *certificate_out != NULL ? OK : ERR_CERTIFICATE_MALFORMED;
}

static enum status use_chain(SSL_CTX *context, struct slice pem)
{
    CLEANUP(bio_cleanup) BIO *text = BIO_new_mem_buf(pem.bytes, (int)pem.size);
    CLEANUP(x509_cleanup) X509 *leaf = NULL;
    if (text == NULL) return ERR_NO_MEMORY;
    TRY(read_certificate(text, &leaf));
    if (SSL_CTX_use_certificate(context, leaf) != 1) return ERR_CERTIFICATE_MALFORMED;
    for (size_t count = 1; count < CHAIN_MAX_COUNT; count++) {
        CLEANUP(x509_cleanup) X509 *certificate = NULL;
        if (read_certificate(text, &certificate) != OK) return OK;
        if (SSL_CTX_add1_chain_cert(context, certificate) != 1) return ERR_CERTIFICATE_MALFORMED;
    }
    return OK;
}

static enum status use_private_key(SSL_CTX *context, struct slice pem)
{
    CLEANUP(bio_cleanup) BIO *text = BIO_new_mem_buf(pem.bytes, (int)pem.size);
    if (text == NULL) return ERR_NO_MEMORY;
    CLEANUP(private_key_cleanup) EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL);
    const bool is_usable =
        key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    ERR_clear_error();
    return is_usable ? OK : ERR_KEY_INVALID;
}

enum status tunnel_identity_web(struct slice certificate_chain_pem, struct slice private_key_pem, struct refusal *why,
                                struct tunnel_identity **identity_out)
{
    if (certificate_chain_pem.size > CERTIFICATE_PEM_MAX_BYTES || private_key_pem.size > KEY_PEM_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "tls", "a chain of at most 64 KiB and a key of at most 8 KiB", "more");
    CLEANUP(context_cleanup) SSL_CTX *context = NULL;
    TRY(tls_anonymous_context(&context));
    if (use_chain(context, certificate_chain_pem) != OK)
        return refuse(why, ERR_CERTIFICATE_MALFORMED, "tls.certificate", "a PEM certificate chain", "another text");
    if (use_private_key(context, private_key_pem) != OK)
        return refuse(why, ERR_KEY_INVALID, "tls.key", "the certificate's private key in unencrypted PEM", "another");
    return new_identity(&context, false, identity_out);
}

void tunnel_identity_free(struct tunnel_identity *identity)
{
    if (identity == NULL || --identity->owners > 0) return;
    SSL_CTX_free(identity->context);
    free(identity);
}

static enum status trust_only(SSL_CTX *context, struct slice ca_pem)
{
    CLEANUP(bio_cleanup) BIO *text = BIO_new_mem_buf(ca_pem.bytes, (int)ca_pem.size);
    if (text == NULL) return ERR_NO_MEMORY;
    for (size_t count = 0;; count++) {
        CLEANUP(x509_cleanup) X509 *certificate = NULL;
        if (read_certificate(text, &certificate) != OK) return count > 0 ? OK : ERR_CERTIFICATE_MALFORMED;
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) != 1) return ERR_CERTIFICATE_MALFORMED;
    }
}

enum status tls_client_context(struct slice ca_pem, struct refusal *why, SSL_CTX **context_out)
{
    CLEANUP(context_cleanup) SSL_CTX *context = NULL;
    TRY(new_context(&context));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (ca_pem.size > CERTIFICATE_PEM_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "ca", "at most 64 KiB", "%zu bytes", ca_pem.size);
    if (ca_pem.size > 0 && trust_only(context, ca_pem) != OK)
        return refuse(why, ERR_CERTIFICATE_MALFORMED, "ca", "PEM certificates", "another text");
    if (ca_pem.size == 0 && SSL_CTX_set_default_verify_paths(context) != 1) return ERR_CRYPTO;
    *context_out = context;
    context = NULL;
    return OK;
}

enum status tls_expect_server(SSL *tls, const char *server_name, int64_t now_s)
{
    if (server_name == NULL || server_name[0] == '\0') return ERR_CONFIG;
    X509_VERIFY_PARAM *const expected = SSL_get0_param(tls);
    X509_VERIFY_PARAM_set_time(expected, now_s);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    uint8_t binary[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, server_name, binary) == 1 || inet_pton(AF_INET6, server_name, binary) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(expected, server_name) == 1 ? OK : ERR_CONFIG;
    const bool is_set =
        X509_VERIFY_PARAM_set1_host(expected, server_name, 0) == 1 && SSL_set_tlsext_host_name(tls, server_name) == 1;
    return is_set ? OK : ERR_CONFIG;
}

/* Alerts with which a peer says that it does not accept this side's certificate. */
static bool is_refusal_alert(int alert)
{
    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED: return true;
    default: return false;
    }
}

enum status tls_failure(const SSL *tls, bool asks_acceptance, struct refusal *why)
{
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    if (reason >= SSL_AD_REASON_OFFSET) {
        const int alert = reason - SSL_AD_REASON_OFFSET;
        const enum status status = asks_acceptance && is_refusal_alert(alert) ? ERR_PEER_REFUSED : ERR_TLS;
        return refuse(why, status, "tls.alert", "a peer that accepts this side", "%s",
                      SSL_alert_desc_string_long(alert));
    }
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        (void)!refuse(why, ERR_TOKEN_MISSING, "certificate", "a certificate with an attestation token", "none");
        return ERR_PEER_REFUSED;
    }
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return refuse(why, ERR_TLS, "tls.certificate", "a certificate that leads to the given anchors", "%s",
                      X509_verify_cert_error_string(SSL_get_verify_result(tls)));
    const char *const text = error == 0 ? "the connection ended" : ERR_reason_error_string(error);
    return refuse(why, ERR_TLS, "tls.handshake", "TLS 1.3", "%s", text != NULL ? text : "another protocol");
}
