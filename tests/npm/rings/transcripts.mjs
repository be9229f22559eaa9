// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Conversations recorded from servers with wires that sigfire speaks, replayed over WebSockets. One process of the
// program serves all families on one port and at the same time; those cases have a process of their own if their
// recorded server had options.

import { readdirSync, readFileSync } from 'node:fs'
import { equal, ring, serve, truth } from './harness.mjs'
import { pack, unpack } from './nanomessage.mjs'
import { Player } from './replay.mjs'

const families = {
  'signal-fire-2021': { systems: ['signal-fire-2021'], path: '' },
  'signal-fire-2016': { systems: ['signal-fire-2016'], path: '/signal-fire-2016' },
  'socket-signal': { systems: ['socket-signal-v9', 'socket-signal-v10', 'socket-signal-mixed'], path: '/socket-signal' },
  peerjs: { systems: ['peerjs'], path: '' },
  'y-webrtc': { systems: ['y-webrtc'], path: '/y-webrtc' },
}

// The recordings that cannot be replayed against the program, and why. All are replayed without sockets, where hooks
// do what the embedder of the recorded server did.
const embedder = 'the embedder chooses ids'
const left_out = {
  'signal-fire-2021/duplicate-id': embedder,
  'signal-fire-2021/peer-offline': embedder,
  'signal-fire-2021/pre-hook-401': 'the embedder refuses connections',
  'signal-fire-2021/pre-hook-500': 'the embedder refuses connections',
  'signal-fire-2021/command-hooks': 'the embedder has commands of its own',
  'signal-fire-2016/custom-id': embedder,
}

// On a port for all families PeerJS has its own paths and its key only; these ask for others.
const on_their_own = ['ws-wrong-path', 'path-option', 'http-id', 'http-peers-allowed', 'http-peers-denied'].map(name => `peerjs/${name}`)

// The time between what clients say counts; so that a busy machine does no harm, all takes so much longer.
const timed = ['peerjs/alive-timeout', 'peerjs/expire-late-message']
const slower = 4

// What sigfire does differently, on purpose: why, and the change to the recording. The tests of codec and hub have
// the same list.
const differs = {
  'signal-fire-2021/err-unknown-command': ['commands that nobody knows are answered, if they can be', unknownCommand],
  'signal-fire-2021/err-no-command': ['commands that nobody knows are answered, if they can be', unknownCommand],
  'signal-fire-2021/connect-other-subprotocols': ['a sub-protocol that is known is preferred to the first one', lines => {
    lines.find(sent('open')).http.headers['sec-websocket-protocol'] = 'Signal-Fire@3'
  }],
  'signal-fire-2021/session-reject-cancel': ['the reason reaches the other side', lines => {
    const said = lines.filter(({ dir, kind }) => dir === 'c2s' && kind === 'text').map(line => JSON.parse(line.data))
    change(lines, ({ cmd }) => /^session-(reject|cancel)$/.test(cmd), message => {
      message.data = said.find(({ cmd }) => cmd === message.cmd).data
    })
  }],
  ...Object.fromEntries(
    ['session-start-accept-offer-answer-ice', 'client-real-accept', 'client-real-accept-offer-copy'].map(
      name => [`signal-fire-2021/${name}`, ['the published client looks for answers in `offer`', copyAnswers]])),
  'socket-signal-v10/big-ids': bigIds(),
  'socket-signal-v9/big-ids': bigIds(),
  'socket-signal-v10/id-takeover': ['an id is its owner\'s: a peer that gave it up has no part in it', (lines, id) =>
    answer(lines, 'A', 2, { data: [id('B')] })],
  ...each(['v9', 'v10'], 'two-ids-one-socket', ['one connection has one id', (lines, id) => {
    answer(lines, 'A', 2, { data: [id('C')] })
    answer(lines, 'B', 1, { data: [] })
  }]),
  'socket-signal-v10/leave-without-topic': ['a leave without topic is one of all topics in either version', lines => {
    answer(lines, 'A', 3, {})
    answer(lines, 'A', 4, { data: [] })
  }],
  'socket-signal-v9/v10-names-on-v9': ['both versions are understood at once', (lines, id, names) => {
    answer(lines, 'A', 1, { data: [id('A')] })
    const json = JSON.stringify({ data: { remoteId: id('A'), topic: names['{{topic1}}'] } })
    lines.push(packetLine('A', { id: 1, event: true, name: 'signal', json }))
  }],
  ...each(['v9', 'v10'], 'base64-prefix-string', ['a forwarded message is not changed', lines => {
    for (const line of lines.filter(sent('binary'))) {
      const packet = unpack(bytesOf(line))
      if (packet?.name !== 'offer') continue
      line.data = pack({ ...packet, json: packet.json.replace('notreall"', 'not really!!"') }).toString('base64')
    }
  }]),
  'socket-signal-v9/client-real-heartbeat-timeout': ['the proxy in between lost a response and a close', lines => {
    const ping = lines.findIndex(line => said('binary', 'A')(line) && unpack(bytesOf(line))?.name === '__ping__')
    lines.splice(ping + 1, 0, packetLine('A', { id: 1, response: true, json: '{"data":{"time":0}}' }))
    lines.splice(lines.findIndex(said('close', 'A')) + 1, 0, { dir: 's2c', conn: 'A', kind: 'close' })
  }],
  ...each(['v9', 'v10'], 'client-real-reconnect', ['how the first connection ended is not in the recording', lines => {
    lines.splice(lines.findIndex(said('open', 'A2')), 0, { dir: 'c2s', conn: 'A', kind: 'fin' })
  }]),
  'peerjs/same-token-takeover': ['a peer that takes over is sent OPEN, and the old connection closed', takeover('B')],
  'peerjs/concurrent-limit': ['a peer that takes over is sent OPEN, and the old connection closed', takeover('C')],
}

