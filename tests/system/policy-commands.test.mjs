// SPDX-License-Identifier: Apache-2.0
// `lazaret policy`: what check, test, sign and hash print, what they refuse, exit codes; and what they sign is what others verify.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN } from './support/stack.mjs';

let folder;
before(() => { folder = mkdtempSync(join(tmpdir(), 'lazaret-policy-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

const at = (name) => join(folder, name);
const put = (name, content) => { writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content)); return at(name); };

function policy(args, input) {
  const { status, stdout, stderr } = spawnSync(join(BIN, 'lazaret'), ['policy', ...args], { encoding: 'utf8', input });
  return { status, stdout, stderr };
}

function assertRefused(result, status, ...words) {
  assert.equal(result.status, status, result.stderr);
  for (const word of words) assert.ok(result.stderr.includes(word), `${word} in ${result.stderr}`);
}

const PERMIT = 'version=1.0; authorizationrules{=> permit();}; issuancerules{};';
const SIGNED_BY = `version=1.2;
configurationrules {
  => issueproperty(type="x-ms-sgx-tcbidentifier", value="azuredefault");
};
authorizationrules {
  [type=="x-ms-sgx-is-debuggable", value==true] => deny();
  ![type=="lazaret-simulated"] && [type=="x-ms-sgx-mrsigner", value=="ab"] && [type=="x-ms-sgx-svn", value>=3] => permit();
};
issuancerules {
  c:[type=="x-ms-sgx-mrsigner"] => issue(type="signer", value=c.value);
  => issue(type="level", value=JsonToClaimValue(JmesPath("no JSON", "@")));
};
`;
const GOOD = { 'x-ms-sgx-mrsigner': 'ab', 'x-ms-sgx-svn': 3, 'x-ms-sgx-is-debuggable': false };
const sha = (text) => createHash('sha256').update(text).digest('base64url');
const encode = (text) => Buffer.from(text).toString('base64url');
const unsigned = (text) => `${encode('{"alg":"none"}')}.${encode(JSON.stringify({ AttestationPolicy: encode(text) }))}.`;

describe('policy check', () => {
  test('a usable policy is told with its version, rules and hash', () => {
    const { status, stdout } = policy(['check', put('p', SIGNED_BY)]);
    assert.equal(status, 0);
    assert.match(stdout, /^usable: version 1\.2; rules: 1 of configuration, 2 of authorization, 2 of issuance\n/);
    assert.ok(stdout.includes(sha(encode(SIGNED_BY))));
    assert.ok(!stdout.includes('PERMITS'));
  });
  test('one that permits anything says so, one that can permit nothing too', () => {
    assert.match(policy(['check', '-'], PERMIT).stdout, /PERMITS evidence of any kind/);
    assert.match(policy(['check', '-'], 'version=1.0; authorizationrules{}; issuancerules{};').stdout, /permits nothing/);
  });
  test('a JWS is looked into', () => {
    assert.match(policy(['check', put('jws', `${unsigned(SIGNED_BY)}\n`)]).stdout, /unsigned \(alg none\)/);
    assertRefused(policy(['check', put('jws', `${encode('{"alg":"RS256","x5c":["MAA="]}')}.${unsigned(PERMIT).split('.')[1]}.AAAA`)]), 1, 'x5c[0]');
  });
  test('what does not compile is refused with line and column', () => {
    assertRefused(policy(['check', '-'], 'version=1.0;\nauthorizationrules{\n  => allow();\n};'), 1, 'line 3, column 6');
    assertRefused(policy(['check', '-'], ''), 1, 'line 1, column 1');
    assertRefused(policy(['check', '-'], 'x'.repeat(70000)), 1, '65536 bytes');
  });
  test('the command line is checked', () => {
    assertRefused(policy(['check']), 2, 'FILE');
    assertRefused(policy(['check', 'a', 'b']), 2, 'one file');
    assertRefused(policy(['check', at('absent')]), 2, 'No such file');
  });
});

describe('policy test', () => {
  const run = (claims, ...args) => policy(['test', put('p', SIGNED_BY), '--claims', put('c', claims), ...args]);
  const json = (claims, ...args) => JSON.parse(run(claims, '--json', ...args).stdout);

  test('what is permitted, issued and set is printed', () => {
    const { status, stdout, stderr } = run(GOOD);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, 'permitted\nissued\n  signer = "ab"\nproperties\n  x-ms-sgx-tcbidentifier = "azuredefault"\n');
  });
  test('the same as JSON', () => {
    assert.deepEqual(json(GOOD), { permitted: true, code: 'OK', reason: '',
      issued: [{ type: 'signer', value: 'ab', valueType: 'String', issuer: 'AttestationPolicy' }],
      properties: [{ type: 'x-ms-sgx-tcbidentifier', value: 'azuredefault', valueType: 'String', issuer: 'AttestationPolicy' }] });
  });
  test('what is denied is exit code 1, with the rule that denied or that none permitted', () => {
    assertRefused(run({ ...GOOD, 'x-ms-sgx-is-debuggable': true }), 1, 'policy line 6', 'deny()');
    assertRefused(run({ ...GOOD, 'x-ms-sgx-svn': 2 }), 1, 'a rule that permits');
    const denied = json({ ...GOOD, 'x-ms-sgx-svn': 2 });
    assert.deepEqual([denied.permitted, denied.code, denied.issued], [false, 'ERR_POLICY_DENIED', []]);
    assert.match(denied.reason, /a rule that permits/);
  });
  test('each rule is explained: fired, which condition did not hold, which function failed', () => {
    const told = run({ ...GOOD, 'x-ms-sgx-svn': 2, 'lazaret-simulated': true }, '--explain').stdout;
    assert.match(told, /configurationrules\n {2}rule 1, line 3: fired: issueproperty/);
    assert.match(told, /rule 1, line 6: did not fire: condition 1, \[type=="x-ms-sgx-is-debuggable", value==true\]: no claim/);
    assert.match(told, /rule 2, line 7: did not fire: condition 1, !\[type=="lazaret-simulated"\]: a claim matches/);
    assert.match(run(GOOD, '--explain').stdout, /rule 2, line 11: failed: .*JSON/);
    const { rules } = json(GOOD, '--explain');
    assert.deepEqual(rules.map(({ section, rule, line, fired }) => [section, rule, line, fired]), [['configurationrules', 1, 3, true],
      ['authorizationrules', 1, 6, false], ['authorizationrules', 2, 7, true], ['issuancerules', 1, 10, true], ['issuancerules', 2, 11, false]]);
    assert.equal(rules[1].failed_condition, 1);
    assert.match(rules[4].fault, /JSON/);
  });
  test('claims one by one, several of a type, and from standard input', () => {
    const text = 'version=1.0; authorizationrules{c:[type=="a", issuer=="CustomClaim", value==2] => permit();}; issuancerules{c:[type=="a"] => issue(claim=c);};';
    const claims = [{ type: 'a', value: 1 }, { type: 'a', value: 2, valueType: 'Integer', issuer: 'CustomClaim' }];
    const { status, stdout } = policy(['test', put('q', text), '--claims', '-', '--json'], JSON.stringify(claims));
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(stdout).issued.map(({ value }) => value), [1, 2]);
    assert.equal(policy(['test', put('q', text), '--claims', '-'], '{"a": [1, 2]}').status, 1);
  });
  test('a JWS serves as well as text', () => assert.equal(policy(['test', put('jws', unsigned(SIGNED_BY)), '--claims', put('c', GOOD)]).status, 0));
  test('claims that are none are refused, and nothing is said of the policy', () => {
    for (const [claims, word] of [['{"a":1.5}', 'claims.a'], ['[{"type":"a"}]', 'claims[0].value'], ['{', 'not valid JSON']]) {
      const result = run(claims);
      assertRefused(result, 1, word);
      assert.equal(result.stdout, '');
    }
  });
  test('the command line is checked', () => {
    assertRefused(policy(['test', put('p', PERMIT)]), 2, '--claims');
    assertRefused(policy(['test', '--claims', put('c', {})]), 2, 'FILE');
    assertRefused(policy(['test', put('p', PERMIT), '--claims', at('absent')]), 2, 'No such file');
  });
});

