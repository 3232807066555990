#include "http/curl_failure.h"

#include "sys/socket.h"

namespace kite::http {

namespace {

Failure classify(const FailedTransfer& transfer) {
  // The list of codes grows with each libcurl; what is not named here is a broken exchange.
  const int code = transfer.code;
  switch (code) {
    case CURLE_URL_MALFORMAT:
      return Failure::bad_url;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Failure::resolve;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
      return Failure::connect;
    case CURLE_OPERATION_TIMEDOUT:
      return transfer.connected ? Failure::timeout : Failure::connect;
    case CURLE_FILESIZE_EXCEEDED:
      return Failure::too_large;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Failure::tls;
    default:
      return transfer.over_bound ? Failure::too_large : Failure::broken;
  }
}

std::string tls_message(const FailedTransfer& transfer, const std::string& host) {
  const std::string bundle(transfer.ca_path.empty() ? "built into libcurl" : transfer.ca_path);
  const std::string detail(transfer.detail.empty() ? curl_easy_strerror(transfer.code)
                                                   : transfer.detail);
  if (transfer.code == CURLE_SSL_CACERT_BADFILE) {
    return "cannot read the CA bundle " + bundle + ", needed for " + host + " (" + detail +
           "); set AWS_CA_BUNDLE to a readable PEM file";
  }
  if (transfer.code == CURLE_PEER_FAILED_VERIFICATION) {
    return "the certificate of " + host + " was not accepted (" + detail + "); the CA bundle is " +
           bundle + ", AWS_CA_BUNDLE names another";
  }
  return "no TLS connection to " + host + " (" + detail + "); the CA bundle is " + bundle;
}

std::string too_slow_message(const FailedTransfer& transfer, const std::string& host) {
  return "connecting to " + host + " took longer than " +
         std::to_string(transfer.connect_timeout.count()) + " ms" +
         (transfer.connected ? " (TCP is there, TLS is not)" : "");
}

std::string connect_message(const FailedTransfer& transfer, const std::string& host) {
  if (transfer.code == CURLE_OPERATION_TIMEDOUT) return too_slow_message(transfer, host);
  if (transfer.os_error == 0) return "cannot connect to " + host;
  return "cannot connect to " + host + ": " + sys::errno_text(transfer.os_error);
}

}  // namespace

RequestError describe_failure(const FailedTransfer& transfer) {
  const std::string host(transfer.host);
  if (transfer.proxy_status >= 300) {
    const bool wants_login = transfer.proxy_status == 407;
    return {Failure::connect, "no connection to " + host + ": it answers HTTP " +
                                  std::to_string(transfer.proxy_status) + " to CONNECT" +
                                  (wants_login ? "; check the user name and the password" : "")};
  }
  const Failure failure = classify(transfer);
  switch (failure) {
    case Failure::bad_url:
      return {failure, "the URL for " + host + " is not one libcurl can use"};
    case Failure::resolve:
      return {failure, "no address of " + host + " is known"};
    case Failure::connect:
      return {failure, connect_message(transfer, host)};
    case Failure::tls:
      return {failure, tls_message(transfer, host)};
    case Failure::timeout:
      return {failure, too_slow_message(transfer, host)};
    case Failure::too_large:
      return {failure, "the answer of " + host + " is larger than " +
                           std::to_string(transfer.body_bytes_max) +
                           " bytes or has too many header bytes"};
    case Failure::broken:
      break;
  }
  return {failure, "the exchange with " + host +
                       " broke off: " + std::string(curl_easy_strerror(transfer.code))};
}

}  // namespace kite::http
