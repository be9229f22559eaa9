// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// `@signal-fire/server` as published, with one repair: `@lucets/commands` returns a function that needs `this` and
// is called without one, so every request fails. It is bound here, before the server is made.
import { createRequire } from 'node:module';
import { Server } from 'node:http';

const require = createRequire(import.meta.url);
const Commands = require('@lucets/commands').default;
const compose = Commands.prototype.compose;
Commands.prototype.compose = function () {
    return compose.call(this).bind(this);
};
const createApp = require('@signal-fire/server').default;
const { LocalRegistry } = require('@lucets/registry');

const app = createApp(new LocalRegistry());
app.on('error', () => {});
const server = new Server();
server.on('upgrade', app.onUpgrade());
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 4096 }, () =>
    console.log(`listening on ws://127.0.0.1:${server.address().port}`)
);
process.on('SIGTERM', () => process.exit(0));
