package dashboards_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// scenarios is the file of the alerts' tests, in the format of promtool.
type scenarios struct {
	RuleFiles []string       `yaml:"rule_files"`
	Interval  model.Duration `yaml:"evaluation_interval"`
	Tests     []struct {
		Name     string         `yaml:"name"`
		Interval model.Duration `yaml:"interval"` // of the values
		Series   []struct {
			Series string `yaml:"series"`
			Values string `yaml:"values"`
		} `yaml:"input_series"`
		Alerts []struct {
			At    model.Duration `yaml:"eval_time"`
			Alert string         `yaml:"alertname"`
			Want  []firing       `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	} `yaml:"tests"`
}

// firing is an alert that fires.
type firing struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

// TestAlertsFire evaluates the alerts over the series of their tests, as Prometheus does.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(scenariosFile)
	require.NoError(t, err)
	var file scenarios
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	all := alerts(t)
	tested := make(map[string]bool)
	for _, tt := range file.Tests {
		for _, c := range tt.Alerts {
			tested[c.Alert] = true
		}
	}
	for name := range all {
		assert.True(t, tested[name], "%s has no test", name)
	}
	for _, tt := range file.Tests {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			load := fmt.Sprintf("load %s\n", tt.Interval)
			for _, s := range tt.Series {
				load += "  " + s.Series + " " + s.Values + "\n"
			}
			query := rules.EngineQueryFunc(promqltest.NewTestEngine(t, false, 0, 100_000), promqltest.LoadedStorage(t, load))
			for _, c := range tt.Alerts {
				require.Contains(t, all, c.Alert)
				r := ruleOf(t, all[c.Alert])
				for at := time.Duration(0); at <= time.Duration(c.At); at += time.Duration(file.Interval) {
					_, err := r.Eval(t.Context(), 0, time.Unix(0, 0).Add(at), query, nil, 0)
					require.NoError(t, err)
				}
				assert.ElementsMatch(t, c.Want, firingOf(r), "%s after %s", c.Alert, c.At)
			}
		})
	}
}

// ruleOf returns an alert as Prometheus loads it.
func ruleOf(t *testing.T, r rule) *rules.AlertingRule {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
	require.NoError(t, err)
	hold, err := model.ParseDuration(r.For)
	require.NoError(t, err)
	return rules.NewAlertingRule(r.Alert, expr, time.Duration(hold), 0, labels.FromMap(r.Labels), labels.FromMap(r.Annotations),
		labels.EmptyLabels(), "", true, promslog.NewNopLogger())
}

// firingOf returns the alerts of a rule that fire, without the name of the rule.
func firingOf(r *rules.AlertingRule) []firing {
	var out []firing
	for _, a := range r.ActiveAlerts() {
		if a.State != rules.StateFiring {
			continue
		}
		f := firing{Labels: a.Labels.Map(), Annotations: a.Annotations.Map()}
		delete(f.Labels, model.AlertNameLabel)
		for name, text := range f.Annotations { // YAML folds lines
			f.Annotations[name] = strings.TrimSpace(text)
		}
		out = append(out, f)
	}
	return out
}
