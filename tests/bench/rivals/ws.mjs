// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A plain router on npm `ws`, of the kind found in many projects, with the same protocol.
import { nanoid } from 'nanoid';
import { WebSocketServer } from 'ws';

const payloads = { offer: 'offer', answer: 'answer', ice: 'candidate' };
const commands = new Set([...Object.keys(payloads), 'session-start', 'session-accept', 'session-reject', 'session-cancel']);
const peers = new Map();

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 4096 });
server.on('connection', (socket) => {
    const origin = nanoid();
    peers.set(origin, socket);
    const send = (to, message) => to.send(JSON.stringify(message));
    const refuse = (id, message) => send(socket, { id, ok: false, data: { message } });
    send(socket, { id: nanoid(), cmd: 'welcome', data: { id: origin } });

    socket.on('message', (text) => {
        let message;
        try {
            message = JSON.parse(text);
        } catch {
            return socket.close(4400, 'Bad Request');
        }
        if (!commands.has(message?.cmd)) return;
        const { id, cmd, target, data } = message;
        if (!id) return socket.close(4400, 'Missing message ID');
        if (!target) return refuse(id, 'Missing Target');
        const to = peers.get(target);
        if (!to) return refuse(id, 'Peer Not Found');
        if (to === socket) return refuse(id, "Can't Send to Yourself");
        if (payloads[cmd] && !data?.[payloads[cmd]]) return refuse(id, 'Missing Payload');
        send(socket, { id, ok: true });
        send(to, { id: nanoid(), cmd, origin, data: payloads[cmd] ? data : undefined });
    });
    socket.on('close', () => peers.delete(origin));
    socket.on('error', () => {});
});
server.on('listening', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
