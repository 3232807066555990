#pragma once

#include <ares.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/reactor.h"
#include "http/fd_watches.h"
#include "sys/endpoint.h"
#include "sys/result.h"

namespace kite::http {

/// Host names to addresses on the loop, through c-ares: hosts file first, then DNS.
/// Exists because a libcurl built with the threaded resolver starts a thread for each name, and
/// the kite is one thread.
/// Owns:      the DNS sockets, and a cache bounded to kNamesMax names.
/// Lifetime:  outlives its queries.
/// Thread:    reactor thread only.
/// Errors:    an answer is addresses or one sentence. Failures are not cached; a name that was
///            known keeps its last addresses for `stale_max` while DNS is silent (RFC 8767). They
///            are given before an exchange's deadline: `stale_after` into a lookup, or at once when
///            the one before failed; the lookup goes on, asked for or not, and renews the cache.
/// Source:    ares_getaddrinfo(3), ares_init_options(3); "localhost": RFC 6761 section 6.3; the
///            timers of stale answers: RFC 8767 section 5.
class Resolver {
 public:
  struct Options {
    std::string servers;  ///< "127.0.0.1:5353,10.0.0.2"; empty: /etc/resolv.conf
    /// Of the first try; c-ares doubles it for the next: a silent server fails a lookup in 2.1 s,
    /// so that an exchange, which has 3 s, can still say why.
    std::chrono::milliseconds try_timeout{700};
    int tries = 2;
    /// What a TTL is cut to. A hosts file has none, which counts as zero.
    std::chrono::seconds ttl_min{5};
    std::chrono::seconds ttl_max{300};
    std::chrono::seconds stale_max{3600};
    std::chrono::milliseconds stale_after{1000};  ///< into a lookup; RFC: client response timer
    std::chrono::seconds failure_memory{30};  ///< how long a lookup without answer spares that wait
  };
  struct Stats {
    uint64_t lookups = 0;  ///< asked of c-ares: neither cached nor joined to one under way
    uint64_t failures = 0;
    uint64_t stale_answers = 0;  ///< given to queries because their lookup was late or failed
  };

  /// Addresses with port 0, best first; never empty.
  using Answer = sys::Result<std::vector<sys::Endpoint>>;

  /// A question, embedded in the object that asks.
  /// Lifetime:  destruction cancels.
  class Query {
   public:
    using OnAnswer = event::Handler<void(const Answer&)>;
    Query(Resolver& resolver, OnAnswer on_answer);
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    ~Query() { cancel(); }

    /// Asks for `name` (not a literal address). The answer comes from the loop, never from here.
    void start(const std::string& name);
    void cancel();
    bool started() const { return started_; }

   private:
    friend class Resolver;
    void give(Answer answer);
    void on_turn();

    Resolver& resolver_;
    OnAnswer on_answer_;
    std::string name_;
    std::optional<Answer> answer_;
    event::Continuation turn_;
    bool started_ = false;
  };

  Resolver(event::Reactor& reactor, Options options);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  const Stats& stats() const { return stats_; }

 private:
  static constexpr size_t kNamesMax = 64;
  static constexpr size_t kAddressesMax = 16;  ///< kept of one answer

  /// What is known of one name, and who waits to know more.
  struct Name {
    Name(Resolver& owner, std::string name_text);
    void on_patience_end() { resolver.give_stale(*this); }
    bool stale_known() const;

    Resolver& resolver;
    std::string text;
    std::vector<sys::Endpoint> addresses;  ///< empty: never resolved
    sys::SteadyTime fresh_until{};
    sys::SteadyTime stale_until{};
    sys::SteadyTime impatient_until{};  ///< the last lookup got no answer: do not wait for the next
    event::Timer patience;              ///< armed while a lookup may make queries wait
    std::vector<Query*> waiting;
    bool asked = false;  ///< c-ares holds a pointer to this
  };
  struct ChannelDeleter {
    void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
  };
  class Library;

  void ask(Query& query);
  void forget(Query& query);
  Name& name_of(const std::string& text);
  void look_up(Name& name);
  bool open_channel();
  void finish(Name& name, int status, const ares_addrinfo* found);
  Answer settle(Name& name, int status, const ares_addrinfo* found);
  void keep(Name& name, const ares_addrinfo& found);
  void give_stale(Name& name);
  void on_socket_ready(int fd, event::Events events);
  void on_timeout();
  void rearm();
  static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable);
  static void on_answer(void* name, int status, int timeouts, ares_addrinfo* found);

  event::Reactor& reactor_;
  Options options_;
  Stats stats_;
  std::unique_ptr<Library> library_;
  std::map<std::string, std::unique_ptr<Name>> names_;
  FdWatches watches_;
  event::Timer timer_;
  size_t asked_ = 0;
  bool channel_doubtful_ = false;  ///< resolv.conf may have changed since it was read
  std::unique_ptr<ares_channeldata, ChannelDeleter> channel_;  // last: its end calls back
};

}  // namespace kite::http
