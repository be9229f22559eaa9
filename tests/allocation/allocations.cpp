// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The program is linked with --wrap: its calls of malloc and its kin come here too.
#include "allocations.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <new>
#include <unordered_set>

#include <malloc.h>

extern "C" {
void* __real_malloc(std::size_t n);
void* __real_realloc(void* p, std::size_t n);
void* __real_aligned_alloc(std::size_t alignment, std::size_t n);
void __real_free(void* p);
void* __wrap_malloc(std::size_t n);
void* __wrap_realloc(void* p, std::size_t n);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t n);
void __wrap_free(void* p);
}

namespace allocations {

constinit book counts;
book& the_book() noexcept {
    return counts;
}

namespace {

bool refused() noexcept {
    if (!counts.armed || ++counts.made < counts.first || counts.first == 0) return false;
    if (counts.made - counts.first >= counts.row) return false;
    errno = ENOMEM;
    return true;
}

// For a container that leaves no trace in the book.
template <class T>
struct unbooked {
    using value_type = T;
    unbooked() = default;
    template <class U>
    unbooked(const unbooked<U>&) noexcept {}
    T* allocate(std::size_t n) {
        if (void* const p = __real_malloc(n * sizeof(T))) return static_cast<T*>(p);
        throw std::bad_alloc{};
    }
    void deallocate(T* p, std::size_t) noexcept { __real_free(p); }
    bool operator==(const unbooked&) const = default;
};

auto& blocks() {
    using set = std::unordered_set<void*, std::hash<void*>, std::equal_to<>, unbooked<void*>>;
    static auto& all = *::new (__real_malloc(sizeof(set))) set; // blocks are freed at the very end too
    return all;
}

void* enter(void* p) {
    if (p == nullptr || !counts.armed) return p;
    blocks().insert(p);
    ++counts.live;
    counts.bytes += ::malloc_usable_size(p);
    counts.peak = std::max(counts.peak, counts.bytes);
    return p;
}

void leave(void* p) noexcept {
    if (p == nullptr || counts.live == 0 || blocks().erase(p) == 0) return;
    --counts.live;
    counts.bytes -= ::malloc_usable_size(p);
}

void* take(std::size_t n, std::size_t alignment = 0) {
    void* const p = alignment == 0 ? __wrap_malloc(n) : __wrap_aligned_alloc(alignment, n);
    if (p == nullptr) throw std::bad_alloc{};
    return p;
}

} // namespace
} // namespace allocations

void* __wrap_malloc(std::size_t n) {
    return allocations::refused() ? nullptr : allocations::enter(__real_malloc(n));
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t n) {
    n = (n + alignment - 1) / alignment * alignment;
    return allocations::refused() ? nullptr : allocations::enter(__real_aligned_alloc(alignment, n));
}
void* __wrap_realloc(void* p, std::size_t n) {
    if (allocations::refused()) return nullptr;
    allocations::leave(p);
    return allocations::enter(__real_realloc(p, n));
}
void __wrap_free(void* p) {
    allocations::leave(p);
    __real_free(p);
}

void* operator new(std::size_t n) {
    return allocations::take(n);
}
void* operator new[](std::size_t n) {
    return allocations::take(n);
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return __wrap_malloc(n);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return __wrap_malloc(n);
}
void* operator new(std::size_t n, std::align_val_t a) {
    return allocations::take(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
    return allocations::take(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept {
    __wrap_free(p);
}
void operator delete[](void* p) noexcept {
    __wrap_free(p);
}
void operator delete(void* p, const std::nothrow_t&) noexcept {
    __wrap_free(p);
}
void operator delete[](void* p, const std::nothrow_t&) noexcept {
    __wrap_free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    __wrap_free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
    __wrap_free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
    __wrap_free(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
    __wrap_free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    __wrap_free(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
    __wrap_free(p);
}
