// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The server program of `y-webrtc` as published. It prints before it listens, so its output goes to stderr.
import { Server } from 'node:http';

const listen = Server.prototype.listen;
Server.prototype.listen = function (port) {
    return listen.call(this, { host: '127.0.0.1', port, backlog: 4096 }, () =>
        process.stdout.write(`listening on ws://127.0.0.1:${this.address().port}\n`)
    );
};
console.log = console.error;
process.env.PORT = process.argv[2] ?? '0';
await import('../node_modules/y-webrtc/bin/server.js');
process.on('SIGTERM', () => process.exit(0));
