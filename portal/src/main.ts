// SPDX-License-Identifier: Apache-2.0
//
// Starts the portal: the pinned trust file, the chain, the frame, the page that the address names.

import './style.css';
import { BootError, readTrustFile, requireBrowser, requireStyle } from './app/boot.js';
import type { App } from './app/context.js';
import { Keeper } from './app/keeper.js';
import { Platform } from './app/platform.js';
import { Router } from './app/router.js';
import { endSession, session } from './app/session.js';
import { SealedChannel } from './channel/sealed.js';
import { rememberWanted } from './pages/sign-in.js';
import { sendByFetch } from './trust/fetching.js';
import type { TrustFile } from './trust/chain.js';
import { h } from './view/dom.js';
import { nowSeconds } from './view/format.js';
import { frame } from './view/frame.js';
import { button, notice } from './view/parts.js';
import { Signal } from './view/signal.js';
import { t } from './view/words.js';

const INBOX_MS = 20000;

function platformOf(keeper: Keeper): Platform {
  return new Platform(new SealedChannel({
    send: sendByFetch,
    now: nowSeconds,
    accepted: () => keeper.accepted(),
    verifyAgain: () => keeper.verifyLocked(),
    session: () => session.value?.token,
  }));
}

/** Messages that wait; looked for while a clinician is signed in and the tab is in view. */
async function refreshInbox(platform: Platform, keeper: Keeper, waiting: Signal<number>): Promise<void> {
  if (session.value?.user.role !== 'clinician') {
    if (waiting.value !== 0) waiting.set(0);
    return;
  }
  if (document.visibilityState !== 'visible' || keeper.accepted() === undefined) return;
  try {
    const count = (await platform.inbox()).filter((item) => item.acknowledged === undefined).length;
    if (count !== waiting.value) waiting.set(count);
  } catch {
    // the inbox page says what is wrong; the count in the frame just stays
  }
}

function warnBeforeLeaving(app: App): void {
  window.addEventListener('beforeunload', (event) => {
    const busy = [...app.uploads.values()].some((list) => list.some((upload) => upload.busy));
    if (busy) event.preventDefault();
  });
}

function start(trust: TrustFile, root: HTMLElement): void {
  const keeper = new Keeper(trust, sendByFetch);
  const platform = platformOf(keeper);
  const waiting = new Signal(0);
  let router: Router | undefined;
  const app: App = {
    keeper, platform, waiting, uploads: new Map(), go: (hash) => router?.go(hash),
    refreshInbox: () => refreshInbox(platform, keeper, waiting),
  };
  const signOut = async () => {
    await platform.signOut().catch(() => undefined); // leaving must work even when the platform is away
    app.uploads.clear();
    endSession();
    rememberWanted(''); // the next person starts at the beginning
    app.go('#/sign-in');
  };
  router = new Router(app, frame(app, root, () => void signOut()));
  let before = session.value;
  session.watch((now) => {
    const isOver = before !== undefined && now === undefined;
    before = now;
    if (isOver) app.go(location.hash); // the router asks for the sign-in and remembers the address
    void app.refreshInbox();
  });
  keeper.state.watch(() => void app.refreshInbox());
  window.setInterval(() => void app.refreshInbox(), INBOX_MS);
  warnBeforeLeaving(app);
  router.start();
  void keeper.verify();
}

function refuse(root: HTMLElement, error: unknown): void {
  const failure = error instanceof BootError ? error.failure : 'changed';
  document.title = t(`boot.${failure}.title`);
  const heading = h('h1', { tabindex: -1 }, t(`boot.${failure}.title`));
  const again = button(t('boot.again'), () => location.reload(), { kind: 'quiet', test: 'load-again' });
  root.replaceChildren(h('main', { class: 'boot-refusal' }, heading, notice('bad', t(`boot.${failure}.text`)), again));
  heading.focus();
}

async function boot(): Promise<void> {
  const root = document.getElementById('portal') as HTMLElement;
  try {
    requireStyle();
    await requireBrowser();
    start(await readTrustFile(), root);
  } catch (error) {
    refuse(root, error);
  }
}

void boot();
