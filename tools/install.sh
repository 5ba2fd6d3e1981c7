#!/usr/bin/env bash
# Installs what was built, or takes it away again: `make install` and `make uninstall` call it, with their settings in
# PREFIX, LIBDIR, INCLUDEDIR, DOCDIR, DESTDIR and LIB (where the built libraries are). It builds nothing.
#
#   tools/install.sh install|uninstall
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:?install or uninstall}
: "${PREFIX:?}" "${LIBDIR:?}" "${INCLUDEDIR:?}" "${DOCDIR:?}" "${LIB:?}"
DESTDIR=${DESTDIR:-}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soversion=${version%%.*}
cmakedir=$LIBDIR/cmake/LovelySession
pkgconfigdir=$LIBDIR/pkgconfig

for dir in PREFIX LIBDIR INCLUDEDIR DOCDIR; do
    if [[ ${!dir} != /* ]]; then
        echo "install: $dir is ${!dir}; it has to begin with /" >&2
        exit 1
    fi
done

# An installed library that is older than its header would miss what that declares.
refuse_stale() {
    local newer
    newer=$(find src build.rs Cargo.toml Cargo.lock -type f -newer "$LIB/liblovely_session.a" -print -quit)
    if [[ -n $newer ]]; then
        echo "install: $newer is newer than $LIB: run make lib first" >&2
        exit 1
    fi
}

# The headers, by their paths below INCLUDEDIR.
headers() {
    echo "include lovely_session.h"
    for dir in bindings/c bindings/cpp; do
        (cd "$dir" && find . -name '*.h' -o -name '*.hpp') | sed "s,^\./,$dir ,"
    done
}

# A directory as pkg-config writes it: below the prefix it follows the prefix.
below_prefix() {
    case $1 in
    "$PREFIX"/*) echo "\${prefix}/${1#"$PREFIX"/}" ;;
    *) echo "$1" ;;
    esac
}

# Fills in a template: template, file.
fill() {
    local pointer_bytes=8
    # ELFCLASS32 is 1 in the fifth byte.
    [[ $(od -An -tu1 -j4 -N1 "$LIB/liblovely_session.so.$soversion") -eq 2 ]] || pointer_bytes=4
    sed -e "s,@PREFIX@,$PREFIX,g" \
        -e "s,@LIBDIR@,$(below_prefix "$LIBDIR"),g" \
        -e "s,@INCLUDEDIR@,$(below_prefix "$INCLUDEDIR"),g" \
        -e "s,@TO_LIBDIR@,$(realpath -ms --relative-to="$cmakedir" "$LIBDIR"),g" \
        -e "s,@TO_INCLUDEDIR@,$(realpath -ms --relative-to="$cmakedir" "$INCLUDEDIR"),g" \
        -e "s,@VERSION@,$version,g" \
        -e "s,@SOVERSION@,$soversion,g" \
        -e "s,@POINTER_BYTES@,$pointer_bytes,g" \
        -e "s,@NATIVE_LIBS@,$(native_libs "$2"),g" \
        "$1" >"$2.filled"
    install -m 644 "$2.filled" "$2"
    rm "$2.filled"
}

# As a line for pkg-config, as a list for CMake.
native_libs() {
    case $1 in
    *.cmake) tr ' ' ';' <bindings/c/native-libs ;;
    *) cat bindings/c/native-libs ;;
    esac
}

install_all() {
    local dir header library=$LIB/liblovely_session.so.$soversion
    install -d "$DESTDIR$LIBDIR" "$DESTDIR$cmakedir" "$DESTDIR$pkgconfigdir" "$DESTDIR$DOCDIR"
    while read -r dir header; do
        install -D -m 644 "$dir/$header" "$DESTDIR$INCLUDEDIR/$header"
    done < <(headers)
    install -m 755 "$library" "$DESTDIR$LIBDIR/liblovely_session.so.$version"
    ln -sfn "liblovely_session.so.$version" "$DESTDIR$LIBDIR/liblovely_session.so.$soversion"
    ln -sfn "liblovely_session.so.$soversion" "$DESTDIR$LIBDIR/liblovely_session.so"
    install -m 644 "$LIB/liblovely_session.a" "$DESTDIR$LIBDIR/liblovely_session.a"
    fill bindings/c/lovely_session.pc.in "$DESTDIR$pkgconfigdir/lovely_session.pc"
    fill bindings/c/cmake/LovelySessionConfig.cmake.in "$DESTDIR$cmakedir/LovelySessionConfig.cmake"
    fill bindings/c/cmake/LovelySessionConfigVersion.cmake.in "$DESTDIR$cmakedir/LovelySessionConfigVersion.cmake"
    if [[ -d build/manual/html ]]; then
        rm -rf "$DESTDIR$DOCDIR/html"
        cp -R --no-preserve=mode,ownership build/manual/html "$DESTDIR$DOCDIR/html"
    fi
    # The loader's cache knows the new library at once; a staged tree is for whoever unpacks it.
    if [[ -z $DESTDIR && $(id -u) -eq 0 ]] && command -v ldconfig >/dev/null; then ldconfig; fi
}

uninstall_all() {
    local _ header
    while read -r _ header; do
        rm -f "$DESTDIR$INCLUDEDIR/$header"
    done < <(headers)
    rm -f "$DESTDIR$LIBDIR/liblovely_session.so" "$DESTDIR$LIBDIR/liblovely_session.so.$soversion" \
        "$DESTDIR$LIBDIR/liblovely_session.so.$version" "$DESTDIR$LIBDIR/liblovely_session.a" \
        "$DESTDIR$pkgconfigdir/lovely_session.pc" \
        "$DESTDIR$cmakedir/LovelySessionConfig.cmake" "$DESTDIR$cmakedir/LovelySessionConfigVersion.cmake"
    rm -rf "$DESTDIR$DOCDIR/html"
    # Directories that only this package has; the others may be somebody else's.
    for dir in "$INCLUDEDIR/lovely_session" "$cmakedir" "$DOCDIR"; do
        rmdir "$DESTDIR$dir" 2>/dev/null || true
    done
    if [[ -z $DESTDIR && $(id -u) -eq 0 ]] && command -v ldconfig >/dev/null; then ldconfig; fi
}

case $what in
install)
    refuse_stale
    install_all
    ;;
uninstall) uninstall_all ;;
*)
    echo "install: $what? install or uninstall" >&2
    exit 1
    ;;
esac