function each(versions, name, how) {
  return Object.fromEntries(versions.map(version => [`socket-signal-${version}/${name}`, how]))
}

function sent(kind, conn) {
  return line => line.dir === 's2c' && line.kind === kind && (!conn || line.conn === conn)
}

function said(kind, conn) {
  return line => line.dir === 'c2s' && line.kind === kind && line.conn === conn
}

function packetLine(conn, packet) {
  return { dir: 's2c', conn, kind: 'binary', data: pack(packet).toString('base64') }
}

function bytesOf(line) {
  return Buffer.from(line.data, line.kind === 'binary' ? 'base64' : 'utf8')
}

/** Changes those messages of the server that `wanted` picks. */
function change(lines, wanted, how) {
  for (const line of lines.filter(sent('text'))) {
    const message = JSON.parse(line.data)
    if (!wanted(message)) continue
    how(message)
    line.data = JSON.stringify(message)
  }
}

function unknownCommand(lines) {
  lines.push({ dir: 's2c', conn: 'A', kind: 'text', data: '{"id":"req-1","ok":false,"data":{"message":"Unknown Command"}}' })
}

function copyAnswers(lines) {
  change(lines, ({ cmd }) => cmd === 'answer', ({ data }) => (data.offer = data.answer))
}

function bigIds() {
  return ['ids from 2^30 on cannot be answered so that everybody understands', lines => {
    const unanswered = line => sent('binary')(line) && (unpack(bytesOf(line))?.id ?? 5) === 5
    for (let i = lines.length; i-- > 0; ) if (unanswered(lines[i])) lines.splice(i, 1)
  }]
}

/** The answer to a request of a connection is another one. */
function answer(lines, conn, id, value) {
  const line = lines.filter(sent('binary', conn)).find(line => {
    const packet = unpack(bytesOf(line))
    return packet?.response && packet.id === id
  })
  line.data = pack({ id, response: true, json: JSON.stringify(value) }).toString('base64')
}

function takeover(newer) {
  return lines => {
    // What the old connection still said, and how it was closed.
    const old = line => newer === 'B' && (sent('close', 'A')(line) || (sent('text')(line) && line.data.includes('old socket')))
    for (let i = lines.length; i-- > 0; ) if (old(lines[i])) lines.splice(i, 1)
    lines.splice(lines.findIndex(sent('open', newer)) + 1, 0,
      { dir: 's2c', conn: newer, kind: 'text', data: '{"type":"OPEN"}' },
      { dir: 's2c', conn: 'A', kind: 'close', code: 1005, reason: '' })
  }
}

