// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Recorded conversations over WebSockets: plays the clients, and compares what the server does.

import { request } from 'node:http'
import WebSocket from 'ws'
import { equal, truth, within } from './harness.mjs'
import { pack, unpack } from './nanomessage.mjs'

/** A client's end of the wire. It keeps all that it hears in order: open, text, binary, close. */
class Connection {
  #heard = []
  #waiting

  constructor(url, headers) {
    const { origin, 'sec-websocket-protocol': offered, 'sec-websocket-extensions': extensions } = headers
    const subprotocols = offered?.split(',').map(item => item.trim()) ?? []
    const socket = (this.socket = new WebSocket(url, subprotocols, { origin, perMessageDeflate: Boolean(extensions) }))
    this.open = false
    this.ended = new Promise(resolve => {
      socket.on('open', () => {
        this.open = true
        this.#hear({ kind: 'open', status: 101, subprotocol: socket.protocol })
      })
      socket.on('unexpected-response', (_, answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', text => (body += text)).on('end', () => {
          this.#hear({ kind: 'open', status: answer.statusCode, body })
          resolve()
        })
      })
      socket.on('message', data => this.#hear({ kind: typeof data === 'string' ? 'text' : 'binary', bytes: Buffer.from(data) }))
      socket.on('error', error => this.#hear({ kind: 'error', text: error.message }))
      socket.on('close', (code, reason) => {
        this.open = false
        if (!this.gone) this.#hear({ kind: 'close', code, reason: String(reason) })
        resolve()
      })
    })
  }

  #hear(what) {
    if (this.#waiting) this.#waiting(what)
    else this.#heard.push(what)
    this.#waiting = undefined
  }

