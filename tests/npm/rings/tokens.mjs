// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Tokens made by the library jose, and by `sigfire token`, against the program: which of them let a client in.

import { createHmac, createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { exportJWK, exportSPKI, generateKeyPair, jwtVerify, SignJWT, UnsecuredJWT } from 'jose'
import WebSocket from 'ws'
import { equal, ring, run, scratch, serve, truth, within } from './harness.mjs'

const file = (name, text) => {
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
const pairs = Object.fromEntries(
  await Promise.all(algorithms.map(async alg => [alg, await generateKeyPair(alg, { extractable: true })])))
const secret = new TextEncoder().encode('sixty-four bytes are enough for the longest digest: 0123456789ab')

const sign = (claims = {}, { alg = 'ES256', key = pairs[alg]?.privateKey ?? secret, header = {}, exp = '1h' } = {}) => {
  const token = new SignJWT({ sub: 'ann', ...claims }).setProtectedHeader({ alg, ...header })
  return (exp ? token.setExpirationTime(exp) : token).sign(key)
}

/** What a client with this token meets: {id} of its welcome, {status, text} of a refusal. */
function come(address, token, { path = '/', protocols = ['sigfire.v1.json'], header = true } = {}) {
  const headers = token !== undefined && header ? { Authorization: `Bearer ${token}` } : {}
  const socket = new WebSocket(new URL(path, address), protocols, { headers })
  socket.inbox = []
  socket.closed = new Promise(resolve => socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })))
  const met = new Promise(resolve => {
    socket.once('message', data => resolve({ id: JSON.parse(data).data.id, protocol: socket.protocol, socket }))
    socket.on('message', data => socket.inbox.push(JSON.parse(data)))
    socket.on('unexpected-response', (_, answer) => {
      let text = ''
      answer.on('data', data => (text += data)).on('end', () => resolve({ status: answer.statusCode, text }))
    })
    socket.on('error', () => {})
  })
  return within(met, 'answer to the upgrade')
}

async function ask(socket, request) {
  const id = randomUUID()
  const reply = new Promise(resolve => {
    const look = data => {
      const message = JSON.parse(data)
      if (message.id !== id) return
      socket.off('message', look)
      resolve(message)
    }
    socket.on('message', look)
  })
  socket.send(JSON.stringify({ ...request, id }))
  return within(reply, `reply to ${request.cmd}`)
}

async function served(args, test) {
  const server = await serve(args)
  await test(server.addresses[0], server)
  equal(await server.stop(), { code: 0 }, 'exit')
  return server
}

const refused = async (address, token, text, status = 401) => {
  equal(await come(address, token), { status, text }, 'refusal')
}

const spki = await exportSPKI(pairs.ES256.publicKey)
const es256 = file('es256.pem', spki)

