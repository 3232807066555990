#include "http/ca_store.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "http/ca_index.h"
#include "sys/check.h"
#include "sys/owned_fd.h"
#include "sys/socket.h"

namespace kite::http {

/// Tells one content of a path from another without reading it.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t modified_s = 0, modified_ns = 0;
  int64_t changed_s = 0, changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

/// What one store looks certificates up in.
struct IndexedBundle {
  std::string path;
  FileIdentity identity;
  CaIndex index;
};

namespace {

struct OpenFile {
  sys::OwnedFd fd;
  FileIdentity identity;
};

sys::Result<OpenFile> open_file(const std::string& path) {
  // Non-blocking: a pipe in the file's place must not stop the loop.
  sys::OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (!fd.valid() || ::fstat(fd.get(), &about) == -1) return sys::Error{sys::errno_text(errno)};
  if (!S_ISREG(about.st_mode)) return sys::Error{"it is not a regular file"};
  const FileIdentity identity{about.st_dev,         about.st_ino,          about.st_size,
                              about.st_mtim.tv_sec, about.st_mtim.tv_nsec, about.st_ctim.tv_sec,
                              about.st_ctim.tv_nsec};
  return OpenFile{std::move(fd), identity};
}

/// Less than `size` bytes if the file has become shorter or cannot be read.
std::string read_at(int fd, size_t offset, size_t size) {
  std::string text(size, '\0');
  size_t got = 0;
  while (got < size) {
    const ssize_t read_bytes =
        ::pread(fd, text.data() + got, size - got, static_cast<off_t>(offset + got));
    if (read_bytes == -1 && errno == EINTR) continue;
    if (read_bytes <= 0) break;
    got += static_cast<size_t>(read_bytes);
  }
  text.resize(got);
  return text;
}

/// By the function that loads whole files, so that nothing is read otherwise than there.
void add_certificates(X509_STORE* store, const std::string& pem) {
  const BioHandle source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KITE_CHECK(source != nullptr, "out of memory");
  static char no_password[] = "";  // without it OpenSSL would ask the terminal for one
  STACK_OF(X509_INFO)* parsed = PEM_X509_INFO_read_bio(source.get(), nullptr, nullptr, no_password);
  for (int i = 0; i < sk_X509_INFO_num(parsed); ++i) {  // num of none: -1
    X509* certificate = sk_X509_INFO_value(parsed, i)->x509;
    if (certificate != nullptr) X509_STORE_add_cert(store, certificate);
  }
  sk_X509_INFO_pop_free(parsed, X509_INFO_free);
}

/// OpenSSL asks when the store holds no certificate of that subject; all that there are shall then
/// be in it, and `found` names one. Returns 1 if there is any.
int find_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name,
                    X509_OBJECT* found) {
  if (type != X509_LU_X509) return 0;
  const KeptErrors no_trace;
  const auto& bundle = *static_cast<IndexedBundle*>(X509_LOOKUP_get_method_data(lookup));
  const auto places = bundle.index.find(static_cast<uint32_t>(X509_NAME_hash(name)));
  if (places.empty()) return 0;
  const auto file = open_file(bundle.path);
  // Another file than the indexed one: this handshake fails, the next one has a new index.
  if (!file.ok() || file->identity != bundle.identity) return 0;
  X509_STORE* store = X509_LOOKUP_get_store(lookup);
  for (const CaIndex::Place& place : places) {
    add_certificates(store, read_at(file->fd.get(), place.offset, place.size));
  }
  const X509_OBJECT* kept =
      X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), X509_LU_X509, name);
  if (kept == nullptr || X509_OBJECT_set1_X509(found, X509_OBJECT_get0_X509(kept)) != 1) return 0;
  // OpenSSL counts a reference for `found` itself, see X509_LOOKUP_METHOD(3).
  X509_free(X509_OBJECT_get0_X509(found));
  return 1;
}

void free_bundle(X509_LOOKUP* lookup) {
  delete static_cast<IndexedBundle*>(X509_LOOKUP_get_method_data(lookup));
}

}  // namespace

CaStore::CaStore(std::string path)
    : path_(std::move(path)), method_(X509_LOOKUP_meth_new("indexed PEM bundle")) {
  KITE_CHECK(method_ != nullptr, "out of memory");
  X509_LOOKUP_meth_set_free(method_.get(), &free_bundle);
  X509_LOOKUP_meth_set_get_by_subject(method_.get(), &find_by_subject);
}

sys::Result<sys::Done> CaStore::give_to(SSL_CTX* context) {
  const auto file = open_file(path_);
  if (!file.ok()) return file.error();
  if (bundle_ == nullptr || bundle_->identity != file->identity) {
    const auto size = static_cast<size_t>(file->identity.size);
    if (size > CaIndex::kBundleBytesMax) return sys::Error{"it is too large for a bundle"};
    auto index = CaIndex::of(read_at(file->fd.get(), 0, size));
    if (!index.ok()) return index.error();
    trust(std::make_unique<IndexedBundle>(
        IndexedBundle{path_, file->identity, std::move(index.value())}));
  }
  SSL_CTX_set1_cert_store(context, store_.get());
  return sys::Done{};
}

void CaStore::trust(std::unique_ptr<IndexedBundle> bundle) {
  store_.reset(X509_STORE_new());
  KITE_CHECK(store_ != nullptr, "out of memory");
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store_.get(), method_.get());
  KITE_CHECK(lookup != nullptr, "out of memory");
  bundle_ = bundle.get();
  X509_LOOKUP_set_method_data(lookup, bundle.release());  // until free_bundle()
}

size_t CaStore::certificates_parsed() const {
  if (store_ == nullptr) return 0;
  return static_cast<size_t>(sk_X509_OBJECT_num(X509_STORE_get0_objects(store_.get())));
}

}  // namespace kite::http
