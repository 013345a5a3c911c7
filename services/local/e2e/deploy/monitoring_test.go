package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type alertRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) []alertRule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string      `yaml:"name"`
			Rules []alertRule `yaml:"rules"`
		} `yaml:"groups"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	var all []alertRule
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) < 12 {
		t.Fatalf("only %d alerts", len(all))
	}
	return all
}

var (
	alertName   = regexp.MustCompile(`\bWaymark[A-Z][A-Za-z]+`)
	annotated   = regexp.MustCompile(`\$labels\.([a-z_]+)`)
	alertLabels = regexp.MustCompile(`\bby\s*\(([^)]*)\)`)
)

func TestAlertsNameMetricsThatExist(t *testing.T) {
	known := registered(t)
	for _, rule := range alerts(t) {
		for _, err := range checkExpression(rule.Expr, known) {
			t.Errorf("%s: %v", rule.Alert, err)
		}
	}
}

func TestAlertsSayWhatToDo(t *testing.T) {
	all := alerts(t)
	names := make(map[string]bool)
	for _, rule := range all {
		if names[rule.Alert] {
			t.Errorf("%s stands twice", rule.Alert)
		}
		names[rule.Alert] = true
	}
	for _, rule := range all {
		summary, description := rule.Annotations["summary"], rule.Annotations["description"]
		if severity := rule.Labels["severity"]; summary == "" || description == "" || severity != "page" && severity != "ticket" {
			t.Errorf("%s: want a summary, a description and severity page or ticket", rule.Alert)
		}
		for _, other := range alertName.FindAllString(rule.Alert+" "+summary+" "+description, -1) {
			if !names[other] {
				t.Errorf("%s speaks of %s, which is no alert", rule.Alert, other)
			}
		}
		// An aggregation leaves only the labels it names.
		groups := alertLabels.FindAllStringSubmatch(rule.Expr, -1)
		for _, use := range annotated.FindAllStringSubmatch(summary+description, -1) {
			kept := len(groups) == 0
			for _, group := range groups {
				kept = kept || strings.Contains(", "+group[1]+",", ", "+use[1]+",")
			}
			if !kept {
				t.Errorf("%s: its text uses label %s, which its expression drops", rule.Alert, use[1])
			}
		}
		if err := balanced(summary + description); err != nil {
			t.Errorf("%s: its text: %v", rule.Alert, err)
		}
	}
}

func TestPrometheusLoadsTheAlerts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			JobName string `yaml:"job_name"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.RuleFiles) != 1 || file.RuleFiles[0] != "alerts.yml" {
		t.Errorf("rule_files: %v", file.RuleFiles)
	}
	jobs := make(map[string]bool)
	for _, scrape := range file.ScrapeConfigs {
		jobs[scrape.JobName] = true
	}
	for _, rule := range alerts(t) {
		for _, use := range regexp.MustCompile(`job="([^"]+)"`).FindAllStringSubmatch(rule.Expr, -1) {
			if !jobs[use[1]] {
				t.Errorf("%s asks for job %q, which is not scraped", rule.Alert, use[1])
			}
		}
	}
}
