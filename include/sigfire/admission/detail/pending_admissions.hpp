// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// Runs the awaitable of a hook. `coroutine_hooks.hpp` defines it: other programs then need not compile
/// `co_spawn`.
template <class Awaitable>
class awaited_run;

template <class Awaitable>
concept can_be_awaited = requires { sizeof(awaited_run<Awaitable>); };

/// Replaces `pending_admissions` where no hook is awaited.
struct no_pending_admissions {
    constexpr no_pending_admissions(const auto&, std::size_t) noexcept {}
};

/// The connections of a listener that wait for their hooks. Calls only the connections.
template <class T, class Connection, class Awaitable>
class pending_admissions {
public:
    /// A waiting connection. Shared with the coroutine, which may outlive the connection and the listener.
    struct waiting {
        waiting(Connection& c, const request& r, admission&& a, time_point until)
            : asked{r}, entry{std::move(a)}, connection{&c}, deadline{until} {}

        owned_request asked;
        admission entry;
        Connection* connection; ///< null after its removal
        time_point deadline;
        address_block address;
        bool answered = false;
        errc cause = errc::ok;              ///< the answer of the hooks
        std::optional<std::string> failure; ///< the message of their exception, if they threw
        awaited_run<Awaitable> run;
    };

    pending_admissions(const T& transport, std::size_t most) : context_{transport.context()}, shares_{most} {}

    pending_admissions(const pending_admissions&) = delete;
    pending_admissions& operator=(const pending_admissions&) = delete;
    ~pending_admissions() {
        while (!waiting_.empty()) remove(*waiting_.front()->connection);
    }

    /// Whether one more connection of that address may wait.
    bool has_room(const address_block& who) const noexcept { return shares_.can_take(who, 1); }

    /// Holds `c` until `ask(request, admission&)`, an awaitable, returns its answer. All connections wait
    /// equally long, so deadlines do not decrease.
    template <class F>
    void add(Connection& c, const request& r, admission&& entry, time_point deadline, F ask) {
        c.hold();
        const auto w = std::make_shared<waiting>(c, r, std::move(entry), deadline);
        w->address = w->entry.address; // a hook may change that of the entry
        address_shares::attempt room{shares_, w->address, 1};
        places_.emplace(&c, waiting_.insert(waiting_.end(), w));
        room.keep();
        w->run.start(
            context_, ask(w->asked.view(), w->entry),
            [this, w](errc cause, std::optional<std::string> failure) {
                w->answered = true;
                if (w->connection == nullptr) return;
                w->cause = cause;
                w->failure = std::move(failure);
                answered_.push_back(w);
                w->connection
                    ->release(); // makes the transport run a turn: the listener then takes the answer
            });
    }

    /// Removes `c` and cancels its open question. Returns null if `c` does not wait.
    std::shared_ptr<waiting> remove(Connection& c) {
        const auto place = places_.find(&c);
        if (place == places_.end()) return nullptr;
        const auto w = *place->second;
        shares_.give(w->address, 1);
        waiting_.erase(place->second);
        places_.erase(place);
        w->connection = nullptr;
        if (!w->answered) w->run.cancel();
        return w;
    }

    /// Takes the connections with an answer. Some may have been removed since.
    std::vector<std::shared_ptr<waiting>> take_answered() { return std::exchange(answered_, {}); }

    /// The connection with the earliest deadline, or null.
    waiting* front() const { return waiting_.empty() ? nullptr : waiting_.front().get(); }

private:
    decltype(std::declval<const T&>().context()) context_;
    address_shares shares_;
    std::list<std::shared_ptr<waiting>> waiting_; // in order of deadline
    std::unordered_map<Connection*, typename std::list<std::shared_ptr<waiting>>::iterator> places_;
    std::vector<std::shared_ptr<waiting>> answered_;
};

} // namespace sigfire::inline v0_1::detail
