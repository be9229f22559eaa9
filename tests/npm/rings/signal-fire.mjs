// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// @signal-fire/client 1.4.0 as it was published, in a process that offers it what it expects of a browser.

import wrtc from '@roamhq/wrtc'
import WebSocket from 'ws'

// ws 7 still lets it ask for the sub-protocol `Signal-Fire@3`, which browsers refuse. What ws 7 does not do:
// a browser hands over each message in a task of its own. The client loses an acceptance that follows a reply
// before its `await` has gone on.
class BrowserWebSocket extends WebSocket {
  emit(type, ...args) {
    if (type !== 'message' && type !== 'close') return super.emit(type, ...args)
    setImmediate(() => super.emit(type, ...args))
    return true
  }
}
Object.assign(globalThis, { WebSocket: BrowserWebSocket, RTCPeerConnection: wrtc.RTCPeerConnection })

// Node 18 has no CustomEvent.
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, init) {
    super(type, init)
    this.detail = init?.detail ?? null
  }
}

const { default: client } = await import('@signal-fire/client')

export const connect = client.default
