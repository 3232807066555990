#pragma once

namespace kite::event {

template <typename Signature>
class Handler;

/// A member function bound to its object: two words, never allocates, never owns.
/// Lifetime:  the object outlives every call; watches, timers and continuations guarantee that by
///            being members of the object they call.
template <typename... Args>
class Handler<void(Args...)> {
 public:
  Handler() = default;

  template <auto kMember, typename Object>
  static Handler to(Object* object) {
    return Handler(object, [](void* target, Args... args) {
      (static_cast<Object*>(target)->*kMember)(args...);
    });
  }

  void operator()(Args... args) const { call_(object_, args...); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  using Call = void (*)(void*, Args...);
  Handler(void* object, Call call) : object_(object), call_(call) {}

  void* object_ = nullptr;
  Call call_ = nullptr;
};

}  // namespace kite::event
