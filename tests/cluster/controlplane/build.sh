#!/usr/bin/env bash
# Builds the multi-call control plane binary: build.sh OUTPUT
set -euo pipefail
cd "$(dirname "$0")"
export GOTOOLCHAIN=local CGO_ENABLED=0
# Without these the API server reports v0.0.0-master, which breaks a chart's kubeVersion. The date is constant so
# that an unchanged build is not linked again.
ld="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  ld+=" -X $package.gitVersion=v1.36.4 -X $package.gitMajor=1 -X $package.gitMinor=36 -X $package.gitTreeState=clean"
  ld+=" -X $package.gitCommit=0 -X $package.buildDate=2026-01-01T00:00:00Z"
done
go build ${GO_BUILD_MOD:+-mod=$GO_BUILD_MOD} -trimpath -tags grpcnotrace,netgo,osusergo -ldflags "$ld" -o "$1" .
