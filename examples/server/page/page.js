// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

/**
 * A peer of a signaling server, with one call at a time over a WebRTC data channel.
 *
 *     const peer = new Peer()
 *     peer.addEventListener('message', ({ detail }) => console.log(detail.text))
 *     await peer.connect('ws://localhost:3003/')   // then peer.id is set
 *     peer.call('the id of someone else')          // then 'open' or 'ended' follows
 *     peer.send('hello')                           // after 'open'
 *
 * When the connection breaks, the peer reconnects and resumes: the id stays, and each message arrives exactly once.
 *
 * Events with their `detail`:
 *   away      { }               the connection broke; requests are sent after the reconnect
 *   back      { id }            the peer has reconnected; the id is new if that took too long
 *   lost      { code, reason }  the connection has ended; an open call stays open
 *   calling   { id }            this peer started a call
 *   incoming  { id }            the other peer called, and this peer accepted
 *   open      { id }            both sides can send messages
 *   message   { id, text }      the other peer sent a message
 *   ended     { id, reason }    the call has ended; reason is undefined after hangUp()
 */
export class Peer extends EventTarget {
  id = ''
  #url = ''
  #socket = null
  #configuration = {}
  #replies = new Map() // id of a request: { text, number, settle }
  #requests = 0
  #said = 0 // requests sent since the count began
  #heard = 0 // messages received since the count began
  #token = '' // proves this peer's identity when it resumes
  #window = 0 // time to resume, in ms
  #until = 0 // when the peer gives up reconnecting
  #call = null // { id, pc, channel, timer }; pc is missing until the call is accepted

