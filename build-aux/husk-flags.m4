dnl SPDX-License-Identifier: Apache-2.0
dnl Compiler flags and static libraries for configure.ac.

dnl HUSK_ADD_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE if the compiler takes it.
AC_DEFUN([HUSK_ADD_FLAG], [
  AS_VAR_PUSHDEF([cached], [husk_cv_flag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cached], [
    husk_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([])], [AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
    CFLAGS=$husk_saved_cflags])
  AS_VAR_IF([cached], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cached])
])

AC_DEFUN([HUSK_WARNING_FLAGS], [
  WARN_CFLAGS=
  m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2
    -Wimplicit-fallthrough -Wno-missing-field-initializers -fno-common -fno-strict-aliasing
    -ffunction-sections -fdata-sections -fstack-protector-strong],
    [HUSK_ADD_FLAG([WARN_CFLAGS], flag)])
  STRICT_CFLAGS=
  HUSK_ADD_FLAG([STRICT_CFLAGS], [-Wconversion])
  AS_IF([test "$enable_werror" = yes], [AS_VAR_APPEND([WARN_CFLAGS], [" -Werror"])])
  AC_SUBST([WARN_CFLAGS])
  AC_SUBST([STRICT_CFLAGS])
])

AC_DEFUN([HUSK_INSTRUMENTATION], [
  INSTRUMENT_CFLAGS= INSTRUMENT_LDFLAGS=
  AS_CASE([$enable_sanitizers],
    [no], [], [yes], [enable_sanitizers=address,undefined])
  AS_IF([test "$enable_sanitizers" != no], [
    INSTRUMENT_CFLAGS="-fsanitize=$enable_sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
    INSTRUMENT_LDFLAGS="-fsanitize=$enable_sanitizers"])
  AS_IF([test "$enable_coverage" = yes], [
    # Counters that are mapped from a file: those of init survive pivot_root, _exit and execve.
    HUSK_ADD_FLAG([COVERAGE_CFLAGS], [-fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation -Wno-unused-command-line-argument])
    AS_IF([test -z "$COVERAGE_CFLAGS"], [AC_MSG_ERROR([--enable-coverage needs clang: ./configure CC=clang])])
    INSTRUMENT_CFLAGS="$INSTRUMENT_CFLAGS$COVERAGE_CFLAGS -O0 -g"
    INSTRUMENT_LDFLAGS="$INSTRUMENT_LDFLAGS -fprofile-instr-generate"])
  # The engine sees only code that counts for it. Its own main() is linked to the targets.
  AS_IF([test "$enable_fuzzers" = yes], [
    HUSK_ADD_FLAG([INSTRUMENT_CFLAGS], [-fsanitize=fuzzer-no-link])
    INSTRUMENT_LDFLAGS="$INSTRUMENT_LDFLAGS -fsanitize=fuzzer-no-link"
    AS_CASE(["$INSTRUMENT_CFLAGS"], [*fuzzer-no-link*], [],
      [AC_MSG_ERROR([--enable-fuzzers needs clang: ./configure CC=clang])])])
  AS_IF([test "$enable_fault_injection" = yes],
    [AC_DEFINE([HUSK_FAULT_INJECTION], [1], [HUSK_FAULT fails steps])])
  AM_CONDITIONAL([FAULT_INJECTION], [test "$enable_fault_injection" = yes])
  AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" = yes])
  AC_SUBST([COVERAGE_CFLAGS])
  AC_SUBST([INSTRUMENT_CFLAGS])
  AC_SUBST([INSTRUMENT_LDFLAGS])
])

dnl HUSK_STATIC_LIB(PREFIX, PKG-CONFIG MODULE, ARCHIVE NAMES, HEADER, FUNCTION)
dnl Sets PREFIX_LIBS to lib<NAME>.a if one links, else to what pkg-config says.
AC_DEFUN([HUSK_STATIC_LIB], [
  PKG_CHECK_MODULES([$1], [$2])
  husk_saved_libs=$LIBS husk_found=no
  for husk_name in $3; do
    AC_MSG_CHECKING([for the archive lib$husk_name.a])
    LIBS="-l:lib$husk_name.a $husk_saved_libs"
    AC_LINK_IFELSE([AC_LANG_CALL([], [$5])], [husk_found=yes], [])
    AC_MSG_RESULT([$husk_found])
    AS_IF([test $husk_found = yes], [$1_LIBS="-l:lib$husk_name.a"; break])
  done
  AS_IF([test $husk_found = no], [AC_MSG_WARN([$1 has no archive here: linked dynamically, starts get slower])])
  LIBS=$husk_saved_libs
])
