package dashboards_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	dashboardFile = "../../docs/grafana/webpubsub.json"
	alertsFile    = "../../docs/prometheus/alerts.yaml"
	scenariosFile = "../../docs/prometheus/alerts_test.yaml"
)

// expressions returns all expressions of the dashboard by the title of their panel.
func expressions(t *testing.T) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(dashboardFile)
	require.NoError(t, err)
	var dashboard struct {
		UID, Title string
		Panels     []struct {
			Title, Type string
			Targets     []struct{ Expr, LegendFormat string }
		}
		Templating struct {
			List []struct {
				Name  string
				Query any
			}
		}
	}
	require.NoError(t, json.Unmarshal(data, &dashboard))
	require.NotEmpty(t, dashboard.UID)
	out := make(map[string][]string)
	for _, p := range dashboard.Panels {
		assert.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
		for _, target := range p.Targets {
			out[p.Title] = append(out[p.Title], target.Expr)
		}
	}
	return out
}

// rule is an alert, with the fields that Prometheus knows.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// alerts returns the alerts by name.
func alerts(t *testing.T) map[string]rule {
	t.Helper()
	data, err := os.ReadFile(alertsFile)
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	out := make(map[string]rule)
	for _, g := range file.Groups {
		require.NotEmpty(t, g.Name)
		for _, r := range g.Rules {
			require.NotContains(t, out, r.Alert)
			out[r.Alert] = r
		}
	}
	require.NotEmpty(t, out)
	return out
}

// TestAlerts checks what Prometheus checks when it loads the alerts, and that each has a
// severity, a summary and a description.
func TestAlerts(t *testing.T) {
	t.Parallel()
	for name, r := range alerts(t) {
		_, err := model.ParseDuration(r.For)
		require.NoError(t, err, name)
		assert.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], name)
		assert.NotEmpty(t, r.Annotations["description"], name)
		assert.NotEmpty(t, r.Annotations["summary"], name)
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
		require.NoError(t, err, name)
		assert.Equal(t, parser.ValueTypeVector, expr.Type(), name)
		grouped := make(map[string]bool)
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if sum, ok := node.(*parser.AggregateExpr); ok {
				for _, label := range sum.Grouping {
					grouped[label] = true
				}
			}
			return nil
		})
		for kind, text := range r.Annotations {
			for _, match := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
				assert.True(t, grouped[match[1]], "%s: %s shows label %q, which the expression does not keep", name, kind, match[1])
			}
			_, err := template.New(name).Funcs(template.FuncMap{"humanizePercentage": fmt.Sprint, "humanizeDuration": fmt.Sprint}).
				Parse(`{{$labels := .}}{{$value := 0}}` + text)
			require.NoError(t, err, "%s: %s", name, kind)
		}
	}
}

// variables replaces the variables of Grafana.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$hub", ".*")

// TestQueries: each metric and label that the dashboard and the alerts query is in the
// scrape.
func TestQueries(t *testing.T) {
	t.Parallel()
	families := scrape(t)
	all := expressions(t)
	for name, rule := range alerts(t) {
		all[name] = append(all[name], rule.Expr)
	}
	used := make(map[string]bool)
	for where, list := range all {
		for _, text := range list {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(variables.Replace(text))
			require.NoError(t, err, "%s: %s", where, text)
			check(t, where, families, expr, used)
		}
	}
	// Every metric is on the dashboard or in an alert.
	for name := range families {
		if name != "target_info" {
			assert.True(t, used[name], "%s is not used", name)
		}
	}
}

// check checks the metrics of an expression, and the labels by which it selects and groups.
func check(t *testing.T, where string, families map[string]*dto.MetricFamily, expr parser.Expr, used map[string]bool) {
	t.Helper()
	var known map[string]bool
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			family := familyOf(families, selector.Name)
			if !assert.NotNil(t, family, "%s: metric %q is not in the scrape", where, selector.Name) {
				return nil
			}
			used[family.GetName()] = true
			labels := labelsOf(family)
			for _, m := range selector.LabelMatchers {
				assert.True(t, labels[m.Name], "%s: %s has no label %q, but %q", where, selector.Name, m.Name, slices.Sorted(maps.Keys(labels)))
			}
			if known == nil {
				known = make(map[string]bool)
			}
			maps.Copy(known, labels)
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if sum, ok := node.(*parser.AggregateExpr); ok {
			for _, name := range sum.Grouping {
				assert.True(t, known[name], "%s: no label %q to group by", where, name)
			}
		}
		return nil
	})
}

var suffix = regexp.MustCompile(`_(bucket|count|sum)$`)

func familyOf(families map[string]*dto.MetricFamily, series string) *dto.MetricFamily {
	if f := families[series]; f != nil {
		return f
	}
	if f := families[suffix.ReplaceAllString(series, "")]; f.GetType() == dto.MetricType_HISTOGRAM {
		return f
	}
	return nil
}

// labelsOf returns the labels of a metric, with those that Prometheus adds.
func labelsOf(family *dto.MetricFamily) map[string]bool {
	out := map[string]bool{"__name__": true, "job": true, "instance": true, "le": family.GetType() == dto.MetricType_HISTOGRAM}
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			out[l.GetName()] = true
		}
	}
	return out
}

// TestDocument: docs/observability.md lists every metric with its labels, and every alert.
func TestDocument(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/observability.md")
	require.NoError(t, err)
	rows := make(map[string][]string) // the code spans of a row by the one in its first or second column
	for line := range strings.Lines(string(data)) {
		spans := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1)
		if !strings.HasPrefix(line, "|") || len(spans) == 0 {
			continue
		}
		var texts []string
		for _, s := range spans {
			texts = append(texts, s[1])
		}
		rows[texts[0]] = texts[1:]
		if len(texts) > 1 {
			rows[texts[1]] = texts[2:]
		}
	}
	for name, family := range scrape(t) {
		if name == "target_info" {
			continue
		}
		if !assert.Contains(t, rows, name) {
			continue
		}
		labels := labelsOf(family)
		maps.DeleteFunc(labels, func(label string, _ bool) bool {
			return label == "__name__" || label == "job" || label == "instance" || label == "le" || strings.HasPrefix(label, "otel_scope_")
		})
		assert.ElementsMatch(t, slices.Collect(maps.Keys(labels)), rows[name], name)
	}
	for name := range alerts(t) {
		assert.Contains(t, rows, name)
	}
}
