// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// nginx as the one address before two nodes: processes of the server program that know nothing of each other. Peers
// meet if nginx takes them to the same node, which it does here by what they name as `?room=`.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { equal, ring, run, scratch, serve, truth, unused, within } from './harness.mjs'

// Its package, unpacked by tests/setup.sh.
const package_files = process.env.NGINX_FILES ?? fileURLToPath(new URL('../../../.deps/nginx', import.meta.url))
const proxy = '127.0.0.1' // as nodes see nginx
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const until = async (condition, what, ms = 10_000) => {
  for (const end = Date.now() + ms; !(await condition()); await pause(20)) if (Date.now() > end) throw new Error(`no ${what}`)
}

/** What a node has told its log of this kind of event. */
const told = (node, event) => node.stderr.split('\n').filter(Boolean).map(line => JSON.parse(line)).filter(line => line.event === event)

const portOf = address => Number(new URL(address).port)

async function nodes(n, listeners = ['ws://127.0.0.1:0'], more = []) {
  const args = ['--log-level', 'debug', '--proxies', proxy, ...listeners.flatMap(address => ['--listen', address]), ...more]
  return Promise.all(Array.from({ length: n }, () => serve(args)))
}

// The part of a configuration that every server behind nginx needs for WebSockets.
const forward = to => `
  proxy_pass http://${to};
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $upgrade_or_close;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;`

/** Starts nginx with its files in a directory of its own, and waits until it listens on `port`. */
async function nginx(port, { http = '', stream = '' }) {
  const home = mkdtempSync(join(scratch, 'nginx-'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  for (const name of temporary) mkdirSync(join(home, name))
  writeFileSync(join(home, 'nginx.conf'), `
    daemon off;
    master_process off;
    pid ${home}/pid;
    error_log stderr warn;
    load_module ${package_files}/usr/lib/nginx/modules/ngx_stream_module.so;
    events { worker_connections 256; }
    http {
      access_log off;
      ${temporary.map(name => `${name}_temp_path ${home}/${name};`).join(' ')}
      map $http_upgrade $upgrade_or_close { default upgrade; '' close; }
      ${http}
    }
    stream { ${stream} }`)
  const server = run(['-p', home, '-c', join(home, 'nginx.conf'), '-e', 'stderr'], `${package_files}/usr/sbin/nginx`)
  const early = server.exited.then(end => {
    throw new Error(end.error ?? `nginx ended with ${JSON.stringify(end)}: ${server.stderr}`)
  })
  early.catch(() => {})
  const listens = () => new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy())).on('error', () => resolve(false))
  })
  await Promise.race([until(listens, 'listening nginx'), early])
  return server
}

/** Two nodes of which nginx takes one after the other, or by room. */
async function pair(more, http = '') {
  const both = await nodes(2, undefined, more)
  const port = await unused()
  const servers = both.map(({ addresses: [address] }) => `server 127.0.0.1:${portOf(address)} fail_timeout=1s;`).join(' ')
  await nginx(port, { http: `
    upstream nodes { ${servers} }
    upstream rooms { hash $arg_room consistent; ${servers} }
    server {
      listen 127.0.0.1:${port};
      location / { ${forward('nodes')} }
      location /rooms { ${forward('rooms')} }
      ${http}
    }` })
  return { nodes: both, port, address: `ws://127.0.0.1:${port}` }
}

/** A peer that speaks JSON. */
class Peer {
  #inbox = []
  #waiting = []
  #requests = 0

