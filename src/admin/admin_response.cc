#include "admin/admin_response.h"

#include "sys/check.h"

namespace kite::admin {

namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Other";
  }
}

AdminResponse plain(int status, std::string text) {
  AdminResponse response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

}  // namespace

std::string render_response(const AdminResponse& response, bool head_only) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text += reason_phrase(response.status);
  text += "\r\nContent-Type: ";
  text += response.content_type;
  text += "\r\nContent-Length: " + std::to_string(response.body.size());
  if (response.status == 405) text += "\r\nAllow: GET, HEAD";
  text += "\r\nContent-Security-Policy: ";
  text += response.content_policy;
  // What is shown is of this moment, and nobody's business but the asker's.
  text +=
      "\r\nCache-Control: no-store"
      "\r\nX-Content-Type-Options: nosniff"
      "\r\nReferrer-Policy: no-referrer"
      "\r\nCross-Origin-Resource-Policy: same-origin"
      "\r\nConnection: close\r\n\r\n";
  if (!head_only) text += response.body;
  return text;
}

AdminResponse refusal(RequestVerdict verdict) {
  switch (verdict) {
    case RequestVerdict::bad:
      return plain(400, "This is not a request that HTTP/1.1 describes.\n");
    case RequestVerdict::method_refused:
      return plain(405, "There are only pages to look at: use GET or HEAD.\n");
    case RequestVerdict::too_large:
      return plain(431, "The request has more than 8192 bytes: send fewer headers or cookies.\n");
    case RequestVerdict::version_refused:
      return plain(505, "Use HTTP/1.1 or HTTP/1.0.\n");
    case RequestVerdict::foreign_host:
      return plain(421,
                   "The Host header names a host that may not be this one. Ask by an IP address or "
                   "as localhost.\n");
    case RequestVerdict::ok:
    case RequestVerdict::incomplete:
      break;
  }
  KITE_CHECK(false, "only a request with a fault is refused");
  return {};
}

}  // namespace kite::admin
