// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Packets of npm nanomessage, which socket-signal speaks: `{ id, response, event, error, name, json }`.

const flag = { response: 1, event: 2, error: 4 }

/** The packet in a message; nothing if there is none. */
export function unpack(bytes) {
  let at = 0
  const number = () => {
    let n = 0
    for (let factor = 1; ; factor *= 128) {
      if (at >= bytes.length) throw new RangeError('cut')
      n += (bytes[at] & 127) * factor
      if (bytes[at++] < 128) return n
    }
  }
  const text = () => {
    const size = number()
    if (at + size > bytes.length) throw new RangeError('cut')
    return bytes.toString('utf8', at, (at += size))
  }
  try {
    const head = number()
    number()
    const flags = number()
    const packet = { id: Math.floor(head / 2), response: head % 2 === 1 }
    packet.event = (flags & flag.event) !== 0
    packet.error = (flags & flag.error) !== 0
    packet.name = packet.response ? '' : text()
    packet.json = text()
    return packet
  } catch {}
}

/** A packet as bytes. */
export function pack({ id, response = false, event = false, error = false, name = '', json }) {
  const number = n => {
    const out = []
    for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) + 128)
    return Buffer.from([...out, n])
  }
  const text = s => Buffer.concat([number(Buffer.byteLength(s)), Buffer.from(s)])
  const flags = (response && flag.response) | (event && flag.event) | (error && flag.error)
  const body = Buffer.concat([number(flags), ...(response ? [] : [text(name)]), text(json)])
  return Buffer.concat([number(id * 2 + (response ? 1 : 0)), number(body.length), body])
}
