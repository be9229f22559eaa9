// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The MessagePack of sigfire against that of two packages, both ways: it reads what they write, and they read
// what it writes.

import * as standard from '@msgpack/msgpack'
import * as fast from 'msgpackr'
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { binary, equal, ring, truth, within } from './harness.mjs'

const program = spawn(join(dirname(binary), 'msgpack_vectors'), [], { stdio: ['pipe', 'pipe', 'inherit'] })
process.on('exit', () => program.kill('SIGKILL'))
const answers = createInterface({ input: program.stdout })[Symbol.asyncIterator]()

async function ask(word, about) {
  program.stdin.write(`${word} ${about}\n`)
  const { value, done } = await within(answers.next(), `answer to ${word}`)
  truth(!done, 'the program ended')
  return value
}
const hex = bytes => Buffer.from(bytes).toString('hex')
const bytes = text => Buffer.from(text, 'hex')

const exact = { useBigInt64: true, int64AsType: 'bigint' }
const packages = {
  '@msgpack/msgpack': {
    encode: v => standard.encode(v, exact),
    decode: b => standard.decode(b, exact)
  },
  msgpackr: {
    encode: v => new fast.Packr({ useRecords: false, variableMapSize: true }).pack(v),
    decode: b => new fast.Unpackr({ int64AsType: 'bigint', useRecords: false, mapsAsObjects: true }).unpack(b)
  }
}

const long = n => 'x'.repeat(n)
const list = n => Array.from({ length: n }, (_, i) => i)
const object = n => Object.fromEntries(list(n).map(i => [`k${i}`, i]))
const values = [
  null, true, false, 0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, Number.MAX_SAFE_INTEGER,
  -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, Number.MIN_SAFE_INTEGER,
  0.5, -0.1, 1e21, 1e300, 5e-324, Number.MAX_VALUE, 3.141592653589793,
  '', 'a', long(31), long(32), long(255), long(256), long(65535), long(65536), 'h\u00ed \u20ac \u{1f600}', '"\\/\b\n\u0000\u001f\u007f',
  [], [1], list(15), list(16), list(65535), list(65536), [[[]]],
  {}, { a: 1 }, object(15), object(16), object(70000), { '': { ' ': [null] } },
  { offer: { type: 'offer', sdp: 'v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n' }, note: [1.5, 'x'] }
]

// Whole numbers of 64 bits come as BigInt with these settings.
const plain = v =>
  typeof v === 'bigint' ? Number(v)
  : Array.isArray(v) ? v.map(plain)
  : v && typeof v === 'object' && !(v instanceof Uint8Array) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]))
  : v

const tests = {}
for (const [name, { encode, decode }] of Object.entries(packages)) {
  tests[`${name}: what it writes is read`] = async () => {
    for (const v of values) equal(JSON.parse(await ask('unpack', hex(encode(v)))), v, JSON.stringify(v).slice(0, 60))
  }
  tests[`${name}: what is written it reads`] = async () => {
    for (const v of values) {
      const text = JSON.stringify(v)
      equal(plain(decode(bytes(await ask('pack', text)))), v, text.slice(0, 60))
    }
  }
  tests[`${name}: whole numbers of 64 bits are exact both ways`] = async () => {
    for (const n of [2n ** 64n - 1n, 2n ** 63n, 2n ** 63n - 1n, 2n ** 53n + 1n, -(2n ** 63n), -(2n ** 53n) - 1n]) {
      equal(await ask('unpack', hex(encode(n))), String(n), `${n} read`)
      equal(String(decode(bytes(await ask('pack', String(n))))), String(n), `${n} written`)
    }
  }
  tests[`${name}: bytes, timestamps and what is not finite`] = async () => {
    equal(await ask('unpack', hex(encode(Uint8Array.of(255, 254, 0)))), '"//4A"', 'bytes')
    const data = JSON.parse(await ask('unpack', hex(encode([NaN, Infinity, -Infinity, { a: Uint8Array.of(1) }]))))
    equal(data, [null, null, null, { a: 'AQ==' }], 'in an array')
    truth(typeof JSON.parse(await ask('unpack', hex(encode(new Date(1000))))) === 'string', 'a date')
    equal(decode(bytes(await ask('pack', '1e400'))), Infinity, '1e400')
  }
  tests[`${name}: messages are relayed with their data as it was`] = async () => {
    const when = new Date(1767225600123)
    const data = { offer: { sdp: 'v=0' }, file: Uint8Array.of(0, 128, 255), when, half: 0.5, big: 2n ** 63n }
    const said = encode({ cmd: 'offer', id: 7, target: 'B', data })
    const heard = decode(bytes(await ask('relay', hex(said))))
    equal([heard.id, heard.cmd, heard.origin, Object.keys(heard)], ['m1', 'offer', 'A', ['id', 'cmd', 'origin', 'data']], 'the message')
    equal(hex(heard.data.file), '0080ff', 'bytes')
    equal(heard.data.when.getTime(), when.getTime(), 'a timestamp')
    equal([heard.data.half, String(heard.data.big), heard.data.offer], [0.5, String(2n ** 63n), { sdp: 'v=0' }], 'the rest')
  }
  tests[`${name}: it reads what a client says`] = async () => {
    const said = decode(bytes(await ask('say', '{"offer":{"sdp":"v=0"}}')))
    equal(said, { cmd: 'offer', target: 'B', data: { offer: { sdp: 'v=0' } }, id: 7 }, 'a request')
  }
}
tests['a message that is cut off is refused'] = async () => {
  const whole = hex(standard.encode({ cmd: 'offer', id: 1, data: [1, 'x', { a: null }] }))
  for (let n = 2; n < whole.length; n += 2) equal(await ask('unpack', whole.slice(0, n)), 'error', `cut at ${n / 2}`)
}

await ring(tests)
