{{- define "autotune.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "autotune.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains (include "autotune.name" .) .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "autotune.name" .) | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* Cluster-wide objects of two releases must not meet. */}}
{{- define "autotune.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "autotune.fullname" .) }}
{{- end }}

{{- define "autotune.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "autotune.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- /* An image (dict "image" "root") in global.imageRegistry: that takes the place of the first part of the name if it is a
       host, as the container engines tell it (it has a dot or a port, or is localhost). */}}
{{- define "autotune.withRegistry" -}}
{{- $registry := (.root.Values.global).imageRegistry | default "" | trimSuffix "/" }}
{{- if $registry }}
{{- $first := splitList "/" .image | first }}
{{- $host := and (contains "/" .image) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) }}
{{- printf "%s/%s" $registry (ternary (trimPrefix (printf "%s/" $first) .image) .image $host) }}
{{- else }}
{{- .image }}
{{- end }}
{{- end }}

{{- define "autotune.image" -}}
{{- $repository := include "autotune.withRegistry" (dict "image" .Values.image.repository "root" .) }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- define "autotune.toolsImage" -}}
{{- if .Values.toolsImage }}
{{- include "autotune.withRegistry" (dict "image" .Values.toolsImage "root" .) }}
{{- else }}
{{- include "autotune.image" . }}
{{- end }}
{{- end }}

{{- define "autotune.imagePullSecrets" -}}
{{- with concat (.Values.imagePullSecrets | default list) ((.Values.global).imagePullSecrets | default list) }}
imagePullSecrets:
  {{- toYaml (uniq .) | nindent 2 }}
{{- end }}
{{- end }}

{{- define "autotune.selectorLabels" -}}
app.kubernetes.io/name: {{ include "autotune.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "autotune.chartLabels" -}}
{{ include "autotune.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "autotune.labels" -}}
{{- include "autotune.labelsWith" (dict "root" . "labels" dict) }}
{{- end }}

{{- /* Labels with those of one object (dict "root" "labels"), which take precedence over commonLabels. One map, because no
       key may be written twice. autotune.check has rejected the chart's own keys. */}}
{{- define "autotune.labelsWith" -}}
{{- toYaml (merge (dict) (include "autotune.chartLabels" .root | fromYaml) (.labels | default dict) (.root.Values.commonLabels | default dict)) }}
{{- end }}

{{- /* What the operator may do where it works on tasks: one list for the ClusterRole and for the Roles. */}}
{{- define "autotune.rules" -}}
- apiGroups: [autotuner.io]
  resources: [autotunetasks]
  # Deletes: finished tasks whose retention is over.
  verbs: [get, list, watch, delete]
- apiGroups: [autotuner.io]
  resources: [autotunetasks/status]
  verbs: [get, patch]
# Owner references with blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [autotuner.io]
  resources: [autotunetasks/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, delete]
# The recommendation, by server-side apply: what is in other ConfigMaps cannot be read.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.rbac.readDeployments }}
# Those that a task names in spec.recommendation.diffAgainst and spec.optimization.baseline.deploymentRef.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get]
- apiGroups: [leaderworkerset.x-k8s.io]
  resources: [leaderworkersets]
  verbs: [get]
- apiGroups: [serving.kserve.io]
  resources: [llminferenceservices]
  verbs: [get]
{{- end }}
{{- end }}
