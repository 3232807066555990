#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "admin/metrics_writer.h"
#include "admin/view.h"

/// One line for each number: name, help, type, where it stands. What is not in a table here is
/// written by a function of metrics_page.cc, because it is no plain member.
namespace kite::admin {

template <typename Stats>
struct MetricRow {
  MetricFamily family;
  uint64_t Stats::*member;
  Label label{};  ///< of its own, when rows share a family
};

using enum MetricType;

inline constexpr MetricFamily kClosed{
    "kite_tunnels_closed_total",
    "Tunnels that ended: by FIN both ways, by a reset, or cut by the kite.", counter};
inline constexpr MetricFamily kForwarded{
    "kite_forwarded_bytes_total", "Bytes delivered, of tunnels that ended and that are open.",
    counter};

inline constexpr std::array kPortRows = {
    MetricRow<proxy::ProxyStats>{{"kite_connections_accepted_total", "Clients accepted.", counter},
                                 &proxy::ProxyStats::accepted_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_clients_without_backend_total",
         "Clients reset because no backend was known for their port.", counter},
        &proxy::ProxyStats::no_backend_total},
    MetricRow<proxy::ProxyStats>{{"kite_clients_unserved_total",
                                  "Clients reset after every attempt to connect failed.", counter},
                                 &proxy::ProxyStats::unserved_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_clients_held_total", "Clients that waited until a backend was known.", counter},
        &proxy::ProxyStats::held_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_clients_held_served_total", "Clients that waited and got a backend.", counter},
        &proxy::ProxyStats::held_served_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_clients_held_over_total", "Clients reset when they had waited for -hold.", counter},
        &proxy::ProxyStats::held_over_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_clients_held_left_total", "Clients that went away while they waited.", counter},
        &proxy::ProxyStats::held_left_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_clients_hold_full_total", "Clients reset because too many waited already.", counter},
        &proxy::ProxyStats::hold_full_total},
    MetricRow<proxy::ProxyStats>{{"kite_connect_failures_total",
                                  "Attempts to connect that were refused or timed out.", counter},
                                 &proxy::ProxyStats::connect_failures_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_connect_retries_total", "Attempts to connect after the first of a client.", counter},
        &proxy::ProxyStats::retries_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_connect_reset_retries_total",
         "Retries because a backend reset the connection before a byte had moved.", counter},
        &proxy::ProxyStats::reset_retries_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_connect_shortages_total",
         "Attempts to connect put off for want of a descriptor, memory or local port.", counter},
        &proxy::ProxyStats::connect_shortages_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_tunnels_opened_total", "Clients joined to a backend.", counter},
        &proxy::ProxyStats::tunnels_opened_total},
    MetricRow<proxy::ProxyStats>{
        kClosed, &proxy::ProxyStats::tunnels_finished_total, {"reason", "finished"}},
    MetricRow<proxy::ProxyStats>{
        kClosed, &proxy::ProxyStats::tunnels_reset_total, {"reason", "reset"}},
    MetricRow<proxy::ProxyStats>{kClosed, &proxy::ProxyStats::tunnels_cut_total, {"reason", "cut"}},
    MetricRow<proxy::ProxyStats>{kForwarded,
                                 &proxy::ProxyStats::client_to_backend_bytes_total,
                                 {"direction", "client_to_backend"}},
    MetricRow<proxy::ProxyStats>{kForwarded,
                                 &proxy::ProxyStats::backend_to_client_bytes_total,
                                 {"direction", "backend_to_client"}},
};

inline constexpr std::array kEjectionRows = {
    MetricRow<proxy::BackendTableStats>{
        {"kite_ejections_refused_total",
         "Times a failing backend stayed because half of the set was left out.", counter},
        &proxy::BackendTableStats::ejections_refused_total},
};

inline constexpr std::array kTargetRows = {
    MetricRow<proxy::ProxyStats>{
        {"kite_accept_pauses_total",
         "Times accepting stopped at a limit, or for want of descriptors or memory.", counter},
        &proxy::ProxyStats::accept_pauses_total},
    MetricRow<proxy::ProxyStats>{
        {"kite_listen_failures_total", "Times a port could not be listened on.", counter},
        &proxy::ProxyStats::listen_failures_total},
};

inline constexpr MetricFamily kPolls{
    "kite_polls_total",
    "Polls of AWS: answered in full, in part, or failed so that nothing was learned.", counter};

inline constexpr std::array kDiscoveryRows = {
    MetricRow<discovery::DiscoveryStats>{
        kPolls, &discovery::DiscoveryStats::cycles_complete, {"result", "complete"}},
    MetricRow<discovery::DiscoveryStats>{
        kPolls, &discovery::DiscoveryStats::cycles_partial, {"result", "partial"}},
    MetricRow<discovery::DiscoveryStats>{
        kPolls, &discovery::DiscoveryStats::cycles_failed, {"result", "failed"}},
    MetricRow<discovery::DiscoveryStats>{
        {"kite_polls_throttled_total", "Polls in which AWS refused a call for throttling.",
         counter},
        &discovery::DiscoveryStats::cycles_throttled},
    MetricRow<discovery::DiscoveryStats>{
        {"kite_early_polls_total", "Polls brought forward by a failed connect or a signal.",
         counter},
        &discovery::DiscoveryStats::early_polls},
    MetricRow<discovery::DiscoveryStats>{
        {"kite_early_polls_refused_total", "Early polls refused because AWS throttles.", counter},
        &discovery::DiscoveryStats::early_polls_refused},
    MetricRow<discovery::DiscoveryStats>{
        {"kite_set_changes_total", "Polls that changed the set of backends.", counter},
        &discovery::DiscoveryStats::set_changes},
    MetricRow<discovery::DiscoveryStats>{
        {"kite_empty_lists_kept_total", "First empty task lists, which are not believed yet.",
         counter},
        &discovery::DiscoveryStats::empty_lists_kept},
    MetricRow<discovery::DiscoveryStats>{
        {"kite_tasks_listed", "Tasks that AWS listed in the last poll.", gauge},
        &discovery::DiscoveryStats::tasks_listed},
};

