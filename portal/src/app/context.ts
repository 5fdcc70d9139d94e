// SPDX-License-Identifier: Apache-2.0
//
// What a page works with, and what it gives back.

import type { Keeper } from './keeper.js';
import type { Platform } from './platform.js';
import type { Upload } from './uploads.js';
import type { Signal } from '../view/signal.js';

export interface App {
  readonly keeper: Keeper;
  readonly platform: Platform;
  /** messages that wait for the clinician who is signed in */
  readonly waiting: Signal<number>;
  /** films on their way, by patient: they go on while other pages are looked at */
  readonly uploads: Map<string, Upload[]>;
  go(hash: string): void;
  refreshInbox(): Promise<void>;
}

export interface Page {
  readonly title: string;
  readonly element: HTMLElement;
  /** where the focus goes; the page's title where nothing else is said */
  readonly focus?: HTMLElement;
  readonly wide?: boolean;
  /** changes the tab's title once the page knows more */
  readonly dispose?: () => void;
}

export type PageMaker = (app: App, parameters: readonly string[]) => Page;