  static async join(address, options = {}) {
    const peer = new Peer()
    const socket = (peer.socket = new WebSocket(address, 'sigfire.v1.json', { rejectUnauthorized: false, ...options }))
    peer.pings = 0
    const gone = new Promise(resolve => socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })))
    peer.closed = ms => within(gone, 'close', ms)
    peer.open = () => socket.readyState === WebSocket.OPEN
    const failed = new Promise((_, reject) => socket.on('error', reject))
    failed.catch(() => {})
    socket.on('ping', () => ++peer.pings)
    socket.on('message', data => peer.take(JSON.parse(data)))
    const welcome = await Promise.race([peer.next('welcome'), failed])
    peer.id = welcome.data.id
    return peer
  }

  take(message) {
    const waiting = this.#waiting.shift()
    waiting ? waiting(message) : this.#inbox.push(message)
  }

  async next(cmd) {
    const message = this.#inbox.shift() ?? await within(new Promise(resolve => this.#waiting.push(resolve)), cmd ?? 'reply')
    equal(message.cmd, cmd, 'command')
    return message
  }

  async ask(cmd, target, data) {
    this.socket.send(JSON.stringify({ cmd, target, data, id: ++this.#requests }))
    const reply = await this.next(undefined)
    equal(reply.id, this.#requests, 'id of the reply')
    return reply
  }

  /** The node that it is a peer of. */
  async of(nodes) {
    let found
    await until(() => (found = nodes.find(node => told(node, 'peer_opened').some(({ id }) => id === this.id))), 'node that knows it')
    return found
  }
}

function get(port, path, headers = {}) {
  return within(new Promise((resolve, reject) => {
    httpGet({ port, path, headers, agent: false }, answer => {
      let body = ''
      answer.setEncoding('utf8').on('data', text => (body += text))
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }))
    }).on('error', reject)
  }), `answer to ${path}`)
}

/** The last client, as a node names it. */
const last = async (node, n) => {
  await until(() => told(node, 'connecting').length === n, `line of the log about connection ${n}`)
  const { remote, secure } = told(node, 'connecting').at(-1)
  return [remote, secure]
}

function certify() {
  const [certificate, key] = ['proxy.pem', 'proxy.key'].map(name => join(scratch, name))
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1',
    '-subj', '/CN=localhost', '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  return { certificate, key }
}

