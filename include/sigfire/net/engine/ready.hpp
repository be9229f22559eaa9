// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

namespace sigfire::detail {

/// The news of a socket from a loop. `tag` is the one that the socket was added with, null for the acceptor.
struct ready {
    void* tag;
    bool readable; ///< bytes, the end, or an error: `receive` tells
    bool writable;
};

/** A loop with connections that begin with bytes not meant for the engine (TLS, a PROXY header): they are to
 * be opened when `receive` succeeds for the first time, maybe with 0 bytes. Its errors may be an `errc`. */
template <class Loop>
concept begins_late = requires { requires Loop::begins_late; };

/// A loop calls this when there is something to do; the pointer is the one it was made with.
using turn_function = void (*)(void*);

} // namespace sigfire::detail
