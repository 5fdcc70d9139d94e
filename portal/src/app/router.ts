// SPDX-License-Identifier: Apache-2.0
//
// Which page an address shows. Addresses stand behind "#": they never reach a server, and the back button works.

import { accountsPage } from '../pages/accounts.js';
import { filmsPage } from '../pages/films.js';
import { inboxPage } from '../pages/inbox.js';
import { forbiddenPage, notFoundPage } from '../pages/missing.js';
import { patientsPage } from '../pages/patients.js';
import { recordPage } from '../pages/record.js';
import { registerPage } from '../pages/register.js';
import { resultPage } from '../pages/result.js';
import { rememberWanted, signInPage } from '../pages/sign-in.js';
import { trustPage } from '../pages/trust.js';
import type { Frame } from '../view/frame.js';
import { language, t } from '../view/words.js';
import type { App, Page, PageMaker } from './context.js';
import { session, type Role } from './session.js';

interface Route {
  readonly pattern: RegExp;
  readonly make: PageMaker;
  readonly roles?: readonly Role[];
}

const DESK: readonly Role[] = ['clerk', 'clinician'];
const ROUTES: readonly Route[] = [
  { pattern: /^\/trust$/, make: trustPage },
  { pattern: /^\/sign-in$/, make: signInPage },
  { pattern: /^\/patients$/, make: patientsPage, roles: DESK },
  { pattern: /^\/register$/, make: registerPage, roles: DESK },
  { pattern: /^\/patients\/([\w.-]+)$/, make: recordPage, roles: DESK },
  { pattern: /^\/patients\/([\w.-]+)\/films$/, make: filmsPage, roles: DESK },
  { pattern: /^\/reports\/([\w.-]+)$/, make: resultPage, roles: DESK },
  { pattern: /^\/inbox$/, make: inboxPage, roles: ['clinician'] },
  { pattern: /^\/accounts$/, make: accountsPage, roles: ['administrator'] },
];

/** Where a person starts. */
function home(): string {
  const role = session.value?.user.role;
  if (role === undefined) return '#/sign-in';
  return role === 'administrator' ? '#/accounts' : '#/patients';
}

export class Router {
  private page: Page | undefined;

  constructor(private readonly app: App, private readonly frame: Frame) {
    window.addEventListener('hashchange', () => this.show());
  }

  start(): void {
    language.watch(() => this.show());
  }

  /** Goes to an address; to the present one as well, which shows it anew. */
  go(hash: string): void {
    if (location.hash === hash) this.show();
    else location.hash = hash;
  }

  private show(): void {
    const path = location.hash.replace(/^#/, '');
    if (path === '' || path === '/') {
      history.replaceState(null, '', home());
      this.show();
      return;
    }
    const route = ROUTES.find((item) => item.pattern.test(path));
    if (route?.roles !== undefined && session.value === undefined) {
      rememberWanted(location.hash);
      history.replaceState(null, '', '#/sign-in');
      this.show();
      return;
    }
    this.render(route, path);
  }

  private make(route: Route | undefined, path: string): Page {
    if (route === undefined) return notFoundPage();
    const role = session.value?.user.role;
    if (route.roles !== undefined && (role === undefined || !route.roles.includes(role))) return forbiddenPage();
    return route.make(this.app, (route.pattern.exec(path) ?? []).slice(1));
  }

  private render(route: Route | undefined, path: string): void {
    this.page?.dispose?.();
    const page = this.make(route, path);
    this.page = page;
    document.title = t('app.title', { page: page.title, hospital: this.app.keeper.trust.hospital });
    this.frame.main.classList.toggle('wide', page.wide === true);
    this.frame.main.replaceChildren(page.element);
    this.frame.redraw();
    window.scrollTo(0, 0);
    (page.focus ?? page.element.querySelector<HTMLElement>('h1'))?.focus({ preventScroll: true });
  }
}
