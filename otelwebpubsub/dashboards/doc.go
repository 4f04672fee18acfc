// Package dashboards tests the dashboard and the alerts in docs/observability against what
// a program that uses otelwebpubsub shows to Prometheus. It is a module of its own, since
// the parser of Prometheus is needed by its tests only.
package dashboards
