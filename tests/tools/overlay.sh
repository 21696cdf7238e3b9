# Private root directories with other people's programs in them, for tests that cannot have these programs on the
# machine: two mail systems cannot be installed side by side. Sourced by scripts that run as root in a mount namespace
# of their own.
# shellcheck shell=bash

# overlay DIRECTORY NAME [PACKAGE...]: DIRECTORY/root/NAME becomes a root directory, an overlay over the machine's. The
# Debian packages are really installed in it, the first time; what changes there stays in DIRECTORY/layer/NAME. A
# package of another suite than the machine's is NAME/SUITE.
overlay() {
    local directory=$1 name=$2 root=$1/root/$2 layer=$1/layer/$2
    shift 2
    mkdir -p "$root" "$layer"
    # An overlay's upper directory cannot be on an overlay, which is what the root of a container often is.
    if [ "$(stat -f -c %T "$layer")" = overlayfs ]; then mount -t tmpfs tmpfs "$layer"; fi
    mkdir -p "$layer/upper" "$layer/work"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    # What filesystems are, programs look up there.
    mount --rbind /sys "$root/sys"
    if [ $# = 0 ] || [ "$(cat "$layer/installed" 2>/dev/null)" = "$*" ]; then return; fi
    echo "installing $* in $root" >&2
    # Nothing is started by its package.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    local package
    for package; do
        if [[ $package == */* ]]; then
            echo "deb http://deb.debian.org/debian ${package#*/} main" \
                >"$root/etc/apt/sources.list.d/${package#*/}.list"
        fi
    done
    local install=(apt-get install -y -qq --no-install-recommends "$@")
    if ! { timeout 200 chroot "$root" apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive timeout 600 chroot "$root" "${install[@]}"; } \
        >"$layer/install.log" 2>&1 </dev/null; then
        tail -n 20 "$layer/install.log" >&2
        return 1
    fi
    echo "$*" >"$layer/installed"
}
