// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

/// Everything but what needs a compiled library.
#include <sigfire/auth.hpp>
#include <sigfire/client.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/concepts.hpp>
#include <sigfire/envelope.hpp>
#include <sigfire/error.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/hooks.hpp>
#include <sigfire/hub.hpp>
#include <sigfire/listener.hpp>
#include <sigfire/log.hpp>
#include <sigfire/message.hpp>
#include <sigfire/outbox.hpp>
#include <sigfire/outlet.hpp>
#include <sigfire/peer.hpp>
#include <sigfire/registry.hpp>
#include <sigfire/request.hpp>
#include <sigfire/router.hpp>
#include <sigfire/server.hpp>
#include <sigfire/session.hpp>
#include <sigfire/topic_table.hpp>
#include <sigfire/transport/loopback.hpp>
#include <sigfire/transport/stream_limits.hpp>
#include <sigfire/transport/tcp.hpp>
#include <sigfire/transport/unix_socket.hpp>
#include <sigfire/transport/websocket.hpp>
#include <sigfire/version.hpp>
