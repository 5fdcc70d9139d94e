// SPDX-License-Identifier: Apache-2.0
// The release (make dist): what its files must not hold, how they are hardened, and that each part refuses what a simulation makes:
// here a running one of the product's simulation build, whose evidence, tokens and manifest are good in their own world.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { checksec, forbiddenStrings, forbiddenSymbols, weaknesses } from './support/binaries.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { ROOT, closeStack, openStack } from './support/stack.mjs';

const DIST = join(ROOT, 'build/dist');
const UNSTRIPPED = join(ROOT, 'build/release/apps');
const ROLES = ['attestation', 'gate', 'diagnosis', 'platform'];
const PROGRAMS = ['lazaret', ...ROLES.map((role) => `lazaret-${role}`)];
const bin = (name) => join(DIST, 'bin', name);
const unstripped = (name) => join(UNSTRIPPED, name === 'lazaret' ? 'cli' : name.slice('lazaret-'.length), name);

let folder;
before(() => { folder = mkdtempSync(join(tmpdir(), 'lazaret-release-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

function tryTo(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 60000, ...options });
  return { status, stdout, stderr };
}

function assertRefused(result, word) {
  assert.equal(result.status, 1, result.stdout + result.stderr);
  assert.match(result.stdout + result.stderr, word);
}

describe('what a release holds', () => {
  test('its programs, and not the software TEE', () => {
    assert.deepEqual(readdirSync(join(DIST, 'bin')).sort(), [...PROGRAMS].sort());
    for (const program of PROGRAMS) assert.match(tryTo(bin(program), ['--version']).stdout, new RegExp(`^${program} \\d+\\.\\d+\\.\\d+\\n$`));
  });

  test('no text of the software TEE, of a setting that weakens, of a simulation\'s making', () => {
    for (const program of PROGRAMS) assert.deepEqual(forbiddenStrings(bin(program)), [], program);
  });

  test('no function of theirs', () => {
    for (const program of PROGRAMS) assert.deepEqual(forbiddenSymbols(unstripped(program)), [], program);
  });

  test('the search finds them where they are', () => {
    for (const program of PROGRAMS.filter((name) => name !== 'lazaret')) {
      assert.ok(forbiddenStrings(join(ROOT, 'build/bin', program)).includes('LAZARET_SOFTTEE'), program);
      assert.ok(forbiddenSymbols(join(ROOT, 'build/bin', program)).includes('softtee_open'), program);
    }
    assert.ok(forbiddenStrings(join(ROOT, 'build/bin/lazaret')).includes('--simulated-root'));
    const planted = join(folder, 'planted');
    writeFileSync(`${planted}.c`, 'const char *setting = "insecure_skip_everything"; int insecure_setting; int main(void) { return setting[0] + insecure_setting; }\n');
    execFileSync('cc', ['-o', planted, `${planted}.c`]);
    assert.deepEqual(forbiddenStrings(planted).filter((text) => text === 'insecure_skip_everything').length, 1);
    assert.ok(forbiddenSymbols(planted).includes('insecure_setting'));
  });

  test('options of a simulation are unknown', () => {
    const seen = tryTo(bin('lazaret'), ['verify', 'evidence', '--simulated-root', '/dev/null']);
    assert.equal(seen.status, 2);
    assert.match(seen.stderr, /--simulated-root/);
    assert.doesNotMatch(tryTo(bin('lazaret'), ['verify', 'evidence', '--help']).stdout, /simulat/);
  });

  test('a list of digests that names every file', () => {
    const listed = readFileSync(join(DIST, 'SHA256SUMS'), 'utf8').trim().split('\n').map((line) => line.split('  '));
    const files = execFileSync('find', ['.', '-type', 'f', '!', '-name', 'SHA256SUMS', '-printf', '%P\n'], { cwd: DIST, encoding: 'utf8' }).trim().split('\n');
    assert.deepEqual(listed.map(([, name]) => name).sort(), files.sort());
    for (const [digest, name] of listed) assert.equal(createHash('sha256').update(readFileSync(join(DIST, name))).digest('hex'), digest, name);
  });

  test('a unit for each service: a user of its own, a closed state folder, no way out', () => {
    for (const role of ROLES) {
      const unit = readFileSync(join(DIST, `systemd/lazaret-${role}.service`), 'utf8');
      for (const directive of [`ExecStart=/opt/lazaret/bin/lazaret-${role} --config /etc/lazaret/${role}.json`, `User=lazaret-${role}`, 'DynamicUser=yes',
        `StateDirectory=lazaret-${role}`, 'StateDirectoryMode=0700', 'NoNewPrivileges=yes', 'CapabilityBoundingSet=', 'ProtectSystem=strict',
        'LimitCORE=0', 'MemoryDenyWriteExecute=yes', 'RestrictNamespaces=yes'])
        assert.ok(unit.split('\n').includes(directive), `${role}: ${directive}`);
    }
  });

  test('packed again, the same bytes', () => {
    const archive = join(ROOT, 'build', readdirSync(join(ROOT, 'build')).find((name) => /^lazaret-[\d.]+-\w+\.tar\.gz$/.test(name)));
    const packed = readFileSync(archive);
    // The time in the archive's first entry, where tar has it in octal.
    const epoch = parseInt(gunzipSync(packed).subarray(136, 148).toString('latin1'), 8);
    execFileSync(join(ROOT, 'scripts/build-dist'), { stdio: 'ignore', env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) } });
    assert.ok(readFileSync(archive).equals(packed));
  });
});

