#include "http/resolver.h"

#include <strings.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "sys/check.h"

namespace kite::http {

namespace {

/// RFC 6761: such names are loopback and never leave the host.
bool is_localhost(std::string_view name) {
  constexpr std::string_view kLocalhost = "localhost";
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.size() < kLocalhost.size()) return false;
  const std::string_view tail = name.substr(name.size() - kLocalhost.size());
  if (::strncasecmp(tail.data(), kLocalhost.data(), kLocalhost.size()) != 0) return false;
  return name.size() == kLocalhost.size() || name[name.size() - kLocalhost.size() - 1] == '.';
}

std::vector<sys::Endpoint> loopback_addresses() {
  std::vector<sys::Endpoint> addresses;
  for (const char* text : {"127.0.0.1", "::1"}) {
    addresses.push_back(sys::Endpoint::parse(text, 0).value());
  }
  return addresses;
}

sys::Endpoint endpoint_of(const ares_addrinfo_node& node) {
  sockaddr_storage address{};
  std::memcpy(&address, node.ai_addr, std::min<size_t>(node.ai_addrlen, sizeof address));
  return sys::Endpoint::from_sockaddr(address).with_port(0);
}

std::string failure_text(const std::string& name, int status) {
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_ENONAME) {
    return "the name " + name + " does not exist in DNS; check the region and the endpoint";
  }
  return "cannot resolve " + name + " (" + ares_strerror(status) +
         "); check the name servers in /etc/resolv.conf and that they can be reached";
}

}  // namespace

/// c-ares counts its users itself. Source: ares_library_init(3).
class Resolver::Library {
 public:
  Library() {
    KITE_CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS, "c-ares cannot start");
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() { ares_library_cleanup(); }
};

Resolver::Query::Query(Resolver& resolver, OnAnswer on_answer)
    : resolver_(resolver),
      on_answer_(on_answer),
      turn_(resolver.reactor_, event::Continuation::OnTurn::to<&Query::on_turn>(this)) {}

void Resolver::Query::start(const std::string& name) {
  KITE_CHECK(!started_, "a query asks one question at a time");
  started_ = true;
  name_ = name;
  resolver_.ask(*this);
}

void Resolver::Query::cancel() {
  if (!std::exchange(started_, false)) return;
  turn_.cancel();
  answer_.reset();
  resolver_.forget(*this);
}

void Resolver::Query::give(Answer answer) {
  answer_.emplace(std::move(answer));
  turn_.request();
}

void Resolver::Query::on_turn() {
  started_ = false;
  const Answer answer = std::move(*answer_);
  answer_.reset();
  on_answer_(answer);  // last statement: the asker may end here
}

Resolver::Name::Name(Resolver& owner, std::string name_text)
    : resolver(owner),
      text(std::move(name_text)),
      patience(owner.reactor_.timers(),
               event::Timer::OnDue::to<&Resolver::Name::on_patience_end>(this)) {}

bool Resolver::Name::stale_known() const {
  return !addresses.empty() && resolver.reactor_.now() < stale_until;
}

Resolver::Resolver(event::Reactor& reactor, Options options)
    : reactor_(reactor),
      options_(std::move(options)),
      library_(std::make_unique<Library>()),
      watches_(reactor, FdWatches::OnReady::to<&Resolver::on_socket_ready>(this)),
      timer_(reactor.timers(), event::Timer::OnDue::to<&Resolver::on_timeout>(this)) {}

Resolver::~Resolver() {
  for (const auto& [text, name] : names_) {
    KITE_CHECK(name->waiting.empty(), "queries die before their resolver");
  }
}

void Resolver::ask(Query& query) {
  if (is_localhost(query.name_)) return query.give(loopback_addresses());
  Name& name = name_of(query.name_);
  if (!name.addresses.empty() && reactor_.now() < name.fresh_until) {
    return query.give(name.addresses);
  }
  name.waiting.push_back(&query);
  if (!name.asked) look_up(name);
  if (name.asked && !name.patience.armed()) give_stale(name);
}

void Resolver::forget(Query& query) {
  const auto found = names_.find(query.name_);
  if (found != names_.end()) std::erase(found->second->waiting, &query);
}

Resolver::Name& Resolver::name_of(const std::string& text) {
  if (const auto found = names_.find(text); found != names_.end()) return *found->second;
  if (names_.size() >= kNamesMax) {
    std::erase_if(names_, [](const auto& entry) {
      return !entry.second->asked && entry.second->waiting.empty();
    });
  }
  return *names_.emplace(text, std::make_unique<Name>(*this, text)).first->second;
}

