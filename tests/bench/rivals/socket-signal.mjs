// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// `socket-signal-websocket` as published, put together as its own program does it.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { SocketSignalWebsocketServer } = createRequire(import.meta.url)('socket-signal-websocket');
const server = createServer((_, answer) => answer.end('Signal running OK\n'));
const signal = new SocketSignalWebsocketServer({ server });
for (const event of ['error', 'connection-error', 'rpc-error']) signal.on(event, (error) => console.error(event, error));
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 4096 }, () =>
    console.log(`listening on ws://127.0.0.1:${server.address().port}`)
);
process.on('SIGTERM', () => process.exit(0));