describe('how its programs are hardened', () => {
  test('each has all of it, by the linker\'s word and by checksec\'s', () => {
    for (const program of PROGRAMS) {
      assert.deepEqual(weaknesses(bin(program)), [], program);
      const { relro, canary, nx, pie, rpath, runpath, symbols, fortify_source: fortify } = checksec(bin(program));
      assert.deepEqual({ relro, canary, nx, pie, rpath, runpath, symbols, fortify },
        { relro: 'full', canary: 'yes', nx: 'yes', pie: 'yes', rpath: 'no', runpath: 'no', symbols: 'no', fortify: 'yes' }, program);
    }
  });

  test('what the linker does not tell was asked of the compiler, for every file of them', () => {
    const commands = JSON.parse(readFileSync(join(ROOT, 'build/release/compile_commands.json'), 'utf8'));
    const ours = commands.filter(({ file }) => /\.\.\/(src|apps)\//.test(file));
    assert.ok(ours.length > 100);
    for (const { command, file } of ours) {
      for (const flag of ['-fstack-clash-protection', '-fcf-protection=full', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=3', '-fPIE', '-ftrivial-auto-var-init=zero'])
        assert.ok(command.split(' ').includes(flag) || (flag === '-fPIE' && command.includes('-fPIC')), `${file}: ${flag}`);
      assert.doesNotMatch(command, /LAZARET_SIMULATION/, file);
    }
  });

  test('a weak program is seen', () => {
    const weak = join(folder, 'weak');
    writeFileSync(`${weak}.c`, '#include <string.h>\nint main(int count, char **texts) { char text[64]; strcpy(text, texts[count - 1]); return text[0]; }\n');
    execFileSync('cc', ['-O0', '-U_FORTIFY_SOURCE', '-no-pie', '-fno-stack-protector', '-Wl,-z,execstack,-z,norelro,-z,lazy,-rpath,/tmp', '-o', weak, `${weak}.c`]);
    assert.deepEqual(weaknesses(weak), ['position-independent', 'relocations read-only', 'stack not executable', 'stack protector', 'fortified calls',
      'no search path of its own']);
    const { relro, canary, nx, pie } = checksec(weak);
    assert.deepEqual({ relro, canary, nx, pie }, { relro: 'no', canary: 'no', nx: 'no', pie: 'no' });
  });
});

describe('what a simulation makes is refused', () => {
  let stack;
  let clean; // a manifest of the same deployment that says nothing of simulation
  let evidence;
  const file = (name) => join(folder, name);
  const put = (name, content) => { writeFileSync(file(name), content); return file(name); };
  const collateral = () => join(stack.path('state/attestation/collateral'), readdirSync(stack.path('state/attestation/collateral'))[0]);

  before(async () => {
    stack = await openStack({ bin: join(ROOT, 'build/bin'), portal: 'release' });
    await stack.start();
    await stack.ready(30000);
    const { simulation, ...payload } = JSON.parse(readFileSync(stack.path('manifest.json'), 'utf8'));
    assert.equal(simulation.roots.length, 1);
    clean = file('clean.jws');
    const signed = tryTo(bin('lazaret'), ['manifest', 'sign', '--key', stack.path('keys/deployment.pem'), '--out', clean, put('clean.json', JSON.stringify(payload))]);
    assert.equal(signed.status, 0, signed.stderr);
    evidence = JSON.parse(execFileSync('curl', ['--silent', '--fail', '--cacert', stack.tls.ca, `${stack.urls.platform}/.well-known/lazaret/attestation`], { encoding: 'utf8' }));
    put('quote.bin', Buffer.from(evidence.evidence, 'base64url'));
    put('token.jwt', evidence.token);
    put('root.jwk', JSON.stringify(stack.simulatedRoot));
    put('issuer.jwks', readFileSync(stack.path('keys/issuer.jwks')));
    put('body.json', JSON.stringify({ quote: evidence.evidence, runtimeData: { data: evidence.runtimeData, dataType: 'JSON' } }));
  });
  after(() => closeStack(stack));

  /** A configuration for a release program, in a state folder of its own. */
  function configured(role, manifest) {
    mkdirSync(file(`state-${role}`), { recursive: true, mode: 0o700 });
    const own = { ...stack.ownConfiguration(role) };
    return put(`${role}.json`, JSON.stringify({ manifest, deployment: stack.deployment, state: file(`state-${role}`), listen: '127.0.0.1:0',
      ...(role === 'attestation' ? {} : { attestation: { url: stack.urls.attestation, ca: stack.tls.ca } }), ...own }));
  }

  test('its own world accepts all of it', () => {
    assert.match(stack.client(['verify']), /chain: accepted/);
    const root = execFileSync('node', ['-e', `process.stdout.write(require('node:crypto').createPublicKey({ key: ${JSON.stringify(stack.simulatedRoot)}, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))`], { encoding: 'utf8' });
    const seen = tryTo(stack.program('lazaret'), ['verify', 'evidence', '--tee', 'sgx', '--file', file('quote.bin'), '--collateral', collateral(), '--simulated-root', put('root.pem', root)]);
    assert.equal(seen.status, 0, seen.stdout + seen.stderr);
    assert.equal(tryTo(stack.program('lazaret'), ['verify', 'token', '--token', file('token.jwt'), '--jwks', file('issuer.jwks')]).status, 0);
  });

  test('evidence, by the command line', () => {
    assertRefused(tryTo(bin('lazaret'), ['verify', 'evidence', '--tee', 'sgx', '--file', file('quote.bin'), '--collateral', collateral()]), /root_ca\.subjectPublicKeyInfo/);
  });

  test('a token, by the command line', () => {
    assertRefused(tryTo(bin('lazaret'), ['verify', 'token', '--token', file('token.jwt'), '--jwks', file('issuer.jwks')]), /simulated evidence/);
  });

  test('a manifest that names its roots, by everything that reads one', () => {
    const word = /manifest\.simulation: seen a member, expected nothing in a release build/;
    const named = ['--manifest', stack.path('manifest.jws'), '--deployment', stack.deployment];
    assertRefused(tryTo(bin('lazaret'), ['manifest', 'show', '--deployment', stack.deployment, stack.path('manifest.jws')]), word);
    assertRefused(tryTo(bin('lazaret'), ['manifest', 'sign', '--key', stack.path('keys/deployment.pem'), '--out', file('never.jws'), stack.path('manifest.json')]), word);
    assertRefused(tryTo(bin('lazaret'), ['verify', 'chain', stack.urls.platform, '--attestation', stack.urls.attestation, '--ca', stack.tls.ca, ...named]), word);
    assertRefused(tryTo(bin('lazaret'), ['client', 'verify', '--platform', stack.urls.platform, '--attestation', stack.urls.attestation, '--ca', stack.tls.ca, ...named]), word);
    for (const role of ROLES)
      assertRefused(tryTo(bin(`lazaret-${role}`), ['--check-config', '--config', configured(role, stack.path('manifest.jws'))]), word);
  });

  test('a chain of its tokens, by a hospital whose manifest says nothing of it', () => {
    const named = ['--attestation', stack.urls.attestation, '--ca', stack.tls.ca, '--manifest', clean, '--deployment', stack.deployment];
    assertRefused(tryTo(bin('lazaret'), ['verify', 'chain', stack.urls.platform, ...named]), /ERR_TOKEN_SIMULATED|simulated evidence/);
    const client = ['--platform', stack.urls.platform, ...named];
    assertRefused(tryTo(bin('lazaret'), ['client', 'verify', ...client]), /ERR_TOKEN_SIMULATED|simulated evidence/);
    assertRefused(tryTo(bin('lazaret'), ['client', 'sign-in', ...client, '--user', 'admin', '--session', file('session')], { input: stack.password }), /ERR_TOKEN_SIMULATED|simulated evidence/);
  });

  test('evidence, by the attestation service\'s appraisal, though it were told the root', () => {
    const seen = tryTo(join(ROOT, 'build/release/tests/release/release-driver'), ['appraise', file('body.json'), collateral(), file('root.jwk')]);
    assert.equal(seen.status, 0, seen.stderr);
    assert.match(seen.stdout, /^ERR_CHAIN .*root_ca\.subjectPublicKeyInfo/);
  });

  test('hops with its tokens, by the platform, though its rules allowed them', () => {
    for (const role of ['gate', 'diagnosis']) {
      const seen = tryTo(join(ROOT, 'build/release/tests/release/release-driver'), ['dial', `127.0.0.1:${stack.ports[role]}`, role, clean, stack.deployment]);
      assert.equal(seen.status, 0, seen.stderr);
      assert.match(seen.stdout, /^ERR_PEER_REFUSED \S+ ERR_TOKEN_SIMULATED\n/, role);
    }
  });

  test('callers with its tokens, by gate and diagnosis, though their rules allowed them', () => {
    const seen = tryTo(join(ROOT, 'build/release/tests/release/release-peers'), []);
    assert.equal(seen.status, 0, seen.stdout + seen.stderr);
  });

  test('the software TEE itself: no program of the release starts in it, or without one', () => {
    for (const role of ROLES) {
      const config = configured(role, clean);
      assert.equal(tryTo(bin(`lazaret-${role}`), ['--check-config', '--config', config]).status, 0, role);
      assertRefused(tryTo(bin(`lazaret-${role}`), ['--config', config]), /no trusted execution environment is at hand/);
      assertRefused(tryTo(stack.program('lazaret-softtee'), ['launch', '--state', stack.path('softtee'), '--', bin(`lazaret-${role}`), '--config', config]),
        /no trusted execution environment is at hand/);
    }
  });

  test('a deployment of it, by the release\'s portal: nothing is verified and nothing can be entered', async () => {
    const browser = await openBrowser();
    try {
      const { page, requests } = await openPage(browser, stack.urls.portal);
      await page.getByText(/simulated enclaves, which this portal does not accept/).first().waitFor({ timeout: 20000 });
      assert.equal(await page.locator('[data-testid=pill][data-phase=verified]').count(), 0);
      assert.deepEqual(requests.filter(({ url }) => url.includes('/sealed')), []);
    } finally {
      await browser.close();
    }
  });
});
