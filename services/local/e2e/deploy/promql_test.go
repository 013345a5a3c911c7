package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everywhere are labels that scraping adds, or the service's registry does.
var everywhere = []string{"job", "instance", "region"}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	ourMetric = regexp.MustCompile(`waymark_[a-z_]+`)
	selector  = regexp.MustCompile(`(waymark_[a-z_]+)\{([^}]*)\}`)
	matcher   = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	grouping  = regexp.MustCompile(`\b(?:by|on|without|ignoring)\s*\(([^)]*)\)`)
)

// checkExpression returns what is wrong with a PromQL expression as far as names and brackets go: that the metrics are registered,
// histograms and only they are used with their suffixes, and the labels are theirs. It is no parser of PromQL.
func checkExpression(expr string, known map[string]metric) []error {
	var errs []error
	if err := balanced(expr); err != nil {
		errs = append(errs, err)
	}
	// Values of matchers are no names: drop what stands in quotes.
	bare := quoted.ReplaceAllString(expr, `""`)
	labels := slices.Clone(everywhere)
	for _, name := range ourMetric.FindAllString(bare, -1) {
		m, err := look(name, known)
		if err != nil {
			errs = append(errs, err)
		}
		labels = append(labels, m.labels...)
		if strings.HasSuffix(name, "_bucket") {
			labels = append(labels, "le")
		}
	}
	for _, use := range selector.FindAllStringSubmatch(bare, -1) {
		m, _ := look(use[1], known)
		for _, label := range matcher.FindAllStringSubmatch(use[2], -1) {
			if !slices.Contains(m.labels, label[1]) && !slices.Contains(everywhere, label[1]) {
				errs = append(errs, fmt.Errorf("%s has no label %s", use[1], label[1]))
			}
		}
	}
	for _, group := range grouping.FindAllStringSubmatch(bare, -1) {
		for label := range strings.SplitSeq(group[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(labels, label) {
				errs = append(errs, fmt.Errorf("no metric of it has a label %s", label))
			}
		}
	}
	return errs
}

func look(name string, known map[string]metric) (metric, error) {
	base := name
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if cut, has := strings.CutSuffix(name, suffix); has {
			base = cut
		}
	}
	m, found := known[base]
	switch {
	case !found:
		return m, fmt.Errorf("no code registers %s", name)
	case m.histogram && base == name:
		return m, fmt.Errorf("%s is a histogram: want _bucket, _sum or _count of it", name)
	case !m.histogram && base != name:
		return m, fmt.Errorf("%s: %s is no histogram", name, base)
	}
	return m, nil
}

func balanced(expr string) error {
	closing := map[rune]rune{')': '(', ']': '[', '}': '{'}
	var open []rune
	inString := false
	for _, r := range expr {
		switch {
		case r == '"':
			inString = !inString
		case inString:
		case strings.ContainsRune("([{", r):
			open = append(open, r)
		case closing[r] != 0:
			if len(open) == 0 || open[len(open)-1] != closing[r] {
				return fmt.Errorf("%q closes nothing", r)
			}
			open = open[:len(open)-1]
		}
	}
	if inString || len(open) > 0 {
		return fmt.Errorf("a bracket or string is left open")
	}
	return nil
}

func TestCheckExpressionFindsMistakes(t *testing.T) {
	known := map[string]metric{"waymark_x_total": {labels: []string{"reason"}}, "waymark_x_seconds": {histogram: true}}
	for expr, says := range map[string]string{
		`sum by (reason) (rate(waymark_x_total{reason!="a)"}[5m]))`:                         "",
		`histogram_quantile(0.9, sum by (le, region) (rate(waymark_x_seconds_bucket[5m])))`: "",
		`rate(waymark_y_total[5m])`:                         "no code registers waymark_y_total",
		`rate(waymark_x_seconds[5m])`:                       "is a histogram",
		`rate(waymark_x_total_sum[5m])`:                     "is no histogram",
		`waymark_x_total{code="1"}`:                         "has no label code",
		`sum by (code) (waymark_x_total)`:                   "no metric of it has a label code",
		`sum(rate(waymark_x_total[5m])`:                     "left open",
		`sum(rate(waymark_x_total[5m)])`:                    "closes nothing",
		`waymark_x_total{reason="a}`:                        "left open",
		`sum by (le) (rate(waymark_x_total[5m]))`:           "no metric of it has a label le",
		`waymark_x_total / on (code) group_left () up == 1`: "no metric of it has a label code",
	} {
		got := fmt.Sprint(checkExpression(expr, known))
		if says == "" && got != "[]" || !strings.Contains(got, says) {
			t.Errorf("%s: %s, want %q", expr, got, says)
		}
	}
}
