// SPDX-License-Identifier: Apache-2.0
//
// A receipt beside a reading: is it signed by the diagnosis service's attested key that this browser verified?

import { parseJws, TYP_RECEIPT, verifyJws, type Jws } from './jws.js';
import type { PublicKey } from './keys.js';

export type ReceiptVerdict = 'signed' | 'other-key' | 'bad';

export async function checkReceipt(text: string, signer: PublicKey | undefined): Promise<ReceiptVerdict> {
  let jws: Jws;
  try {
    jws = parseJws(text, 'receipt');
  } catch {
    return 'bad';
  }
  if (signer === undefined || (jws.header.kid !== undefined && jws.header.kid !== signer.thumbprint)) return 'other-key';
  try {
    await verifyJws(jws, TYP_RECEIPT, signer);
    return 'signed';
  } catch {
    return 'bad';
  }
}
