// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// y-webrtc.mjs SERVER ROOM [PASSWORD]: a document of a process of its own, since those of one process need no server
// to find each other. Adds what its parent says to its text, and tells the parent of all that changes.

import { webcrypto } from 'node:crypto'
import wrtc from '@roamhq/wrtc'
import WebSocket from 'ws'
import * as Y from 'yjs'

globalThis.WebSocket = WebSocket
globalThis.crypto ??= webcrypto // Node 18 has none
const { WebrtcProvider } = await import('y-webrtc')

const [url, room, password = null] = process.argv.slice(2)
const doc = new Y.Doc()
const text = doc.getText('text')
const provider = new WebrtcProvider(room, doc, {
  signaling: [url],
  password,
  peerOpts: { wrtc, config: { iceServers: [] } },
})
doc.on('update', () => process.send({ text: text.toString() }))
provider.on('peers', ({ webrtcPeers, bcPeers }) => process.send({ peers: webrtcPeers.length, here: bcPeers.length }))
process.on('message', words => text.insert(text.length, words))
process.on('disconnect', () => process.exit())
