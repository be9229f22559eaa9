// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Tickets are used and dropped on threads of the host program, while the hub goes on.
#include <sigfire/hub/deferral.hpp>

#include <sigfire/feature/requests.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace hub_world;

// Where tickets wait for the workers.
class queue {
public:
    void put(deferral t) {
        const std::lock_guard lock{mutex_};
        tickets_.push_back(std::move(t));
        changed_.notify_one();
    }
    std::optional<deferral> take() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return closed_ || !tickets_.empty(); });
        if (tickets_.empty()) return {};
        auto t = std::move(tickets_.front());
        tickets_.pop_front();
        return t;
    }
    std::optional<deferral> try_take() {
        const std::lock_guard lock{mutex_};
        if (tickets_.empty()) return {};
        auto t = std::move(tickets_.front());
        tickets_.pop_front();
        return t;
    }
    void close() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<deferral> tickets_;
    bool closed_ = false;
};

struct asks_workers {
    queue* to;
    errc on_message(message_context& context, event::send&) {
        to->put(context.defer());
        return errc::deferred;
    }
};

BOOST_AUTO_TEST_SUITE(late_verdicts)

BOOST_AUTO_TEST_CASE(come_from_any_thread_and_each_request_ends_once) {
    constexpr int senders = 8, rounds = 200;
    queue waiting;
    std::mutex mutex;
    std::vector<std::function<void()>> posted;
    std::vector<std::thread> workers;
    using bench = hub_bench<features<requests>, hooks<asks_workers>>;
    auto b = std::make_unique<bench>(features{requests{{.per_peer = rounds}}}, hooks{asks_workers{&waiting}});
    b->h.set_scheduler([&](auto f) {
        const std::lock_guard lock{mutex};
        posted.emplace_back(std::move(f));
    });
    for (int i = 0; i < 4; ++i)
        workers.emplace_back([&waiting, i] {
            for (int n = i; auto t = waiting.take(); ++n) {
                if (n % 5 == 0) t->pass();
                if (n % 5 == 1) t->refuse(errc::rate, "a text of more than fifteen bytes");
                if (n % 5 == 2) t->reply(R"({"text":"a text of more than fifteen bytes"})");
                if (n % 5 == 3) { // another ticket is thrown away for it
                    if (auto other = waiting.try_take()) *t = std::move(*other);
                    t->pass();
                }
            } // and each fifth one is dropped
        });
    // A function puts its answers off too.
    BOOST_TEST(b->h.attach("function", [&](call& c) { waiting.put(c.defer()); }).has_value());

    std::vector<std::string> names;
    for (int i = 0; i < senders; ++i) b->connect(names.emplace_back("p" + std::to_string(i)));
    std::ptrdiff_t replies = 0;
    const auto turn = [&] {
        std::vector<std::function<void()>> calls;
        {
            const std::lock_guard lock{mutex};
            calls.swap(posted);
        }
        for (const auto& f : calls) f();
        const auto told = b->heard_by_all();
        replies += std::count_if(told.begin(), told.end(),
                                 [](const std::string& m) { return m.find(R"("ok":)") != m.npos; });
    };
    for (int round = 0; round < rounds; ++round, turn())
        for (int i = 0; i < senders; ++i) {
            const auto& name = names[static_cast<std::size_t>(i)];
            const auto id = R"(","id":)" + std::to_string(round + 1);
            if (round % 2 == 0)
                b->say(name, R"({"cmd":"bye","target":"p)" + std::to_string((i + 1) % senders) + id + "}");
            else
                b->say(name, R"({"cmd":"request","target":"function)" + id + "}");
        }
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (replies < senders * rounds && std::chrono::steady_clock::now() < end) turn();
    BOOST_TEST(replies == senders * rounds); // a message that did not wait was `full` at once

    // The hub goes while verdicts are on their way.
    for (const auto& name : names) b->say(name, R"({"cmd":"bye","target":"p0","id":1})");
    b.reset();
    waiting.close();
    for (auto& w : workers) w.join();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
