// SPDX-License-Identifier: Apache-2.0
//
// What this portal was built for. A release accepts no simulation, whatever a hospital signs; the builder puts the constant in.

declare const LAZARET_RELEASE: boolean | undefined;

export const IS_RELEASE = typeof LAZARET_RELEASE !== 'undefined' && LAZARET_RELEASE === true;
