// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// What strangers can make the server spend, with 1 GB of address space: while they try, two honest peers talk. The
// server must not end, must stay within its budgets, and must refuse the strangers by their address. The table at the
// end has the memory and the waiting times; these are figures, not tests.

import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import WebSocket from 'ws'

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

/** A peer on a WebSocket that a trusted proxy forwards for `from`. */
function join_as(address, from, query = '') {
  const socket = new WebSocket(address + query, 'sigfire.v1.json', { headers: { 'X-Forwarded-For': from }, perMessageDeflate: false })
  const peer = { socket, id: undefined, asked: new Map(), n: 0 }
  peer.ask = (cmd, more = {}) => new Promise(resolve => {
    const id = ++peer.n
    peer.asked.set(id, resolve)
    socket.send(JSON.stringify({ cmd, id, ...more }))
  })
  peer.cast = (cmd, more = {}) => socket.send(JSON.stringify({ cmd, id: ++peer.n, ...more }))
  peer.end = new Promise(resolve => socket.on('close', code => resolve(code)))
  peer.ready = new Promise(resolve => {
    socket.on('message', text => {
      const said = JSON.parse(text)
      if (said.cmd === 'welcome') return peer.id = said.data.id, resolve(peer)
      const answer = peer.asked.get(said.id)
      if (answer && 'ok' in said) peer.asked.delete(said.id), answer(said)
    })
    socket.on('unexpected-response', (_, response) => resolve({ status: response.statusCode }))
    socket.on('error', () => resolve({ status: 0 }))
  })
  return peer.ready
}

/** A socket of `from` by the PROXY protocol; `bytes` go out at once. */
function raw(address, from, bytes = '') {
  const { hostname, port } = new URL(address)
  const socket = connect({ host: hostname, port })
  socket.on('error', () => {}).on('data', () => {})
  socket.write(`PROXY TCP4 ${from} 127.0.0.1 40000 3003\r\n`)
  socket.write(bytes)
  return socket
}

const upgrade = `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sigfire.v1.json\r\n\r\n`
const stranger = '203.0.113.66'
const many = (n, f) => Promise.all(Array.from({ length: n }, (_, i) => f(i)))
const far = i => `100.64.${i >> 8}.${i & 255}`

/** Each attack goes on until its time is over. `plain` has forwarded addresses, `proxied` the PROXY protocol. */
const attacks = {
  connections: async ({ plain }) => { for (;;) await many(200, () => join_as(plain, stranger)) },
  'half requests': async ({ proxied }) => {
    for (let i = 0; ; ++i) {
      await many(500, j => raw(proxied, far((i * 500 + j) % 60_000), 'GET / HTTP/1.1\r\nHost: '))
      await pause(100)
    }
  },
  'unfinished messages': async ({ proxied }) => {
    const frame = Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0, 0, 0, 0, 0, 0]), Buffer.alloc(900_000, 'x')])
    for (let i = 0; i < 600; ++i) {
      const socket = raw(proxied, i % 2 ? stranger : far(i), upgrade)
      await new Promise(resolve => socket.once('data', resolve).once('close', resolve))
      socket.write(frame)
    }
    await pause(60_000)
  },
  'readers that read nothing': async ({ plain }) => {
    const senders = await many(4, i => join_as(plain, far(i + 1)))
    const readers = (await many(250, i => join_as(plain, i % 2 ? stranger : far(i)))).filter(({ id }) => id)
    for (const { socket } of readers) socket._socket.pause()
    const text = 'x'.repeat(900_000)
    for (let i = 0; ; ++i) {
      senders[i % 4].cast('bye', { target: readers[i % readers.length].id, data: { text } })
      if (senders[i % 4].socket.bufferedAmount > 10_000_000) await pause(5)
    }
  },
  'publications to all': async ({ plain }) => {
    const members = await many(300, i => join_as(plain, i % 2 ? stranger : far(i), '/?resume'))
    for (const m of members) if (m.id) await m.ask('join', { topic: 't' })
    const text = 'x'.repeat(700_000)
    for (;;) { members[0].cast('publish', { topic: 't', data: { text } }); await pause(20) }
  },
  'messages for the absent': async ({ plain }) => {
    const senders = await many(50, () => join_as(plain, stranger))
    const text = 'x'.repeat(50_000)
    for (let i = 0; ; ++i) { senders[i % 50].cast?.('bye', { target: `nobody ${i}`, data: { text } }); await pause(2) }
  },
  memberships: async ({ plain }) => {
    const peers = await many(20, () => join_as(plain, stranger))
    const metadata = { m: 'x'.repeat(900) }
    for (let i = 0; ; ++i) { await peers[i % 20].ask?.('join', { topic: `topic ${i}`, data: { metadata } }) }
  },
  'look-ups': async ({ plain }) => {
    const peers = await many(100, () => join_as(plain, stranger))
    for (const p of peers) await p.ask?.('join', { topic: 't', data: { metadata: { m: 'x'.repeat(900) } } })
    for (;;) { for (const p of peers) for (let i = 0; i < 20; ++i) p.cast?.('lookup', { topic: 't', data: { limit: 1000 } }); await pause(20) }
  },
  'watch and unwatch': async ({ plain }) => {
    const peers = await many(50, () => join_as(plain, stranger))
    for (;;) { for (const p of peers) { p.cast?.('watch', { topic: 't' }); p.cast?.('unwatch', { topic: 't' }) } await pause(5) }
  },
  'fast messages': async ({ plain }) => {
    const peers = await many(20, () => join_as(plain, stranger))
    for (;;) { for (const p of peers) for (let i = 0; i < 100; ++i) p.cast?.('bye', { target: p.id }); await pause(10) }
  },
  'open requests': async ({ plain }) => {
    const peers = await many(100, () => join_as(plain, stranger))
    for (let i = 0; ; ++i) {
      const p = peers[i % 100]
      if (p.id) p.socket.send(JSON.stringify({ cmd: 'request', id: 'i'.repeat(250) + i, target: peers[(i + 1) % 100].id, data: {} }))
      if (i % 100 === 0) await pause(5)
    }
  },
  'claims of an id': async ({ plain, victim }) => {
    for (;;) await many(50, async () => {
      const p = await join_as(plain, stranger, `/?id=${victim}`)
      p.socket?.terminate()
    })
  }
}

