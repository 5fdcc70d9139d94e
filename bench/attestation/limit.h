/* SPDX-License-Identifier: Apache-2.0
 *
 * What an appraisal is measured against: the signatures of a quote verified and a token's made, by OpenSSL alone.
 */
#pragma once

/* Microseconds of processor time, each over `seconds`. */
struct limit {
    double verify_p256, sign_rsa_2048, sign_p256;
};
struct limit limit_measure(double seconds);
