// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The program is linked with --wrap: its calls of malloc and its kin come here too.
#include "allocations.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

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

void* enter(void* p) noexcept {
    if (p == nullptr) return p;
    ++counts.live;
    counts.bytes += ::malloc_usable_size(p);
    counts.peak = std::max(counts.peak, counts.bytes);
    return p;
}

void leave(void* p) noexcept {
    if (p == nullptr) return;
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