  /** Resolves with the id of this peer. Rejects if the server cannot be reached, or sends no welcome within 10 s. */
  async connect(url) {
    if (this.#socket || this.#until) throw new Error('Already connected')
    this.#url = url
    this.#token = ''
    await this.#dial()
    return this.id
  }

  #dial() {
    const url = new URL(this.#url)
    url.searchParams.set('resume', this.#token)
    if (this.#token) url.searchParams.set('received', this.#heard)
    return new Promise((resolve, reject) => {
      const socket = (this.#socket = new WebSocket(url, 'sigfire.v1.json'))
      const timer = setTimeout(() => socket.close(), 10_000)
      let welcome = false
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data)
        if (welcome) return this.#receive(message)
        if (message.cmd !== 'welcome') return socket.close()
        welcome = true
        clearTimeout(timer)
        this.#greet(message.data)
        resolve()
      }
      socket.onclose = ({ code, reason }) => {
        clearTimeout(timer)
        if (this.#socket !== socket) return
        this.#socket = null
        if (!welcome) return reject(new Error('The server cannot be reached'))
        // Only a broken connection can be resumed; browsers report it as 1006.
        if (this.#token && code === 1006) return this.#return(code, reason)
        this.#lose(code, reason)
      }
    })
  }

  #greet({ id, configuration = {}, resume = {} }) {
    this.id = id
    this.#configuration = configuration
    this.#token = resume.token ?? ''
    this.#until = 0
    this.#window = resume.window ?? 0
    if (!resume.recovered) {
      this.#heard = this.#said = 0
      this.#fail()
      return
    }
    this.#socket.send(JSON.stringify({ cmd: 'ack', received: this.#heard }))
    for (const { text, number } of this.#replies.values()) if (number > resume.received) this.#socket.send(text)
  }

  // Tries to reconnect, at growing intervals, as long as the server keeps this peer's state.
  async #return(code, reason) {
    this.#until = Date.now() + this.#window
    this.#emit('away', {})
    for (let pause = 250; Date.now() < this.#until; pause = Math.min(2 * pause, 5000)) {
      await new Promise(resolve => setTimeout(resolve, pause * (0.5 + Math.random())))
      try {
        await this.#dial()
        return this.#emit('back', { id: this.id })
      } catch {
        // the next attempt may succeed
      }
    }
    this.#lose(code, reason)
  }

  #lose(code, reason) {
    this.#until = 0
    this.#token = ''
    this.#fail()
    if (this.#call?.channel?.readyState !== 'open') this.#end(this.#call, 'Connection Lost')
    this.#emit('lost', { code, reason })
  }

  // Pending requests will get no reply.
  #fail() {
    const waiting = [...this.#replies.values()]
    this.#replies.clear()
    for (const { settle } of waiting) settle({ ok: false, data: { message: 'Connection Lost' } })
  }

  /** Whether the server has this peer, even while the connection is broken. */
  get online() { return this.#until > 0 || this.#socket?.readyState === WebSocket.OPEN }

  /** Calls the peer `id`. Events report the progress. */
  call(id) {
    if (this.#call) throw new Error('Already in a call')
    const call = (this.#call = { id })
    this.#emit('calling', { id })
    this.#signal(call, 'session-start')
  }

  /** Sends text to the other peer of the open call. */
  send(text) { this.#call.channel.send(text) }

  /** Ends the call, or cancels it before it is open. */
  hangUp() {
    const call = this.#call
    if (call && call.channel?.readyState !== 'open') this.#request('session-cancel', call.id)
    this.#end(call)
  }

  #emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })) }

  // Every request gets a reply: {id, ok: true}, or {id, ok: false, data: {message}}.
  #request(cmd, target, data) {
    return new Promise(resolve => {
      if (!this.online) return resolve({ ok: false, data: { message: 'Not Connected' } })
      const id = String(++this.#requests)
      const text = JSON.stringify({ cmd, target, data, id })
      this.#replies.set(id, { text, number: ++this.#said, settle: resolve })
      if (!this.#until) this.#socket.send(text) // otherwise it is sent after the reconnect
    })
  }

  // Sends a request that the call depends on.
  async #signal(call, cmd, data) {
    const reply = await this.#request(cmd, call.id, data)
    if (!reply.ok && call.channel?.readyState !== 'open') this.#end(call, reply.data.message)
  }

  #receive(message) {
    if (++this.#heard % 64 === 0) this.#socket.send(JSON.stringify({ cmd: 'ack', received: this.#heard }))
    if (typeof message.ok === 'boolean') {
      const request = this.#replies.get(message.id)
      this.#replies.delete(message.id)
      request?.settle(message)
      return
    }
    const { cmd, origin, data } = message
    if (cmd === 'session-start') return this.#answer(origin)
    const call = this.#call
    if (call?.id !== origin) return
    if (!call.pc) {
      if (cmd === 'session-accept') this.#open(call, true)
      if (cmd === 'session-reject') this.#end(call, data?.message ?? 'The other side rejected the call')
    } else {
      if (cmd === 'session-cancel') this.#end(call, data?.message ?? 'The other side cancelled')
      if (cmd === 'offer' || cmd === 'answer' || cmd === 'ice')
        this.#negotiate(call, cmd, data)
    }
  }

  // Answers a call of another peer. If two peers call each other at the same time, the call of the greater id counts.
  #answer(id) {
    const old = this.#call
    if (old && old.id !== id) return this.#request('session-reject', id, { message: 'Busy' })
    if (old && !old.pc && this.id > id) return
    if (old?.pc) this.#end(old, 'The other side called again')
    const call = (this.#call = { id })
    this.#emit('incoming', { id })
    this.#open(call, false)
    this.#signal(call, 'session-accept')
  }

  #open(call, caller) {
    try {
      call.pc = new RTCPeerConnection(this.#configuration)
    } catch (error) {
      return this.#end(call, error.message)
    }
    const { pc } = call
    call.timer = setTimeout(() => this.#end(call, 'No connection in time'), 30_000)
    pc.onicecandidate = ({ candidate }) => candidate && this.#signal(call, 'ice', { candidate })
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === 'failed') this.#end(call, 'No network path to the other side')
    }
    pc.ondatachannel = ({ channel }) => this.#use(call, channel)
    if (!caller) return
    pc.onnegotiationneeded = () => this.#describe(call, 'offer')
    this.#use(call, pc.createDataChannel('chat'))
  }

  async #negotiate(call, cmd, data) {
    try {
      if (cmd === 'ice') await call.pc.addIceCandidate(data.candidate)
      else await call.pc.setRemoteDescription(data[cmd])
      if (cmd === 'offer') await this.#describe(call, 'answer')
    } catch (error) {
      this.#end(call, error.message)
    }
  }

  async #describe(call, type) {
    try {
      await call.pc.setLocalDescription()
      this.#signal(call, type, { [type]: call.pc.localDescription })
    } catch (error) {
      this.#end(call, error.message)
    }
  }

  #use(call, channel) {
    call.channel = channel
    channel.onopen = () => {
      clearTimeout(call.timer)
      this.#emit('open', { id: call.id })
    }
    channel.onmessage = ({ data }) => this.#emit('message', { id: call.id, text: String(data) })
    channel.onclose = () => this.#end(call, 'The other side hung up')
  }

  #end(call, reason) {
    if (!call || call !== this.#call) return
    this.#call = null
    clearTimeout(call.timer)
    call.channel?.close()
    call.pc?.close()
    this.#emit('ended', { id: call.id, reason })
  }
}

// The page.

const $ = id => document.getElementById(id)
const peer = new Peer()
const server = new URL('.', location)
server.protocol = server.protocol.replace('http', 'ws')
server.hash = server.search = ''
const token = new URL(location).searchParams.get('token')
if (token) server.searchParams.set('token', token) // for a server that asks for tokens

const hints = new Map([
  ['Peer Not Found', 'no peer with this id is connected. A reload of the page changes its id, so ask for a new link.'],
  ["Can't Send to Yourself", 'this is your own id. Open your link in another tab or on another device.'],
  ['No network path to the other side', 'a TURN server in the RTC configuration may help.'],
  ['Busy', 'the other side is in another call.'],
])

let state = 'idle' // idle, calling, open

function show(callText = '') {
  if (callText) $('call').textContent = callText
  $('chat').dataset.state = state
  $('dial').querySelector('button').disabled = !peer.online || state !== 'idle'
  $('share').querySelector('button').disabled = !peer.online
  $('text').disabled = $('say').querySelector('button').disabled = state !== 'open'
  $('hang-up').hidden = state === 'idle'
  $('hang-up').textContent = state === 'open' ? 'Hang up' : 'Cancel'
}

function status(stateName, text) {
  $('status').dataset.state = stateName
  $('status').textContent = text
}

function complain(text = '', reconnect = false) {
  $('error').hidden = !text
  $('error').firstElementChild.textContent = text
  $('reconnect').hidden = !reconnect
}

function write(kind, text) {
  const line = document.createElement('li')
  line.className = kind
  line.textContent = text
  if (kind !== 'note') {
    const who = document.createElement('span')
    who.className = 'who'
    who.textContent = kind === 'mine' ? 'You: ' : 'They: '
    line.prepend(who)
  }
  $('log').append(line)
  $('log').scrollTop = $('log').scrollHeight
}

function dial(text) {
  const hash = text.indexOf('#')
  const id = hash < 0 ? text.trim() : decode(text.slice(hash + 1).trim())
  $('other').value = id
  if (!id || state !== 'idle' || !peer.online) return
  complain()
  peer.call(id)
}

function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function connect() {
  complain()
  status('busy', 'Connecting…')
  try {
    await peer.connect(server)
  } catch (error) {
    status('lost', 'Offline')
    complain(`${error.message}.`, true)
    return show()
  }
  introduce()
  if (location.hash.length > 1 && state === 'idle') dial(location.hash)
}

function introduce() {
  status('online', 'Online')
  $('own').textContent = peer.id
  const link = new URL(location)
  link.searchParams.delete('token') // it is for this page alone
  link.hash = encodeURIComponent(peer.id)
  $('link').value = link
  show()
}

peer.addEventListener('away', () => status('busy', 'Reconnecting…'))
peer.addEventListener('back', introduce)
peer.addEventListener('lost', ({ detail: { code, reason } }) => {
  status('lost', 'Offline')
  $('own').textContent = '…'
  $('link').value = ''
  const why = [code, reason].filter(Boolean).join(' ')
  complain(`The connection to the server was lost (${why}).` + (state === 'open' ? ' Your chat stays open.' : ''), true)
  show()
})
peer.addEventListener('calling', ({ detail: { id } }) => {
  state = 'calling'
  show(`Calling ${id}…`)
})
peer.addEventListener('incoming', ({ detail: { id } }) => {
  state = 'calling'
  complain()
  write('note', `${id} called you. The page accepted the call.`)
  show(`Connecting to ${id}…`)
})
peer.addEventListener('open', ({ detail: { id } }) => {
  state = 'open'
  write('note', 'Connected. Say hello!')
  show(`Connected to ${id}`)
  $('text').focus()
})
peer.addEventListener('message', ({ detail: { text } }) => write('theirs', text))
peer.addEventListener('ended', ({ detail: { reason } }) => {
  const opened = state === 'open'
  state = 'idle'
  show('Not in a call')
  if (opened) write('note', reason ? `${reason}.` : 'You hung up.')
  else if (reason) complain(hints.has(reason) ? `${reason}: ${hints.get(reason)}` : `${reason}.`, !peer.online)
})

$('reconnect').addEventListener('click', connect)
$('hang-up').addEventListener('click', () => peer.hangUp())
$('link').addEventListener('focus', () => $('link').select())
$('share').addEventListener('submit', async event => {
  event.preventDefault()
  const button = $('share').querySelector('button')
  $('link').select()
  try {
    await navigator.clipboard.writeText($('link').value)
  } catch {
    // A page over plain HTTP from another machine has no clipboard API.
    document.execCommand('copy')
  }
  button.textContent = 'Copied'
  setTimeout(() => (button.textContent = 'Copy'), 2000)
})
$('dial').addEventListener('submit', event => {
  event.preventDefault()
  dial($('other').value)
})
$('say').addEventListener('submit', event => {
  event.preventDefault()
  const text = $('text').value
  if (!text || state !== 'open') return
  peer.send(text)
  write('mine', text)
  $('text').value = ''
})
window.addEventListener('hashchange', () => dial(location.hash))

connect()
