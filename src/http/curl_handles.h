#pragma once

#include <curl/curl.h>

#include <memory>

#include "sys/check.h"

namespace kite::http {

/// Owners of curl's handles. An easy handle must have left its multi before it is freed; the multi
/// may call back while it is cleaned up, so what it calls outlives it.
/// Source:    libcurl-multi(3), curl_multi_cleanup(3).

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using CurlEasy = std::unique_ptr<CURL, EasyDeleter>;

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using CurlMulti = std::unique_ptr<CURLM, MultiDeleter>;

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, ListDeleter>;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, UrlDeleter>;

struct TextDeleter {
  void operator()(char* text) const { curl_free(text); }
};
using CurlText = std::unique_ptr<char, TextDeleter>;

/// curl's process-wide state; curl counts the users itself. Source: curl_global_init(3).
class CurlGlobal {
 public:
  CurlGlobal() {
    KITE_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl cannot start");
  }
  CurlGlobal(const CurlGlobal&) = delete;
  CurlGlobal& operator=(const CurlGlobal&) = delete;
  ~CurlGlobal() { curl_global_cleanup(); }
};

/// Sets one option. A refused option is a bug: the options are ours and the oldest libcurl that
/// knows them all is 7.87; only out of memory remains, which ends the process.
template <typename Value>
void set_option(CURL* easy, CURLoption option, Value value) {
  KITE_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK, "libcurl knows this option");
}

/// Appends to the list, which may be empty. Takes no ownership of `text`; curl copies it.
inline void append(CurlList& list, const char* text) {
  curl_slist* longer = curl_slist_append(list.get(), text);
  KITE_CHECK(longer != nullptr, "out of memory");
  static_cast<void>(list.release());  // the head is the same or was empty
  list.reset(longer);
}

}  // namespace kite::http
