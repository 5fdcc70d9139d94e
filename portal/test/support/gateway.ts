// SPDX-License-Identifier: Apache-2.0
//
// The platform's side of the sealed channel, for tests: opens requests, seals answers.

import { responseKey, requestInfo, suiteOf, type Exporter } from '../../src/channel/ohttp.js';
import { concat, randomBytes, type Bytes } from '../../src/trust/encoding.js';
import type { SealingKey } from './deployment.js';

export async function sealResponse(
  context: Exporter, enc: Uint8Array, aead: 1 | 2, response: Uint8Array, nonce: Uint8Array,
): Promise<Bytes> {
  const { key, iv } = await responseKey(context, enc, nonce, aead);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, response as Bytes);
  return concat(nonce, new Uint8Array(sealed));
}

export interface Opened {
  readonly message: Bytes;
  seal(response: Uint8Array): Promise<Bytes>;
}

export async function openRequest(key: SealingKey, request: Uint8Array): Promise<Opened> {
  const aead = (request[6] ?? 0) as 1 | 2;
  const enc = request.slice(7, 39);
  const context = await suiteOf(aead).createRecipientContext({
    recipientKey: key.pair as never, enc: enc.buffer, info: requestInfo(request.slice(0, 7)).buffer,
  });
  const message = new Uint8Array(await context.open(request.slice(39).buffer as ArrayBuffer));
  const nonce = randomBytes(aead === 2 ? 32 : 16);
  return { message, seal: (response) => sealResponse(context, enc, aead, response, nonce) };
}