await ring({
  'a token of each algorithm lets a client in, by PEM, JWK and JWK Set': async () => {
    const keys = []
    for (const alg of algorithms) {
      const jwk = { ...(await exportJWK(pairs[alg].publicKey)), alg, use: 'sig', kid: alg }
      keys.push(jwk)
      const pem = file(`${alg}.pem`, await exportSPKI(pairs[alg].publicKey))
      for (const path of [pem, file(`${alg}.jwk`, JSON.stringify(jwk))])
        await served(['-p', '0', '--jwt-key', path], async address => {
          equal((await come(address, await sign({}, { alg }))).id, 'ann', alg)
          for (const other of algorithms)
            if (other !== alg)
              truth((await come(address, await sign({}, { alg: other }))).status === 401, `${other} for ${alg}`)
        })
    }
    await served(['-p', '0', '--jwt-key', file('all.jwks', JSON.stringify({ keys: [{ kty: 'new' }, ...keys] }))],
      async address => {
        for (const alg of algorithms) {
          equal((await come(address, await sign({}, { alg, header: { kid: alg } }))).id, 'ann', alg)
          equal((await come(address, await sign({}, { alg }))).id, 'ann', `${alg} without kid`)
        }
        await refused(address, await sign({}, { header: { kid: 'ES384' } }), 'Token Algorithm Not Allowed')
        await refused(address, await sign({}, { header: { kid: 'x' } }), 'Token Key Unknown')
      })
  },

  'a secret lets a client in': async () => {
    await served(['-p', '0', '--jwt-key', file('secret', Buffer.concat([secret, Buffer.from('\n')]))], async address => {
      for (const alg of ['HS256', 'HS384', 'HS512'])
        equal((await come(address, await sign({}, { alg }))).id, 'ann', alg)
      await refused(address, await sign({}, { alg: 'HS256', key: new Uint8Array(64) }), 'Token Signature Invalid')
    })
  },

  'header, query, sub-protocol and hello have the token': async () => {
    const tcp = ['--listen', 'ws://127.0.0.1:0', '--listen', 'tcp://127.0.0.1:0/?hello']
    await served(['--jwt-key', es256, ...tcp], async (address, server) => {
      const token = await sign()
      equal((await come(address, token)).protocol, 'sigfire.v1.json', 'sub-protocol')
      equal((await come(address, token, { header: false, path: `/?token=${token}` })).id, 'ann', 'query')
      const offered = await come(address, token, { header: false, protocols: [`bearer.${token}`, 'sigfire.v1.json'] })
      equal([offered.id, offered.protocol], ['ann', 'sigfire.v1.json'], 'sub-protocol')
      const { hostname, port } = new URL(server.addresses[1])
      const say = text => {
        const socket = connect(Number(port), hostname)
        const body = Buffer.from(JSON.stringify(text))
        const head = Buffer.alloc(4)
        head.writeUInt32BE(body.length)
        socket.write(Buffer.concat([head, body]))
        return within(new Promise(resolve => socket.once('data', data => resolve(JSON.parse(data.subarray(4))))), 'answer')
      }
      equal((await say({ cmd: 'hello', id: 1, data: { token } })).data.id, 'ann', 'hello')
      const no = await say({ cmd: 'hello', id: 1, data: { token: token + '.' } })
      equal([no.ok, no.data], [false, { message: 'Token Malformed', cause: 'malformed' }], 'hello')
    })
  },

  'clients of other systems have their token in the query': async () => {
    await served(['-p', '0', '--jwt-key', es256], async address => {
      const token = await sign()
      const first = (path, said) => {
        const socket = new WebSocket(new URL(path, address))
        const met = new Promise(resolve => {
          if (said) socket.on('open', () => socket.send(JSON.stringify(said)))
          socket.on('message', data => resolve(JSON.parse(data)))
          socket.on('unexpected-response', (_, answer) => resolve(answer.statusCode))
          socket.on('error', () => {})
        })
        return within(met, `answer to ${path}`)
      }
      equal(await first(`/peerjs?key=peerjs&id=ann&token=${token}`), { type: 'OPEN' }, 'PeerJS')
      equal(await first(`/peerjs?key=peerjs&id=bob&token=${token}`), 401, 'PeerJS with another id')
      equal(await first('/peerjs?key=peerjs&id=ann&token=random'), 401, 'PeerJS without a token')
      equal(await first(`/y-webrtc?token=${token}`, { type: 'ping' }), { type: 'pong' }, 'y-webrtc')
      equal(await first('/y-webrtc'), 401, 'y-webrtc without a token')
    })
  },

  'expired, foreign, tampered and unsigned tokens are refused, and never echoed': async () => {
    const args = ['-p', '0', '--jwt-key', es256, '--jwt-issuer', 'https://a.example,b', '--jwt-audience', 'here',
      '--jwt-leeway', '0', '--log-level', 'debug']
    const good = { iss: 'b', aud: 'here' }
    const tokens = []
    const server = await served(args, async address => {
      const no = async (token, text) => {
        tokens.push(token)
        await refused(address, token, text)
      }
      equal((await come(address, await sign(good))).id, 'ann', 'a good token')
      equal((await come(address, await sign({ ...good, aud: ['x', 'here'] }))).id, 'ann', 'one of two')
      await no(await sign(good, { exp: '-1s' }), 'Token Expired')
      await no(await sign(good, { exp: null }), 'Token Lacks a Claim')
      await no(await sign({ ...good, nbf: Math.floor(Date.now() / 1000) + 100 }), 'Token Not Yet Valid')
      await no(await sign({ ...good, iss: 'c' }), 'Token of Another Issuer')
      await no(await sign({ ...good, aud: 'there' }), 'Token for Another Audience')
      await no(await sign({ iss: 'b' }), 'Token Lacks a Claim')
      await no(await sign({ ...good, sigfire: { target: [] } }), 'Token Grants Invalid')
      const other = await generateKeyPair('ES256')
      await no(await sign(good, { key: other.privateKey }), 'Token Signature Invalid')
      const [head, , signature] = (await sign(good)).split('.')
      const body = Buffer.from(JSON.stringify({ ...good, sub: 'root', exp: 4e9 })).toString('base64url')
      await no([head, body, signature].join('.'), 'Token Signature Invalid')
      await no(new UnsecuredJWT({ ...good, sub: 'ann' }).setExpirationTime('1h').encode(), 'Token Algorithm Not Allowed')
      const critical = [{ alg: 'ES256', crit: ['exp'], exp: 1 }, { ...good, exp: 4e9 }]
        .map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
      const by = createSign('SHA256').update(critical).sign({ key: pairs.ES256.privateKey, dsaEncoding: 'ieee-p1363' })
      await no(`${critical}.${by.toString('base64url')}`, 'Token Header Not Supported')
      await no('x'.repeat(9000), 'Token Malformed')
      await refused(address, undefined, 'Token Missing')
      // The public key as if it were a secret.
      for (const key of [spki, spki.trimEnd()]) {
        const text = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${body}`
        await no(`${text}.${createHmac('sha256', key).update(text).digest('base64url')}`, 'Token Algorithm Not Allowed')
      }
    })
    for (const token of tokens) truth(!server.stderr.includes(token), 'the log has a token')
    truth(server.stderr.includes('"reason":"Token of Another Issuer"'), 'the log does not say why')
  },

  'a token is renewed on its connection, and ends it in the end': async () => {
    await served(['-p', '0', '--jwt-key', es256, '--jwt-leeway', '0'], async address => {
      const { socket } = await come(address, await sign({ sigfire: { targets: [] } }))
      const bob = await come(address, await sign({ sub: 'bob' }))
      const send = () => ask(socket, { cmd: 'bye', target: 'bob' })
      equal((await send()).data, { message: 'Denied', cause: 'denied' }, 'beyond the grants')
      const renew = token => ask(socket, { cmd: 'authenticate', data: { token } })
      const foreign = await renew(await sign({ sub: 'bob' }))
      equal(foreign.data, { message: 'Token for Another Peer', cause: 'denied' }, 'a token of another')
      equal((await renew(await sign())).ok, true, 'a fresh token')
      equal((await send()).ok, true, 'within the new grants')
      equal((await renew(await sign({}, { exp: '4s' }))).ok, true, 'a token for a short time')
      equal(await within(socket.closed, 'close'), { code: 4402, reason: 'Expired' }, 'close')
      equal(bob.socket.readyState, WebSocket.OPEN, 'the other peer')
    })
  },

  'keys are read again on SIGHUP, and bad ones change nothing': async () => {
    const path = file('rotated.pem', spki)
    const fresh = await generateKeyPair('ES256')
    await served(['-p', '0', '--jwt-key', path], async (address, server) => {
      const reload = async (text, event) => {
        writeFileSync(path, text)
        const seen = server.stderr.length
        server.child.kill('SIGHUP')
        const told = new Promise(resolve => {
          const look = () => server.stderr.slice(seen).includes(`"event":"${event}"`) && resolve()
          server.child.on('output', look)
          look()
        })
        await within(told, event)
      }
      const mine = () => sign({}, { key: fresh.privateKey })
      await refused(address, await mine(), 'Token Signature Invalid')
      await reload('nonsense', 'keys_not_reloaded')
      equal((await come(address, await sign())).id, 'ann', 'the old key')
      await reload(await exportSPKI(fresh.publicKey), 'keys_reloaded')
      equal((await come(address, await mine())).id, 'ann', 'the new key')
      await refused(address, await sign(), 'Token Signature Invalid')
    })
  },

  'a token for one use is good once, and a page can read why not': async () => {
    await served(['-p', '0', '--jwt-key', es256, '--jwt-single-use', '--jwt-refuse-after-upgrade'], async address => {
      const token = await sign({ jti: 'a' })
      equal((await come(address, token)).id, 'ann', 'the first time')
      const socket = new WebSocket(address, ['sigfire.v1.json'], { headers: { Authorization: `Bearer ${token}` } })
      const closed = new Promise(resolve => socket.on('close', (code, reason) => resolve([code, String(reason)])))
      equal(await within(closed, 'close'), [4401, 'Token Used Before'], 'the second time')
    })
  },

  'the program signs what jose verifies, and what it lets in itself': async () => {
    for (const [name, options] of [['ec', { namedCurve: 'P-256' }], ['ed25519', {}], ['rsa', { modulusLength: 2048 }]]) {
      const { publicKey, privateKey } = generateKeyPairSync(name, options)
      const key = file(`${name}.key`, privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const program = run(['token', '--key', key, '--sub', 'desk', '--iss', 'me', '--aud', 'here', '--ttl', '60',
        '--grants', '{"targets":["robot-*"]}'])
      equal(await within(program.exited, 'end'), { code: 0 }, `exit (${program.stderr})`)
      const token = program.stdout.trim()
      const { payload } = await jwtVerify(token, publicKey, { issuer: 'me', audience: 'here' })
      equal([payload.sub, payload.sigfire, payload.exp - payload.iat], ['desk', { targets: ['robot-*'] }, 60], 'claims')
      const pem = file(`${name}.pub`, publicKey.export({ type: 'spki', format: 'pem' }))
      await served(['-p', '0', '--jwt-key', pem, '--jwt-audience', 'here'], async address => {
        equal((await come(address, token)).id, 'desk', name)
      })
    }
  },

  'bad keys end the program with one line': async () => {
    const ends = async (args, code, text) => {
      const program = run(args)
      equal(await within(program.exited, 'end'), { code }, `exit (${program.stderr})`)
      truth(program.stderr.includes(text) && program.stderr.trim().split('\n').length === 1, `it says ${program.stderr}`)
      equal(program.stdout, '', 'stdout')
    }
    const key = file('short', 'short')
    await ends(['serve', '-p', '0', '--jwt-key', key], 1, `the key file '${key}': a secret has less than 32 bytes`)
    await ends(['serve', '-p', '0', '--jwt-issuer', 'me'], 2, 'need --jwt-key')
    await ends(['serve', '-p', '0', '--jwt-key', es256, '--jwt-leeway', '-1'], 2, '--jwt-leeway')
    await ends(['token', '--key', es256, '--sub', 'x'], 2, '--key: the key cannot sign')
    await ends(['token', '--sub', 'x'], 2, '--key')
  },
})
