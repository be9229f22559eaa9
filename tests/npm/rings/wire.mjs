// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

import { connect, createServer } from 'node:net'

/** A port that leads to a server's. `cut()` resets all its connections, `close()` ends it. */
export async function wireTo(port, host = '127.0.0.1') {
  const sockets = new Set()
  const proxy = createServer(near => {
    const far = connect(port, host)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket) && (near.destroy(), far.destroy()))
    }
    near.pipe(far).pipe(near)
  })
  await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve))
  const cut = () => sockets.forEach(socket => socket.resetAndDestroy())
  return { port: proxy.address().port, cut, close: () => (proxy.close(), cut()) }
}