inline constexpr MetricFamily kBackendBytes{
    "kite_backend_forwarded_bytes_total",
    "Bytes to and from the backend, of connections that have ended.", counter};

inline constexpr std::array kBackendRows = {
    MetricRow<proxy::BackendCounters>{
        {"kite_backend_connections_total", "Connections established to the backend.", counter},
        &proxy::BackendCounters::connections_total},
    MetricRow<proxy::BackendCounters>{
        {"kite_backend_connect_failures_total",
         "Attempts to connect to the backend that were refused or timed out.", counter},
        &proxy::BackendCounters::connect_failures_total},
    MetricRow<proxy::BackendCounters>{
        {"kite_backend_early_resets_total",
         "Connections that the backend reset before it sent a byte.", counter},
        &proxy::BackendCounters::early_resets_total},
    MetricRow<proxy::BackendCounters>{kBackendBytes,
                                      &proxy::BackendCounters::client_to_backend_bytes,
                                      {"direction", "client_to_backend"}},
    MetricRow<proxy::BackendCounters>{kBackendBytes,
                                      &proxy::BackendCounters::backend_to_client_bytes,
                                      {"direction", "backend_to_client"}},
};

inline constexpr std::array kServiceRows = {
    MetricRow<ServiceView>{
        {"kite_api_attempts_total", "Requests sent to AWS, retries among them.", counter},
        &ServiceView::attempts_total},
    MetricRow<ServiceView>{
        {"kite_api_throttled_attempts_total", "Requests that AWS refused for throttling.", counter},
        &ServiceView::throttled_attempts_total},
    MetricRow<ServiceView>{
        {"kite_api_retry_quota", "What is left of the budget for retries, of 500.", gauge},
        &ServiceView::retry_quota},
};

inline constexpr MetricFamily kPipes{"kite_pipes", "Kernel pipes: carrying bytes, or in reserve.",
                                     gauge};

inline constexpr std::array kPipeRows = {
    MetricRow<PipesView>{kPipes, &PipesView::lent, {"state", "lent"}},
    MetricRow<PipesView>{kPipes, &PipesView::idle, {"state", "idle"}},
    MetricRow<PipesView>{{"kite_pipes_created_total", "Kernel pipes made.", counter},
                         &PipesView::created_total},
    MetricRow<PipesView>{{"kite_pipes_refused_total",
                          "Kernel pipes not granted, or too small to be of use.", counter},
                         &PipesView::refused_total},
};

inline constexpr std::array kAdminRows = {
    MetricRow<AdminStats>{
        {"kite_admin_connections_total", "Clients of the admin address.", counter},
        &AdminStats::accepted_total},
    MetricRow<AdminStats>{{"kite_admin_answered_total", "Requests answered by a page.", counter},
                          &AdminStats::answered_total},
    MetricRow<AdminStats>{{"kite_admin_refused_total",
                           "Requests refused: broken, too large, or with a foreign Host.", counter},
                          &AdminStats::refused_total},
    MetricRow<AdminStats>{{"kite_admin_evicted_total",
                           "Clients dropped unanswered to make room for newer ones.", counter},
                          &AdminStats::evicted_total},
    MetricRow<AdminStats>{
        {"kite_admin_timeouts_total", "Clients dropped because they took too long.", counter},
        &AdminStats::timed_out_total},
};

inline constexpr std::array kReactorRows = {
    MetricRow<event::Reactor::Stats>{
        {"kite_reactor_events_total", "Events the loop delivered.", counter},
        &event::Reactor::Stats::events},
    MetricRow<event::Reactor::Stats>{{"kite_reactor_stale_events_total",
                                      "Events dropped because their watch was gone.", counter},
                                     &event::Reactor::Stats::stale_events},
};

inline constexpr std::array kProgramRows = {
    MetricRow<View>{{"kite_connections", "Clients connected now, of all targets.", gauge},
                    &View::connections},
    MetricRow<View>{{"kite_connections_max", "Clients that may be connected at once.", gauge},
                    &View::connections_max},
    MetricRow<View>{
        {"kite_log_lines_suppressed_total", "Log lines not written: too many a second.", counter},
        &View::log_lines_suppressed_total},
    MetricRow<View>{{"kite_access_log_lines_dropped_total",
                     "Lines of the access log lost because nobody read stderr.", counter},
                    &View::access_log_lines_dropped_total},
};

inline constexpr std::array kCredentialsRows = {
    MetricRow<CredentialsView>{
        {"kite_credentials_fetches_total", "Times credentials were asked for.", counter},
        &CredentialsView::fetches_total},
    MetricRow<CredentialsView>{
        {"kite_credentials_fetch_failures_total", "Times none were given.", counter},
        &CredentialsView::failures_total},
};

}  // namespace kite::admin