await ring({
  'peers that name the same room meet, and rooms are broadcast over the nodes': async () => {
    const { nodes, address } = await pair()
    const used = new Set()
    for (let i = 0; i < 12; ++i) {
      const [a, b] = [await Peer.join(`${address}/rooms?room=${i}`), await Peer.join(`${address}/rooms?room=${i}`)]
      const node = await a.of(nodes)
      truth(node === await b.of(nodes), `two nodes have room ${i}`)
      used.add(node)
      equal((await a.ask('offer', b.id, { offer: { sdp: `žluťoučký ${i}` } })).ok, true, 'ok')
      const { origin, data } = await b.next('offer')
      equal([origin, data.offer.sdp], [a.id, `žluťoučký ${i}`], 'offer')
    }
    equal(used.size, 2, 'nodes with rooms')
  },

  'large messages pass in both directions': async () => {
    const { address } = await pair()
    const [a, b] = [await Peer.join(`${address}/rooms?room=1`), await Peer.join(`${address}/rooms?room=1`)]
    const sdp = 'x'.repeat(900_000)
    for (const [from, to] of [[a, b], [b, a]]) {
      equal((await from.ask('offer', to.id, { offer: { sdp } })).ok, true, 'ok')
      truth((await to.next('offer')).data.offer.sdp === sdp, 'it was changed')
    }
  },

  'other families and plain HTTP pass, too': async () => {
    const { port, address } = await pair()
    const page = await get(port, '/', { accept: 'text/html' })
    equal([page.status, page.headers['content-type']], [200, 'text/html; charset=utf-8'], 'page')
    truth(page.body.includes('page.js'), 'it is another page')
    equal((await get(port, '/page.js')).status, 200, 'status of its script')
    equal((await get(port, '/healthz')).body, 'ok\n', 'health')
    truth(/^[\w-]{36}$/.test((await get(port, '/peerjs/id')).body), 'no id for PeerJS')
    equal((await get(port, '/nowhere')).status, 426, 'status of a missing page')
    const socket = new WebSocket(`${address}/y-webrtc`)
    await within(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)), 'open')
    const pong = new Promise(resolve => socket.on('message', data => resolve(String(data))))
    socket.send('{"type":"ping"}')
    equal(await within(pong, 'pong'), '{"type":"pong"}', 'pong')
    socket.close()
  },

  'addresses are believed of nginx, and of nobody else': async () => {
    const [node] = await nodes(1)
    const [port, secured] = [await unused(), await unused()]
    const { certificate, key } = certify()
    const upstream = `127.0.0.1:${portOf(node.addresses[0])}`
    await nginx(port, { http: `
      server { listen 127.0.0.1:${port}; location / { ${forward(upstream)} } }
      server {
        listen 127.0.0.1:${secured} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};
        location / { ${forward(upstream)} }
      }` })
    const forged = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' }
    await Peer.join(`ws://127.0.0.1:${port}`, { localAddress: '127.0.0.7' })
    equal(await last(node, 1), ['127.0.0.7', 'no'], 'peer by way of nginx')
    await Peer.join(`wss://127.0.0.1:${secured}`, { localAddress: '127.0.0.8' })
    equal(await last(node, 2), ['127.0.0.8', 'yes'], 'peer by way of TLS')
    await Peer.join(`ws://127.0.0.1:${port}`, { localAddress: '127.0.0.9', headers: forged })
    equal(await last(node, 3), ['127.0.0.9', 'no'], 'peer that told nginx of another address')
    await Peer.join(node.addresses[0], { localAddress: '127.0.0.10', headers: forged })
    equal(await last(node, 4), ['127.0.0.10', 'no'], 'peer that told the node so')
  },

  'the PROXY protocol under WebSocket, TCP and TLS': async () => {
    const { certificate, key } = certify()
    const kinds = ['ws', 'tcp', 'wss']
    const [node] = await nodes(1, kinds.map(kind => `${kind}://127.0.0.1:0/?proxy-protocol`),
      ['--tls-certificate', certificate, '--tls-key', key])
    const ports = await Promise.all(kinds.map(unused))
    await nginx(ports[0], { stream: node.addresses.map((address, i) => `
      server { listen 127.0.0.1:${ports[i]}; proxy_pass 127.0.0.1:${portOf(address)}; proxy_protocol on; }`).join('') })

    const browser = await Peer.join(`ws://127.0.0.1:${ports[0]}`, { localAddress: '127.0.0.7' })
    equal(await last(node, 1), ['127.0.0.7', 'no'], 'peer by way of WebSocket')
    const secured = await Peer.join(`wss://127.0.0.1:${ports[2]}`, { localAddress: '127.0.0.8' })
    equal(await last(node, 2), ['127.0.0.8', 'yes'], 'peer by way of TLS')
    equal((await browser.ask('session-start', secured.id)).ok, true, 'ok')
    await secured.next('session-start')

    // Each message behind four bytes of length.
    const socket = connect({ host: '127.0.0.1', port: ports[1], localAddress: '127.0.0.11' })
    let bytes = Buffer.alloc(0)
    socket.on('data', data => (bytes = Buffer.concat([bytes, data]))).on('error', () => {})
    const message = async () => {
      await until(() => bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(), 'message on TCP')
      const end = 4 + bytes.readUInt32BE()
      const text = bytes.toString('utf8', 4, end)
      bytes = bytes.subarray(end)
      return JSON.parse(text)
    }
    equal((await message()).cmd, 'welcome', 'first message on TCP')
    equal(await last(node, 3), ['127.0.0.11', 'no'], 'peer by way of TCP')
    const body = Buffer.from(JSON.stringify({ cmd: 'offer', target: browser.id, id: 1, data: { offer: 1 } }))
    const head = Buffer.alloc(4)
    head.writeUInt32BE(body.length)
    socket.write(Buffer.concat([head, body]))
    equal((await message()).ok, true, 'reply on TCP')
    equal((await browser.next('offer')).data.offer, 1, 'offer')
    socket.destroy()

    // From nginx's address no connection begins without that header. Any other has its own address and sends no header.
    const silent = new WebSocket(node.addresses[0], { localAddress: proxy })
    const refused = new Promise(resolve => silent.on('error', resolve).on('open', () => resolve(undefined)))
    truth(await within(refused, 'refusal'), 'a connection without header was let in')
    await Peer.join(node.addresses[0], { localAddress: '127.0.0.12' })
    equal(await last(node, 4), ['127.0.0.12', 'no'], 'peer that did not come by nginx')
  },

  'a node is stopped: its peers hear so, the others stay, and new peers go to the other node': async () => {
    const { nodes, address } = await pair()
    const peers = await Promise.all(Array.from({ length: 8 }, () => Peer.join(address)))
    const [leaving, staying] = nodes
    const at = await Promise.all(peers.map(peer => peer.of(nodes)))
    const [left, kept] = [leaving, staying].map(node => peers.filter((_, i) => at[i] === node))
    equal([left.length, kept.length], [4, 4], 'peers of each node')
    left[0].socket._socket.pause() // does not answer the close: the node waits for it
    leaving.child.kill('SIGTERM')
    for (const peer of left.slice(1)) equal((await peer.closed()).code, 1001, 'close code')
    for (let i = 0; i < 6; ++i) truth(await (await Peer.join(address)).of(nodes) === staying, 'peer that came while it was going')
    left[0].socket.terminate()
    equal(await within(leaving.exited, 'end of the node'), { code: 0 }, 'exit')
    for (let i = 0; i < 6; ++i) truth(await (await Peer.join(address)).of(nodes) === staying, 'peer that came when it was gone')
    truth(kept.every(peer => peer.open()), 'a peer of the other node was closed')
    equal((await kept[0].ask('session-start', kept[1].id)).ok, true, 'ok')

    // It comes back on its port, and nginx finds it again.
    const again = await serve(['--log-level', 'debug', '--listen', leaving.addresses[0]])
    await until(async () => await (await Peer.join(address)).of([again, staying]) === again, 'peer of the node that is back')
  },

  'a node that crashes: its peers lose their connections, and new peers go to the other node': async () => {
    const { nodes, address } = await pair()
    const peers = await Promise.all(Array.from({ length: 4 }, () => Peer.join(address)))
    const at = await Promise.all(peers.map(peer => peer.of(nodes)))
    const [dying, staying] = nodes
    const [left, kept] = [dying, staying].map(node => peers.filter((_, i) => at[i] === node))
    equal([left.length, kept.length], [2, 2], 'peers of each node')
    dying.child.kill('SIGKILL')
    for (const peer of left) equal((await peer.closed()).code, 1006, 'close code')
    for (let i = 0; i < 6; ++i) truth(await (await Peer.join(address)).of(nodes) === staying, 'peer that came then')
    truth(kept.every(peer => peer.open()), 'a peer of the other node was closed')
  },

  'pings keep a silent peer from what nginx takes for dead': async () => {
    const [pinging] = await nodes(1, undefined, ['--ping', '0.5'])
    const [silent] = await nodes(1, undefined, ['--ping', '0'])
    const port = await unused()
    await nginx(port, { http: `
      proxy_read_timeout 2s;
      server {
        listen 127.0.0.1:${port};
        location /pinging { ${forward(`127.0.0.1:${portOf(pinging.addresses[0])}`)} }
        location /silent { ${forward(`127.0.0.1:${portOf(silent.addresses[0])}`)} }
      }` })
    const [kept, cut] = [await Peer.join(`ws://127.0.0.1:${port}/pinging`), await Peer.join(`ws://127.0.0.1:${port}/silent`)]
    equal((await cut.closed()).code, 1006, 'close code of the peer that was not pinged')
    await pause(2500)
    truth(kept.open(), 'the pinged peer is gone')
    truth(kept.pings >= 3, `${kept.pings} pings`)
    equal((await kept.ask('session-start', 'nobody')).data.message, 'Peer Not Found', 'reply')
  },
})