  next(what, ms) {
    if (this.#heard.length) return this.#heard.shift()
    return within(new Promise(resolve => (this.#waiting = resolve)), what, ms)
  }

  get unexpected() {
    return this.#heard
  }

  say(bytes, type, fragments = 1) {
    const size = Math.ceil(bytes.length / fragments)
    for (let at = 0, i = 1; i <= fragments; ++i, at += size) {
      const options = { binary: type === 'binary', fin: i === fragments }
      this.socket.send(type === 'text' ? bytes.toString() : bytes.subarray(at, fragments === 1 ? undefined : at + size), options)
    }
  }

  close(code, reason) {
    if (!this.open || this.closing) return
    this.closing = true
    if (code === 1005) this.socket.close()
    else this.socket.close(code, reason)
  }

  /** Ends without a word. */
  cut() {
    this.gone = true
    this.socket.terminate()
    return this.ended
  }

  /** The server has dealt with all that was said. */
  async settled() {
    if (this.closing) return within(this.ended, 'end of a connection')
    if (!this.open) return
    const pong = new Promise(resolve => this.socket.once('pong', resolve))
    this.socket.ping()
    await within(Promise.race([pong, this.ended]), 'pong')
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const given = new Set() // ids that PeerJS clients got over HTTP

/** Plays the clients of a recording, and compares what the server does. */
export class Player {
  #connections = new Map()
  #answers = new Map()
  #bound = new Map() // what a placeholder stands for
  #requests = new Map() // ids of the server's requests: recorded to ours

  constructor(recording, address) {
    this.recording = recording
    this.address = address
    this.packets = recording.system.startsWith('socket-signal')
  }

  async play() {
    const { lines, pace } = this.recording
    try {
      let last, before = lines[0].t
      for (const line of lines) {
        const gap = line.t ? line.t - before : 0
        before = line.t ?? before
        try {
          if (line.dir === 's2c') {
            await this.#expect(line, 5000 + (pace || 1) * gap)
            continue
          }
          // The server reads of several connections in any order.
          if (last && last !== line.conn) await this.#settled(last)
          if (pace) await new Promise(resolve => setTimeout(resolve, pace * gap))
          last = line.conn
          await this.#do(line)
        } catch (error) {
          throw new Error(`${error.message}\nin ${JSON.stringify(line).slice(0, 300)}`)
        }
      }
      if (last) await this.#settled(last)
      for (const [conn, connection] of this.#connections) {
        await connection.settled()
        equal(connection.unexpected.map(({ kind, bytes }) => `${kind} ${bytes ?? ''}`), [], `what ${conn} was sent unexpectedly`)
      }
    } finally {
      for (const connection of this.#connections.values()) {
        if (connection.open) connection.close(1000)
        await connection.ended
      }
      await this.#get('/healthz')
    }
  }

  /** The server has dealt with all that a client said, or with its end: an answer to somebody else comes from the
   *  same turn of its loop, or a later one. */
  async #settled(conn) {
    const connection = this.#connections.get(conn)
    await connection?.settled()
    if (!connection?.open) await this.#get('/healthz')
  }

  async #do({ conn, kind, http, code, reason, data, fragments }) {
    const connection = this.#connections.get(conn)
    if (kind === 'http') this.#answers.set(conn, await this.#get(this.recording.path + this.#fill(http.target), http))
    else if (kind === 'open') {
      const url = this.address + this.recording.path + this.#fill(http.target)
      this.#connections.set(conn, new Connection(url, http.headers))
    } else if (kind === 'text') connection.say(Buffer.from(this.#fill(data)), kind, fragments)
    else if (kind === 'binary') connection.say(this.#ours(conn, Buffer.from(data, 'base64')), kind, fragments)
    else if (kind === 'close') connection.close(code, reason)
    else if (connection.open) await connection.cut()
  }

  #get(path, { method = 'GET', headers = {} } = {}) {
    const { host, connection, ...rest } = headers
    return within(new Promise((resolve, reject) => {
      request(this.address.replace('ws:', 'http:') + path, { method, headers: rest, agent: false }, answer => {
        let body = ''
        answer.setEncoding('utf8').on('data', text => (body += text))
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }))
      }).on('error', reject).end()
    }), `answer to ${path}`)
  }

  async #expect(line, ms) {
    const { conn, kind, http } = line
    if (kind === 'http') return this.#compareHttp(http, this.#answers.get(conn))
    const connection = this.#connections.get(conn)
    // Of a connection that was not closed: the recorded server died, which sigfire does not.
    if (kind === 'fin') {
      if (connection.open && !connection.closing) await connection.cut()
      return
    }
    const got = await connection.next(kind, ms)
    const shown = `${got.kind} ${got.text ?? got.code ?? got.bytes ?? got.status}`
    truth(got.kind === kind, `${conn} was sent ${shown}`)
    if (kind === 'open') {
      equal(got.status, http.status, 'status')
      if (got.status === 101) equal(got.subprotocol, http.headers['sec-websocket-protocol'] ?? '', 'sub-protocol')
      else equal(got.body, http.body, 'body')
    } else if (kind === 'close') {
      // Any answer to a close of the client's is right.
      if (!connection.closing) equal([got.code, got.reason], [line.code, line.reason], 'close')
    } else if (this.packets) this.#comparePackets(conn, Buffer.from(line.data, 'base64'), got.bytes)
    else if (kind === 'text') this.#compareText(line.data, got.bytes.toString())
    else equal(got.bytes.toString('latin1'), this.#translated(Buffer.from(line.data, 'base64')).toString('latin1'), 'binary')
  }

  #compareHttp(expected, got) {
    equal(got.status, expected.status, 'status')
    for (const name of new Set([...Object.keys(expected.headers), ...Object.keys(got.headers)]))
      if (/^(content-type|vary|access-control-.*)$/.test(name)) equal(got.headers[name], expected.headers[name], name)
    if (got.status === 404) return // a page for people
    if (!uuid.test(expected.body) && !(expected.body in this.recording.recorded)) return this.#compareText(expected.body, got.body)
    truth(uuid.test(got.body), `${got.body} is no id`)
    truth(!given.has(got.body), `${got.body} was given before`)
    given.add(got.body)
    if (expected.body in this.recording.recorded) this.#bound.set(expected.body, got.body)
  }

  /** Placeholders are what the server said, or what the client chose. */
  #fill(text) {
    for (const [placeholder, recorded] of Object.entries(this.recording.recorded)) {
      if (!text.includes(placeholder)) continue
      if (!this.#bound.has(placeholder)) this.#bound.set(placeholder, recorded)
      text = text.replaceAll(placeholder, () => this.#bound.get(placeholder))
    }
    return text
  }

  /** Equal byte for byte, where placeholders that nobody has named yet stand for something new. */
  #compareText(expected, got) {
    const fresh = []
    const pattern = expected.split(/(\{\{\w+\}\})/).map(part => {
      const known = this.#bound.get(part) ?? (part in this.recording.recorded ? undefined : part)
      if (known === undefined && !fresh.includes(part)) return fresh.push(part), '([\\w-]{9,})'
      return known === undefined ? `\\${fresh.indexOf(part) + 1}` : known.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
    }).join('')
    const match = new RegExp(`^${pattern}$`, 's').exec(got)
    truth(match, `${got} instead of ${expected}`)
    for (const [i, placeholder] of fresh.entries()) {
      truth(![...this.#bound.values(), ...Object.values(this.recording.recorded)].includes(match[i + 1]), `${match[i + 1]} is not new`)
      this.#bound.set(placeholder, match[i + 1])
    }
  }

  /** Recorded bytes with our ids instead of those of then. */
  #translated(bytes) {
    let text = bytes.toString('latin1')
    for (const [placeholder, value] of this.#bound) text = text.replaceAll(this.recording.recorded[placeholder], () => value)
    return Buffer.from(text, 'latin1')
  }

  /** What a client says instead of the recorded bytes: it answers the requests that it was sent here. */
  #ours(conn, bytes) {
    const packet = this.packets && unpack(bytes)
    const id = packet?.response && this.#requests.get(`${conn} ${packet.id}`)
    return id ? pack({ ...packet, id }) : this.#translated(bytes)
  }

  /** Equal, but for the time, texts of JavaScript errors, and ids that the server chose. */
  #comparePackets(conn, recorded, sent) {
    const expected = unpack(recorded), got = unpack(sent)
    const kind = ({ response, error, event, name }) => ({ response, error, event, name })
    equal(kind(got), kind(expected), 'kind of packet')
    if (!expected.response) {
      this.#requests.set(`${conn} ${expected.id}`, got.id).set(expected.id, got.id)
      return equal(got.json, expected.json, `data of ${got.name}`)
    }
    equal(got.id, expected.id, 'id')
    if (got.json === expected.json) return
    const want = JSON.parse(expected.json).data, have = JSON.parse(got.json).data
    if (!expected.error) {
      truth(Number.isInteger(want?.time) && Number.isInteger(have?.time), `${got.json} instead of ${expected.json}`)
      return truth(Math.abs(have.time - Date.now()) < 60_000, `the time is ${have.time}`)
    }
    equal(Object.keys(have), ['code', 'unformatMessage', 'args'], 'members of an error')
    equal([have.code, have.unformatMessage, have.args.length], [want.code, want.unformatMessage, want.args.length], 'error')
    if (want.code === 'NRPC_ERR_RESPONSE_ERROR') truth(typeof have.args[0] === 'string', `text ${have.args[0]}`)
    else equal(have.args, want.code === 'NMSG_ERR_TIMEOUT' ? [this.#requests.get(want.args[0])] : want.args, 'arguments')
  }
}
