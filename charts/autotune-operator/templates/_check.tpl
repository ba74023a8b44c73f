{{- /* Values that contradict each other end the rendering with one message: what, and what would be right. */}}
{{- define "autotune.check" -}}
{{- $v := .Values }}
{{- if and $v.rules $v.rulesConfigMap }}
{{- fail "rules and rulesConfigMap exclude each other: set one of them" }}
{{- end }}
{{- if ge (int $v.leaderElection.renewDeadline) (int $v.leaderElection.leaseDuration) }}
{{- fail (printf "leaderElection.renewDeadline (%v) must be less than leaderElection.leaseDuration (%v)" $v.leaderElection.renewDeadline $v.leaderElection.leaseDuration) }}
{{- end }}
{{- if ge (mul 12 (int $v.leaderElection.retryPeriod)) (mul 10 (int $v.leaderElection.renewDeadline)) }}
{{- fail (printf "leaderElection.retryPeriod (%v) must be less than leaderElection.renewDeadline (%v) / 1.2" $v.leaderElection.retryPeriod $v.leaderElection.renewDeadline) }}
{{- end }}
{{- if and (not $v.serviceAccount.create) (not $v.serviceAccount.name) }}
{{- fail "serviceAccount.create is false and serviceAccount.name is empty: name the ServiceAccount (experiment pods use \"default\", which must not get the operator's rights)" }}
{{- end }}
{{- if and (has "hostPath" $v.operator.allowVolumes) (not $v.operator.allowHostPath) }}
{{- fail "operator.allowVolumes has hostPath: set operator.allowHostPath=true instead" }}
{{- end }}
{{- /* A percentage is rounded up, as the eviction API does it. */}}
{{- $evicted := $v.podDisruptionBudget.maxUnavailable }}
{{- if kindIs "string" $evicted }}
{{- $evicted = div (add 99 (mul (int $v.replicas) (int (trimSuffix "%" $evicted)))) 100 }}
{{- end }}
{{- if and $v.podDisruptionBudget.enabled (gt (int $v.replicas) 1) (ge (int $evicted) (int $v.replicas)) }}
{{- fail (printf "podDisruptionBudget.maxUnavailable (%v) must be less than replicas (%v)" $v.podDisruptionBudget.maxUnavailable $v.replicas) }}
{{- end }}
{{- range $list := list "metricsFrom" "uiFrom" "apiServerTo" "extraEgress" }}
{{- if and (get $v.networkPolicy $list) (not $v.networkPolicy.enabled) }}
{{- fail (printf "networkPolicy.%s has no effect without networkPolicy.enabled=true" $list) }}
{{- end }}
{{- end }}
{{- if and $v.networkPolicy.uiFrom (not $v.ui.enabled) }}
{{- fail "networkPolicy.uiFrom has no effect without ui.enabled=true" }}
{{- end }}
{{- if and $v.metrics.authorization (not $v.metrics.tls.secretName) }}
{{- fail "metrics.authorization needs metrics.tls.secretName: a bearer token must not be sent over plain HTTP" }}
{{- end }}
{{- if and $v.podMonitor.enabled $v.metrics.tls.secretName (not $v.podMonitor.tlsConfig) }}
{{- fail "podMonitor.tlsConfig is empty: Prometheus needs the certificate authority and the server name of metrics.tls.secretName" }}
{{- end }}
{{- if and $v.podMonitor.enabled $v.metrics.authorization (not $v.podMonitor.authorization) }}
{{- fail "podMonitor.authorization is empty: metrics.authorization needs a bearer token" }}
{{- end }}
{{- if and $v.podMonitor.tlsConfig (not $v.metrics.tls.secretName) }}
{{- fail "podMonitor.tlsConfig needs metrics.tls.secretName: metrics are served over plain HTTP" }}
{{- end }}
{{- if and $v.podMonitor.authorization (not $v.metrics.authorization) }}
{{- fail "podMonitor.authorization needs metrics.authorization=true: the operator asks for no bearer token" }}
{{- end }}
{{- if hasKey $v.prometheusRule.alertLabels "severity" }}
{{- fail "prometheusRule.alertLabels has severity, which each alert sets" }}
{{- end }}
{{- $selector := include "autotune.selectorLabels" . | fromYaml }}
{{- range $source := list "podLabels" "commonLabels" }}
{{- range $label, $_ := get $v $source }}
{{- if hasKey $selector $label }}
{{- fail (printf "%s has %s, which selects the operator's pods: use nameOverride" $source $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- $chart := include "autotune.chartLabels" . | fromYaml }}
{{- range $source, $labels := dict "podLabels" $v.podLabels "commonLabels" $v.commonLabels "podMonitor.labels" $v.podMonitor.labels "prometheusRule.labels" $v.prometheusRule.labels "grafanaDashboard.labels" $v.grafanaDashboard.labels }}
{{- range $label, $_ := $labels }}
{{- if hasKey $chart $label }}
{{- fail (printf "%s has %s, which the chart sets" $source $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- if hasKey $v.podAnnotations "autotuner.io/rules-checksum" }}
{{- fail "podAnnotations has autotuner.io/rules-checksum, which the chart sets" }}
{{- end }}
{{- $flags := dict "tools-image" "toolsImage" "tools-pull-policy" "image.pullPolicy" "watch-namespaces" "watchNamespaces" "watch-nodes" "watchNodes" "no-watch-nodes" "watchNodes" "leader-elect" "replicas" "leader-election-namespace" "the release's namespace" "leader-election-id" "fullnameOverride" "leader-election-identity" "nothing: it is the pod's name" "leader-election-lease-duration" "leaderElection.leaseDuration" "leader-election-renew-deadline" "leaderElection.renewDeadline" "leader-election-retry-period" "leaderElection.retryPeriod" "health-addr" "nothing: probes need port 8081" "ui" "ui.enabled" "metrics-addr" "metrics.tls.secretName" "metrics-tls-dir" "metrics.tls.secretName" "metrics-authorization" "metrics.authorization" "workers" "operator.workers" "log-level" "operator.logLevel" "log-level-file" "operator.logLevel" "rules-dir" "rules or rulesConfigMap" "allow-host-path" "operator.allowHostPath" "allow-privileged" "operator.allowPrivileged" "allow-service-accounts" "operator.allowServiceAccounts" "allow-volumes" "operator.allowVolumes" "retain-pods" "operator.retention.pods" "retain-tasks" "operator.retention.tasks" "install-resources" "operator.installResources" "bench-resources" "operator.benchResources" "inspect-resources" "operator.inspectResources" "gpu-prices" "operator.gpuPrices" }}
{{- $others := list "kube-api-qps" "kubeconfig" "context" }}
{{- range $argument := $v.extraArgs }}
{{- if not (hasPrefix "--" $argument) }}
{{- fail (printf "extraArgs has %s, which does not begin with --: write each flag as --NAME=VALUE" $argument) }}
{{- end }}
{{- $flag := $argument | trimPrefix "--" | splitList "=" | first }}
{{- if not (or (hasKey $flags $flag) (has $flag $others)) }}
{{- fail (printf "extraArgs has --%s, which is no flag of the operator; without a value of the chart are: --%s" $flag (join ", --" $others)) }}
{{- end }}
{{- if hasKey $flags $flag }}
{{- fail (printf "extraArgs has --%s: set %s" $flag (get $flags $flag)) }}
{{- end }}
{{- end }}
{{- range $v.extraEnv }}
{{- if has .name (list "POD_NAME" "POD_UID") }}
{{- fail (printf "extraEnv has %s, which the chart sets" .name) }}
{{- end }}
{{- end }}
{{- $volumes := list "api-access" "logging" "rules" "metrics-tls" }}
{{- range $v.extraVolumes }}
{{- if has .name $volumes }}
{{- fail (printf "extraVolumes has %s twice: choose another name" .name) }}
{{- end }}
{{- $volumes = append $volumes .name }}
{{- end }}
{{- range $v.extraVolumeMounts }}
{{- if not (has .name (without $volumes "api-access" "logging" "rules" "metrics-tls")) }}
{{- fail (printf "extraVolumeMounts names the volume %s, which extraVolumes does not have" .name) }}
{{- end }}
{{- end }}
{{- if and $v.securityContext (eq (toString (get $v.securityContext "privileged")) "true") (eq (toString (get $v.securityContext "allowPrivilegeEscalation")) "false") }}
{{- fail "securityContext.privileged and securityContext.allowPrivilegeEscalation=false exclude each other" }}
{{- end }}
{{- end }}
