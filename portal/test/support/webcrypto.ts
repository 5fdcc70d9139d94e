// SPDX-License-Identifier: Apache-2.0
//
// Node 18 has WebCrypto, but not under its global names.

import { webcrypto } from 'node:crypto';

const holder = globalThis as { crypto?: unknown; CryptoKey?: unknown };
holder.crypto ??= webcrypto;
holder.CryptoKey ??= webcrypto.CryptoKey;