if (!isMainThread) {
  attacks[workerData.name](workerData).catch(error => parentPort.postMessage(String(error)))
} else {
  const { binary, logged, ring, run, truth, within } = await import('./harness.mjs')
  const rows = []
  const seconds = Number(process.env.SIGFIRE_ATTACK_SECONDS ?? 2)
  const budget = 700 // MiB: all budgets of the server, and what it needs itself

  /** The times that `a` waits for replies, in milliseconds, until `over` resolves. */
  async function talk(a, b, over) {
    const times = []
    let goes = true
    over.then(() => (goes = false))
    while (goes) {
      const begin = performance.now()
      const { ok } = await within(a.ask('bye', { target: b.id, data: { n: times.length } }), 'reply to an honest peer')
      truth(ok, 'an honest message is refused')
      times.push(performance.now() - begin)
      await pause(10)
    }
    times.sort((x, y) => x - y)
    return times[Math.floor(times.length * 0.99)]
  }

  const tests = {}
  for (const name of Object.keys(attacks)) tests[name] = async () => {
    const server = run(['-c', 'ulimit -v 1000000; exec "$0" "$@"', binary, 'serve', '--listen', 'ws://127.0.0.1:0', '--listen',
      'ws://127.0.0.1:0?proxy-protocol', '--proxies', '127.0.0.1', '--mailbox', '30', '--log-rate', '50'], 'sh')
    const ready = new Promise(resolve => server.child.on('output', () => {
      server.addresses = [...server.stdout.matchAll(/^listening on (\S+)\n/gm)].map(match => match[1])
      if (server.addresses.length === 2) resolve()
    }))
    let ended
    server.exited.then(end => (ended = end))
    await within(ready, 'listening')
    const [plain, proxied] = server.addresses
    const status = key => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${server.child.pid}/status`, 'latin1'))[1]) / 1024
    const ann = await join_as(plain, '198.51.100.1'), bob = await join_as(plain, '198.51.100.2')
    const before = await talk(ann, bob, pause(2000))
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { name, plain, proxied, victim: bob.id }, argv: [binary] })
    const faults = []
    worker.on('message', fault => faults.push(fault)).on('error', error => faults.push(String(error)))
    const during = await talk(ann, bob, pause(seconds * 1000))
    const peak = status('VmHWM')
    await worker.terminate()
    const refused = logged(server, 'connection_refused')
    rows.push([name, peak.toFixed(0), before.toFixed(1), during.toFixed(1), refused.length,
      [...new Set(refused.map(line => `${line.cause}`))].join(' ') || '-'])
    truth(ended === undefined, `the server ended: ${JSON.stringify(ended)} ${server.stderr.slice(-500)}`)
    truth(peak < budget, `the server took ${peak} MiB`)
    truth(!faults.length, faults.join(', '))
    for (const line of refused) truth(line.remote !== undefined, 'a refusal without an address')
    ann.socket.terminate(), bob.socket.terminate()
    server.child.kill('SIGKILL')
    await server.exited
  }
  await ring(tests, {
    limit: 120_000,
    after: async () => {
      console.log('| attack | peak MiB | p99 ms before | p99 ms during | refused connections in the log | causes |\n| --- | --- | --- | --- | --- | --- |')
      for (const row of rows) console.log(`| ${row.join(' | ')} |`)
    }
  })
}
