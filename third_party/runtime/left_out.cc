/// Stands in for parts of glibc and libstdc++ that the static program would link but never uses;
/// with them come tables and loaders of 260 kB, a tenth of the program. For `make static` only.
///
/// A definition here keeps the archive's own member out of the link. If some new code needs another
/// symbol of that member, the linker reports the symbol twice: nothing is replaced silently.
/// Errors:    what must never be called says so and aborts.
/// Source:    the members were found in the linker map; the names are those of glibc 2.36.

#include <errno.h>
#include <netdb.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

#if defined(__x86_64__)
using Float128 = __float128;
#else
using Float128 = long double;
#endif

[[noreturn]] void give_up(const char* what, const char* detail) {
  for (const char* text : {"fatal: ", what, ": ", detail, "\n"}) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  }
  std::abort();
}

}  // namespace

extern "C" {

// Translated messages: an image without locale files has none. Keeps out the reading of message
// catalogues, plural rules and locale aliases.
char* __dcgettext(const char* /*domain*/, const char* message, int /*category*/) {
  return const_cast<char*>(message);
}

// sscanf() can read any kind of floating point number. curl reads integers and words with it.
float __strtof_internal(const char*, char**, int) {
  give_up("left out", "strtof");
}
long double __strtold_internal(const char*, char**, int) {
  give_up("left out", "strtold");
}
Float128 __strtof128_internal(const char*, char**, int) {
  give_up("left out", "strtof128");
}

// Service names, which c-ares would look up when given one instead of a port. The kite gives none,
// an image has no /etc/services. Keeps out the name service switch, which loads shared libraries.
servent* getservbyname(const char* /*name*/, const char* /*protocol*/) {
  return nullptr;
}
int getservbyport_r(int /*port*/, const char* /*protocol*/, servent* /*entry*/, char* /*buffer*/,
                    size_t /*buffer_bytes*/, servent** result) {
  *result = nullptr;
  return ENOENT;
}

// glibc's own prints through wide streams as well as narrow ones.
[[noreturn]] void __assert_fail(const char* assertion, const char* /*file*/, unsigned /*line*/,
                                const char* function) noexcept {
  give_up(function, assertion);
}

}  // extern "C"

namespace std {

// libstdc++'s own prints through stdio and demangles names.
[[noreturn]] void __glibcxx_assert_fail(const char* /*file*/, int /*line*/, const char* function,
                                        const char* condition) noexcept {
  give_up(function, condition);
}

}  // namespace std

namespace __gnu_cxx {

// Ends a program that throws: with nothing to catch it, the default would demangle the type's name.
[[noreturn]] void __verbose_terminate_handler() {
  give_up("terminated", "out of memory, or a broken promise of the standard library");
}

}  // namespace __gnu_cxx
