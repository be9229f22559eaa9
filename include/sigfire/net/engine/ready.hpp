// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

namespace sigfire::inline v0_1::detail {

/// An event of a socket. `tag` is the tag of `add`; null for the acceptor.
struct ready {
    void* tag;
    bool readable; ///< bytes, the end, or an error; `receive` returns it
    bool writable;
};

/** A loop with connections that begin with bytes of a lower layer (TLS, a PROXY header). The engine opens
 *  such a connection when `receive` first succeeds, maybe with 0 bytes. Errors of `receive` may be values
 *  of `errc`. */
template <class Loop>
concept begins_late = requires { requires Loop::begins_late; };

/// A loop calls this when there is work, with the pointer of its constructor.
using turn_function = void (*)(void*);

} // namespace sigfire::inline v0_1::detail
