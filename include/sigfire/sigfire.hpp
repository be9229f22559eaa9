// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

/** @file
 *  Includes the headers that most programs need. Include these by name: TLS, coroutine hooks, dialects, RPC,
 *  `codec/any_of.hpp`, `codec/binary.hpp` and `net/beast.hpp`. The last one includes the WebSocket of Beast.
 */

#include <sigfire/admission/bearer.hpp>
#include <sigfire/admission/gate.hpp>
#include <sigfire/admission/rate_limit.hpp>
#include <sigfire/client.hpp>
#include <sigfire/client/json_client.hpp>
#include <sigfire/client/session.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/log.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/feature/heartbeat.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/rtc_refresh.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topic_table.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/commands.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/directory.hpp>
#include <sigfire/hub/fanout.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/feature_context.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/message_context.hpp>
#include <sigfire/hub/peer_states.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>
#include <sigfire/listener.hpp>
#include <sigfire/net/activation.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/net/outbox.hpp>
#include <sigfire/net/proxied.hpp>
#include <sigfire/net/stream_limits.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/observe/call_trace.hpp>
#include <sigfire/observe/metrics.hpp>
#include <sigfire/server.hpp>
#include <sigfire/version.hpp>
