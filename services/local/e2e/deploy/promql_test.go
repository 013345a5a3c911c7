package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
)

// everywhere are labels that scraping adds, or the service's registry does.
var everywhere = []string{"job", "instance", "region"}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	ourMetric = regexp.MustCompile(`waymark_[a-z_]+`)
	selector  = regexp.MustCompile(`(waymark_[a-z_]+)\{([^}]*)\}`)
	matcher   = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	variable  = regexp.MustCompile(`\$\{?(\w+)`)
	bracket   = regexp.MustCompile(`\$__(rate_interval|range|interval)`)
	legend    = regexp.MustCompile(`\{\{(\w+)\}\}`)
	grouping  = regexp.MustCompile(`\b(?:by|on|without|ignoring)\s*\(([^)]*)\)`)
)

// checkExpression returns what is wrong with a PromQL expression: what a parser says, of VictoriaMetrics's dialect, which has all of PromQL; counters that
// are asked for without a span of time; metrics that no code registers, histograms without their suffixes, and labels that are not theirs.
func checkExpression(expr string, known map[string]metric) []error {
	var errs []error
	parsed, err := metricsql.Parse(bracket.ReplaceAllString(expr, "5m"))
	if err != nil {
		return []error{err}
	}
	errs = append(errs, checkSpans(parsed)...)
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

// ofSpans are PromQL's functions of a span of time, besides those of a name with _over_time.
var ofSpans = []string{"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear", "changes", "resets"}

// checkSpans finds what the dialect takes and PromQL does not: a rate without a span of time, and a span without a rate.
func checkSpans(parsed metricsql.Expr) (errs []error) {
	isSpan := func(e metricsql.Expr) bool {
		over, is := e.(*metricsql.RollupExpr)
		return is && over.Window != nil
	}
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		switch call := e.(type) {
		case *metricsql.FuncExpr:
			if wants := slices.Contains(ofSpans, call.Name) || strings.HasSuffix(call.Name, "_over_time"); wants != slices.ContainsFunc(call.Args, isSpan) {
				errs = append(errs, fmt.Errorf("a span of time is missing in, or too much for, %s", call.AppendString(nil)))
			}
		case *metricsql.AggrFuncExpr:
			if slices.ContainsFunc(call.Args, isSpan) {
				errs = append(errs, fmt.Errorf("%s of a span of time", call.Name))
			}
		}
	})
	return errs
}

// checkLegend finds labels that a legend names and the expression's outermost aggregation drops.
func checkLegend(text, expr string) error {
	groups := grouping.FindStringSubmatch(expr)
	for _, use := range legend.FindAllStringSubmatch(text, -1) {
		if groups == nil && strings.Contains(expr, "sum(") || groups != nil && !strings.Contains(", "+groups[1]+",", ", "+use[1]+",") {
			return fmt.Errorf("the legend names label %s, which %s drops", use[1], expr)
		}
	}
	return nil
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
		`sum(rate(waymark_x_total[5m])`:                     "unexpected token",
		`sum(rate(waymark_x_total[5m)])`:                    "unexpected token",
		`waymark_x_total{reason="a}`:                        "cannot",
		`rates(waymark_x_total[5m])`:                        "unsupported function",
		`rate(waymark_x_total)`:                             "a span of time is missing",
		`sum(waymark_x_total[5m])`:                          "sum of a span of time",
		`abs(waymark_x_total[5m])`:                          "too much",
		`sum by (le) (rate(waymark_x_total[5m]))`:           "no metric of it has a label le",
		`waymark_x_total / on (code) group_left () up == 1`: "no metric of it has a label code",
	} {
		got := fmt.Sprint(checkExpression(expr, known))
		if says == "" && got != "[]" || !strings.Contains(got, says) {
			t.Errorf("%s: %s, want %q", expr, got, says)
		}
	}
}

func TestCheckLegendFindsLabelsThatAreDropped(t *testing.T) {
	for expr, kept := range map[string]bool{
		`sum by (region, reason) (waymark_x_total)`: true,
		`sum by (region) (waymark_x_total)`:         false,
		`sum(waymark_x_total)`:                      false,
		`waymark_x_total`:                           true,
	} {
		if err := checkLegend("{{reason}}", expr); (err == nil) != kept {
			t.Errorf("%s: %v", expr, err)
		}
	}
}
