#!/usr/bin/env bash
# Makes the Debian packages liblovely-session0 and liblovely-session-dev of what was built, into build/deb; `make deb` calls it.
# It needs no root. Settings: LIB (where the built libraries are), DEBFULLNAME and DEBEMAIL (the maintainer).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lib=${LIB:-build/lib}
out=$PWD/build/deb
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soversion=${version%%.*}
# While CHANGELOG.md calls the version unreleased, its package comes before the released one.
release=$version-1
grep -q "^## \[$version\] - unreleased" CHANGELOG.md && release=$version~unreleased-1
arch=$(dpkg --print-architecture)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
runtime=$out/tree/liblovely-session$soversion
dev=$out/tree/liblovely-session-dev
maintainer="${DEBFULLNAME:-The authors of lovely-session} <${DEBEMAIL:-packages@lovely.session}>"
# The time of what is packed: that of the commit, where there is one, so that the same tree gives the same packages.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

rm -rf "$out"
mkdir -p "$runtime/DEBIAN" "$dev/DEBIAN" "$out/debian"
umask 022

# Everything as `make install` has it; then the runtime part is moved to its own package.
PREFIX=/usr LIBDIR=/usr/lib/$multiarch INCLUDEDIR=/usr/include DOCDIR=/usr/share/doc/liblovely-session-dev DESTDIR=$dev \
    LIB=$lib tools/install.sh install
mkdir -p "$runtime/usr/lib/$multiarch"
mv "$dev/usr/lib/$multiarch/liblovely_session.so.$version" "$dev/usr/lib/$multiarch/liblovely_session.so.$soversion" \
    "$runtime/usr/lib/$multiarch/"
chmod 644 "$runtime/usr/lib/$multiarch/liblovely_session.so.$version"
strip --strip-unneeded --remove-section=.comment "$runtime/usr/lib/$multiarch/liblovely_session.so.$version"
strip --strip-debug --enable-deterministic-archives "$dev/usr/lib/$multiarch/liblovely_session.a"

# What every package has: name, tree.
documents() {
    local doc=$2/usr/share/doc/$1
    mkdir -p "$doc"
    cp packaging/debian/copyright "$doc/copyright"
    {
        echo "lovely-session ($release) unstable; urgency=medium"
        echo
        echo "  * Version $version; liblovely-session-dev has the list of changes."
        echo
        echo " -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n >"$doc/changelog.Debian.gz"
}
documents "liblovely-session$soversion" "$runtime"
documents liblovely-session-dev "$dev"
gzip -9nc CHANGELOG.md >"$dev/usr/share/doc/liblovely-session-dev/changelog.gz"
mkdir -p "$dev/usr/share/doc/liblovely-session-dev/examples"
cp examples/*.c examples/*.cpp "$dev/usr/share/doc/liblovely-session-dev/examples/"

# Programs that are linked to the library depend on the package that has it; the loader's cache is brought up to date.
echo "liblovely_session $soversion liblovely-session$soversion (>= ${version%.*})" >"$runtime/DEBIAN/shlibs"
echo "activate-noawait ldconfig" >"$runtime/DEBIAN/triggers"

# What the library itself depends on, as dpkg finds it in the file.
printf 'Source: lovely-session\n\nPackage: liblovely-session%s\nArchitecture: any\n' "$soversion" >"$out/debian/control"
depends=$(cd "$out" && dpkg-shlibdeps -O --ignore-missing-info "$runtime/usr/lib/$multiarch/liblovely_session.so.$version" |
    sed -n 's/^shlibs:Depends=//p')

# The control file, and the package of it: name, tree. What is asked for stands in packaging/debian.
pack() {
    local size
    (cd "$2" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    size=$(du -k -s --apparent-size "$2/usr" | cut -f 1)
    sed -e "s,@RELEASE@,$release,g" -e "s,@SOVERSION@,$soversion,g" -e "s/@ARCH@/$arch/g" -e "s/@SIZE@/$size/g" \
        -e "s/@DEPENDS@/$depends/g" -e "s/@MAINTAINER@/$maintainer/g" \
        "packaging/debian/$1.control" >"$2/DEBIAN/control"
    find "$2" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group --build "$2" "$out" >/dev/null
}
pack liblovely-session "$runtime"
pack liblovely-session-dev "$dev"
ls "$out"/*.deb | sed "s,^$PWD/,deb: ,"
