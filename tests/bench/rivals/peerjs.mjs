// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// npm `peer` as published, with its defaults.
import { PeerServer } from 'peer';

PeerServer({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0) }, (server) =>
    console.log(`listening on ws://127.0.0.1:${server.address().port}`)
);
process.on('SIGTERM', () => process.exit(0));
