#!/usr/bin/env bash
# Builds the programs that the cluster tests need from their Go modules and prints the directory they are in:
#   tools.sh [kubecp] [helm] [kstatus] [kueue]      default: the first three
# kubecp brings etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet and kubectl.
#
# A binary is kept under ~/.cache/autotune/tools by the hash of everything that it is made of, so a fresh clone finds the
# one that an earlier clone built. AUTOTUNE_CACHE names another place.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${AUTOTUNE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/autotune}/tools
# A dependency that wants a newer Go must say so instead of downloading one.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=readonly"
components=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl)

build() { # build TOOL OUTPUT
  case $1 in
    kubecp) "$here/controlplane/build.sh" "$2" ;;
    helm)
      version=$(go list -C "$here/helm" -m -f '{{.Version}}' helm.sh/helm/v4)
      go build -C "$here/helm" -trimpath -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" -o "$2" \
        helm.sh/helm/v4/cmd/helm
      ;;
    kueue) go build -C "$here/kueue" -trimpath -ldflags "-s -w" -o "$2" sigs.k8s.io/kueue/cmd/kueue ;;
    kstatus) go build -C "$here/kstatus" -trimpath -ldflags "-s -w" -o "$2" . ;;
    *)
      echo "tools.sh: no tool is called \"$1\" (kubecp, helm, kstatus, kueue)" >&2
      exit 2
      ;;
  esac
}

source_of() { case $1 in kubecp) echo "$here/controlplane" ;; *) echo "$here/$1" ;; esac }

[ $# -gt 0 ] || set -- kubecp helm kstatus
if ! command -v go >/dev/null; then
  echo "tools.sh: Go is not installed; scripts/install-deps --tests says which one is needed" >&2
  exit 1
fi
go_version=$(go env GOVERSION)
mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9
declare -A wanted
for tool in "$@"; do
  directory=$(source_of "$tool")
  [ -d "$directory" ] || build "$tool" /dev/null  # says that there is no such tool
  # This script holds the build commands, so it is part of the key.
  key=$({ echo "$go_version"; cat "$here/tools.sh"; find "$directory" -type f -print0 | sort -z | xargs -0 cat; } |
    sha256sum | cut -c1-16)
  binary=$cache/$tool-$key
  if [ ! -x "$binary" ]; then
    echo "tools.sh: building $tool ($go_version)" >&2
    start=$SECONDS
    build "$tool" "$binary.part" >&2
    mv "$binary.part" "$binary"
    echo "tools.sh: $tool took $((SECONDS - start)) s" >&2
    # Older builds: two are kept, so that switching between two states of the repository stays quick.
    ls -t "$cache/$tool-"* | tail -n +3 | xargs -r rm -f
  else
    touch "$binary"
  fi
  wanted[$tool]=$binary
done

# One directory of links per combination: a run that is under way never sees its programs change.
combination=$(printf '%s\n' "${wanted[@]}" | sort | sha256sum | cut -c1-16)
bin=$cache/bin/$combination
mkdir -p "$bin"
for tool in "${!wanted[@]}"; do
  ln -sfn "${wanted[$tool]}" "$bin/$tool"
  if [ "$tool" = kubecp ]; then
    for component in "${components[@]}"; do ln -sfn "${wanted[$tool]}" "$bin/$component"; done
  fi
done
echo "$bin"
