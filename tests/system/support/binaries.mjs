// SPDX-License-Identifier: Apache-2.0
// What a program's file tells about itself: names and texts that a release must not hold, and how the linker hardened it.
import { run } from '../../../scripts/stack/processes.mjs';

/** What no release holds: the software TEE's client, settings that weaken, and whatever makes or names simulated evidence. */
const FORBIDDEN = /softtee|insecure[_-]|LAZARET_SOFTTEE|simulat/i;

/** The word stands only where a release refuses it (status codes and their texts, the claim, the manifest's member, the name that a
 *  simulated certificate has), or where the command line shows what it refused. */
const REFUSALS = new Set([
  'ERR_TOKEN_SIMULATED', 'ERR_MANIFEST_SIMULATION', 'the token is from simulated evidence, which this deployment does not accept',
  'the manifest asks for simulation, which this build does not contain', 'simulated evidence', 'claims.lazaret-simulated', 'lazaret-simulated',
  'manifest.simulation', 'simulation', 'Simulated', 'simulated',
  'this build runs on real hardware only; for a trial on any machine use a simulation build',
  " (simulated TEE: the machine's owner could read what is entered)", ' SIMULATION', 'SIMULATED',
]);

export function forbiddenStrings(file) {
  return run('strings', ['-a', '-n', '5', file], { maxBuffer: 64 << 20 }).split('\n').filter((text) => FORBIDDEN.test(text) && !REFUSALS.has(text));
}

/** Functions and data of an unstripped program. The checks themselves have the word in their names. */
const CHECKS = /^(check_simulated|is_named_simulated|read_simulation)(\.|$)/;

export function forbiddenSymbols(file) {
  return run('nm', ['--no-demangle', file], { maxBuffer: 64 << 20 }).split('\n').map((line) => line.trim().split(' ').pop())
    .filter((name) => FORBIDDEN.test(name) && !CHECKS.test(name));
}

/** What hardening `file` lacks, by name; empty for a program that has all of it. */
export function weaknesses(file) {
  const elf = run('readelf', ['--wide', '--file-header', '--program-headers', '--dynamic', '--dyn-syms', file], { maxBuffer: 64 << 20 });
  const has = (pattern) => pattern.test(elf);
  const imports = [...elf.matchAll(/ UND (\w+)/g)].map((match) => match[1]);
  const checks = {
    'position-independent': has(/Type:\s+DYN/) && has(/FLAGS_1\).*\bPIE\b/),
    'relocations read-only': has(/GNU_RELRO/) && has(/BIND_NOW|FLAGS_1\).*\bNOW\b/),
    'stack not executable': has(/GNU_STACK\s+(0x\w+\s+){5}RW\s/),
    'stack protector': imports.includes('__stack_chk_fail'),
    'fortified calls': imports.some((name) => /^__\w+_chk$/.test(name) && name !== '__stack_chk_fail'),
    'no search path of its own': !has(/\((RPATH|RUNPATH)\)/),
    'no segment both written and executed': !has(/LOAD\s+(0x\w+\s+){5}RWE\s/),
    'no relocation of code': !has(/TEXTREL/),
  };
  return Object.keys(checks).filter((name) => !checks[name]);
}

/** Debian's checksec, asked the same. */
export function checksec(file) {
  const said = run('checksec', [`--file=${file}`, '--output=json']);
  return Object.values(JSON.parse(said))[0];
}
