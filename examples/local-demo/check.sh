#!/usr/bin/env bash
# Builds the demo's WebAssembly module, weighs it, and tests the page in a headless Chromium.
#
# What a machine lacks is fetched where that can be done (Debian packages, as root) and skipped otherwise; every skip is
# said in one line that begins with SKIPPED. The exit code is not 0 when what was built is too large or misbehaves.
#
#   FLOCKWISE_WASM_ROOT   where a Debian with a WebAssembly standard library is kept between runs
#   --serve               afterwards serve the demo on localhost, until interrupted
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=wasm32-unknown-unknown
most_bytes=102400
debian=${FLOCKWISE_WASM_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/flockwise/wasm-debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*"; }
skip() { say "SKIPPED: $*"; exit 0; }

# Installs a Debian package, if this is a Debian, we are root and it can be had.
install() {
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
    { timeout 60 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 150 apt-get install -y --no-install-recommends "$@"; } \
        >"$work/apt.log" 2>&1
}

# A rustc with the target's standard library: this toolchain's, or one in a Debian folder.
has_target() { [ -e "$(rustc --print target-libdir --target $target 2>/dev/null)" ]; }
has_debian() { [ -x "$debian/usr/bin/wasm-ld" ] && chroot "$debian" rustc --version >/dev/null 2>&1; }
make_debian() {
    [ "$(id -u)" = 0 ] || { why="not root"; return 1; }
    command -v debootstrap >/dev/null || install debootstrap || { why="debootstrap cannot be installed"; return 1; }
    local new="$debian.new"
    rm -rf "$new"
    mkdir -p "$(dirname "$debian")"
    # Unpacked only, not configured: a compiler and a linker need no more, and it takes a third of the time.
    timeout 150 debootstrap --download-only --variant=minbase --include=libc6-dev,lld,rustc,libstd-rust-dev-wasm32 \
        trixie "$new" http://deb.debian.org/debian >"$work/debootstrap.log" 2>&1 \
        || { why="debootstrap failed"; rm -rf "$new"; return 1; }
    find "$new/var/cache/apt/archives" -name '*.deb' -print0 | timeout 150 xargs -0 -n 4 -P 2 sh -c \
        'for package; do dpkg-deb -x "$package" "$0" || exit 1; done' "$new" \
        || { why="unpacking failed"; rm -rf "$new"; return 1; }
    rm -rf "$new/var/cache/apt" "$new/usr/share/doc" "$debian"
    mv "$new" "$debian"
    has_debian || { why="its rustc does not run"; return 1; }
}

if has_target; then
    say "building with $(rustc --version) and its $target"
    sources=$root
    compile() { rustc "$@"; }
    output=$work
else
    has_debian || make_debian || skip "no standard library for $target: this toolchain has none, and Debian's could not be fetched ($why)"
    say "building with $(chroot "$debian" rustc --version) of Debian in $debian"
    inside=/tmp/flockwise-demo
    rm -rf "${debian:?}$inside"
    mkdir -p "$debian$inside/crates" "$debian$inside/examples"
    cp -r "$root/crates/local" "$debian$inside/crates/"
    cp -r "$here" "$debian$inside/examples/"
    sources=$inside
    # Debian's linker is not where rustc looks for its own.
    compile() { chroot "$debian" env TMPDIR=/tmp rustc -C linker=wasm-ld "$@"; }
    output=$inside
fi

flags=(--edition 2024 --target $target -C opt-level=s -C panic=abort -C embed-bitcode=yes)
# The core alone must do without the standard library's operating system: no feature at all.
compile "${flags[@]}" --crate-name flockwise_local --crate-type rlib "$sources/crates/local/src/lib.rs" \
    --emit metadata --out-dir "$output/core-only"
say "the core builds for $target without any feature"
compile "${flags[@]}" --crate-name flockwise_local --crate-type rlib --cfg 'feature="collector"' \
    "$sources/crates/local/src/lib.rs" --out-dir "$output"
compile "${flags[@]}" --crate-name flockwise_local_demo --crate-type cdylib -C lto=fat -C strip=symbols \
    --extern "flockwise_local=$output/libflockwise_local.rlib" \
    "$sources/examples/local-demo/wasm/src/lib.rs" --out-dir "$output"
[ "$output" = "$work" ] || cp "$debian$output/flockwise_local_demo.wasm" "$work/"

page=$work/page
mkdir "$page"
cp "$here"/*.html "$here"/*.js "$here"/*.css "$work/flockwise_local_demo.wasm" "$page/"
bytes=$(wc -c <"$work/flockwise_local_demo.wasm")
packed=$(gzip -9 -c "$work/flockwise_local_demo.wasm" | wc -c)
say "the module has $bytes bytes, $packed compressed (gzip -9), of at most $most_bytes"
[ "$packed" -lt $most_bytes ] || { say "FAILED: the module is too large"; exit 1; }

command -v python3 >/dev/null || skip "the page was not tested: there is no python3 to serve it"
find_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
browser=$(find_browser) || { install chromium || true; browser=$(find_browser); } \
    || skip "the page was not tested: there is no Chromium, and none could be installed"
"$browser" --version >/dev/null 2>&1 || skip "the page was not tested: $browser does not start here"
say "testing the page in $("$browser" --version 2>/dev/null | head -n 1)"
python3 "$here/serve.py" "$page" --browser "$browser" || { say "FAILED: the demo misbehaves"; exit 1; }
say "the demo behaves"
[ "${1:-}" != --serve ] || python3 "$here/serve.py" "$page"