describe('policy hash', () => {
  test('the published hashes of the reference', () => {
    assert.equal(policy(['hash', '-'], 'version= 1.0;authorizationrules{=> permit();};').stdout, 'x-ms-policy-hash        9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco\n');
    assert.match(policy(['hash', '-'], unsigned(PERMIT)).stdout, /x-ms-policy-token-hash {2}c6sEJQItV50OeP9IrP_bzywAMOVvj5uDPbklA_bwdYQ\n$/);
  });
  test('every byte counts, of text; line ends behind a JWS do not', () => {
    const hash = (input) => policy(['hash', '-'], input).stdout;
    assert.notEqual(hash(PERMIT), hash(`${PERMIT}\n`));
    assert.equal(hash(unsigned(PERMIT)), hash(`${unsigned(PERMIT)}\r\n`));
  });
});

describe('policy sign', () => {
  const make = (name, ...how) => {
    execFileSync('openssl', ['req', '-x509', '-newkey', ...how, '-nodes', '-keyout', at(`${name}.key`), '-subj', `/CN=${name}`, '-days', '30', '-out', at(`${name}.crt`)], { stdio: 'pipe' });
  };
  before(() => {
    make('rsa', 'rsa:2048');
    make('ec', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    make('p384', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384');
    execFileSync('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('leaf.key'), '-subj', '/CN=leaf', '-out', at('leaf.csr')], { stdio: 'pipe' });
    execFileSync('openssl', ['x509', '-req', '-in', at('leaf.csr'), '-CA', at('rsa.crt'), '-CAkey', at('rsa.key'), '-days', '30', '-extfile', put('ext', 'basicConstraints=CA:FALSE'), '-out', at('leaf.crt')], { stdio: 'pipe' });
  });
  const sign = (name, ...args) => policy(['sign', put('p', SIGNED_BY), '--key', at(`${name}.key`), '--cert', at(`${name}.crt`), ...args]);

  test('a reset has an empty payload, signed or not', () => {
    assert.equal(policy(['sign', '--reset', '--unsigned']).stdout, 'eyJhbGciOiJub25lIn0..\n');
    const [header, payload, signature] = policy(['sign', '--reset', '--key', at('rsa.key'), '--cert', at('rsa.crt')]).stdout.trim().split('.');
    assert.equal(payload, '');
    const certificate = new X509Certificate(readFileSync(at('rsa.crt')));
    assert.ok(verify('sha256', Buffer.from(`${header}.`), certificate.publicKey, Buffer.from(signature, 'base64url')));
    assertRefused(policy(['sign', put('p', SIGNED_BY), '--reset', '--unsigned']), 2, '--reset');
  });
  test('the unsigned form is Azure\'s, byte for byte', () => assert.equal(policy(['sign', '--unsigned', '-'], PERMIT).stdout, `${unsigned(PERMIT)}\n`));
  for (const [name, alg] of [['rsa', 'RS256'], ['ec', 'ES256']]) test(`${alg}: header, payload and signature are what others read`, () => {
    const { status, stdout, stderr } = sign(name);
    assert.equal(status, 0, stderr);
    const [header, payload, signature] = stdout.trim().split('.');
    const certificate = new X509Certificate(readFileSync(at(`${name}.crt`)));
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url')), { alg, x5c: [certificate.raw.toString('base64')] });
    assert.deepEqual(JSON.parse(Buffer.from(payload, 'base64url')), { AttestationPolicy: encode(SIGNED_BY) });
    assert.ok(verify('sha256', Buffer.from(`${header}.${payload}`), { key: createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' })), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
    assert.match(policy(['check', put('jws', stdout)]).stdout, new RegExp(`signed by ${name};`));
  });
  test('a chain goes along, leaf first, into a file', () => {
    const chain = put('chain.crt', readFileSync(at('leaf.crt'), 'utf8') + readFileSync(at('rsa.crt'), 'utf8'));
    assert.equal(policy(['sign', put('p', SIGNED_BY), '--key', at('leaf.key'), '--cert', chain, '--out', at('out')]).stdout, '');
    assert.equal(JSON.parse(Buffer.from(readFileSync(at('out'), 'utf8').split('.')[0], 'base64url')).x5c.length, 2);
    assert.match(policy(['check', at('out')]).stdout, /signed by leaf;/);
    const reversed = put('reversed.crt', readFileSync(at('rsa.crt'), 'utf8') + readFileSync(at('leaf.crt'), 'utf8'));
    assertRefused(policy(['sign', put('p', SIGNED_BY), '--key', at('rsa.key'), '--cert', reversed]), 1, 'the issuer of certificate 1');
  });
  test('an altered policy no longer verifies', () => {
    const [header, , signature] = sign('rsa').stdout.trim().split('.');
    assertRefused(policy(['check', '-'], `${header}.${unsigned(PERMIT).split('.')[1]}.${signature}`), 1, 'header.x5c[0]');
  });
  test('a policy that does not compile, another\'s key, and no keys are refused, and nothing is written', () => {
    assertRefused(policy(['sign', '--unsigned', '--out', at('none'), '-'], 'version=1.0;'), 1, 'policy line 1');
    assertRefused(policy(['sign', put('p', PERMIT), '--key', at('rsa.key'), '--cert', at('ec.crt')]), 1, 'the key of the first certificate');
    assertRefused(policy(['sign', put('p', PERMIT), '--key', put('x', 'no key'), '--cert', at('ec.crt')]), 1, '--key', 'PKCS #8');
    assertRefused(policy(['sign', put('p', PERMIT), '--key', at('ec.key'), '--cert', at('x')]), 1, '--cert', 'PEM');
    assertRefused(sign('p384'), 1, 'RSA or P-256');
    assertRefused(policy(['sign', put('jws', unsigned(PERMIT)), '--unsigned']), 1, 'in a JWS already');
    assert.throws(() => readFileSync(at('none')));
  });
  test('the command line is checked', () => {
    assertRefused(policy(['sign', put('p', PERMIT)]), 2, '--unsigned');
    assertRefused(policy(['sign', put('p', PERMIT), '--key', 'k']), 2, '--cert');
    assertRefused(policy(['sign', put('p', PERMIT), '--key', 'k', '--unsigned']), 2, '--unsigned');
    assertRefused(policy(['sign', '--unsigned']), 2, 'FILE');
    assertRefused(policy(['sign', put('p', PERMIT), '--key', at('absent'), '--cert', at('absent')]), 2, 'No such file');
  });
});