bool Resolver::open_channel() {
  if (channel_ != nullptr && channel_doubtful_ && asked_ == 0) channel_.reset();
  if (channel_ != nullptr) return true;
  channel_doubtful_ = false;
  ares_options options{};
  char lookups[] = "fb";  // hosts file, then DNS, whatever nsswitch.conf an image brings
  options.lookups = lookups;
  options.timeout = static_cast<int>(options_.try_timeout.count());
  options.tries = options_.tries;
  options.sock_state_cb = &Resolver::on_socket_state;
  options.sock_state_cb_data = this;
  ares_channel channel = nullptr;
  const int status = ares_init_options(
      &channel, &options,
      ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) return false;
  channel_.reset(channel);
  if (options_.servers.empty()) return true;
  if (ares_set_servers_ports_csv(channel, options_.servers.c_str()) == ARES_SUCCESS) return true;
  channel_.reset();
  return false;
}

void Resolver::look_up(Name& name) {
  ++stats_.lookups;
  if (!open_channel()) return finish(name, ARES_ENOTINITIALIZED, nullptr);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  name.asked = true;
  ++asked_;
  const sys::SteadyTime now = reactor_.now();
  if (name.stale_known() && now >= name.impatient_until) {
    name.patience.start(now + options_.stale_after);
  }
  ares_getaddrinfo(channel_.get(), name.text.c_str(), nullptr, &hints, &Resolver::on_answer, &name);
  rearm();
}

void Resolver::on_answer(void* name, int status, int, ares_addrinfo* found) {
  auto& entry = *static_cast<Name*>(name);
  entry.asked = false;
  --entry.resolver.asked_;
  if (status != ARES_EDESTRUCTION) entry.resolver.finish(entry, status, found);
  if (found != nullptr) ares_freeaddrinfo(found);
}

void Resolver::finish(Name& name, int status, const ares_addrinfo* found) {
  name.patience.cancel();
  const Answer answer = settle(name, status, found);
  const std::vector<Query*> waiting = std::exchange(name.waiting, {});
  for (Query* query : waiting) query->give(answer);
}

Resolver::Answer Resolver::settle(Name& name, int status, const ares_addrinfo* found) {
  if (status == ARES_SUCCESS && found != nullptr && found->nodes != nullptr) {
    keep(name, *found);
    return name.addresses;
  }
  if (status == ARES_SUCCESS) status = ARES_ENODATA;
  ++stats_.failures;
  const bool nobody_answered = status != ARES_ENOTFOUND && status != ARES_ENODATA;
  channel_doubtful_ = nobody_answered;
  const sys::SteadyTime now = reactor_.now();
  if (nobody_answered && name.stale_known()) {
    stats_.stale_answers += name.waiting.size();
    name.impatient_until = now + options_.failure_memory;
    name.fresh_until = now + options_.ttl_min;  // ask again soon, but not for every request
    return name.addresses;
  }
  name.addresses.clear();
  return sys::Error{failure_text(name.text, status)};
}

void Resolver::keep(Name& name, const ares_addrinfo& found) {
  name.addresses.clear();
  std::chrono::seconds ttl = options_.ttl_max;
  for (const ares_addrinfo_node* node = found.nodes;
       node != nullptr && name.addresses.size() < kAddressesMax; node = node->ai_next) {
    ttl = std::min(ttl, std::chrono::seconds(node->ai_ttl));
    name.addresses.push_back(endpoint_of(*node));
  }
  name.fresh_until = reactor_.now() + std::max(ttl, options_.ttl_min);
  name.stale_until = name.fresh_until + options_.stale_max;
  name.impatient_until = {};
}

/// Whoever waits for a lookup that takes long gets the last addresses, if any; it goes on unwaited.
void Resolver::give_stale(Name& name) {
  if (!name.stale_known()) return;
  stats_.stale_answers += name.waiting.size();
  for (Query* query : std::exchange(name.waiting, {})) query->give(name.addresses);
}

void Resolver::on_socket_state(void* self, ares_socket_t fd, int readable, int writable) {
  auto& resolver = *static_cast<Resolver*>(self);
  if (readable == 0 && writable == 0) return resolver.watches_.remove(fd);
  auto interest = event::Interest::read_write;
  if (writable == 0) interest = event::Interest::read;
  if (readable == 0) interest = event::Interest::write;
  // A refused watch needs no word to c-ares: the query times out and is tried on another socket.
  static_cast<void>(resolver.watches_.watch(fd, interest));
}

void Resolver::on_socket_ready(int fd, event::Events events) {
  ares_process_fd(channel_.get(), events.readable() ? fd : ARES_SOCKET_BAD,
                  events.writable() ? fd : ARES_SOCKET_BAD);
  rearm();
}

void Resolver::on_timeout() {
  ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  rearm();
}

void Resolver::rearm() {
  timeval wait{};
  if (ares_timeout(channel_.get(), nullptr, &wait) == nullptr) return timer_.cancel();
  timer_.start(reactor_.now() + std::chrono::seconds(wait.tv_sec) +
               std::chrono::microseconds(wait.tv_usec));
}

}  // namespace kite::http
