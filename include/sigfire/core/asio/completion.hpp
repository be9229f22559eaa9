// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <new>
#include <utility>

namespace sigfire::inline v0_1::detail {

/** The handler of one asynchronous operation, of any type: move-only, called at most once.
 *
 *  The call always goes through the handler's associated executor, and never happens inside `complete`. So
 *  the operation may call `complete` from anywhere. The executor has outstanding work until then. The memory
 *  comes from the handler's associated allocator, which gets it back before the call. */
template <class... Args>
class completion {
public:
    completion() = default;

    /// `io` is the executor for handlers without an associated executor.
    template <class Handler>
    completion(Handler handler, const boost::asio::any_io_executor& io)
        : model_{model<Handler>::make(std::move(handler), io)} {}

    explicit operator bool() const noexcept { return static_cast<bool>(model_); }

    /** Calls `f()` when the operation is cancelled in one of the ways in `kinds`. `f` may call `complete`.
     *  The caller must keep `f` callable until the handler has been called. */
    template <class F>
    void on_cancel(boost::asio::cancellation_type kinds, F f) const {
        auto slot = model_->slot();
        if (!slot.is_connected()) return;
        slot.assign([kinds, f = std::move(f)](boost::asio::cancellation_type asked) {
            if ((asked & kinds) != boost::asio::cancellation_type::none) f();
        });
    }

    /// Ends the operation. Call it only once.
    void complete(Args... args) {
        const auto p = model_.release(); // it owns itself from here on
        p->complete(std::move(args)...);
    }

private:
    struct erased {
        virtual boost::asio::cancellation_slot slot() const = 0;
        virtual void complete(Args... args) = 0;
        virtual void destroy() noexcept = 0;

    protected:
        ~erased() = default;
    };
    struct destroyer {
        void operator()(erased* e) const noexcept { e->destroy(); }
    };
    using owner = std::unique_ptr<erased, destroyer>;

    template <class Handler>
    struct model final : erased {
        using executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
        using allocator = typename std::allocator_traits<
            boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<model>;

        static model* make(Handler&& h, const boost::asio::any_io_executor& io) {
            allocator from{boost::asio::get_associated_allocator(h)};
            const auto place = std::allocator_traits<allocator>::allocate(from, 1);
            try {
                return ::new (static_cast<void*>(place)) model{std::move(h), io};
            } catch (...) {
                std::allocator_traits<allocator>::deallocate(from, place, 1);
                throw;
            }
        }

        model(Handler&& h, const boost::asio::any_io_executor& io)
            : handler{std::move(h)}, work{boost::asio::get_associated_executor(handler, io)} {}

        auto memory() const noexcept { return boost::asio::get_associated_allocator(handler); }

        boost::asio::cancellation_slot slot() const override {
            return boost::asio::get_associated_cancellation_slot(handler);
        }

        void complete(Args... args) override {
            auto later = [self = owner{this}, this, ... args = std::move(args)]() mutable {
                // Not earlier: the slot may be the caller of `complete`.
                if (auto s = slot(); s.is_connected()) s.clear();
                auto f = std::move(handler);
                self.reset();
                std::move(f)(std::move(args)...);
            };
            const auto to = work.get_executor();
            boost::asio::post(to, boost::asio::bind_allocator(memory(), std::move(later)));
        }

        void destroy() noexcept override {
            allocator from{memory()};
            this->~model();
            std::allocator_traits<allocator>::deallocate(from, this, 1);
        }

        Handler handler;
        boost::asio::executor_work_guard<executor> work;
    };

    owner model_;
};

} // namespace sigfire::inline v0_1::detail
