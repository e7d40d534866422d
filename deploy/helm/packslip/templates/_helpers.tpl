{{- define "packslip.name" -}}
{{- if contains "packslip" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-packslip{{ end }}
{{- end -}}

{{- define "packslip.selector" -}}
app.kubernetes.io/name: packslip
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "packslip.labels" -}}
{{ include "packslip.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "packslip.checks" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.existingSecret) }}
{{- fail "More than one node needs existingSecret, with PACKSLIP_DATABASE_URL (PostgreSQL) and PACKSLIP_SECRET_KEY." }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (not (hasPrefix "s3://" (default "" .Values.settings.PACKSLIP_STORAGE_URL))) }}
{{- fail "More than one node needs an object store: settings.PACKSLIP_STORAGE_URL." }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.existingSecret) }}
{{- fail "serviceMonitor needs existingSecret, with PACKSLIP_METRICS_TOKEN." }}
{{- end }}
{{- end -}}
