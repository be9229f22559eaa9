// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Two unmodified @signal-fire/client 1.4.0 find each other through the server and talk over WebRTC.

import { equal, event, ring, serve, within } from './harness.mjs'
import { connect } from './signal-fire.mjs'

async function pair(test, args) {
  const server = await serve(args)
  const clients = []
  try {
    for (let i = 0; i < 2; ++i) clients.push(await within(connect(server.addresses[0]), 'welcome'))
    await test(...clients, server)
  } finally {
    for (const client of clients) {
      for (const connection of client.getConnections()) connection.close()
      client.socket.close()
    }
    equal(await server.stop(), { code: 0 }, 'exit')
  }
}

async function text(from, to, words) {
  const said = event(to, 'message', `message ${words}`)
  from.send(words)
  equal((await said).data, words, 'text')
}

async function refusal(promise, message) {
  let got = 'no error'
  await within(promise.catch(error => (got = error.message)), 'refusal')
  equal(got, message, 'error')
}

await ring({
  'a call is accepted and text goes both ways': () =>
    pair(async (a, b) => {
      // Accepted at once: an acceptance that overtook the reply to the caller would be lost on it.
      const answered = event(b, 'session').then(({ detail: session }) => {
        equal(session.origin, a.id, 'origin')
        return within(session.accept(), 'reply to session-accept')
      })
      const outgoing = await within(a.createSession(b.id), 'reply to session-start')
      const accepted = event(outgoing, 'accepted')
      const theirs = await answered
      const arrived = event(theirs, 'data-channel')
      const ours = (await accepted).detail
      const channel = ours.createDataChannel('chat')
      const opened = event(channel, 'open', 'open data channel', 30_000)
      await opened
      const other = (await arrived).detail
      equal(other.label, 'chat', 'label')
      await text(channel, other, 'from caller to callee')
      await text(other, channel, 'from callee to caller: žluťoučký 🔥')
      const closed = event(other, 'close', 'close of the data channel', 30_000)
      channel.close()
      await closed
    }),

  'a call is rejected': () =>
    pair(async (a, b) => {
      const incoming = event(b, 'session')
      const outgoing = await within(a.createSession(b.id), 'reply to session-start')
      const rejected = event(outgoing, 'rejected')
      await within((await incoming).detail.reject('not now'), 'reply to session-reject')
      await rejected
      equal(outgoing.settled, true, 'settled')
    }),

  'a call is canceled': () =>
    pair(async (a, b) => {
      const incoming = event(b, 'session')
      const outgoing = await within(a.createSession(b.id), 'reply to session-start')
      const session = (await incoming).detail
      const canceled = event(session, 'canceled')
      await within(outgoing.cancel('changed my mind'), 'reply to session-cancel')
      await canceled
      equal(session.settled, true, 'settled')
    }),

  'a reason travels with reject and cancel': () =>
    pair(async (a, b) => {
      const relayed = () => event(b.socket, 'message').then(({ data }) => JSON.parse(data))
      for (const cmd of ['session-reject', 'session-cancel']) {
        const message = relayed()
        equal((await within(a.send({ cmd, target: b.id, data: { message: cmd } }), 'reply')).ok, true, 'ok')
        equal((await message).data, { message: cmd }, 'relayed data')
      }
    }),

  'an unknown peer is not found': () => pair(async a => refusal(a.createSession('nobody'), 'Peer Not Found')),

  'a peer that has left is not found': () =>
    pair(async (a, b) => {
      const left = event(b, 'close')
      b.socket.close()
      await left
      const start = () => within(a.send({ cmd: 'session-start', target: b.id }), 'reply')
      let reply = await start()
      // The server may learn of the end a little later than the peer that left.
      for (const end = Date.now() + 5000; reply.ok && Date.now() < end; ) reply = await start()
      equal([reply.ok, reply.data], [false, { message: 'Peer Not Found' }], 'reply')
    }),

  'an unknown command is answered': () =>
    pair(async (a, b) => {
      const reply = await within(a.send({ cmd: 'no-such-command', target: b.id }), 'reply')
      equal([reply.ok, reply.data], [false, { message: 'Unknown Command' }], 'reply')
    }),

  'the server says goodbye': async () => {
    const server = await serve()
    const client = await within(connect(server.addresses[0]), 'welcome')
    const closed = event(client, 'close')
    equal(await server.stop(), { code: 0 }, 'exit')
    equal((await closed).detail.code, 1001, 'close code')
  },
})