/** The options of the program for those of the recorded server. */
function argsOf(name, { serverOptions = {} }) {
  const pace = timed.includes(name) ? slower : 1
  const flags = {
    alive_timeout: ms => ['--peerjs-alive', pace * ms],
    expire_timeout: ms => ['--peerjs-expire', pace * ms],
    cleanup_out_msgs: ms => ['--peerjs-cleanup', pace * ms],
    concurrent_limit: n => ['--peerjs-limit', n],
    allow_discovery: yes => (yes ? ['--peerjs-discovery'] : []),
    path: path => ['--peerjs', path],
    requestTimeout: ms => ['--request-timeout', ms / 1000],
  }
  const args = Object.entries(serverOptions).flatMap(([option, value]) => flags[option](value).map(String))
  return ['--log-level', 'warn', '--listen', `ws://127.0.0.1:0${on_their_own.includes(name) ? '/?dialect=peerjs' : ''}`, ...args]
}

const folder = new URL('../../transcripts/', import.meta.url)

/** Other ids for PeerJS clients: a message to somebody absent waits, and not for the client with that id in the
 *  next recording. */
function rename(text, name) {
  return text.replace(/\b(alice|bob|carol|dave|nobody)\b/g, `$1-${name}`)
}

/** One recording, changed where sigfire differs. */
function load(system, name, path) {
  const renamed = text => system === 'peerjs' ? rename(text, name) : text
  const [meta, ...all] = renamed(readFileSync(new URL(`${system}/${name}.jsonl`, folder), 'utf8'))
    .split('\n').filter(Boolean).map(line => JSON.parse(line))
  for (const line of all.filter(({ kind }) => kind === 'binary'))
    line.data = Buffer.from(renamed(bytesOf(line).toString('latin1')), 'latin1').toString('base64')
  const lines = all.filter(({ dir, kind }) => dir !== '-' && !(system === 'peerjs' && kind === 'fin'))
  const full = `${system}/${name}`
  const [reason, amend] = differs[full] ?? []
  const before = JSON.stringify(lines)
  amend?.(lines, who => meta.placeholders[`{{id${who}}}`], meta.placeholders)
  truth(!amend || JSON.stringify(lines) !== before, `sigfire does not differ from ${full}`)
  return { system, name: full, path, lines, reason, pace: timed.includes(full) ? slower : 0, recorded: meta.placeholders, args: argsOf(full, meta) }
}

// Recordings on one port and of one family come one after the other: their clients have the same ids.
const lanes = new Map()
const tests = {}
for (const [family, { systems, path }] of Object.entries(families)) {
  for (const system of systems) {
    for (const file of readdirSync(new URL(system, folder)).sort()) {
      const recording = load(system, file.replace('.jsonl', ''), path)
      const { name, reason, args } = recording
      if (left_out[name]) {
        console.log(`# not replayed: ${name}: ${left_out[name]}`)
        continue
      }
      const lane = `${family} ${args.join(' ')}`
      const result = {}
      result.known = new Promise(resolve => (result.resolve = resolve))
      lanes.set(lane, [...(lanes.get(lane) ?? []), { recording, result }])
      tests[`${name}${reason ? `, but ${reason}` : ''}`] = async () => {
        const error = await result.known
        if (error) throw error
      }
    }
  }
}
for (const name of [...Object.keys(differs), ...Object.keys(left_out), ...on_their_own, ...timed])
  readFileSync(new URL(`${name}.jsonl`, folder)) // no list names a recording that is not there

const servers = new Map()
for (const [, [{ recording: { args } }]] of lanes) {
  const key = args.join(' ')
  if (!servers.has(key)) servers.set(key, await serve(args))
}

for (const lane of lanes.values()) {
  void (async () => {
    for (const { recording, result } of lane) {
      const player = new Player(recording, servers.get(recording.args.join(' ')).addresses[0])
      result.resolve(await player.play().then(() => undefined, error => error))
    }
  })()
}
tests['the programs end well'] = async () => {
  for (const server of servers.values()) equal(await server.stop(), { code: 0 }, 'exit')
}
await ring(tests)
